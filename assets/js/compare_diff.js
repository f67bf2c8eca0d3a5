// Compare's difference: sentences, options that differ, and a tree of stages, blocks and operations.
import { SILENT } from "./ask.js";
import { make } from "./elements.js";
import { copyText, nameFile, saveFile } from "./files.js";
import { formatCount } from "./format.js";

const SIGNS = { "+": ["+", "added"], "-": ["−", "removed"], "~": ["~", "changed"], "=": ["=", "only renamed"], " ": ["·", "the same"] };
const HEADS = [
  ["Where", ""], ["What", ""], ["Params", "difference, all blocks of a row; an operation's is of one block"], ["MACs", "difference, of one image"],
  ["Saved", "difference in bytes that autograd keeps for each image"], ["Field", "side of the receptive field behind it, in pixels of the input"],
];
const FEW = 14; // rows of blocks that are shown at once

export class CompareDiff {
  constructor(box, words, view) {
    Object.assign(this, { box, words, view, open: new Set(), key: "" });
    this.choice = make("div", { class: "rx-c-switch", role: "group", "aria-label": "Difference between" });
    this.options = make("div", { class: "rx-c-options rx-c-table-box", tabindex: "0", role: "region", "aria-label": "Options that differ" });
    this.table = make("div", { class: "rx-c-tree rx-c-table-box", tabindex: "0", role: "region", "aria-label": "Operations that differ" });
    this.note = make("p", { class: "rx-notes rx-quiet" });
    this.all = make("button", { type: "button", onclick: () => this.toggleAll() }, "Open all");
    this.copy = make("button", { type: "button", onclick: () => this.copyMarkdown() }, "Copy as Markdown");
    this.save = make("button", { type: "button", onclick: () => this.saveJson() }, "Download JSON");
    this.inside = make("div", {}, this.options, this.table, this.note);
    this.tools = make("span", { class: "rx-c-tools" }, this.all, this.copy, this.save);
    box.append(make("div", { class: "rx-c-bar-row" }, make("h3", { id: "rx-c-h-diff" }, "What differs"), this.choice, this.tools), this.inside);
    this.listen();
  }

  listen() {
    const named = (event) => event.target.closest?.("tr[data-row]");
    this.table.addEventListener("mouseover", (event) => this.view.light(this.namesOf(named(event))));
    this.table.addEventListener("mouseleave", () => this.view.light(""));
    this.table.addEventListener("focusin", (event) => this.view.light(this.namesOf(named(event))));
    this.table.addEventListener("focusout", () => this.view.light(""));
    this.table.addEventListener("click", (event) => {
      const row = named(event);
      if (!row) return;
      if (event.target.closest("button") && row.dataset.inner) this.toggle(row.dataset.row);
      this.view.select(this.namesOf(row), false);
    });
    this.table.addEventListener("keydown", (event) => this.press(event));
  }

  show({ differences, columns, places }) {
    this.drawWords(differences, columns, places);
    this.found = differences.find(({ place }) => place === this.view.pair);
    this.box.hidden = !this.found;
    if (!this.found) return;
    this.choice.hidden = differences.length < 2;
    this.choice.replaceChildren(...differences.map(({ place }) =>
      make("button", { type: "button", "aria-pressed": place === this.view.pair, onclick: () => this.view.choosePair(place) }, `${places[0] + 1} → ${place + 1}`)));
    this.drawOptions();
    const key = `${this.found.before}~${this.found.after}`;
    if (key !== this.key) this.openFirst();
    this.key = key;
    this.drawTree();
  }

  drawWords(differences, columns, places) {
    if (places.length < 2) return this.words.replaceChildren(make("p", { class: "rx-quiet" }, this.view.words.alone));
    const badge = (place) => make("span", { class: "rx-c-badge", style: `--rx-variant: ${this.view.colours[place]}` }, String(place + 1));
    this.words.replaceChildren(...differences.map(({ place, before, after, sentences }) =>
      make("p", {}, badge(places[0]), " → ", badge(place), " ", make("b", {}, before), " → ", make("b", {}, after), ": ", sentences.join(" "))));
  }

