// Build: totals, graph, detail card and table of one architecture. They share one selection.
import { Controls } from "./controls.js";
import { Listing } from "./listing.js";
import { readLink, writeLink } from "./link.js";
import { Measure } from "./measure.js";
import { showTab } from "./page.js";

const FRAME = `
<div class="rx-build-split">
 <aside class="rx-form" aria-label="Network">
  <button type="button" class="rx-drawer" aria-expanded="false">Network</button>
  <div class="rx-form-body"></div>
 </aside>
 <div class="rx-build-main">
  <div class="rx-bar-row">
    <div id="rx-level" role="radiogroup" aria-label="Level">
      <label><input type="radio" name="rx-level" value="stage"><span>Stage</span></label><label class="selected"><input
        type="radio" name="rx-level" value="block" checked><span>Block</span></label><label><input type="radio"
        name="rx-level" value="op"><span>Op</span></label>
    </div>
    <label id="rx-fold"><input type="checkbox" checked> Fold repeats</label>
  </div>
  <div class="rx-head">
    <div class="rx-name"></div>
    <div class="rx-totals" aria-live="polite"></div>
    <div class="rx-refusal" role="alert" hidden></div>
  </div>
  <div class="rx-main">
    <div class="rx-graph-box">
      <div class="rx-tools">
        <span class="rx-hint"></span>
        <span class="rx-zoom"><button type="button" data-zoom="in" aria-label="Zoom in">+</button><button type="button"
          data-zoom="out" aria-label="Zoom out">−</button><button type="button" data-zoom="fit">Fit</button></span>
      </div>
      <div class="rx-graph" tabindex="0" role="application"
        aria-label="Graph. Arrow keys walk it, Enter opens the card, Escape closes it."></div>
      <div class="rx-legend" aria-label="Legend"></div>
    </div>
    <aside class="rx-card" aria-live="polite" hidden></aside>
  </div>
  <div class="rx-views">
    <div role="group" aria-label="Below the graph">
      <button type="button" data-view="table" aria-pressed="true">Table</button><button type="button" data-view="profile" aria-pressed="false">Memory and FLOPs</button><button type="button" data-view="others" aria-pressed="false">Beside others</button><button type="button" data-view="module" aria-pressed="false">Code</button><button type="button"
        data-view="functional" aria-pressed="false">Functional code</button><button type="button" data-view="summary" aria-pressed="false">torchinfo</button><button type="button" data-view="measured" aria-pressed="false">Measured</button>
    </div>
    <span class="rx-listing-tools" hidden><button type="button" data-listing="copy">Copy</button><button type="button"
      data-listing="save">Download</button></span>
  </div>
  <div class="rx-table-box" tabindex="0" role="region" aria-label="Cost table"></div>
  <p class="rx-notes rx-quiet"></p>
  <div class="rx-measure" hidden></div>
  <pre class="rx-listing" tabindex="0" role="region" aria-label="Listing" hidden></pre>
 </div>
</div>`;

export function mount(element, { props, watch, server, on }) {
  const frame = element.querySelector(".rx-widget");
  frame.innerHTML = FRAME;
  const view = new View(frame, server, on, props.value);
  view.show(props.value, true);
  addEventListener("popstate", () => {
    if (readLink().v !== view.value.variant) view.ask({ query: location.search });
  });
  if (readLink().v && readLink().v !== view.value.variant) view.ask({ query: location.search });
}

class View {
  constructor(frame, server, on, { sections, help, limits }) {
    this.frame = frame;
    this.server = server;
    this.on = on;
    this.value = {};
    this.selected = "";
    this.zoom = 0; // 0: fit
    this.find = (selector) => frame.querySelector(selector);
    this.graph = this.find(".rx-graph");
    this.table = this.find(".rx-table-box");
    this.card = this.find(".rx-card");
    this.measure = new Measure(this.find(".rx-measure"), server, () => this.value.variant, {
      limits,
      onSelect: (name, fold) => this.select(this.findNode(name) ? name : fold),
      onHover: (name) => this.light(name),
    });
    this.listing = new Listing(this);
    const send = (name, value) => this.ask({ changes: { [name]: value } });
    this.controls = new Controls(this.find(".rx-form-body"), sections, help, send, (text) => this.ask({ text }));
    this.listen();
    this.listenToBar();
  }

  /** Ask the server for a change; while an answer is on its way, later changes wait and go together. */
  async ask(question) {
    const changes = { ...this.waiting?.changes, ...question.changes };
    this.waiting = question.changes ? { ...this.waiting, changes } : question;
    if (this.asking) return;
    this.asking = true;
    while (this.waiting) {
      const { variant } = this.value;
      const level = this.find("#rx-level input:checked").value;
      const asked = { variant, level, fold: this.find("#rx-fold input").checked, ...this.waiting };
      this.waiting = null;
      try {
        this.show(await this.server.change(asked), false);
      } catch {
        this.show({ error: "The server does not answer: it may have been stopped. Start it again, and go on." }, false);
      }
    }
    this.asking = false;
  }

