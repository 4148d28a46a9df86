// Reconciling by keyboard. Keys work only while a line has the focus and the person keeps shortcuts on; every one of
// them presses a link or a button that is on the page. After an accept the focus goes on at once, nothing else moves.
const list = document.querySelector("[data-pairs]");
const say = (text) => document.dispatchEvent(new CustomEvent("say", { detail: text }));
const rows = () => [...list.querySelectorAll(".pair")];
const rowOf = (node) => node.closest?.(".pair");
const isOpen = (row) => !row.classList.contains("settled") && row.getAttribute("aria-busy") !== "true";
const done = []; // ids of lines done here, for undo

function go(row) {
  if (!row) return;
  for (const other of list.querySelectorAll('.pair[tabindex="0"]')) other.tabIndex = -1;
  row.tabIndex = 0;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
}

function after(row) {
  const all = rows();
  return all.slice(all.indexOf(row) + 1).find(isOpen) ?? document.getElementById("next-lines");
}

function accept(row) {
  const form = row.querySelector("[data-accept]");
  if (!form) return;
  if (!form.querySelector('[name="suggestion"]')) return open(row, WAYS.f);
  if (!form.querySelector('[name="suggestion"]:is([type="hidden"], :checked)')) return say(list.dataset.choose);
  form.requestSubmit();
}

/** A proposal was accepted: go on while it is under way. */
function sent(form) {
  const row = rowOf(form);
  row.setAttribute("aria-busy", "true");
  const next = after(row);
  if (next?.classList.contains("pair")) go(next);
  else next?.focus();
}

function undo(row) {
  let form = row?.querySelector("[data-undo]");
  while (!form && done.length) form = document.getElementById(done.pop())?.querySelector("[data-undo]");
  form?.requestSubmit();
}

const WAYS = { f: "match/", s: "match/?split=1", n: "entry/", t: "transfer/", i: "ignore/" };
function open(row, way) {
  if (!isOpen(row) || !list.dataset.lines) return;
  htmx.ajax("GET", `${list.dataset.lines}${row.dataset.line}/${way}`, { target: row.querySelector(".pair-panel"), swap: "innerHTML" });
}

if (list) {
  const first = document.getElementById(location.hash.slice(1)) ?? rows()[0];
  if (first) first.tabIndex = 0;
  if (document.body.hasAttribute("data-shortcuts") && first) go(first);

  document.addEventListener("keydown", (event) => {
    const row = rowOf(event.target);
    if (event.key === "Escape" && row?.querySelector(".pair-panel:not(:empty)")) {
      row.querySelector(".pair-panel").replaceChildren();
      return go(row);
    }
    if (!row || !list.contains(row) || !document.body.hasAttribute("data-shortcuts")) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest(".pair-panel, .menu")) return;
    if (event.target.matches("select, textarea, input:not([type=checkbox], [type=radio])")) return;
    const all = rows();
    const at = all.indexOf(row);
    const to = { j: at + 1, ArrowDown: at + 1, k: at - 1, ArrowUp: at - 1 }[event.key];
    const onButton = event.target.matches("a, button, summary");
    if (to !== undefined) go(all[Math.min(all.length - 1, Math.max(0, to))]);
    else if (event.key === "Enter" && !onButton) { if (!event.repeat) accept(row); }
    else if (/^[1-3]$/.test(event.key)) {
      const choice = row.querySelectorAll('[type="radio"][name="suggestion"]')[event.key - 1];
      if (choice) { choice.checked = true; say(choice.closest("label").innerText); }
    } else if (WAYS[event.key]) open(row, WAYS[event.key]);
    else if (event.key === "u") undo(row);
    else if (event.key === "x") row.querySelector(".pair-pick")?.click();
    else if (event.key === "?") { const keys = document.getElementById("keys"); if (keys) keys.open = !keys.open; }
    else return;
    event.preventDefault();
  });

  list.addEventListener("click", (event) => {
    const row = rowOf(event.target);
    if (row && !event.target.closest("a, button, input, label, summary, select, textarea, .pair-panel")) go(row);
    if (event.target.closest("[data-close]")) { event.preventDefault(); row.querySelector(".pair-panel").replaceChildren(); go(row); }
    if (event.target.closest("[data-more]")) { event.preventDefault(); open(row, WAYS.f); }
  });

  list.addEventListener("change", (event) => {
    if (event.target.name !== "line") return;
    const n = list.querySelectorAll(".pair-pick:checked").length;
    const place = document.querySelector("[data-picked]");
    if (place) { place.hidden = n === 0; place.textContent = n; }
  });

  // Swaps: a row takes its new state where it stands and keeps its height; the focus stays with the person.
  let held = null;
  let undoing = null;
  let height = 0;
  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-undo]")) undoing = rowOf(event.target)?.id ?? null;
    if (event.target.matches("[data-accept]")) sent(event.target); // now, not when its turn in the queue comes
  }, true);
  document.addEventListener("htmx:beforeSwap", (event) => {
    const row = rowOf(event.detail.target);
    held = row?.contains(document.activeElement) ? row.id : null;
    height = row && !row.querySelector(".pair-panel:not(:empty)") ? row.offsetHeight : 0;
    row?.removeAttribute("style"); // a swap would copy it, which the policy refuses
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.target;
    if (target.classList.contains("pair-panel")) {
      for (const other of list.querySelectorAll(".pair-panel:not(:empty)")) if (other !== target) other.replaceChildren();
      if (!target.contains(document.activeElement)) (target.querySelector("[data-first]") ?? target.querySelector("form :is(input:not([type=hidden]), select, a, button)"))?.focus();
      return tally(target);
    }
    const row = document.getElementById(target.id);
    if (!row?.classList.contains("pair") || event.detail.elt !== row) return;
    if (row.classList.contains("settled")) {
      row.style.minHeight = `${height}px`;
      if (!done.includes(row.id)) done.push(row.id);
      row.classList.add("fresh");
      setTimeout(() => row.classList.remove("fresh"), 3000);
      if (held === row.id) {
        const next = after(row);
        if (next?.classList.contains("pair")) go(next);
        else next?.focus();
      }
    } else if (held === row.id || undoing === row.id) go(row);
    undoing = null;
    const left = document.querySelector("#proof [data-left]")?.textContent;
    if (row.dataset.say) say(left ? `${row.dataset.say} ${left}` : row.dataset.say);
  });
  document.addEventListener("htmx:sendError", (event) => rowOf(event.target)?.removeAttribute("aria-busy"));
  document.addEventListener("htmx:responseError", (event) => rowOf(event.target)?.removeAttribute("aria-busy"));

  // Who works where: said once a line holds the focus for a moment, again every minute.
  let claimed = null;
  let waiting = 0;
  const token = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const claim = async () => {
    const row = document.getElementById(claimed);
    if (!row || document.hidden) return;
    const answer = await fetch(`${list.dataset.lines}${row.dataset.line}/claim/`, { method: "POST", headers: { "X-CSRFToken": token() } }).catch(() => null);
    const place = row.querySelector(".pair-claim");
    if (!answer?.ok || !place) return;
    place.textContent = answer.status === 200 ? await answer.text() : "";
    place.hidden = answer.status !== 200;
  };
  if (list.hasAttribute("data-lines")) {
    list.addEventListener("focusin", (event) => {
      const row = rowOf(event.target);
      if (!row || row.id === claimed) return;
      claimed = row.id;
      clearTimeout(waiting);
      waiting = setTimeout(claim, 700);
    });
    setInterval(claim, 60000);
  }
}

