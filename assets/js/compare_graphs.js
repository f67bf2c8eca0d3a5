// Compare's graphs side by side: stage k at one height in every column, what differs marked by sign and colour.
import { SILENT } from "./ask.js";
import { make } from "./elements.js";
import { Graph } from "./graph.js";
import { alignParts, readView, toggle } from "./stack.js";

const SIGNS = { added: "+", removed: "−", changed: "~" };
const SVG = "http://www.w3.org/2000/svg";
const LEAST = 0.55; // below this scale texts can't be read, and the columns scroll sideways

export class CompareGraphs {
  constructor(box, view) {
    Object.assign(this, { box, view, columns: [], state: readView() });
    this.levels = make("div", { class: "rx-c-switch", role: "group", "aria-label": "Level of the graphs" },
      ...["stage", "block", "op"].map((level) =>
        make("button", { type: "button", "data-level": level, onclick: () => view.chooseLevel(level) }, level[0].toUpperCase() + level.slice(1))));
    this.note = make("span", { class: "rx-quiet rx-c-pair" });
    this.scroll = make("div", { class: "rx-graph rx-c-scroll", tabindex: "0", role: "region", "aria-label": "Graphs side by side" });
    this.legend = make("div", { class: "rx-legend" });
    box.append(
      make("div", { class: "rx-c-bar-row" }, make("h3", { id: "rx-c-h-graphs" }, "Graphs"), this.levels, this.note),
      make("div", { class: "rx-graph-box" }, this.scroll, this.legend));
    this.showLevel();
    new ResizeObserver(() => this.fit()).observe(this.scroll);
  }

  showLevel() {
    const { level } = this.view;
    for (const button of this.levels.children) button.setAttribute("aria-pressed", button.dataset.level === level);
    if (this.state.level !== level) this.state = readView({ level });
  }

  /** Draw the graphs of what is compared, against the pair that is chosen. */
  async show(answer) {
    this.showLevel();
    const { pair, texts } = this.view;
    this.box.hidden = !answer.places.length;
    const asked = JSON.stringify([texts, pair]);
    if (this.box.hidden) return;
    if (asked === this.asked) return this.place();
    this.asked = asked;
    try {
      const drawn = await this.view.server.draw({ variants: texts, pair });
      if (this.asked !== asked) return; // a later question is on its way
      if (drawn.error) return this.view.complain(drawn.error);
      this.draw(drawn.graphs, answer);
    } catch {
      this.asked = "";
      this.view.complain(SILENT);
    }
  }

  draw(graphs, { columns }) {
    const { scrollTop } = this.scroll;
    this.columns = graphs.map(({ place, graph: data, marks }) => this.makeColumn(place, columns[place].text, data, marks));
    this.scroll.replaceChildren(make("div", { class: "rx-c-graph-row" }, ...this.columns.map(({ box }) => box)));
    this.drawLegend(graphs);
    this.place();
    this.scroll.scrollTop = scrollTop;
  }

  makeColumn(place, text, data, marks) {
    const holder = make("div", { tabindex: "0", role: "application", "aria-label": `Graph of ${text}. Arrow keys walk it, Enter opens and closes.` });
    const box = make("div", { class: "rx-c-graph", style: `--rx-variant: ${this.view.colours[place]}` },
      make("div", { class: "rx-c-graph-name" }, make("span", { class: "rx-c-badge" }, String(place + 1)), make("span", { title: text }, text)), holder);
    const graph = new Graph(holder, {
      select: (name) => {
        this.light(name, "select");
        this.view.select(name, true);
      },
      hover: (name) => name === this.lit || this.view.light((this.lit = name)),
      open: (name) => {
        toggle(this.state.flipped, name);
        this.place();
      },
      escape: () => this.light("", "select"),
      dress: (node) => markNode(node, marks[node.dataset.name]),
    }, { scroller: this.scroll, whole: true });
    return { box, graph, data };
  }

  /** Stack the columns at the level chosen, stage beside stage. */
  place() {
    const starts = alignParts(this.columns.map(({ data }) => data), this.state);
    for (const { graph, data } of this.columns) graph.show(data, this.state, starts);
    this.fit();
    this.box.dataset.level = this.view.level;
  }

  drawLegend(graphs) {
    const signs = Object.entries(SIGNS).map(([word, sign]) => make("span", { class: `rx-c-key rx-c-${word}` }, make("i", {}, sign), word));
    this.legend.replaceChildren(...(graphs.length > 1 ? signs : []));
    const kinds = new Map();
    for (const { legend } of graphs) {
      const holder = document.createElement("div");
      holder.innerHTML = legend;
      for (const kind of [...holder.children]) if (!kinds.has(kind.textContent)) kinds.set(kind.textContent, kind);
    }
    this.legend.append(...kinds.values());
    const [first, ...others] = graphs.map(({ place }) => place + 1);
    this.note.textContent = others.length
      ? `${first} is marked against ${this.view.pair + 1}${others.length > 1 ? ", each other one" : `, ${others[0]}`} against ${first}.`
      : "";
  }

  /** One scale for all columns, so that what is aligned stays so. */
  fit() {
    const room = this.scroll.clientWidth / (this.columns.length || 1) - 14;
    if (!this.columns.length || room < 10) return;
    const widest = Math.max(...this.columns.map(({ graph }) => graph.size.width));
    const height = Math.max(...this.columns.map(({ graph }) => graph.stack.height));
    for (const { graph } of this.columns) {
      graph.zoom = Math.max(LEAST, Math.min(1.1, room / widest));
      graph.stack.height = height;
      graph.applyZoom();
    }
  }

  /** Light a name in all columns; of two names the first is the first column's. */
  light(names, how = "light") {
    const [before, after] = Array.isArray(names) ? names : [names, names];
    this.columns.forEach(({ graph }, index) => graph[how](index ? after : before));
  }

  /** Keep a name marked, and scroll to it where it is drawn. */
  select(names) {
    const [before, after] = Array.isArray(names) ? names : [names, names];
    const found = this.columns.map(({ graph }, index) => graph.select(index ? after : before) && graph);
    const graph = found.find(Boolean);
    if (graph) graph.select(graph.selected, true);
  }
}

/** A sign at the box's corner, and a colour; what is the same has neither. */
function markNode(node, status) {
  node.dataset.status = status || "same";
  const box = node.querySelector(".box");
  if (!SIGNS[status] || !box) return;
  node.classList.add("rx-c-marked", `rx-c-${status}`);
  node.setAttribute("aria-label", `${status}: ${node.querySelector("title").textContent}`);
  const [x, y] = findCorner(box);
  const dot = document.createElementNS(SVG, "circle");
  const sign = document.createElementNS(SVG, "text");
  for (const [name, value] of [["cx", x], ["cy", y], ["r", 8.5], ["class", "rx-c-dot"]]) dot.setAttribute(name, value);
  for (const [name, value] of [["x", x], ["y", y], ["class", "rx-c-sign"]]) sign.setAttribute(name, value);
  sign.textContent = SIGNS[status];
  node.append(dot, sign);
}

function findCorner(box) {
  const number = (name) => Number(box.getAttribute(name));
  if (box.tagName === "circle") return [number("cx") + number("r") * 0.8, number("cy") - number("r") * 0.8];
  return [number("x") + number("width") - 4, number("y") + 1];
}
