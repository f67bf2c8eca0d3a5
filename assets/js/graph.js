// The graph: what is open of a network, drawn where it can be seen, with one selection, marks, and a heat of numbers.
import { canOpen, listNames, measureFrame, stackParts } from "./stack.js";

const MARGIN = 12, AHEAD = 500; // pixels around the graph; drawn above and below what is seen
const READINGS = 62; // room for numbers left of the boxes

const ARROW = (id, name, colour) =>
  `<marker id="${id}-arrow-${name}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0,0.5 L8,4 L0,7.5 z" fill="${colour}"/></marker>`;

let count = 0; // of graphs in the document

export class Graph {
  /**
   * `on` may hold select(name), hover(name), open(name), unfold(name), and dress(node) for what was just drawn. `box`
   * scrolls, or the `scroller` around several; with `whole` all of it is in the document.
   */
  constructor(box, on = {}, { scroller = box, whole = false } = {}) {
    Object.assign(this, { box, on, scroller, whole, zoom: 0, scale: 1, selected: "", lit: "", marks: new Map(), heat: null });
    box.innerHTML = `<svg xmlns="http://www.w3.org/2000/svg" class="rx-svg" role="group" aria-label="Graph of the network"></svg>`;
    this.svg = box.firstChild;
    this.id = `rx-active-${(count += 1)}`;
    this.look();
    this.shown = new Map(); // what is in the document, by its place in the stack
    this.listen();
  }

  /** Show a network; `data` is figures/graph.describe_graph's, `view` and `starts` stack.js's. Zoom and scroll stay. */
  show(data, view, starts) {
    Object.assign(this, { data, view });
    this.stack = stackParts(data, view, starts);
    this.listSpots();
    const arrows = Object.entries(data.arrows).map(([name, colour]) => ARROW(this.id, name, colour)).join("");
    this.svg.innerHTML = `<defs>${arrows}</defs><g class="frames"></g><path class="edge" d="M0,20V${this.stack.height - 20}"/><g class="pieces"></g>`;
    this.layers = [this.svg.querySelector(".frames"), this.svg.querySelector(".pieces")];
    this.shown.clear();
    this.findLargest();
    this.applyZoom();
  }

  /** Everything that stands in the graph, with its place: boxes, and frames at their heads. */
  listSpots() {
    this.spots = new Map();
    this.aliases = new Map();
    for (const frame of this.stack.frames) {
      const { left, right, middle } = measureFrame(frame, this.stack);
      this.addSpot({ name: frame.item.name, x: 0, y: middle, w: right - left, h: 22, side: 0, item: frame.item, frame });
    }
    for (const { item, piece, open, y } of this.stack.placed) {
      for (const [rel, x, top, w, h, side] of piece.spots)
        this.addSpot({ name: item.name + rel, x, y: y + top, w, h, side, item, box: !open && rel === "" });
      if (item.repeat > 1) for (const name of listNames(item)) this.aliases.set(name, item.name);
    }
    this.order = [...this.spots.values()].sort((a, b) => a.y - b.y);
  }

  addSpot(spot) {
    const other = this.spots.get(spot.name); // a group of blocks and its first go by one name
    if (other) this.spots.set(`${spot.name}#`, other);
    this.spots.set(spot.name, spot);
  }

  /** The spot that stands for a name: itself, or what it is a part of; undefined where nothing does. */
  find(name) {
    for (let path = name; path; path = path.slice(0, Math.max(0, path.lastIndexOf(".")))) {
      if (this.spots.has(path)) return this.spots.get(path);
      const alias = this.aliases.get(path);
      if (alias) return this.spots.get(alias + name.slice(path.length)) || this.spots.get(alias);
    }
    return undefined;
  }

  // zoom 0 fits the width; a network is tall, so its height scrolls
  applyZoom() {
    if (!this.stack) return;
    const left = this.stack.left + MARGIN + (this.heat ? READINGS : 0);
    const [width, height] = [left + this.stack.right + MARGIN, this.stack.height + 2 * MARGIN];
    const fit = Math.min(1.15, (this.seen.width - 8) / width);
    this.scale = this.zoom || Math.max(fit, 0.3);
    this.svg.setAttribute("viewBox", `${-left} ${-MARGIN} ${width} ${height}`);
    this.svg.setAttribute("width", width * this.scale);
    this.svg.setAttribute("height", height * this.scale);
    this.size = { width, height, left };
    this.draw();
    this.on.zoom?.();
  }

