// The frame: palette, live region, focus after a swap, menus that close. Everything works without it, more slowly.
const live = document.getElementById("live");
const palette = document.getElementById("palette");

/** Let a screen reader hear `text`; any module may dispatch `new CustomEvent("say", {detail: text})`. */
document.addEventListener("say", (event) => {
  if (!live) return;
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = event.detail; });
});

document.querySelector("[data-focus]")?.focus();

document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll("details.dropdown[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    const open = document.activeElement?.closest("details.dropdown[open]");
    if (open) {
      open.open = false;
      open.querySelector("summary").focus();
    }
  }
});

// After a swap the focus goes where the part says (`data-focus`), else back to the element with the same id, and the count is said.
document.addEventListener("htmx:beforeRequest", (event) => event.target.setAttribute("aria-busy", "true"));
document.addEventListener("htmx:afterRequest", (event) => event.target.removeAttribute("aria-busy"));
document.addEventListener("htmx:afterSwap", (event) => {
  const part = event.detail.elt;
  (part.matches("[data-focus]") ? part : part.querySelector("[data-focus]"))?.focus();
  const said = part.dataset.say ?? part.querySelector("[data-say]")?.dataset.say;
  if (said) document.dispatchEvent(new CustomEvent("say", { detail: said }));
});

if (palette) {
  const input = palette.querySelector("input");
  const results = document.getElementById("palette-results");
  let before = null;
  let asked = 0;
  let waiting = 0;

  const options = () => [...results.querySelectorAll("[role=option]")];
  const chosen = () => results.querySelector("[aria-selected=true]");

  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    if (!option) return input.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  };

  const ask = async () => {
    const mine = ++asked;
    const token = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
    const answer = await fetch(palette.dataset.url, {
      method: "POST",
      headers: { "HX-Request": "true", "X-CSRFToken": token },
      body: new URLSearchParams({ q: input.value }),
    }).catch(() => null);
    if (mine !== asked) return;
    if (answer?.redirected || answer?.status === 401) return location.reload();
    if (!answer?.ok) return;
    results.innerHTML = await answer.text();
    input.setAttribute("aria-expanded", String(options().length > 0));
    choose(options()[0]);
  };

  const open = () => {
    if (palette.open) return input.select();
    before = document.activeElement;
    palette.showModal();
    input.select();
    ask();
  };

  palette.addEventListener("close", () => before?.focus());
  palette.addEventListener("click", (event) => { if (event.target === palette) palette.close(); });
  input.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 80); });
  input.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    const go = { ArrowDown: at + 1, ArrowUp: at - 1, Home: event.ctrlKey ? 0 : NaN, End: event.ctrlKey ? -1 : NaN }[event.key];
    if (all.length && Number.isInteger(go)) {
      event.preventDefault();
      choose(all.at(go % all.length));
    } else if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      chosen().click();
    }
  });
  document.querySelector("[data-palette]")?.addEventListener("submit", (event) => { event.preventDefault(); open(); });
  document.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
      event.preventDefault();
      open();
    }
  });
}