  drawOptions() {
    const { options, before, after } = this.found;
    this.options.hidden = !options.length;
    const cell = (value) => make("td", { class: "rx-c-code" }, value === null ? "—" : String(value));
    const rows = options.map((option) =>
      make("tr", {}, make("th", { scope: "row", title: option.help }, option.name), cell(option.before), cell(option.after), make("td", {}, option.words)));
    const heads = ["Option", before, after, "In words"].map((word) => make("th", { scope: "col", title: word }, word));
    this.options.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)));
  }

  /** Stages are open where that is not much, and so is the first block, as an example. */
  openFirst() {
    this.open.clear();
    const { stages } = this.found;
    const blocks = stages.reduce((sum, stage) => sum + stage.rows.length, 0);
    stages.forEach((stage, index) => (blocks <= FEW || stages.length === 1) && !isPart(stage) && this.open.add(String(index)));
    const block = stages.findIndex((stage) => !isPart(stage));
    if (block >= 0 && this.open.has(String(block))) this.open.add(`${block}.0`);
  }

  toggle(row) {
    if (!this.open.delete(row)) this.open.add(row);
    this.drawTree();
    this.table.querySelector(`tr[data-row="${row}"] button`)?.focus({ preventScroll: true });
  }

  toggleAll() {
    const all = [];
    const gather = (rows, prefix) => rows.forEach((row, index) => {
      if (!row.rows?.length) return;
      all.push(prefix + index);
      gather(row.rows, `${prefix}${index}.`);
    });
    gather(this.found.stages, "");
    const opened = all.every((row) => this.open.has(row));
    this.open = new Set(opened ? [] : all);
    this.drawTree();
  }

  drawTree() {
    const rows = [];
    let closed = 0;
    const draw = (list, prefix, depth) => list.forEach((row, index) => {
      const id = prefix + index, inner = row.rows?.length || 0, open = this.open.has(id);
      if (inner && !open) closed += 1;
      rows.push(this.drawRow(row, id, depth, inner, open));
      if (inner && open) draw(row.rows, `${id}.`, depth + 1);
    });
    draw(this.found.stages, "", 0);
    this.all.textContent = closed ? "Open all" : "Close all";
    this.all.disabled = !rows.length;
    const heads = HEADS.map(([word, hint]) => make("th", { scope: "col", title: hint || null }, word));
    this.table.hidden = !rows.length;
    this.table.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)));
    const same = formatCount(this.found.same);
    this.note.textContent = `${rows.length ? "" : "Every operation is the same. "}+ added, − removed, ~ changed, = only renamed; ${same} operations are the same. ` +
      HEADS.filter(([, hint]) => hint).map(([word, hint]) => `${word}: ${hint}`).join(" · ") + ".";
  }

  drawRow(row, id, depth, inner, open) {
    const [sign, word] = SIGNS[row.mark];
    const mark = make("span", { class: "rx-c-mark" }, make("span", { "aria-hidden": "true" }, sign), make("span", { class: "rx-c-said" }, `${word}: `));
    const title = inner
      ? make("button", { type: "button", class: "rx-c-twist", "aria-expanded": open }, make("span", { "aria-hidden": "true" }, open ? "▾ " : "▸ "), row.title)
      : make("button", { type: "button", class: "rx-c-twist" }, row.title);
    return make("tr", { "data-row": id, "data-inner": inner ? "1" : null, "data-mark": word.split(" ").at(-1), "data-depth": depth, "data-names": JSON.stringify(row.names) },
      make("th", { scope: "row" }, make("span", { class: "rx-c-where" }, mark, title)), make("td", {}, row.what),
      ...[row.params, row.macs, row.saved, row.field].map((value) => make("td", {}, value.replaceAll("-", "−").replaceAll(",", "\u2009"))));
  }

  namesOf(row) {
    return row ? JSON.parse(row.dataset.names) : "";
  }

  rowsOf(names) {
    const wanted = [names].flat().filter(Boolean);
    const rows = [...this.table.querySelectorAll("tr[data-row]")];
    for (let paths = wanted; paths.length; paths = paths.map((path) => path.slice(0, Math.max(0, path.lastIndexOf(".")))).filter(Boolean)) {
      const found = rows.filter((row) => this.namesOf(row).some((name) => name && paths.includes(name)));
      if (found.length) return found;
    }
    return [];
  }

  light(names) {
    for (const old of this.table.querySelectorAll(".lit")) old.classList.remove("lit");
    for (const row of this.rowsOf(names)) row.classList.add("lit");
  }

  /** Open what a name is in, and bring its row into sight. */
  select(names) {
    if (!this.found) return;
    const wanted = [names].flat().filter(Boolean);
    const walk = (rows, prefix) => rows.forEach((row, index) => {
      const holds = row.names.some((name) => name && wanted.some((path) => path === name || path.startsWith(`${name}.`)));
      if (!holds || !row.rows?.length) return;
      this.open.add(prefix + index);
      walk(row.rows, `${prefix}${index}.`);
    });
    walk(this.found.stages, "");
    this.drawTree();
    const rows = this.rowsOf(names);
    for (const row of rows) row.classList.add("chosen");
    if (rows[0]) this.table.scrollTop = rows[0].offsetTop - 60;
  }

  press(event) {
    const buttons = [...this.table.querySelectorAll(".rx-c-twist")];
    const at = buttons.indexOf(event.target);
    if (at < 0) return;
    const open = event.target.getAttribute("aria-expanded");
    const next = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    const turn = (event.key === "ArrowRight" && open === "false") || (event.key === "ArrowLeft" && open === "true");
    if (!turn && !buttons[next]) return;
    event.preventDefault();
    if (turn) this.toggle(event.target.closest("tr").dataset.row);
    else buttons[next].focus();
  }

  async copyMarkdown() {
    const answer = await this.ask("markdown");
    if (!answer.text) return;
    this.copy.textContent = await copyText(answer.text, "The difference as Markdown:");
    setTimeout(() => (this.copy.textContent = "Copy as Markdown"), 1600);
  }

  async saveJson() {
    const answer = await this.ask("json");
    const name = nameFile([this.found.before, this.found.after].join("_to_")).slice(0, 80);
    if (answer.text) saveFile(`${name}.json`, answer.text, "application/json");
  }

  async ask(format) {
    try {
      const answer = await this.view.server.write({ variants: [this.found.before, this.found.after], format });
      this.view.complain(answer.error || "");
      return answer;
    } catch {
      this.view.complain(SILENT);
      return {};
    }
  }
}

/** Stem and head are stages without blocks. */
function isPart(stage) {
  return stage.title === "stem" || stage.title === "head";
}
