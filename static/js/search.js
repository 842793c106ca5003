/* The search page without reloading: htmx fetches what changes, this keeps all else as it is.
   Comfort only: every state is an address, and the form works without this file. */
"use strict";

(() => {
  const form = document.querySelector("form[data-live-search]");
  if (!form || !window.htmx) return;
  const REGIONS = "#search-box, #search-basis, #search-panel, #search-status";
  const byId = (id) => document.getElementById(id);

  /** A tick and a choice from a list count at once; what is typed counts when it is sent. */
  form.addEventListener("change", (event) => {
    const control = event.target;
    if (control.form === form && control.matches("input[type=checkbox], select")) form.requestSubmit();
  });

  /* On a narrow screen the results lie below the open filters: its button leads to them. */
  form.addEventListener("submit", (event) => {
    const panel = byId("search-panel");
    const summary = panel.querySelector("summary");
    if (!event.submitter || !panel.contains(event.submitter) || !summary.checkVisibility()) return;
    panel.open = false;
    summary.focus();
  });

  /** Take over a value only where the answer knows another than before: half-typed words stay. */
  const takeValue = (mine, fresh) => {
    if (mine.localName === "select") {
      if (mine.innerHTML !== fresh.innerHTML) mine.replaceChildren(...fresh.cloneNode(true).childNodes);
      mine.value = fresh.value;
    } else if (mine.defaultValue !== fresh.defaultValue) {
      mine.defaultValue = fresh.defaultValue;
      mine.value = fresh.defaultValue;
      if (mine.dataset.money) mine.dispatchEvent(new Event("input", { bubbles: true }));
    }
  };

  const takeContent = (mine, fresh) => {
    if (mine.innerHTML !== fresh.innerHTML) mine.replaceChildren(...fresh.childNodes);
  };

  const boxes = (facet) => [...facet.querySelectorAll("input[type=checkbox]")];

  /** Counts and ticks change where they stand; only other values than before make a facet anew. */
  const takeFacet = (mine, fresh) => {
    const known = new Map(boxes(mine).map((box) => [box.value, box]));
    const now = boxes(fresh);
    if (known.size !== now.length || now.some((box) => !known.has(box.value))) {
      const held = mine.contains(document.activeElement) ? document.activeElement.value : null;
      mine.replaceChildren(...fresh.childNodes);
      boxes(mine).find((box) => box.value === held)?.focus({ preventScroll: true });
      return;
    }
    for (const box of now) {
      const here = known.get(box.value);
      here.checked = here.defaultChecked = box.checked;
      for (const part of ["label", ".facet__count"]) {
        const [old, other] = [here, box].map((each) => each.parentElement.querySelector(part));
        if (old.textContent !== other.textContent) old.replaceChildren(...other.childNodes);
      }
    }
  };

  const facetNames = (root) => [...root.querySelectorAll("[data-facet]")].map((each) => each.dataset.facet).sort().join();

  /** Other filters than before: all are made anew, with open groups, half-typed words and the focus as they were. */
  const makeFiltersAnew = (panel, fresh) => {
    const open = [...panel.querySelectorAll("details[open] > summary[id]")].map((each) => each.id);
    const inputs = [...panel.querySelectorAll("input[id]:not([type=checkbox])")];
    const held = panel.contains(document.activeElement) ? document.activeElement : null;
    const [mine, other] = [panel, fresh].map((each) => each.querySelector(".panel__body"));
    mine.replaceChildren(...other.childNodes);
    for (const id of open) if (byId(id)) byId(id).parentElement.open = true;
    for (const old of inputs) {
      const now = byId(old.id);
      if (now && now.defaultValue === old.defaultValue) now.value = old.value;
    }
    const again = [...panel.querySelectorAll("input, summary")].find((each) => held && each.localName === held.localName && (held.name ? each.name === held.name && (held.type !== "checkbox" || each.value === held.value) : each.id && each.id === held.id));
    again?.focus({ preventScroll: true });
  };

  /** Bring a part of the page up to date in place: focus and open groups are left alone. */
  const refresh = (region, fresh) => {
    if (facetNames(region) !== facetNames(fresh)) makeFiltersAnew(region, fresh);
    for (const each of fresh.querySelectorAll("input[id]:not([type=checkbox]), select[id]")) {
      const mine = byId(each.id);
      if (mine) takeValue(mine, each);
    }
    for (const each of fresh.querySelectorAll("[data-live], .field__hint[id]")) {
      const mine = byId(each.id);
      if (mine) takeContent(mine, each);
    }
    for (const each of fresh.querySelectorAll("[data-facet]")) {
      const mine = region.querySelector(`[data-facet="${each.dataset.facet}"]`);
      if (mine) takeFacet(mine, each);
    }
  };

  /** Say the words once: one change of the one live region. */
  const say = (...words) => byId("search-status").replaceChildren(...words);

  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const { target, fragment } = event.detail;
    if (!target.matches(REGIONS)) return;
    event.detail.shouldSwap = false;
    const fresh = fragment.querySelector(`#${target.id}`);
    if (target.id === "search-status") say(...fresh.childNodes);
    else refresh(target, fresh);
  });

  const isOwn = (event) => event.detail.target?.id === "search-found";
  const picked = () => [...document.querySelectorAll("#search-found input[form=compare-form]:checked")];
  let kept = [];

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (isOwn(event)) kept = picked().map((box) => box.id);
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (!isOwn(event)) return;
    byId("search-trouble").replaceChildren();
    for (const id of kept) if (byId(id)) byId(id).checked = true;
    /* The link that was pressed is gone with its condition or page: go on from the results. */
    if (document.activeElement === document.body) byId("search-found").focus({ preventScroll: true });
  });

  /** The sentences of an error page, or those for no answer at all. */
  const readTrouble = (text) => {
    const page = new DOMParser().parseFromString(text, "text/html").querySelector("main");
    const title = page?.querySelector("h1")?.textContent.trim();
    if (!title) return ["つながりませんでした", ["通信の状態を確かめて、もう一度お試しください。"]];
    const told = [...page.querySelectorAll(".prose > p:not(:has(a)), .prose > ul > li")];
    return [title, told.map((each) => each.textContent.trim())];
  };

  const showTrouble = (text) => {
    const [title, sentences] = readTrouble(text);
    const notice = byId("search-trouble-notice").content.cloneNode(true);
    const words = notice.querySelector(".notice__title .hidden-text").parentElement;
    words.lastChild.textContent = title;
    const kind = notice.querySelector("p");
    for (const sentence of sentences) {
      const line = document.createElement("p");
      line.textContent = sentence;
      kind.before(line);
    }
    byId("search-trouble").replaceChildren(notice);
    say(`検索結果を更新できませんでした。${title}。`);
  };

  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => {
      if (isOwn(event)) showTrouble(event.detail.xhr?.responseText || "");
    });
  }
})();