  changeZoom(factor, at) {
    const box = this.scroller.getBoundingClientRect();
    const [x, y] = at ? [at.clientX - box.left, at.clientY - box.top] : [box.width / 2, box.height / 2];
    const before = this.scale;
    const point = [(this.scroller.scrollLeft + x) / before, (this.scroller.scrollTop + y) / before];
    this.zoom = factor ? Math.min(4, Math.max(0.15, before * factor)) : 0;
    this.applyZoom();
    this.scroller.scrollTo(point[0] * this.scale - x, point[1] * this.scale - y);
    this.look();
    this.draw();
  }

  /** Keep where the scroller stands: asking it amid a change would make the browser lay out everything once more. */
  look() {
    const { scrollTop: top, scrollLeft: left, clientWidth: width, clientHeight: height } = this.scroller;
    this.seen = { top, left, width, height };
  }

  /** The heights that can be seen. */
  window() {
    const top = this.seen.top / this.scale - MARGIN;
    return [top, top + this.seen.height / this.scale];
  }

  /** Draw what can be seen, and a little around it; take away what was left behind. */
  draw(all = this.whole) {
    const [top, bottom] = all ? [-Infinity, Infinity] : this.window();
    const wanted = new Set();
    const keep = (key, from, to, make) => {
      if (to < top - AHEAD || from > bottom + AHEAD) return;
      wanted.add(key);
      if (!this.shown.has(key)) this.shown.set(key, make());
    };
    this.stack.frames.forEach((frame, index) => keep(`f${index}`, frame.top, frame.bottom, () => this.drawFrame(frame)));
    this.stack.placed.forEach((part, index) => keep(index, part.y, part.y + part.piece.height, () => this.drawPart(part)));
    for (const [key, element] of this.shown)
      if (!wanted.has(key)) {
        element.remove();
        this.shown.delete(key);
      }
  }

  drawPart({ item, piece, open, y }) {
    const group = this.append(1, piece.svg.replaceAll("@", item.name).replaceAll("#rx-arrow", `#${this.id}-arrow`) + (open ? "" : drawTool(item, piece)));
    group.setAttribute("transform", `translate(0,${y})`);
    this.dress(group);
    return group;
  }

  drawFrame(frame) {
    const { item, top, bottom, words, split } = frame;
    const { left, right, middle } = measureFrame(frame, this.stack);
    const sign = split ? "" : drawSign("open", item.name, right - 16, middle, "−", `Close ${item.title}`);
    const badge = item.repeat > 1 ? drawBadge(item, left + 4, top, split) : "";
    const group = this.append(0, `<g class="node frame" data-name="${item.name}" data-repeat="${item.repeat}" role="button" tabindex="-1">
      <title>${item.title}${words ? `: ${words}` : ""}</title><rect x="${left}" y="${top}" width="${right - left}" height="${bottom - top}" rx="8"/>
      <text x="14" y="${middle}"><tspan class="title">${item.title}</tspan><tspan class="quiet" dx="6">${words}</tspan></text></g>${sign}${badge}`, this.nextFrame(frame));
    this.dress(group);
    return group;
  }

  append(layer, content, before = null) {
    const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
    group.innerHTML = content;
    this.layers[layer].insertBefore(group, before);
    return group;
  }

  /** The frame in the document that comes after this one; an outer frame must not cover an inner one. */
  nextFrame(frame) {
    const at = this.stack.frames.indexOf(frame);
    const later = [...this.shown.keys()].filter((key) => typeof key === "string" && Number(key.slice(1)) > at);
    return later.length ? this.shown.get(`f${Math.min(...later.map((key) => Number(key.slice(1))))}`) : null;
  }

  /** Give what was just drawn its selection, marks and heat. */
  dress(group) {
    for (const node of group.querySelectorAll(".node")) this.dressNode(node);
    if (!this.heat) return;
    for (const edge of group.querySelectorAll("[data-to]")) {
      const share = this.share(this.spots.get(edge.dataset.to));
      if (share !== undefined) edge.style.strokeWidth = 1.4 + 7 * share;
    }
  }

  dressNode(node) {
    const { name } = node.dataset;
    node.classList.toggle("chosen", name === this.chosenName);
    node.classList.toggle("lit", name === this.litName);
    const mark = this.marks.get(name);
    if (mark) node.classList.add("marked", `is-${mark}`);
    this.on.dress?.(node, mark);
    if (!this.heat || node.classList.contains("frame")) return;
    const spot = this.spots.get(name), value = this.value(spot), share = this.share(spot);
    if (share === undefined) return;
    node.classList.add("heated");
    node.style.setProperty("--heat", `${Math.round(6 + 44 * share)}%`);
    if (!value || spot.side) return;
    const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
    Object.entries({ class: "reading", x: spot.x - spot.w / 2 - 8, y: spot.y - this.offset(node) }).forEach(([key, v]) => text.setAttribute(key, v));
    text.textContent = this.heat.format(value) + (spot.box && spot.item.repeat > 1 && this.heat.adds ? " each" : "");
    node.append(text);
  }

