/* Completes what is typed into a search box: an editable combobox with a list. htmx fetches the list.
   Comfort only: without this file the box is a plain one. */
"use strict";

(() => {
  if (!window.htmx) return;

  const complete = (input) => {
    const list = document.getElementById(`${input.id}-list`);
    let active = -1;
    let sent = null;
    const options = () => [...list.querySelectorAll("[role=option]")];

    /* A search box must not be a combobox, a text box may. */
    input.type = "text";
    input.enterKeyHint = "search";
    for (const [name, value] of [["role", "combobox"], ["aria-autocomplete", "list"], ["aria-controls", list.id], ["aria-expanded", "false"]])
      input.setAttribute(name, value);

    const point = (number) => {
      active = number;
      options().forEach((option, at) => option.setAttribute("aria-selected", String(at === number)));
      const chosen = options()[number];
      if (chosen) {
        input.setAttribute("aria-activedescendant", chosen.id);
        chosen.scrollIntoView({ block: "nearest" });
      } else input.removeAttribute("aria-activedescendant");
    };

    const show = (open) => {
      list.hidden = !open;
      input.setAttribute("aria-expanded", String(open));
      point(-1);
    };

    const take = (option) => {
      input.value = option.dataset.text;
      show(false);
      input.form.requestSubmit();
    };

    const move = (step) => {
      const count = options().length;
      if (!count) return false;
      if (list.hidden) show(true);
      /* One place more than options: the box itself, with what was typed. */
      const places = count + 1;
      point(((active + 1 + step + places) % places) - 1);
      return true;
    };

    input.addEventListener("keydown", (event) => {
      if (event.isComposing || event.keyCode === 229) return; // the keys belong to the input method
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        if (move(event.key === "ArrowDown" ? 1 : -1)) event.preventDefault();
      } else if (event.key === "Enter" && active >= 0) {
        event.preventDefault();
        take(options()[active]);
      } else if (event.key === "Escape" && !list.hidden) {
        event.preventDefault();
        show(false);
      }
    });
    input.addEventListener("input", () => {
      sent = null;
      point(-1);
    });
    input.addEventListener("blur", () => show(false));
    input.form.addEventListener("submit", () => {
      sent = input.value; // what still comes for it is no help any more
      show(false);
      list.replaceChildren();
    });
    list.addEventListener("mousedown", (event) => event.preventDefault());
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) take(option);
    });
    list.addEventListener("htmx:afterSwap", () => {
      show(document.activeElement === input && input.value !== sent && options().length > 0);
    });
  };

  document.querySelectorAll("input[data-suggest]").forEach(complete);
})();
