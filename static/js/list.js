// Lists: choosing rows, and keys j k x Enter while the focus is inside the list and the person keeps shortcuts on.
const say = (text) => document.dispatchEvent(new CustomEvent("say", { detail: text }));

for (const list of document.querySelectorAll("[data-list]")) {
  const bar = list.querySelector("[data-selection]");
  const all = list.querySelector("[data-pick-all]");
  const picks = () => [...list.querySelectorAll("[name=pick]")];
  const rows = () => [...list.querySelectorAll("tbody tr")];
  let last = null;

  const count = () => {
    const boxes = picks();
    const n = boxes.filter((box) => box.checked).length;
    if (bar) {
      bar.hidden = n === 0;
      for (const place of bar.querySelectorAll("[data-count]")) place.textContent = n.toLocaleString(document.documentElement.lang);
      for (const part of bar.querySelectorAll("[data-when-page]")) part.hidden = n < boxes.length;
    }
    if (all) {
      all.checked = n > 0 && n === boxes.length;
      all.indeterminate = n > 0 && n < boxes.length;
    }
  };

  list.addEventListener("change", (event) => {
    if (event.target === all) for (const box of picks()) box.checked = all.checked;
    count();
    if (event.target === all || event.target.name === "pick") say(bar?.innerText.split("\n")[0] ?? "");
  });
  list.addEventListener("click", (event) => {
    if (event.target.name !== "pick") return;
    const boxes = picks();
    if (event.shiftKey && last) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(event.target)].sort((a, b) => a - b);
      for (const box of boxes.slice(from, to + 1)) box.checked = event.target.checked;
      count();
    }
    last = event.target;
  });

  list.addEventListener("keydown", (event) => {
    if (!document.body.hasAttribute("data-shortcuts") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.matches("input:not([type=checkbox]), select, textarea, summary")) return;
    const here = event.target.closest("tbody tr");
    const at = rows().indexOf(here);
    const to = { j: at + 1, ArrowDown: at + 1, k: at - 1, ArrowUp: at - 1 }[event.key];
    if (to !== undefined) {
      const row = rows()[Math.max(0, to)];
      if (!row) return;
      event.preventDefault();
      row.querySelector("th a, a, [name=pick]")?.focus();
    } else if (event.key === "x" && here) {
      event.preventDefault();
      here.querySelector("[name=pick]")?.click();
    }
  });
  list.addEventListener("focusin", (event) => {
    list.querySelector("tr.here")?.classList.remove("here");
    event.target.closest("tbody tr")?.classList.add("here");
  });
  count();
}