  listenToBar() {
    this.find("#rx-level").addEventListener("change", () => {
      for (const label of this.find("#rx-level").children)
        label.classList.toggle("selected", label.querySelector("input").checked);
      this.ask({ changes: {} });
    });
    this.find("#rx-fold").addEventListener("change", () => this.ask({ changes: {} }));
    const drawer = this.find(".rx-drawer");
    drawer.addEventListener("click", () =>
      drawer.setAttribute("aria-expanded", drawer.getAttribute("aria-expanded") !== "true"),
    );
  }

  show(value, first) {
    const refusal = this.find(".rx-refusal");
    refusal.hidden = !value.error;
    refusal.textContent = value.error || "";
    if (!value.svg) {
      if (this.value.controls) this.controls.update(this.value.controls, this.controls.text.value);
      return;
    }
    const before = this.value;
    this.value = value;
    this.find(".rx-name").textContent = value.variant; // in full: the field cuts a long one
    this.find(".rx-totals").innerHTML = value.totals;
    this.find(".rx-hint").textContent = value.note;
    this.find(".rx-legend").innerHTML = value.legend;
    if (value.svg !== before.svg) this.drawGraph(value.level !== before.level);
    if (value.table !== before.table) this.drawTable();
    this.select(this.selected, { quiet: true, again: true });
    // a link that is being restored is already in the address bar
    if (!(first && readLink().v)) writeLink({ v: value.variant }, first || !readLink().v);
    this.controls.update(value.controls, value.variant);
    this.frame.dataset.variant = value.variant;
    if (value.variant !== before.variant && before.variant) this.on.shown({ variant: value.variant });
    this.listing.load();
  }

  drawGraph(anew) {
    const { scrollTop, scrollLeft } = this.graph;
    this.graph.innerHTML = this.value.svg;
    this.svg = this.graph.querySelector("svg");
    this.size = [this.svg.width.baseVal.value, this.svg.height.baseVal.value];
    this.applyZoom();
    if (anew) this.graph.scrollTo(0, 0);
    else this.graph.scrollTo(scrollLeft, scrollTop);
  }

  drawTable() {
    const { scrollTop, scrollLeft } = this.table;
    this.table.innerHTML = this.value.table;
    const hints = [...this.table.querySelectorAll("thead th")].filter((head) => head.title);
    this.find(".rx-notes").textContent = hints.map((head) => `${head.textContent}: ${head.title}`).join(" · ");
    this.table.scrollTo(scrollLeft, scrollTop);
  }

  // zoom 0 fits the width; a network is tall, so its height scrolls
  applyZoom() {
    const fit = Math.min(1.15, (this.graph.clientWidth - 8) / this.size[0]);
    const scale = this.zoom || Math.max(fit, 0.3);
    this.svg.setAttribute("width", this.size[0] * scale);
    this.svg.setAttribute("height", this.size[1] * scale);
    this.scale = scale;
  }

  changeZoom(factor, at) {
    const box = this.graph.getBoundingClientRect();
    const [x, y] = at ? [at.clientX - box.left, at.clientY - box.top] : [box.width / 2, box.height / 2];
    const before = this.scale;
    const point = [(this.graph.scrollLeft + x) / before, (this.graph.scrollTop + y) / before];
    this.zoom = factor ? Math.min(4, Math.max(0.15, before * factor)) : 0;
    this.applyZoom();
    this.graph.scrollTo(point[0] * this.scale - x, point[1] * this.scale - y);
  }

