// Build: totals, graph, detail card and table of one architecture. They share one selection.
import { ask, SILENT } from "./ask.js";
import { Controls } from "./controls.js";
import { Exports } from "./exports.js";
import { Finder } from "./finder.js";
import { Graph } from "./graph.js";
import { Heat } from "./heat.js";
import { heldIds } from "./held.js";
import { Ideas } from "./ideas.js";
import { makeLink, readLink, writeLink } from "./link.js";
import { Minimap } from "./minimap.js";
import { copyText } from "./files.js";
import { showTab } from "./page.js";
import { isOpen, readView, reveal, toggle, writeView } from "./stack.js";
import { Views } from "./views.js";

const FRAME = `
<div class="rx-build-split">
 <aside class="rx-form" aria-label="Network">
  <button type="button" class="rx-drawer" aria-expanded="false">Network</button>
  <div class="rx-form-body"></div>
 </aside>
 <div class="rx-build-main">
  <div class="rx-head">
    <div class="rx-name-row"><span class="rx-name"></span>
      <button type="button" class="rx-pin" aria-pressed="false" title="Keep these totals to compare with">Pin</button></div>
    <div class="rx-totals" aria-live="polite"></div>
    <div class="rx-pinned" hidden></div>
    <div class="rx-refusal" role="alert" hidden></div>
  </div>
  <div class="rx-ideas" role="group" aria-label="One idea away"></div>
  <div class="rx-main">
    <div class="rx-graph-box">
      <div class="rx-tools">
        <div id="rx-level" role="radiogroup" aria-label="Level">
          <label><input type="radio" name="rx-level" value="stage"><span>Stage</span></label><label class="selected"><input
            type="radio" name="rx-level" value="block" checked><span>Block</span></label><label><input type="radio"
            name="rx-level" value="op"><span>Op</span></label>
        </div>
        <label id="rx-fold"><input type="checkbox" checked> Fold repeats</label>
        <label class="rx-by">Colour by <select></select></label>
        <span class="rx-find"><input type="search" placeholder="Find" aria-label="Find in the graph by name or kind"
          spellcheck="false" autocomplete="off"><span class="rx-quiet" aria-live="polite"></span></span>
        <span class="rx-zoom"><button type="button" data-zoom="in" aria-label="Zoom in">+</button><button type="button"
          data-zoom="out" aria-label="Zoom out">−</button><button type="button" data-zoom="fit">Fit</button></span>
        <span class="rx-export"></span>
      </div>
      <div class="rx-hint rx-quiet" aria-live="polite"></div>
      <div class="rx-graph-frame"><div class="rx-graph" tabindex="0" role="application"
        aria-label="Graph. Arrow keys walk it, Enter opens and closes, u unfolds repeats, Escape closes the card."></div>
        <canvas class="rx-minimap" aria-hidden="true"></canvas></div>
      <div class="rx-heat" hidden></div>
      <div class="rx-legend" aria-label="Legend"></div>
    </div>
    <aside class="rx-card" aria-live="polite" hidden></aside>
  </div>
  <div class="rx-below"></div>
 </div>
</div>`;

export function mount(element, { props, server, on }) {
  const frame = element.querySelector(".rx-widget");
  frame.innerHTML = FRAME;
  frame.inert = true; // until something is drawn, no button has anything to work on
  const view = new View(frame, server, on, props.value);
  view.first = props.value;
  const restore = () => {
    view.readLink();
    view.turn += 1; // what was asked before Back was pressed is no longer wanted
    view.waiting = null;
    const { v, pin } = readLink();
    if ((v || "") !== view.value.variant || (pin || "") !== (view.value.pin || ""))
      view.ask({ text: v || props.value.variant, restored: true });
    else view.refresh();
  };
  addEventListener("popstate", restore);
  addEventListener("rx-build", ({ detail }) => view.ask({ text: detail.variant }));
  if (readLink().v || readLink().pin) restore();
  else view.show(props.value, true);
}

class View {
  constructor(frame, server, on, { sections, help, style, limits }) {
    Object.assign(this, { frame, server, on, limits, value: {}, selected: "", measured: {}, turn: 0 });
    this.find = (selector) => frame.querySelector(selector);
    this.card = this.find(".rx-card");
    this.graph = new Graph(this.find(".rx-graph"), {
      select: (name, byKey) => this.select(name, { from: byKey ? null : this.graph }),
      hover: (name) => this.light(name),
      open: (name) => this.flip("flipped", name),
      unfold: (name) => this.flip("unfolded", name),
      enter: () => this.card.querySelector("button:not(.rx-close)")?.focus(),
      escape: () => this.close(),
      zoom: () => this.minimap?.ask(),
    });
    this.graph.style = style; // for files of it
    this.minimap = new Minimap(this.graph, this.find(".rx-minimap"));
    this.heat = new Heat(this.graph, { menu: this.find(".rx-by select"), legend: this.find(".rx-heat") },
      (by) => this.askHeat(by), (by) => this.colour(by));
    this.finder = new Finder(this.graph, { input: this.find(".rx-find input"), count: this.find(".rx-find span") },
      (name) => this.reveal(name));
    this.exports = new Exports(this.find(".rx-export"), this.graph, () => this.value.variant, server);
    this.ideas = new Ideas(this.find(".rx-ideas"), server, (text) => this.ask({ text }));
    this.views = new Views(this.find(".rx-below"), this);
    this.table = this.views.table;
    const send = (name, value) => this.ask({ changes: { [name]: value } });
    this.controls = new Controls(this.find(".rx-form-body"), sections, help, send, (text) => this.ask({ text }));
    this.readLink();
    this.hideCard();
    this.listen();
    this.listenToBar();
  }

