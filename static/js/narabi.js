/* Comfort only: every page does its job without this file. */
"use strict";

(() => {
  const ANNOUNCE_AFTER = 700;
  const timers = new WeakMap();

  /** Characters as the server counts them: code points, line ends as one. */
  const countCharacters = (text) => Array.from(text.replace(/\r\n/g, "\n")).length;

  const counterWords = (used, limit) =>
    used > limit
      ? `${used - limit}文字超過しています（${used}／${limit}文字）`
      : `あと${limit - used}文字`;

  const showCount = (area) => {
    const line = document.getElementById(area.dataset.counter);
    const limit = Number(area.dataset.limit);
    if (!line || !limit) return;
    const used = countCharacters(area.value);
    line.textContent = counterWords(used, limit);
    line.classList.toggle("field__below--over", used > limit);
  };

  /** 12万3,456円 from 1万 upwards, as the server writes it; nothing for anything that is no whole amount. */
  const moneyWords = (text) => {
    const digits = text.normalize("NFKC").replace(/[,\s円]/g, "");
    if (!/^\d{5,15}$/.test(digits)) return "";
    const amount = Number(digits);
    const oku = Math.floor(amount / 1e8);
    const man = Math.floor(amount / 1e4) % 1e4;
    const rest = amount % 1e4;
    if (amount < 1e4) return "";
    return [oku && `${oku.toLocaleString("ja-JP")}億`, man && `${man.toLocaleString("ja-JP")}万`, rest && rest.toLocaleString("ja-JP")]
      .filter(Boolean).join("") + "円";
  };

  const showMoney = (input) => {
    const line = document.getElementById(input.dataset.money);
    if (line) line.textContent = moneyWords(input.value);
  };

  /* The live region speaks after a pause, not on every key. */
  const afterPause = (element, act) => {
    clearTimeout(timers.get(element));
    timers.set(element, setTimeout(() => act(element), ANNOUNCE_AFTER));
  };

  document.addEventListener("input", (event) => {
    const element = event.target;
    if (element.matches("textarea[data-counter]")) afterPause(element, showCount);
    if (element.matches("input[data-money]")) showMoney(element);
  });

  const prepare = (root) => root.querySelectorAll("textarea[data-counter]").forEach(showCount);
  prepare(document);
  document.addEventListener("htmx:load", (event) => prepare(event.target));
})();
