// Compare's graphs side by side: stage k at one height in every column, what differs marked by sign and colour.
import { alignStages } from "./compare_align.js";
import { make } from "./elements.js";

const SIGNS = { added: "+", removed: "−", changed: "~" };
const SVG = "http://www.w3.org/2000/svg";
const LEAST = 0.55; // below this scale texts can't be read, and the columns scroll sideways

export class CompareGraphs {
  constructor(box, view) {
    Object.assign(this, { box, view, columns: [] });
    this.levels = make("div", { class: "rx-c-switch", role: "group", "aria-label": "Level of the graphs" },
      ...["stage", "block", "op"].map((level) =>
        make("button", { type: "button", "data-level": level, onclick: () => view.chooseLevel(level) }, level[0].toUpperCase() + level.slice(1))));
    this.note = make("span", { class: "rx-quiet rx-c-pair" });
    this.scroll = make("div", { class: "rx-graph rx-c-scroll", tabindex: "0", role: "region", "aria-label": "Graphs side by side" });
    this.legend = make("div", { class: "rx-legend" });
    box.append(
      make("div", { class: "rx-c-bar-row" }, make("h3", { id: "rx-c-h-graphs" }, "Graphs"), this.levels, this.note),
      make("div", { class: "rx-graph-box" }, this.scroll, this.legend));
    this.listen();
    this.showLevel();
    new ResizeObserver(() => this.fit()).observe(this.scroll);
  }

  listen() {
    const named = (event) => event.target.closest?.(".node[data-name]")?.dataset.name || "";
    this.scroll.addEventListener("mouseover", (event) => this.view.light(named(event)));
    this.scroll.addEventListener("mouseleave", () => this.view.light(""));
    this.scroll.addEventListener("click", (event) => {
      const name = named(event);
      this.mark("chosen", name);
      if (name) this.view.select(name, true);
    });
    this.scroll.addEventListener("keydown", (event) => event.key === "Escape" && this.mark("chosen", ""));
  }

  showLevel() {
    for (const button of this.levels.children) button.setAttribute("aria-pressed", button.dataset.level === this.view.level);
  }

  /** Draw the graphs of what is compared, at the level and against the pair that are chosen. */
  async show(answer) {
    this.showLevel();
    const { level, pair, texts } = this.view;
    this.box.hidden = !answer.places.length;
    const asked = JSON.stringify([texts, level, pair]);
    if (asked === this.asked || this.box.hidden) return;
    this.asked = asked;
    try {
      const drawn = await this.view.server.draw({ variants: texts, level, pair });
      if (this.asked !== asked) return; // a later question is on its way
      if (drawn.error) return this.view.complain(drawn.error);
      this.draw(drawn.graphs, answer);
    } catch {
      this.asked = "";
      this.view.complain(this.view.words.no_answer);
    }
  }

  draw(graphs, { columns }) {
    const { scrollTop } = this.scroll;
    this.columns = graphs.map(({ place, svg, marks }) => {
      const box = make("div", { class: "rx-c-graph", style: `--rx-variant: ${this.view.colours[place]}` },
        make("div", { class: "rx-c-graph-name" }, make("span", { class: "rx-c-badge" }, String(place + 1)), make("span", { title: columns[place].text }, columns[place].text)));
      const holder = document.createElement("div");
      holder.innerHTML = svg.replaceAll("rx-arrow-", `rx-c${place}-arrow-`); // an arrow of a hidden graph is not drawn
      box.append(holder.firstElementChild);
      return { place, box, svg: box.querySelector("svg"), marks };
    });
    this.heights = alignStages(this.columns.map(({ svg }) => svg));
    for (const { svg, marks, place } of this.columns) {
      svg.setAttribute("aria-label", `Graph of ${columns[place].text}`);
      for (const node of svg.querySelectorAll(".node")) markNode(node, marks[node.dataset.name]);
    }
    this.scroll.replaceChildren(make("div", { class: "rx-c-graph-row" }, ...this.columns.map(({ box }) => box)));
    this.drawLegend(graphs);
    this.fit();
    this.scroll.scrollTop = scrollTop;
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
    const widest = Math.max(...this.columns.map(({ svg }) => svg.viewBox.baseVal.width));
    const scale = Math.max(LEAST, Math.min(1.1, room / widest));
    for (const { svg } of this.columns) {
      svg.setAttribute("width", svg.viewBox.baseVal.width * scale);
      svg.setAttribute("height", svg.viewBox.baseVal.height * scale);
    }
  }

  light(names) {
    this.mark("lit", names);
  }

  /** Keep a name marked, and scroll to it where it is drawn. */
  select(names) {
    const node = this.mark("chosen", names);
    if (!node) return;
    const [outer, inner] = [this.scroll.getBoundingClientRect(), node.getBoundingClientRect()];
    if (inner.top < outer.top + 40 || inner.bottom > outer.bottom - 8) this.scroll.scrollTop += inner.top - outer.top - outer.height / 3;
  }

  /** Put a class on a name's nodes; of two names the first is the first column's. Returns the first node. */
  mark(kind, names) {
    for (const old of this.scroll.querySelectorAll(`.node.${kind}`)) old.classList.remove(kind);
    const found = this.columns.map(({ svg }, index) => {
      const [before, after] = Array.isArray(names) ? names : [names, names];
      const name = index ? after : before;
      const node = name && findNode(svg, name);
      if (node) node.classList.add(kind);
      return node;
    });
    return found.find(Boolean);
  }
}

/** The node that stands for a name: itself, the first of the fold that its block is in, or the box around it. */
function findNode(svg, name) {
  for (let path = name; path; path = path.slice(0, Math.max(0, path.lastIndexOf(".")))) {
    const node = svg.querySelector(`.node[data-name="${CSS.escape(path)}"]`) || findFolded(svg, path);
    if (node) return node;
  }
  return null;
}

function findFolded(svg, path) {
  const [, stage, block, rest] = /^(layer\d+)\.(\d+)(.*)$/.exec(path) || [];
  if (!stage) return null;
  for (let start = Number(block) - 1; start >= 0; start -= 1) {
    const inside = [...svg.querySelectorAll(`.node[data-name="${stage}.${start}"], .node[data-name^="${stage}.${start}."]`)];
    if (!inside.length) continue;
    const repeat = Math.max(...inside.map((node) => Number(node.dataset.repeat)));
    return start + repeat > Number(block) ? inside.find((node) => node.dataset.name === `${stage}.${start}${rest}`) : null;
  }
  return null;
}

/** A sign at the box's corner, and a colour; what is the same has neither. */
function markNode(node, status) {
  node.dataset.status = status || "same";
  if (!SIGNS[status]) return;
  node.classList.add("rx-c-marked", `rx-c-${status}`);
  node.setAttribute("aria-label", `${status}: ${node.getAttribute("aria-label")}`);
  const [x, y] = findCorner(node.querySelector(".box"));
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