  listen() {
    const named = (target) => target.closest && target.closest("[data-name]");
    for (const box of [this.graph, this.table]) {
      box.addEventListener("click", (event) => {
        const hit = named(event.target);
        if (hit && !this.dragged) this.select(hit.dataset.name, { from: box });
      });
      box.addEventListener("mouseover", (event) => this.light(named(event.target)?.dataset.name || ""));
      box.addEventListener("mouseleave", () => this.light(""));
    }
    this.find(".rx-zoom").addEventListener("click", (event) => {
      const what = event.target.dataset.zoom;
      if (what) this.changeZoom({ in: 1.25, out: 0.8 }[what]);
    });
    this.graph.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls
      event.preventDefault();
      this.changeZoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event);
    }, { passive: false });
    this.graph.addEventListener("keydown", (event) => this.press(event));
    this.table.addEventListener("keydown", (event) => this.pressInTable(event));
    this.card.addEventListener("click", (event) => this.clickCard(event));
    this.card.addEventListener("keydown", (event) => event.key === "Escape" && this.close(true));
    this.listenToDrag();
    new ResizeObserver(() => this.svg && !this.zoom && this.applyZoom()).observe(this.graph);
  }

  listenToDrag() {
    let start = null;
    this.graph.addEventListener("pointerdown", (event) => {
      this.dragged = false;
      if (event.pointerType === "mouse" && event.button === 0)
        start = [event.clientX, event.clientY, this.graph.scrollLeft, this.graph.scrollTop];
    });
    addEventListener("pointermove", (event) => {
      if (!start) return;
      const [dx, dy] = [event.clientX - start[0], event.clientY - start[1]];
      if (Math.hypot(dx, dy) > 4) this.dragged = true;
      if (this.dragged) this.graph.scrollTo(start[2] - dx, start[3] - dy);
    });
    addEventListener("pointerup", () => (start = null));
  }

  /** The node that stands for a name: itself, or the box around it. */
  findNode(name) {
    for (let path = name; path; path = path.slice(0, Math.max(0, path.lastIndexOf(".")))) {
      const node = this.svg.querySelector(`.node[data-name="${CSS.escape(path)}"]`);
      if (node) return node;
    }
    return null;
  }

  /** The rows of a name: its own and those inside it, or those of what it is a part of. */
  findRows(name) {
    const rows = [...this.table.querySelectorAll("tr[data-name]")];
    for (let path = name; path; path = path.slice(0, Math.max(0, path.lastIndexOf(".")))) {
      const found = rows.filter((row) => row.dataset.name === path || row.dataset.name.startsWith(path + "."));
      if (found.length) return found;
    }
    return [];
  }

  hasRow(name) {
    return Boolean(this.table.querySelector(`tr[data-name="${CSS.escape(name)}"]`));
  }

  mark(kind, name) {
    for (const old of this.frame.querySelectorAll(`.${kind}`)) old.classList.remove(kind);
    this.measure.mark(kind, name);
    if (!name) return [];
    const node = this.findNode(name);
    if (node) node.classList.add(kind);
    const rows = this.findRows(name);
    for (const row of rows) row.classList.add(kind);
    return [node, rows[0]];
  }

  light(name) {
    this.mark("lit", name);
  }

  async select(name, { from = null, quiet = false, again = false } = {}) {
    const exists = name && (this.findNode(name)?.dataset.name === name || this.hasRow(name));
    if (again && !exists) return this.close();
    const [node, row] = this.mark("chosen", name);
    this.selected = name;
    if (!quiet && from !== this.graph && node) scrollInto(this.graph, node);
    if (!quiet && from !== this.table && row) scrollInto(this.table, row, 34);
    if (!name) return;
    const answer = await this.server.card({ variant: this.value.variant, name });
    if (this.selected !== name || !answer.html) return;
    this.card.innerHTML = `<button type="button" class="rx-close" aria-label="Close">×</button>${answer.html}`;
    this.card.hidden = false;
  }

  close(byKey = false) {
    if (byKey) this.graph.focus({ preventScroll: true }); // else the focus would be lost with the card
    this.selected = "";
    this.mark("chosen", "");
    this.card.hidden = true;
  }

  clickCard(event) {
    if (event.target.closest(".rx-close")) this.close();
    const maps = event.target.closest("[data-maps]");
    if (!maps) return;
    this.on.maps({ name: maps.dataset.maps, variant: this.value.variant });
    showTab("Inspect");
  }

  // up and down follow the main path, right and left cross to the shortcut and back
  press(event) {
    const nodes = [...this.svg.querySelectorAll(".node")].map((node) => ({ node, box: node.getBoundingClientRect() }));
    const centre = ({ box }) => [box.left + box.width / 2, box.top + box.height / 2];
    const axis = centre(nodes[0])[0];
    const onPath = (item) => Math.abs(centre(item)[0] - axis) < 4;
    const now = nodes.find(({ node }) => node.dataset.name === this.selected);
    const [x, y] = now ? centre(now) : [axis, -Infinity];
    const choose = (items) => {
      const best = items.sort((a, b) => Math.abs(centre(a)[1] - y) - Math.abs(centre(b)[1] - y))[0];
      if (best) this.select(best.node.dataset.name, { quiet: false });
    };
    const moves = {
      ArrowDown: () => choose(now ? nodes.filter((n) => onPath(n) && centre(n)[1] > y + 2) : nodes.slice(0, 1)),
      ArrowUp: () => choose(nodes.filter((n) => onPath(n) && centre(n)[1] < y - 2)),
      ArrowRight: () => choose(nodes.filter((n) => centre(n)[0] > x + 10 && Math.abs(centre(n)[1] - y) < 400)),
      ArrowLeft: () => choose(nodes.filter((n) => centre(n)[0] < x - 10)),
      Enter: () => this.card.querySelector("button")?.focus(),
      Escape: () => this.close(),
      "+": () => this.changeZoom(1.25),
      "-": () => this.changeZoom(0.8),
      0: () => this.changeZoom(0),
    };
    if (!moves[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    moves[event.key]();
  }

  pressInTable(event) {
    const rows = [...this.table.querySelectorAll("tr[data-name]")];
    const at = rows.findIndex((row) => row.dataset.name === this.selected);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1 }[event.key];
    if (event.key === "Escape") this.close();
    if (next === undefined || !rows[next]) return;
    event.preventDefault();
    this.select(rows[next].dataset.name, {});
  }
}

function scrollInto(box, item, top = 8) {
  const [outer, inner] = [box.getBoundingClientRect(), item.getBoundingClientRect()];
  if (inner.top < outer.top + top) box.scrollTop -= outer.top + top - inner.top;
  if (inner.bottom > outer.bottom - 8) box.scrollTop += inner.bottom - outer.bottom + 8;
}
