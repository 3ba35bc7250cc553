// Tables that sort and filter. Without this script all of the page can be read; it adds the controls.
"use strict";

document.documentElement.classList.add("scripted");

/** What a cell sorts by: the number that it begins with, "never" after all numbers, or its text. */
function sortedBy(cell) {
  const text = cell.textContent.trim();
  if (text === "never") return Infinity;
  const number = text.match(/^[-+]?[\d,]*\.?\d+(e[-+]?\d+)?/i);
  return number ? Number(number[0].replaceAll(",", "")) : text.toLowerCase();
}

function compare(one, other) {
  const numbers = [one, other].map((value) => typeof value === "number");
  if (numbers[0] && numbers[1]) return one === other ? 0 : one < other ? -1 : 1;
  if (numbers[0] !== numbers[1]) return numbers[0] ? -1 : 1;
  return one.localeCompare(other);
}

function sortTable(table, heading) {
  const column = [...heading.parentNode.children].indexOf(heading);
  const direction = heading.getAttribute("aria-sort") === "ascending" ? "descending" : "ascending";
  for (const each of heading.parentNode.children) each.setAttribute("aria-sort", "none");
  heading.setAttribute("aria-sort", direction);
  const body = table.tBodies[0];
  const sign = direction === "ascending" ? 1 : -1;
  const rows = [...body.rows].map((row) => [sortedBy(row.cells[column]), row]);
  rows.sort((one, other) => sign * compare(one[0], other[0]));
  body.append(...rows.map((row) => row[1]));
}

function filterRows(filtered) {
  const words = filtered.querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);
  const chosen = [...filtered.querySelectorAll("select")].filter((select) => select.value);
  let shown = 0;
  const rows = filtered.querySelector("tbody").rows;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    const fits = chosen.every((select) =>
      row.querySelector(`[data-column="${select.dataset.column}"]`).textContent.trim() === select.value);
    row.hidden = !(fits && words.every((word) => text.includes(word)));
    shown += row.hidden ? 0 : 1;
  }
  filtered.querySelector("output").textContent = shown === rows.length ? `${shown} rows` : `${shown} of ${rows.length} rows`;
}

for (const table of document.querySelectorAll("table")) {
  for (const heading of table.tHead.rows[0].cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...heading.childNodes);
    button.addEventListener("click", () => sortTable(table, heading));
    heading.append(button);
  }
}
for (const filtered of document.querySelectorAll(".filtered")) {
  for (const control of filtered.querySelectorAll("input, select")) {
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

/** On paper the rules of claims are shown. */
window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("#claims-table details")) details.open = true;
});
