// The table below the cloud: what the line joins, what is within the budget, or the known networks.
import { escapeHtml as escape, formatCount, formatSi } from "./format.js";

const ROWS = 50;
const PAUSE = 500; // ms between two updates while the cloud is being drawn
const SHORT = new Set(["depth", "width"]); // written out in full
const VIEWS = [["line", "On the line"], ["inside", "Within the budget"], ["known", "Known networks"]];

export class PointTable {
  constructor(view) {
    Object.assign(this, { view, kind: "line", sort: null, box: view.find(".rx-space-table") });
    this.box.innerHTML = `<div class="rx-space-views"><div role="group" aria-label="Table of">${VIEWS.map(([kind, words]) => `<button type="button" data-view="${kind}" aria-pressed="${kind === "line"}">${words}</button>`).join("")}</div><span class="rx-quiet rx-space-count"></span></div>
      <div class="rx-space-rows" tabindex="0" role="region" aria-label="Variants"><table><thead></thead><tbody></tbody></table></div>`;
    this.box.addEventListener("click", (event) => this.press(event.target.closest("button")));
  }

  press(button) {
    if (button?.dataset.view) this.turn(button);
    if (button?.dataset.sort) this.resort(button.dataset.sort);
    if (button?.dataset.text) this.view.choose(button.dataset.text, true);
  }

  turn(button) {
    this.kind = button.dataset.view;
    for (const other of this.box.querySelectorAll("[data-view]")) other.setAttribute("aria-pressed", other === button);
    this.draw();
  }

  resort(name) {
    const now = this.findSort();
    this.sort = { name, up: now.name === name ? !now.up : this.view.axis(name).better < 0, axes: this.key() };
    this.draw();
    this.box.querySelector(`[data-sort=${name}]`).focus();
  }

  key() {
    return `${this.view.x} ${this.view.y}`;
  }

  /** By what the rows are sorted: as chosen, or else by the cost that the chart shows, the least first. */
  findSort() {
    if (this.sort?.axes === this.key()) return this.sort;
    const cost = [this.view.x, this.view.y].find((name) => this.view.axis(name).better < 0);
    return { name: cost || this.view.x, up: Boolean(cost) };
  }

  /** Draw anew; now and then only, while points still come. */
  update(soon) {
    if (!soon) return this.draw();
    this.waiting ??= setTimeout(() => this.draw(), PAUSE);
  }

  draw() {
    clearTimeout(this.waiting);
    this.waiting = null;
    const sort = this.findSort();
    const { rows, all } = this.list(sort);
    this.rows = rows;
    this.say(rows.length, all);
    this.drawHead(sort);
    this.drawRows();
    if (this.view.sampler.running) return; // names are asked for once the line stands still
    const unnamed = rows.filter(({ text }) => text.includes(",")).map(({ text }) => text);
    this.view.nameAll(unnamed).then(() => this.rows === rows && this.drawRows());
  }

  /** Rows `{text, numbers}` of the table, and of how many. */
  list(sort) {
    const { cloud, line, axes, known, hidden } = this.view;
    const direction = sort.up ? 1 : -1;
    if (this.kind === "known") {
      const marks = known.filter(({ kind }) => !hidden.has(kind)).sort((a, b) => direction * (a[sort.name] - b[sort.name]));
      return { rows: marks.map((mark) => ({ text: mark.variant, numbers: axes.map(({ name }) => mark[name]), kind: mark.kind })), all: marks.length };
    }
    const column = cloud[sort.name], order = (a, b) => direction * (column[a] - column[b]);
    const found = this.kind === "line" ? line.slice() : this.view.listInside();
    const chosen = this.kind === "line" ? thinOut(found.sort(order), ROWS) : takeFirst(found, order, ROWS);
    return { rows: chosen.map((index) => ({ text: cloud.write(index), numbers: axes.map(({ name }) => cloud[name][index]), kind: cloud.kind[index] })), all: found.length };
  }

  say(shown, all) {
    const words = shown === all ? `${formatCount(all)} ${all === 1 ? "variant" : "variants"}` : this.kind === "line" ? `${shown} of ${formatCount(all)}, evenly spaced` : `the first ${shown} of ${formatCount(all)}; sort by another column for others`;
    this.box.querySelector(".rx-space-count").textContent = all ? words : "";
  }

  drawHead(sort) {
    const cells = this.view.axes.map(({ name, label }) => {
      const word = sort.name === name ? (sort.up ? "ascending" : "descending") : "none";
      const sign = { ascending: "▲", descending: "▼", none: "" }[word];
      return `<th scope="col" aria-sort="${word}"><button type="button" data-sort="${name}">${escape(label)} <i aria-hidden="true">${sign}</i></button></th>`;
    });
    this.box.querySelector("thead").innerHTML = `<tr><th scope="col">Variant</th>${cells.join("")}<th scope="col">Kind</th></tr>`;
  }

  drawRows() {
    const { names, axes, value, card } = this.view;
    const focused = document.activeElement?.dataset?.text;
    const rows = this.rows.map(({ text, numbers, kind }) => {
      const name = names.get(text) || text;
      const cells = numbers.map((number, place) => `<td title="${formatCount(number)}">${SHORT.has(axes[place].name) ? formatCount(number) : formatSi(number)}</td>`);
      return `<tr${name === card.text ? ' class="chosen"' : ""}><th scope="row"><button type="button" data-text="${escape(text)}">${escape(name)}</button></th>${cells.join("")}<td>${escape(value.kinds[kind].label)}</td></tr>`;
    });
    const body = this.box.querySelector("tbody");
    body.innerHTML = rows.join("") || `<tr><td colspan="${axes.length + 2}">${this.explainEmpty()}</td></tr>`;
    if (focused) body.querySelector(`[data-text="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  explainEmpty() {
    if (!this.view.cloud.size) return this.view.sampler.running ? "The first variants are on their way." : "Nothing is drawn yet.";
    return "Nothing drawn so far is within the budget: widen it, or draw more.";
  }
}

/** At most `limit` of a list, evenly spaced, the first and the last among them, as figures/search.py thins out. */
function thinOut(list, limit) {
  if (list.length <= limit) return list;
  const step = (list.length - 1) / Math.max(1, limit - 1);
  return Array.from({ length: limit }, (_, place) => list[Math.round(place * step)]);
}

/** The first of a list in an order, without sorting all of it. */
function takeFirst(list, order, limit) {
  const first = [];
  for (const item of list) {
    if (first.length === limit && order(item, first[limit - 1]) >= 0) continue;
    let place = first.length;
    while (place && order(item, first[place - 1]) < 0) place--;
    first.splice(place, 0, item);
    if (first.length > limit) first.pop();
  }
  return first;
}