  /** Take from the link what is open, selected and coloured. */
  readLink() {
    const link = readLink();
    this.state = readView(link);
    this.selected = link.sel || "";
    this.by = link.by || "";
    this.find(`#rx-level input[value=${this.state.level}]`).checked = true;
    this.find("#rx-fold input").checked = this.state.fold;
    this.markLevel();
  }

  markLevel() {
    for (const label of this.find("#rx-level").children) label.classList.toggle("selected", label.querySelector("input").checked);
  }

  /** Ask the server for a change; while an answer is on its way, later changes wait and go together. */
  async ask(question) {
    const changes = { ...this.waiting?.changes, ...question.changes };
    this.waiting = question.changes ? { ...this.waiting, changes } : question;
    if (this.asking) return;
    this.asking = true;
    while (this.waiting) {
      const { variant } = this.value;
      const asked = { variant, pin: readLink().pin || "", view: writeView(this.state), ...this.waiting };
      const { turn } = this;
      this.waiting = null;
      const answer = await ask(this.server.change, asked);
      const moved = Object.keys({ ...asked.changes, ...("text" in asked && !asked.restored && { text: "" }) });
      this.controls.markRefused(answer.error && answer.error !== SILENT ? moved : []);
      if (turn === this.turn) this.show(answer, Boolean(asked.restored));
    }
    this.asking = false;
  }

  listenToBar() {
    this.find("#rx-level").addEventListener("change", () => {
      this.markLevel();
      const level = this.find("#rx-level input:checked").value;
      this.open({ ...readView({ level }), fold: this.state.fold }, true);
    });
    this.find("#rx-fold").addEventListener("change", ({ target }) => this.open({ ...this.state, fold: target.checked, unfolded: new Set() }));
    const drawer = this.find(".rx-drawer");
    drawer.addEventListener("click", () => drawer.setAttribute("aria-expanded", drawer.getAttribute("aria-expanded") !== "true"));
    this.find(".rx-zoom").addEventListener("click", ({ target }) => {
      if (target.dataset.zoom) this.graph.changeZoom({ in: 1.25, out: 0.8 }[target.dataset.zoom]);
    });
    this.find(".rx-pin").addEventListener("click", () => {
      writeLink({ pin: readLink().pin ? "" : this.value.variant });
      this.ask({ changes: {} });
    });
  }

  /** Show what else is open now. */
  open(state, top = false) {
    const unfolds = state.fold !== this.state.fold; // the table's rows are other ones then
    this.state = state;
    writeLink(writeView(state));
    if (unfolds || this.lacks()) return this.ask({ changes: {} });
    this.refresh();
    if (top) this.graph.box.scrollTo(0, 0);
    if (top && this.selected) this.select(this.selected, { quiet: true });
  }

  flip(kind, name) {
    toggle(this.state[kind], name);
    writeLink(writeView(this.state), true);
    if (this.lacks()) return this.ask({ changes: {} });
    this.refresh();
  }

  /** Whether a part is open, for the table: the same as in the graph. */
  isOpen(name) {
    return isOpen(this.items.get(name) || { opened: 0, name }, this.state);
  }

  /** A person opened or closed a group of the table; several at once are drawn once. */
  toggle(name, open) {
    if (this.isOpen(name) === open) return;
    toggle(this.state.flipped, name);
    if (this.toggling) return;
    this.toggling = true;
    queueMicrotask(() => {
      this.toggling = false;
      writeLink(writeView(this.state), true);
      this.refresh();
    });
  }

  /** Whether repeats are folded. */
  fold() {
    return this.state.fold;
  }

  /** Whether a fold is to be taken apart whose blocks, since they differ, are still on the server. */
  lacks() {
    const { fold, unfolded } = this.state;
    const wanting = (item) => item.repeat > 1 && !item.single && !item.members && fold === unfolded.has(item.name);
    return this.value.graph.items.some((item) => item.parts?.some(wanting));
  }

  refresh() {
    this.graph.show(this.value.graph, this.state);
    this.graph.select(this.selected);
    this.table.setOpen((name) => this.isOpen(name));
    this.heat.update();
    if (this.by !== this.heat.by) this.heat.choose(this.by);
    if (this.selected !== this.carded) this.selected ? this.select(this.selected) : this.hideCard();
    this.finder.update();
  }

  /** Numbers to colour by: what was measured is here, the rest comes from the server. */
  askHeat(by) {
    const { variant } = this.value;
    const pass = new Map([["time", "forward"], ["step", "train"]]).get(by);
    if (!pass) return ask(this.server.overlay, { variant, by, runs: heldIds() });
    const values = this.measured.variant === variant && this.measured[pass];
    return values ? { values, adds: true } : { error: `${variant} was not measured yet: choose Measured below the graph, and press Measure.` };
  }