  offset(node) {
    return Number(/,(-?[\d.]+)\)/.exec(node.parentNode.getAttribute("transform"))?.[1] || 0);
  }

  /** Colour boxes and thicken lines by numbers: `{values: Map, adds, format(value)}`; null takes it back. */
  showHeat(heat) {
    const had = Boolean(this.heat);
    this.heat = heat;
    if (!this.stack) return;
    this.findLargest();
    this.redraw();
    if (had !== Boolean(heat)) this.applyZoom();
  }

  findLargest() {
    if (!this.heat) return;
    this.largest = Math.max(0, ...this.order.filter((spot) => !spot.frame).map((spot) => this.value(spot) || 0));
  }

  /** A spot's number: a fold's is that of its largest block, so that block can be compared with block. */
  value(spot) {
    const { values } = this.heat;
    if (!spot.box || spot.item.repeat === 1) return values.get(spot.name);
    const each = listNames(spot.item).map((name) => values.get(name)).filter((value) => value !== undefined);
    return each.length ? Math.max(...each) : undefined;
  }

  /** Titles of the boxes with the largest number, one side of a fold or another. */
  listLargest() {
    const near = this.order.filter((spot) => !spot.frame && !spot.side && this.share(spot) > 0.995);
    return near.map((spot) => (spot.box ? spot.item.title : spot.name));
  }

  share(spot) {
    const value = spot && this.value(spot);
    return value === undefined || value === null || !this.largest ? undefined : value / this.largest;
  }

  /** Say of names how they differ ("added", "removed", "changed", "same"). */
  mark(marks) {
    this.marks = marks;
    if (this.stack) this.redraw();
  }

  /** Draw again what is seen. */
  redraw() {
    for (const element of this.shown.values()) element.remove();
    this.shown.clear();
    this.draw();
  }

  /** Select a name, or "" for none; with `scroll` the graph moves to it. Gives the spot that stands for it. */
  select(name, scroll = false) {
    const spot = name ? this.find(name) : undefined;
    this.selected = name;
    this.chosenName = spot?.name.replace("#", "");
    this.setClass("chosen", this.chosenName);
    if (spot && scroll) this.scrollTo(spot);
    return spot;
  }

  light(name) {
    this.litName = name ? this.find(name)?.name : undefined;
    this.setClass("lit", this.litName);
  }

  setClass(kind, name) {
    for (const old of this.svg.querySelectorAll(`.node.${kind}`)) old.classList.remove(kind);
    if (!name) return;
    for (const node of this.svg.querySelectorAll(`.node[data-name="${CSS.escape(name)}"]`)) node.classList.add(kind);
    if (kind === "chosen") this.tell(this.svg.querySelector(".node.chosen"));
  }

  /** Tell a screen reader which box is the active one. */
  tell(node) {
    this.svg.querySelector(`#${this.id}`)?.removeAttribute("id");
    if (!node) return this.box.removeAttribute("aria-activedescendant");
    node.id = this.id;
    this.box.setAttribute("aria-activedescendant", this.id);
  }

  scrollTo({ x, y, w, h }) {
    const [top, bottom] = [(y - h / 2 + MARGIN) * this.scale - 40, (y + h / 2 + MARGIN) * this.scale + 40];
    const { scrollTop, clientHeight, clientWidth, scrollLeft } = this.scroller;
    if (top < scrollTop) this.scroller.scrollTop = top;
    else if (bottom > scrollTop + clientHeight) this.scroller.scrollTop = bottom - clientHeight;
    this.look();
    this.draw();
    if (this.scroller !== this.box) return; // columns side by side stay where they are
    const [left, right] = [(x - w / 2 + this.size.left) * this.scale, (x + w / 2 + this.size.left) * this.scale];
    if (left < scrollLeft || right > scrollLeft + clientWidth) this.box.scrollLeft = Math.max(0, (left + right - clientWidth) / 2);
  }

  listen() {
    const named = (event) => event.target.closest?.("[data-name]");
    this.scroller.addEventListener("scroll", () => this.stack && requestAnimationFrame(() => { this.look(); this.draw(); this.on.zoom?.(); }), { passive: true });
    this.box.addEventListener("click", (event) => {
      if (this.dragged) return;
      const tool = event.target.closest("[data-do]");
      if (tool) this.on[tool.dataset.do]?.(tool.dataset.name);
      else if (event.target.closest(".times")) this.on.unfold?.(named(event).dataset.name);
      else if (named(event)) this.on.select?.(named(event).dataset.name);
    });
    this.box.addEventListener("dblclick", (event) => {
      const spot = named(event) && !event.target.closest("[data-do], .times") && this.spots.get(named(event).dataset.name);
      if (spot && (spot.box || spot.frame) && canOpen(spot.item)) this.on.open?.(spot.item.name);
    });
    this.box.addEventListener("mouseover", (event) => this.on.hover?.(named(event)?.dataset.name || ""));
    this.box.addEventListener("mouseleave", () => this.on.hover?.(""));
    this.box.addEventListener("keydown", (event) => this.press(event));
    this.box.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls
      event.preventDefault();
      this.changeZoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event);
    }, { passive: false });
    this.listenToDrag();
    new ResizeObserver(() => {
      this.look();
      this.zoom ? this.stack && this.draw() : this.applyZoom();
    }).observe(this.scroller);
  }

  listenToDrag() {
    let start = null;
    this.box.addEventListener("pointerdown", (event) => {
      this.dragged = false;
      if (event.pointerType === "mouse" && event.button === 0)
        start = [event.clientX, event.clientY, this.scroller.scrollLeft, this.scroller.scrollTop];
    });
    addEventListener("pointermove", (event) => {
      if (!start) return;
      const [dx, dy] = [event.clientX - start[0], event.clientY - start[1]];
      if (Math.hypot(dx, dy) > 4) this.dragged = true;
      if (this.dragged) this.scroller.scrollTo(start[2] - dx, start[3] - dy);
    });
    addEventListener("pointerup", () => (start = null));
  }

  // up and down follow the main path, right and left cross to the shortcut and back, Enter opens and closes
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !this.stack) return;
    const now = this.selected && this.find(this.selected);
    const main = this.order.filter((spot) => !spot.side);
    const y = now ? now.y : -Infinity;
    const near = (spots) => spots.sort((a, b) => Math.abs(a.y - y) - Math.abs(b.y - y))[0];
    const moves = {
      ArrowDown: () => main.find((spot) => spot.y > y + 1),
      ArrowUp: () => main.findLast((spot) => spot.y < y - 1),
      Home: () => main[0],
      End: () => main.at(-1),
      ArrowRight: () => now && near(this.order.filter((spot) => spot.side && spot.item === now.item)),
      ArrowLeft: () => now?.side && near(main.filter((spot) => spot.item === now.item && !spot.frame)),
    };
    const acts = {
      Enter: () => (now && (now.box || now.frame) && canOpen(now.item) ? this.on.open?.(now.item.name) : this.on.enter?.()),
      u: () => now && now.item.repeat > 1 && this.on.unfold?.(now.item.name),
      Escape: () => this.on.escape?.(),
      "+": () => this.changeZoom(1.25),
      "-": () => this.changeZoom(0.8),
      0: () => this.changeZoom(0),
    };
    if (!moves[event.key] && !acts[event.key]) return;
    event.preventDefault();
    if (acts[event.key]) return acts[event.key]();
    const next = moves[event.key]();
    if (next) this.on.select?.(next.name.replace("#", ""), true);
  }
}

