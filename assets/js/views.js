// The views below the graph: a button each, one of them shown, and what it can be copied and downloaded as.
import { CostCharts } from "./cost_charts.js";
import { copyText, saveFile } from "./files.js";
import { readLink, writeLink } from "./link.js";
import { Listing } from "./listing.js";
import { makeButton, makeMenu } from "./menu.js";
import { createMeasure } from "./measure.js";
import { Paper } from "./paper.js";
import { TableView } from "./table_view.js";

// name in the link, words on the button, what makes it (see panel.js); one line adds a view
const VIEWS = [
  ["table", "Table", (box, build) => new TableView(box, build)],
  ["paper", "Paper's table", (box, build) => new Paper(box, build)],
  ["charts", "Charts", (box, build) => new CostCharts(box, build)],
  ["measured", "Measured", (box, build) => createMeasure(box, build)],
  ["profile", "Memory and FLOPs", (box, build) => new Listing(box, build, "profile")],
  ["others", "Beside others", (box, build) => new Listing(box, build, "others")],
  ["module", "Code", (box, build) => new Listing(box, build, "module")],
  ["functional", "Functional code", (box, build) => new Listing(box, build, "functional")],
  ["summary", "torchinfo", (box, build) => new Listing(box, build, "summary")],
];
const FIRST = VIEWS[0][0];

export class Views {
  constructor(frame, build) {
    this.build = build;
    this.views = {};
    frame.innerHTML = `<div class="rx-views">
      <div class="rx-view-buttons" role="group" aria-label="Below the graph"></div>
      <select class="rx-view-list" aria-label="Below the graph"></select>
      <span class="rx-view-tools"></span></div><div class="rx-panels"></div>`;
    this.frame = frame;
    this.buttons = frame.querySelector(".rx-view-buttons");
    this.list = frame.querySelector(".rx-view-list");
    this.tools = frame.querySelector(".rx-view-tools");
    VIEWS.forEach(([name, label]) => this.addButton(name, label));
    this.buttons.addEventListener("keydown", (event) => this.press(event));
    this.list.addEventListener("change", () => this.choose(this.list.value));
    addEventListener("popstate", () => this.show(readLink().view));
    this.table = this.find(FIRST).table; // there from the start: it takes part in the selection
    this.show(readLink().view);
  }

  addButton(name, label) {
    const button = makeButton(label);
    button.dataset.view = name;
    button.dataset.words = label;
    button.addEventListener("click", () => this.choose(name));
    this.buttons.append(button);
    this.list.append(new Option(label, name));
  }

  /** The view of a name, made when it is first wanted. */
  find(name) {
    if (!this.views[name]) {
      const box = document.createElement("div");
      box.className = `rx-panel-${name}`;
      box.hidden = true;
      this.frame.querySelector(".rx-panels").append(box);
      this.views[name] = VIEWS.find(([known]) => known === name)[2](box, this.build);
    }
    return this.views[name];
  }

  /** Show a view because a person chose it: the link says so. */
  choose(name) {
    this.show(name);
    writeLink({ view: this.shown === FIRST ? "" : this.shown });
  }

  /** Show a view; the table where there is none of that name. */
  show(wanted) {
    const name = VIEWS.some(([known]) => known === wanted) ? wanted : FIRST;
    if (name === this.shown) return;
    this.views[this.shown]?.hide();
    this.shown = name;
    for (const button of this.buttons.children) button.setAttribute("aria-pressed", button.dataset.view === name);
    this.list.value = name;
    const view = this.find(name);
    const copy = async ({ kind }) => {
      const { text, error, word } = await view.take(kind);
      return text ? copyText(text) : word || (error && "Refused");
    };
    const save = async ({ kind }) => {
      const { text, name: file, error, word } = await view.take(kind);
      if (text) saveFile(file, text);
      return word || (error && "Refused");
    };
    this.tools.replaceChildren(makeMenu("Copy", view.formats, copy), makeMenu("Download", view.formats, save));
    if (this.build.value.variant) view.show();
  }

  /** What is drawn has changed. */
  load() {
    const view = this.views[this.shown];
    return view.box.hidden ? view.show() : view.load();
  }

  /** Light up or choose a name in the view that is shown, where it knows names. */
  mark(kind, name) {
    this.views[this.shown]?.mark?.(kind, name);
  }

  press(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const names = VIEWS.map(([name]) => name);
    const next = names.at((names.indexOf(event.target.dataset.view) + step) % names.length);
    this.choose(next);
    this.buttons.querySelector(`[data-view="${next}"]`).focus();
  }
}
