// Compare's totals: a row a quantity, a column a variant; each with its ratio to the first, a bar, and the least marked.
import { make } from "./elements.js";

export class CompareTotals {
  constructor(box, colours) {
    Object.assign(this, { box, colours, rows: [], extra: [], places: [] });
    box.classList.add("rx-c-table-box");
    box.tabIndex = 0;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", "Totals");
  }

  show({ columns, places, totals }) {
    Object.assign(this, { columns, places, rows: totals });
    this.draw();
  }

  /**
   * Rows below the others, such as measurements: {key, label, hint, cells}, a cell {value, text, exact, note} for each
   * variant that can be read; a value of null is not there yet, and its text says why.
   */
  setExtra(rows) {
    this.extra = rows;
    this.draw();
  }

  draw() {
    const head = this.places.map((place) =>
      make("th", { scope: "col", style: `--rx-variant: ${this.colours[place]}` },
        make("span", { class: "rx-c-badge" }, String(place + 1)), make("span", { class: "rx-c-th", title: this.columns[place].text }, this.columns[place].text)),
    );
    this.box.replaceChildren(
      make("table", { class: "rx-c-totals-table", style: `--rx-columns: ${this.places.length}` },
        make("thead", {}, make("tr", {}, make("td"), ...head)),
        make("tbody", {}, ...[...this.rows, ...this.extra].map((row) => this.drawRow(row)))),
    );
    this.box.hidden = !this.places.length;
  }

  drawRow({ key, label, hint, cells }) {
    const values = cells.map((cell) => cell.value);
    const there = values.filter((value) => value !== null);
    const [least, most] = [Math.min(...there), Math.max(...there)];
    const drawn = cells.map((cell, index) =>
      this.drawCell(cell, { first: values[0], isFirst: index === 0, most, least: cell.value === least && least !== most, place: this.places[index] }),
    );
    return make("tr", { "data-row": key }, make("th", { scope: "row" }, label, make("small", {}, hint)), ...drawn);
  }

  drawCell({ value, text, exact, note }, { first, isFirst, most, least, place }) {
    if (value === null) return make("td", { class: "rx-quiet" }, text);
    const bar = make("span", { class: "rx-c-bar", "aria-hidden": "true" }, make("span", { style: `width: ${most ? (100 * value) / most : 0}%` }));
    const ratio = isFirst || first === null ? "" : formatRatio(value, first);
    return make("td", { style: `--rx-variant: ${this.colours[place]}` },
      make("b", { title: [exact, note].filter(Boolean).join("; ") }, text),
      make("span", { class: "rx-c-ratio" }, isFirst && this.places.length > 1 ? "1×" : ratio),
      make("span", { class: "rx-c-least" }, least ? "▾ least" : ""),
      bar);
  }
}

/** "0.93×"; as many digits as it takes to tell it from 1, up to four; "same" where nothing differs. */
export function formatRatio(value, first) {
  if (value === first) return "same";
  if (!first) return "";
  const ratio = value / first;
  for (const digits of [2, 3, 4]) if (Number(ratio.toFixed(digits)) !== 1) return `${ratio.toFixed(digits)}×`;
  return "≈ 1×";
}
