// Lists: choosing rows, and keys j k x Enter while the focus is inside the list and the person keeps shortcuts on.
// Listeners sit on the document, so a list that was swapped keeps working.
const say = (text) => document.dispatchEvent(new CustomEvent("say", { detail: text }));
const listOf = (event) => event.target.closest?.("[data-list]");
const picksOf = (list) => [...list.querySelectorAll("[name=pick]")];
let last = null;

function count(list) {
  const boxes = picksOf(list);
  const n = boxes.filter((box) => box.checked).length;
  const bar = list.querySelector("[data-selection]");
  const all = list.querySelector("[data-pick-all]");
  if (bar) {
    bar.hidden = n === 0;
    for (const place of bar.querySelectorAll("[data-count]")) place.textContent = n.toLocaleString(document.documentElement.lang);
  }
  if (all) {
    all.checked = n > 0 && n === boxes.length;
    all.indeterminate = n > 0 && n < boxes.length;
  }
  return n;
}

document.addEventListener("change", (event) => {
  const list = listOf(event);
  if (!list) return;
  if (event.target.matches("[data-pick-all]")) {
    for (const box of picksOf(list)) box.checked = event.target.checked;
  } else if (event.target.name !== "pick") return;
  if (count(list)) say(list.querySelector("[data-selection]")?.innerText.split("\n")[0] ?? "");
});

document.addEventListener("click", (event) => {
  if (event.target.name !== "pick") return;
  const list = listOf(event);
  const boxes = picksOf(list);
  const [from, to] = [boxes.indexOf(last), boxes.indexOf(event.target)].sort((a, b) => a - b);
  if (event.shiftKey && from >= 0) {
    for (const box of boxes.slice(from, to + 1)) box.checked = event.target.checked;
    count(list);
  }
  last = event.target;
});

document.addEventListener("keydown", (event) => {
  const list = listOf(event);
  if (!list || !document.body.hasAttribute("data-shortcuts") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input:not([type=checkbox]), select, textarea, summary")) return;
  const rows = [...list.querySelectorAll("tbody tr")];
  const here = event.target.closest("tbody tr");
  const at = rows.indexOf(here);
  const to = { j: at + 1, ArrowDown: at + 1, k: at - 1, ArrowUp: at - 1 }[event.key];
  if (to !== undefined && rows[Math.max(0, to)]) {
    event.preventDefault();
    rows[Math.max(0, to)].querySelector("th a, a, [name=pick]")?.focus();
  } else if (event.key === "x" && here) {
    event.preventDefault();
    here.querySelector("[name=pick]")?.click();
  }
});

document.addEventListener("focusin", (event) => {
  const list = listOf(event);
  list?.querySelector("tr.here")?.classList.remove("here");
  if (list) event.target.closest("tbody tr")?.classList.add("here");
});

const settle = () => document.querySelectorAll("[data-list]").forEach(count);
document.addEventListener("htmx:afterSwap", settle);
addEventListener("pageshow", settle);
