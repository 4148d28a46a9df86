// Entries by hand: what debits and credits add up to while one types, and empty lines without asking the server.
const table = document.querySelector("[data-entry-lines]");
const language = document.documentElement.lang;
const comma = new Intl.NumberFormat(language).format(1.5).includes(",");
const show = (cents) => (cents / 100).toLocaleString(language, { minimumFractionDigits: 2, maximumFractionDigits: 2 });

// Whole cents of what the reader's language writes as an amount; anything else counts as nothing here, the server tells.
function cents(text) {
  const plain = text.trim().replaceAll(comma ? "." : ",", "").replace(comma ? "," : ".", ".");
  return /^\d{1,13}(\.\d{1,2})?$/.test(plain) ? Math.round(Number(plain) * 100) : 0;
}

function add() {
  const sum = (side) => [...table.querySelectorAll(`[name$="-${side}"]`)].reduce((n, field) => n + cents(field.value), 0);
  const [debit, credit] = [sum("debit"), sum("credit")];
  const foot = table.querySelector("[data-entry-total]");
  const words = table.querySelector("[data-entry-difference]");
  foot.hidden = !debit && !credit;
  table.querySelector("[data-entry-debit]").textContent = show(debit);
  table.querySelector("[data-entry-credit]").textContent = show(credit);
  const off = debit - credit;
  const text = off === 0 ? words.dataset.even : `${off < 0 ? words.dataset.debit : words.dataset.credit} ${show(Math.abs(off))}`;
  if (words.textContent !== text) words.textContent = text;
  words.className = off === 0 ? "badge good" : "badge attention";
}

function row() {
  const count = document.querySelector("[name$=TOTAL_FORMS]");
  const last = table.tBodies[0].rows[table.tBodies[0].rows.length - 1];
  const fresh = last.cloneNode(true);
  for (const error of fresh.querySelectorAll(".field-error")) error.remove();
  for (const cell of fresh.querySelectorAll(".has-error")) cell.classList.remove("has-error");
  for (const field of fresh.querySelectorAll("input")) {
    field.value = "";
    for (const name of ["aria-invalid", "aria-describedby"]) field.removeAttribute(name);
    for (const name of ["id", "name"]) field[name] = field[name].replace(/-\d+-/, `-${count.value}-`);
  }
  count.value = Number(count.value) + 1;
  last.after(fresh);
  return fresh;
}

if (table) {
  table.addEventListener("input", (event) => {
    add();
    if (event.target.closest("tr") === table.tBodies[0].lastElementChild && Number(document.querySelector("[name$=TOTAL_FORMS]").value) < 200) row();
  });
  document.querySelector("button[name=more]")?.addEventListener("click", (event) => {
    event.preventDefault();
    row().querySelector("input").focus();
  });
  add();
}