/** The sign beside a closed box that there is more in it. */
function drawTool(item, piece) {
  if (!canOpen(item)) return "";
  const [, x, y, w] = piece.spots.find(([rel]) => rel === "");
  return drawSign("open", item.name, x + w / 2, y, "+", `Open ${item.title}`);
}

function drawSign(act, name, x, y, sign, label) {
  const stroke = sign === "+" ? "h8m-4,-4v8" : "h8";
  return `<g class="sign" data-do="${act}" data-name="${name}" role="button" aria-label="${label}"><title>${label}</title><circle class="reach" cx="${x}" cy="${y}" r="13"/><circle class="disc" cx="${x}" cy="${y}" r="8"/><path d="M${x - 4},${y}${stroke}"/></g>`;
}

function drawBadge(item, x, y, split) {
  const width = 18 + 6 * String(item.repeat).length;
  const label = split ? `Fold the ${item.repeat} blocks` : `Show each of the ${item.repeat} blocks`;
  return `<g class="times" data-do="unfold" data-name="${item.name}" role="button" aria-label="${label}"><title>${label}</title><rect class="badge" x="${x - width / 2}" y="${y - 8.5}" width="${width}" height="17" rx="8.5"/><text class="badge-text" x="${x}" y="${y}">×${item.repeat}</text></g>`;
}