  /** Times of a measurement, by block: the graph can be coloured by them. */
  keepMeasured(result) {
    this.measured = result;
    if (["time", "step"].includes(this.by)) this.heat.choose(this.by);
  }

  colour(by) {
    this.by = by;
    writeLink({ by });
    this.heat.choose(by);
  }

  show(value, first) {
    if (!value.graph && !this.value.graph) this.show(this.first, true); // a link that means nothing
    if (!value.graph) {
      this.refuse(value.error);
      return this.controls.update(this.value.controls, this.controls.text.value);
    }
    this.refuse("");
    this.frame.inert = false;
    const before = this.value;
    this.value = value;
    this.find(".rx-name").textContent = value.variant; // in full: the field cuts a long one
    this.find(".rx-totals").innerHTML = value.totals;
    this.find(".rx-hint").textContent = value.note;
    this.find(".rx-legend").innerHTML = value.legend;
    this.showPin(value);
    this.graph.show(value.graph, this.state);
    if (this.by) this.heat.choose(this.by);
    const parts = value.graph.items.flatMap((item) => [item, ...(item.parts || [])]);
    this.items = new Map(parts.map((item) => [item.name, item]));
    this.table.isOpen = (name) => this.isOpen(name);
    this.table.show(value.table);
    writeLink({ v: value.variant }, first || !readLink().v); // a restored link is no step of its own
    this.select(this.selected, { quiet: Boolean(before.graph), again: true });
    this.controls.update(value.controls, value.variant);
    this.frame.dataset.variant = value.variant;
    if (value.variant !== (before.variant ?? this.first.variant)) this.tellOthers();
    this.views.load();
    this.finder.update();
    this.ideas.load(value.variant);
  }

  /** The other tabs hear of it a moment later: what Gradio does then would delay the drawing. */
  tellOthers() {
    clearTimeout(this.telling);
    this.telling = setTimeout(() => this.on.shown({ variant: this.value.variant }), 60);
  }

  refuse(sentence) {
    this.find(".rx-refusal").hidden = !sentence;
    this.find(".rx-refusal").textContent = sentence || "";
  }

  showPin({ pinned }) {
    const pin = readLink().pin;
    this.find(".rx-pin").setAttribute("aria-pressed", Boolean(pin));
    this.find(".rx-pin").textContent = pin ? "Unpin" : "Pin";
    this.find(".rx-pinned").hidden = !pinned;
    this.find(".rx-pinned").textContent = pinned || "";
  }

  listen() {
    this.card.addEventListener("click", (event) => this.clickCard(event));
    this.card.addEventListener("keydown", (event) => event.key === "Escape" && this.close(true));
  }

  light(name) {
    if (name === this.lit) return;
    this.lit = name;
    this.graph.light(name);
    this.table.light(name);
    this.views.mark("lit", name);
  }

  /** Open whatever hides a name, and go there. */
  reveal(name) {
    if (!this.graph.spots.has(name)) reveal(this.value.graph.items, this.state, name);
    writeLink(writeView(this.state), true);
    this.refresh();
    this.select(name);
  }

  async select(name, { from = null, quiet = false, again = false } = {}) {
    if (again && name && !this.graph.find(name)) return this.close();
    this.selected = name;
    writeLink({ sel: name }, true);
    this.graph.select(name, !quiet && from !== this.graph);
    this.table.select(name, { scroll: !quiet && from !== this.table });
    this.views.mark("chosen", name);
    if (!name) return;
    const answer = await ask(this.server.card, { variant: this.value.variant, name });
    if (answer.error) return this.refuse(answer.error);
    if (this.selected !== name || !answer.html) return;
    this.card.innerHTML = `<button type="button" class="rx-close" aria-label="Close">×</button>${answer.html}
      <p><button type="button" class="rx-node-link">Copy link to this</button></p>`;
    this.card.hidden = false;
    this.carded = name;
  }

  close(byKey = false) {
    if (byKey) this.graph.box.focus({ preventScroll: true }); // else the focus would be lost with the card
    this.selected = "";
    this.graph.select("");
    this.table.select("");
    writeLink({ sel: "" }, true);
    this.hideCard();
  }

  /** On a wide page the card keeps its place, and says what it is for. */
  hideCard() {
    this.card.hidden = true;
    this.carded = "";
    this.card.innerHTML = `<p class="rx-quiet">Click a box, or walk with the arrow keys: its shapes, and its parameters and
      MACs with the numbers put in, are shown here.</p>`;
  }

  async clickCard(event) {
    if (event.target.closest(".rx-close")) this.close();
    const link = event.target.closest(".rx-node-link");
    if (link) link.textContent = await copyText(makeLink({ sel: this.selected }), "The link to this part:");
    const maps = event.target.closest("[data-maps]");
    if (!maps) return;
    this.on.maps({ name: maps.dataset.maps, variant: this.value.variant });
    showTab("Inspect");
  }
}
