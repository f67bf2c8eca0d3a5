// The list of runs: found, filtered, opened, laid over each other, annotated, deleted. Asks only while it is in sight.
import { ask } from "./ask.js";
import { make } from "./elements.js";
import { heldIds, heldKeys } from "./held.js";
import { readLink } from "./link.js";
import { RaceRow, RunRow } from "./run_rows.js";

const LIVE = 1500, IDLE = 6000; // ms between two questions
const ALIVE = ["queued", "starting", "running"];
const STATES = [...ALIVE, "paused", "finished", "stopped", "failed", "interrupted"];

export function mount(element, { server }) {
  const list = new RunList(element.querySelector(".rx-widget"), server);
  addEventListener("rx-run-changed", () => list.ask());
  addEventListener("rx-run", ({ detail }) => list.setCurrent(detail.id));
  addEventListener("rx-overlay", ({ detail }) => list.setCurrent("", detail.race));
  addEventListener("popstate", () => list.setCurrent(readLink().run || "", readLink().race));
  new IntersectionObserver((entries) => list.look(entries.at(-1).isIntersecting)).observe(element);
  document.addEventListener("visibilitychange", () => document.hidden || list.ask());
}

class RunList {
  constructor(frame, server) {
    Object.assign(this, { frame, server, runs: [], rows: new Map(), races: new Map(), ticked: new Set(), current: readLink().run || "", race: readLink().race || "", mark: "" });
    const narrow = innerWidth < 761;
    this.count = make("span", { class: "rx-quiet" });
    this.drawer = make("button", { type: "button", class: "rx-tf-drawer", "aria-expanded": !narrow, onclick: () => this.fold() }, "Runs ", this.count);
    this.text = make("input", { type: "search", placeholder: "Filter", "aria-label": "Filter runs by words", spellcheck: "false", autocomplete: "off", oninput: () => this.draw() });
    this.state = make("select", { "aria-label": "State", onchange: () => this.draw() });
    this.tag = make("select", { "aria-label": "Tag", onchange: () => this.draw() });
    this.tools = make("div", { class: "rx-rl-tools" }, this.text, this.state, this.tag);
    this.picked = make("div", { class: "rx-rl-picked", role: "group", "aria-label": "Ticked runs", hidden: true });
    this.refusal = make("p", { class: "rx-tf-refusal", role: "alert", hidden: true });
    this.empty = make("p", { class: "rx-quiet rx-rl-empty" }, "Loading …");
    this.box = make("div", { class: "rx-rl-rows", role: "list", "aria-label": "Runs, the newest first. Arrow keys walk them, Enter opens, Delete asks.", onkeydown: (event) => this.press(event), onclick: (event) => this.click(event) });
    frame.append(make("section", { class: "rx-rl", "aria-label": "Runs" }, this.drawer, make("div", { class: "rx-tf-body rx-rl-body" }, this.tools, this.picked, this.refusal, this.empty, this.box)));
  }

  fold() {
    this.drawer.setAttribute("aria-expanded", this.drawer.getAttribute("aria-expanded") !== "true");
  }

  look(seen) {
    this.seen = seen;
    if (seen) this.ask();
  }

