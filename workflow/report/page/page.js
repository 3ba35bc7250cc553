// Tables that sort and filter. Without this script all of the page can be read; it adds the controls.
"use strict";

document.documentElement.classList.add("scripted");

/** What a cell sorts by: the number that it stands for or begins with, "never" after all numbers, or its text; null for none. */
function sortedBy(cell) {
  const text = (cell.dataset.sort ?? cell.textContent).trim();
  if (text === "" || text === "-") return null;
  if (text === "never") return Infinity;
  const number = text.match(/^[-+]?[\d,]*\.?\d+(e[-+]?\d+)?/i);
  return number ? Number(number[0].replaceAll(",", "")) : text.toLowerCase();
}

/** The order of two of these: numbers, then texts; what is missing comes last in either direction. */
function compare(one, other, sign) {
  if (one === null || other === null) return (one === null) - (other === null);
  const numbers = [one, other].map((value) => typeof value === "number");
  if (numbers[0] && numbers[1]) return one === other ? 0 : sign * (one < other ? -1 : 1);
  if (numbers[0] !== numbers[1]) return sign * (numbers[0] ? -1 : 1);
  return sign * one.localeCompare(other);
}

function sortTable(table, column, direction) {
  [...table.tHead.rows[0].cells].forEach((each, at) => each.setAttribute("aria-sort", at === column ? direction : "none"));
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...table.tBodies[0].rows].map((row) => [sortedBy(row.cells[column]), row]);
  rows.sort((one, other) => compare(one[0], other[0], sign));
  table.tBodies[0].append(...rows.map((row) => row[1]));
}

/** What a row is searched for: all that it says but rules that are folded away. */
function saidBy(row) {
  const copy = row.cloneNode(true);
  copy.querySelectorAll("dl").forEach((folded) => folded.remove());
  return copy.textContent.toLowerCase();
}

function filterRows(filtered) {
  const words = filtered.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = [...filtered.querySelectorAll("select[data-column]")].filter((select) => select.value);
  let shown = 0;
  const rows = filtered.querySelector("tbody").rows;
  for (const row of rows) {
    const text = saidBy(row);
    const fits = chosen.every((select) =>
      row.querySelector(`[data-column="${select.dataset.column}"]`).textContent.trim() === select.value);
    row.hidden = !(fits && words.every((word) => text.includes(word)));
    shown += row.hidden ? 0 : 1;
  }
  filtered.querySelector("output").textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
}

for (const table of document.querySelectorAll("table")) {
  const headings = [...table.tHead.rows[0].cells];
  const select = document.createElement("select");
  select.append(new Option("as it is", ""));
  headings.forEach((heading, column) => {
    select.append(new Option(heading.textContent, column));
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () =>
      sortTable(table, column, heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending"));
    heading.append(button);
  });
  // Where a row is a card there are no headings to click on.
  const label = document.createElement("label");
  label.className = "sorting";
  label.append("Sort by ", select);
  select.addEventListener("change", () => select.value && sortTable(table, Number(select.value), "ascending"));
  table.closest(".scroll").before(label);
}
for (const filtered of document.querySelectorAll(".filtered")) {
  for (const control of filtered.querySelectorAll("input, select[data-column]")) {
    control.addEventListener("input", () => filterRows(filtered));
  }
}

/** A link to something inside folded details opens them. */
function openTarget() {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  for (let place = target; place; place = place.parentElement) if (place.tagName === "DETAILS") place.open = true;
}
window.addEventListener("hashchange", openTarget);
openTarget();

/** On paper tables are unfolded; rules of claims and the lists of provenance are not. */
const unfolded = [];
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details.printed")) {
    if (!details.open) unfolded.push(details);
    details.open = true;
  }
});
window.addEventListener("afterprint", () => {
  for (const details of unfolded.splice(0)) details.open = false;
});