// Split: the difference while it is typed. Amounts count in cents, as the reader writes them.
const portuguese = document.documentElement.lang.startsWith("pt");
function cents(text) {
  const bare = text.replace(/[\sR$\u00a0]/g, "").replace("\u2212", "-");
  const plain = portuguese ? bare.replace(/\./g, "").replace(",", ".") : bare.replace(/,/g, "");
  return /^-?\d*\.?\d{0,2}$/.test(plain) && /\d/.test(plain) ? Math.round(Number(plain) * 100) : bare ? NaN : 0;
}
function written(n) {
  return new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: 2, maximumFractionDigits: 2 }).format(n / 100).replace("-", "\u2212");
}
function tally(part) {
  const form = part.querySelector("[data-split]");
  if (!form) return;
  let sum = 0;
  for (const field of form.querySelectorAll("[data-counts]")) {
    const box = field.closest("tr")?.querySelector("[data-pick]");
    if (box && !box.checked) continue;
    const kind = field.closest("tr")?.querySelector("[data-kind]");
    const sign = kind ? Number(kind.selectedOptions[0]?.dataset.sign ?? 1) : 1;
    sum += sign * cents(field.value);
  }
  const rest = Number(form.dataset.open) - sum;
  const place = form.querySelector("[data-rest]");
  const even = rest === 0 && (sum !== 0 || form.dataset.open === "0"); // lines that cancel each other need no title
  place.textContent = Number.isNaN(rest) ? "–" : written(rest);
  place.classList.toggle("even", even);
  place.classList.toggle("off", !even);
  form.querySelector("[data-sum]").textContent = Number.isNaN(sum) ? "–" : written(sum);
  const partly = form.querySelector("[data-partly]");
  if (partly) partly.closest("label").hidden = !(rest > 0 && sum > 0);
  form.querySelector("[data-post]").disabled = !(even || (partly?.checked && rest > 0 && sum > 0));
}
for (const kind of ["input", "change"]) {
  document.addEventListener(kind, (event) => {
    const form = event.target.closest?.("[data-split]");
    if (form) tally(form.parentElement);
  });
}
for (const form of document.querySelectorAll("[data-split]")) tally(form.parentElement);