  /** Ask what there is, and again after a while; where nothing has changed nothing is drawn. */
  async ask() {
    clearTimeout(this.timer);
    if (!this.seen || document.hidden) return;
    const number = (this.number = (this.number || 0) + 1);
    const answer = await ask(this.server.list_runs, { ids: heldIds(), seen: this.mark });
    if (number !== this.number) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), this.runs.some((run) => ALIVE.includes(run.state)) ? LIVE : IDLE);
    this.complain(answer.error || "");
    if (!answer.runs) return;
    this.mark = answer.mark;
    this.runs = answer.runs;
    this.draw();
  }

  complain(sentence) {
    this.refusal.textContent = sentence;
    this.refusal.hidden = !sentence;
  }

  draw() {
    const ids = new Set(this.runs.map((run) => run.id));
    for (const id of this.rows.keys()) if (!ids.has(id)) this.rows.delete(id);
    for (const id of this.ticked) if (!ids.has(id)) this.ticked.delete(id);
    this.drawFilters();
    const shown = this.runs.filter((run) => this.matches(run));
    const placed = this.group(shown);
    if (placed.length !== this.box.children.length || placed.some((row, index) => row !== this.box.children[index])) this.box.replaceChildren(...placed);
    this.count.textContent = shown.length === this.runs.length ? this.runs.length || "" : `${shown.length} of ${this.runs.length}`;
    this.tools.hidden = !this.runs.length;
    this.empty.hidden = shown.length > 0;
    this.empty.textContent = this.runs.length ? "No run matches the filter." : "No runs yet. What is started stands here, and is kept.";
    this.drawPicked();
    this.rove();
  }

  /** Rows in order; the runs of a race stand together, where its newest run would. */
  group(runs) {
    const placed = [];
    for (const run of runs) {
      const mates = run.race ? runs.filter((other) => other.race === run.race).reverse() : [run];
      if (mates.length < 2) placed.push(this.makeRow(run, 0).element);
      else if (run === mates.at(-1)) placed.push(this.makeRace(mates));
    }
    return placed;
  }

  makeRow(run, place) {
    if (!this.rows.has(run.id)) this.rows.set(run.id, new RunRow(this));
    const row = this.rows.get(run.id);
    row.show(run, { place, ticked: this.ticked.has(run.id), current: run.id === this.current });
    return row;
  }

  makeRace(mates) {
    const { race } = mates[0];
    if (!this.races.has(race)) this.races.set(race, new RaceRow(this));
    const row = this.races.get(race);
    row.show(mates, mates.map((run, index) => this.makeRow(run, index + 1).element));
    row.setCurrent(race === this.race);
    return row.element;
  }

  matches(run) {
    const words = this.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = [run.id, run.variant, run.data, run.recipe, run.note, run.study, run.state, ...run.tags].join(" ").toLowerCase();
    const tagged = !this.tag.value || run.tags.includes(this.tag.value);
    return tagged && (!this.state.value || run.state === this.state.value) && words.every((word) => text.includes(word));
  }

  drawFilters() {
    fill(this.state, "any state", STATES.filter((state) => this.runs.some((run) => run.state === state)));
    fill(this.tag, "any tag", [...new Set(this.runs.flatMap((run) => run.tags))].sort());
    this.tag.hidden = this.tag.options.length < 2;
  }

  drawPicked() {
    const ids = this.runs.filter((run) => this.ticked.has(run.id)).map((run) => run.id).reverse(); // the oldest first
    this.picked.hidden = !ids.length;
    if (this.picked.dataset.ids === ids.join()) return;
    this.picked.dataset.ids = ids.join();
    const words = ids.length < 2 ? "1 ticked: tick another to lay them over each other" : `${ids.length} ticked`;
    this.picked.replaceChildren(
      make("span", { "aria-live": "polite" }, words),
      ids.length > 1 && make("button", { type: "button", onclick: () => this.overlay(ids) }, "Overlay"),
      make("button", { type: "button", onclick: () => this.untick() }, "Clear"),
    );
  }

  tick(id, ticked) {
    this.ticked[ticked ? "add" : "delete"](id);
    this.drawPicked();
  }

  untick() {
    this.ticked.clear();
    this.draw();
    this.focus(this.current);
  }

  setCurrent(id, race = "") {
    Object.assign(this, { current: id, race });
    for (const [own, row] of this.races) row.setCurrent(own === race);
    for (const [own, row] of this.rows) row.setCurrent(own === id);
    this.rove();
  }

  /** Open a run in the view. */
  open(id) {
    dispatchEvent(new CustomEvent("rx-run", { detail: { id } }));
  }

  /** Lay runs over each other in the view; those of a race by its id. */
  overlay(ids, race = "") {
    dispatchEvent(new CustomEvent("rx-overlay", { detail: { ids, race } }));
  }

  /** One row is in the order of Tab; arrow keys reach the others. */
  rove() {
    const all = this.list();
    const at = all.find((row) => row === document.activeElement) || all.find((row) => row.getAttribute("aria-current")) || all[0];
    for (const row of all) row.tabIndex = row === at ? 0 : -1;
  }

  list() {
    return [...this.box.querySelectorAll(".rx-rl-open")];
  }

  focus(id) {
    const all = this.list();
    (all.find((row) => row.dataset.run === id) || all[0] || this.text).focus();
    this.rove();
  }

  click({ target }) {
    const id = target.closest(".rx-rl-open")?.dataset.run;
    if (id) this.open(id);
  }

  press(event) {
    const { target, key } = event;
    if (!target.matches(".rx-rl-open")) return;
    const all = this.list();
    const at = all.indexOf(target);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[key];
    if (next === undefined && key !== "Delete") return;
    event.preventDefault();
    if (key === "Delete") return this.rows.get(target.dataset.run).askToDelete();
    all[next]?.focus();
    this.rove();
  }

  /** Delete a run; the next one gets the focus. */
  async remove(id) {
    const all = this.list().map((row) => row.dataset.run);
    const at = all.indexOf(id);
    const answer = await ask(this.server.delete_run, { id, keys: heldKeys() });
    if (answer.error) return answer.error;
    this.runs = this.runs.filter((run) => run.id !== id);
    this.mark = "";
    this.draw();
    dispatchEvent(new CustomEvent("rx-run-changed", { detail: { id, state: "deleted" } }));
    this.focus(all[at + 1] || all[at - 1]);
    return "";
  }

  /** Keep a note and tags; the sentence where they are refused. */
  async annotate(id, note, tags) {
    const answer = await ask(this.server.annotate_run, { id, note, tags, keys: heldKeys() });
    if (answer.error) return answer.error;
    Object.assign(this.runs.find((run) => run.id === id), answer);
    this.mark = "";
    this.draw();
    return "";
  }
}

/** A menu's choices, where they have changed; what is chosen stays while it is there. */
function fill(menu, none, values) {
  if (menu.options.length && menu.dataset.values === values.join("~")) return;
  const { value } = menu;
  menu.dataset.values = values.join("~");
  menu.replaceChildren(new Option(none, ""), ...values.map((each) => new Option(each, each)));
  menu.value = values.includes(value) ? value : "";
}
