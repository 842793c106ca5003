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
    if (!/^\d{5,12}$/.test(digits)) return "";
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

  /* What is typed into a form with a [data-autosave] line is kept as a draft; only the button makes it count. */
  const KEEP_AFTER = 3000;
  const NOT_KEPT = "自動保存できませんでした。入力した内容は、この画面に残っています。";

  const draftTitle = () =>
    [...document.querySelectorAll(".page-caption, h1")]
      .map((each) => each.textContent.trim().replace(/\s+/g, " "))
      .join("：")
      .slice(0, 200);

  const keepDrafts = (line) => {
    const form = line.closest("form");
    let timer = 0;
    let running = null;
    let stopped = false;

    const say = (words) => {
      if (line.textContent !== words) line.textContent = words;
    };

    const keep = async () => {
      running = new AbortController();
      const body = new URLSearchParams(new FormData(form));
      if (form.elements.draft_mark) body.set("draft_title", draftTitle());
      try {
        const answer = await fetch(line.dataset.autosave, {
          method: "POST",
          headers: { Accept: "application/json" },
          body,
          signal: running.signal,
          keepalive: true,
        });
        const told = await answer.json();
        if (answer.ok) {
          (form.elements.drafts || form.elements.draft_mark).value = told.drafts;
          say(`書きかけを控えました ${told.saved_at}（まだ保存していません）`);
        } else {
          stopped = answer.status === 409 || answer.status === 412;
          say(answer.status === 412 ? "ほかの画面でも同じところに入力しています。ここで保存すると、見比べて選べます。" : answer.status === 413 ? told.message : NOT_KEPT);
        }
      } catch (error) {
        if (error.name !== "AbortError") say(NOT_KEPT);
      }
    };

    const wait = () => {
      clearTimeout(timer);
      timer = stopped ? 0 : setTimeout(keepNow, KEEP_AFTER);
    };
    const keepNow = () => {
      timer = 0;
      keep();
    };
    /* Whoever leaves the page within the pause loses nothing, either. */
    const flush = () => {
      if (!timer || stopped) return;
      clearTimeout(timer);
      keepNow();
    };
    form.addEventListener("input", wait);
    window.addEventListener("pagehide", flush);
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") flush();
    });
    form.addEventListener("submit", () => {
      stopped = true;
      clearTimeout(timer);
      running?.abort();
    });
  };
  document.querySelectorAll("[data-autosave]").forEach(keepDrafts);

  const prepare = (root) => root.querySelectorAll("textarea[data-counter]").forEach(showCount);
  prepare(document);
  document.addEventListener("htmx:load", (event) => prepare(event.target));
})();
