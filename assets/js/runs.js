// Train: one run live, or several over each other. The page only reads: it asks for the records behind an offset.
import { ask, SILENT } from "./ask.js";
import { loadPlotly } from "./charts.js";
import { make } from "./elements.js";
import { saveFile } from "./files.js";
import { formatCount } from "./format.js";
import { heldKeys, holdIds, mayChange } from "./held.js";
import { readLink, writeLink } from "./link.js";
import { showTab } from "./page.js";
import { Alarms } from "./run_alarms.js";
import { ALIVE, Head, percent, share } from "./run_head.js";
import { createPanels } from "./run_one.js";
import { createRacePanels, Differences, Standings } from "./run_race.js";
import { RunStore } from "./run_store.js";
import { TimeBar } from "./run_time.js";

const LIVE = 700, IDLE = 5000; // ms between two questions
const PATIENCE = 1500; // ms without a drawing while a long run is read
const ZOOM = 0.06; // of the run on each side of an alarm
const MOST = 8; // runs over each other

export function mount(element, { props, watch, server, on }) {
  const frame = element.querySelector(".rx-widget");
  const view = new RunView(frame, server, on, props.value);
  watch("value", () => props.value.run && view.openOne(props.value.run, true));
  addEventListener("rx-run", (event) => view.openOne(String(event.detail.id), true));
  addEventListener("rx-overlay", ({ detail: { ids, race } }) => view.openMany(ids.map(String), race ? { race } : { runs: ids.join("~") }, race || ""));
  addEventListener("rx-run-changed", ({ detail: { id, state } }) => state === "deleted" && view.forget(id));
  addEventListener("popstate", () => view.restore());
  document.addEventListener("visibilitychange", () => view.wake());
  view.restore();
  view.tick();
}

class RunView {
  constructor(frame, server, on, value) {
    Object.assign(this, { frame, server, on, value, stores: [], kind: "", unit: "", axis: "epoch", at: null, race: "", waiting: new Set(), drawn: 0 });
    this.head = new Head((what) => this.press(what), (kind) => this.take(kind));
    this.alarms = new Alarms((step) => this.zoom(step));
    this.time = new TimeBar((at) => this.move(at));
    this.refusal = make("div", { class: "rx-refusal", role: "alert", hidden: true });
    this.standings = new Standings(value.styles, (id) => this.openOne(id, true));
    this.differences = new Differences(server);
    this.axes = make("div", { class: "rx-run-choice rx-axes", role: "group", "aria-label": "Along" }, make("span", { class: "rx-quiet" }, "along:"),
      ...Object.entries(value.axes).map(([axis, word]) => make("button", { type: "button", "data-axis": axis, onclick: () => this.chooseAxis(axis) }, word)));
    this.switches = make("div", { class: "rx-run-bar" });
    this.body = make("div");
    frame.replaceChildren(this.refusal, this.head.element, this.alarms.element, this.standings.element, this.switches, this.time.element, this.body, this.differences.element);
    this.panels = {};
    this.show([new RunStore("")], "one");
  }

  /** The run that is shown where it is one. */
  get store() {
    return this.stores[0];
  }

  get current() {
    return this.panels[this.kind];
  }

  get ids() {
    return this.stores.map((store) => store.id).filter(Boolean);
  }

  get key() {
    return `${this.ids.join(" ")} ${this.kind === "one" ? "step" : this.axis}`;
  }

  /** Open what the link names. */
  restore() {
    const { run, runs, race, ra } = readLink();
    this.axis = this.value.axes[ra] ? ra : "epoch";
    this.complain("", true);
    for (const panels of Object.values(this.panels)) panels.restore();
    if (race) this.openRace(race);
    else if (runs) this.openMany([...new Set(runs.split("~"))]);
    else if (run !== this.store.id || this.kind !== "one") this.openOne(run ?? "", false);
    else this.draw(null);
  }

  openOne(id, push) {
    this.race = "";
    if (push) {
      writeLink({ run: id, runs: "", race: "" });
      this.head.element.scrollIntoView({ block: "nearest" }); // the button may stand far below it
    }
    if (!id || id !== this.store.id || this.kind !== "one") this.show([new RunStore(id)], "one");
    return this.askSoon();
  }

  openMany(ids, link = null, race = "") {
    this.race = race;
    if (link) writeLink({ run: "", runs: "", race: "", ...link });
    if (link) this.head.element.scrollIntoView({ block: "nearest" });
    const shown = ids.slice(0, MOST);
    if (String(shown) !== String(this.ids) || this.kind !== "many") this.show(shown.map((id) => new RunStore(id)), "many");
    if (ids.length > MOST) this.complain(`Eight runs are the most over each other: the first eight of ${ids.length} are shown.`, true);
    return this.askSoon();
  }

  async openRace(race) {
    if (race === this.race) return this.draw(null);
    const answer = await ask(this.server.read_race, { race });
    if (readLink().race !== race) return;
    if (answer.ids) return this.openMany(answer.ids, null, race);
    this.show([new RunStore("")], "one");
    this.complain(answer.error, true);
  }

  /** Begin anew with these runs. */
  show(stores, kind) {
    Object.assign(this, { stores, kind, unit: "", at: null });
    this.complain("", true);
    this.time.reset();
    this.panels[kind] ??= kind === "one" ? createPanels(this) : createRacePanels(this);
    this.switches.replaceChildren(this.current.switches, ...(kind === "many" ? [this.axes] : []));
    this.body.replaceChildren(this.current.element);
    this.standings.element.hidden = kind === "one";
    if (kind === "one") this.differences.show([]);
    this.draw(null);
    if (this.ids.length) loadPlotly().catch(() => {}); // points come soon; charts say where it failed
  }

  wake() {
    if (document.hidden) return;
    clearTimeout(this.timer);
    this.tick();
  }

  askSoon() {
    clearTimeout(this.timer);
    return this.tick();
  }

  /** Ask, and ask again: soon while something goes on, not at all while nobody looks. */
  async tick() {
    if (this.asking) return;
    this.asking = true;
    const seen = !document.hidden && this.frame.offsetParent !== null;
    let more = false;
    if (seen && this.ids.length) more = await this.ask();
    this.asking = false;
    const live = this.stores.some(({ state, id }) => id && (ALIVE.includes(state) || !state)) || this.hurry > Date.now();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tick(), more ? 0 : live || !seen ? LIVE : IDLE);
  }

  /** One question about all runs; whether there is more to read. */
  async ask() {
    const { stores } = this;
    const answer = await ask(this.server.read_runs, { runs: stores.map(({ id, offset }) => ({ id, offset })) });
    if (stores !== this.stores) return true; // others were opened meanwhile
    if (answer.error) this.complain(answer.error === SILENT ? this.value.words.silent : answer.error);
    else this.complain("");
    if (answer.error) return false;
    const before = stores.map(({ state }) => state), changed = new Set();
    stores.forEach((store, place) => store.take(answer.runs[place] ?? { error: "" }).forEach((kind) => changed.add(kind)));
    this.hear(before);
    if (stores.every((store) => store.error)) return this.lose(stores[0].error);
    if (this.kind === "one") for (const kind of await this.askMore(this.store)) changed.add(kind);
    if (stores !== this.stores) return true;
    const more = answer.runs.some((run) => run.more);
    for (const kind of changed) this.waiting.add(kind);
    if (before.includes("")) this.waiting.add("all");
    if (this.waiting.size && !(more && Date.now() < this.drawn + PATIENCE)) {
      this.draw(this.waiting.has("all") ? null : this.waiting);
      Object.assign(this, { waiting: new Set(), drawn: Date.now() });
    }
    return more;
  }

  /** What is asked for only where it is looked at: the film and the answers. Gives what came. */
  async askMore(store) {
    const { open } = this.current, came = [];
    if (store.about.film < store.film.offset) store.film = { offset: 0, frames: [] }; // another film
    if (open.has("film"))
      for (let more = store.about.film > store.film.offset; more; ) {
        const answer = await ask(this.server.read_film, { id: store.id, offset: store.film.offset });
        if (answer.error || store !== this.store) break;
        more = answer.more;
        if (answer.offset > store.film.offset) came.push("film");
        store.takeFrames(answer);
      }
    if ((open.has("answers") || open.has("wrong")) && store.about.answers !== store.answered) {
      const stamp = store.about.answers;
      const answer = await ask(this.server.read_answers, { id: store.id });
      if (!answer.error) Object.assign(store, { answers: answer.answers, answered: stamp });
      came.push("answers");
    }
    return came;
  }

  /** Tell the others of runs whose state is another. */
  hear(before) {
    this.stores.forEach(({ id, state, error }, place) => {
      if (!error && state !== before[place]) dispatchEvent(new CustomEvent("rx-run-changed", { detail: { id, state } }));
    });
    const ids = this.stores.filter(({ about }) => about).map(({ id }) => id);
    const held = String(ids);
    if (ids.length && held !== this.held) holdIds(ids);
    this.held = held;
  }

  /** A run was deleted on this page. */
  forget(id) {
    if (!this.ids.includes(id)) return;
    const left = this.ids.filter((other) => other !== id);
    if (this.kind === "one" || left.length < 2) this.openOne(this.kind === "one" ? "" : left[0], true);
    else this.openMany(left, this.race ? { race: this.race } : { runs: left.join("~") }, this.race);
  }

  lose(sentence) {
    this.show([new RunStore("")], "one");
    this.complain(sentence, true);
    return false;
  }

  complain(sentence, stays = false) {
    if (!sentence && this.refusal.dataset.stays && !stays) return; // an answer to what a person did stays until the next
    this.refusal.dataset.stays = sentence && stays ? "1" : "";
    this.refusal.hidden = !sentence;
    this.refusal.textContent = sentence;
  }

  async press(what) {
    if (!this.ids.length) return;
    if (what === "inspect") {
      this.on.picked({ run: this.store.id });
      return showTab("Inspect");
    }
    if (what === "race") {
      writeLink({ run: "", runs: "", race: this.store.about.race });
      return this.openRace(this.store.about.race);
    }
    this.complain("", true);
    const ids = this.stores.filter(({ id, about, state }) => mayChange(id) && (what === "resume" ? about?.can_resume : ALIVE.includes(state))).map(({ id }) => id);
    const answer = await ask(this.server[`${what}_runs`], { ids, keys: heldKeys() });
    if (answer.error) this.complain(answer.error, true);
    this.hurry = Date.now() + 10_000; // the worker hears it in a moment
    await this.askSoon();
  }

  /** Save the run in a format; gives a word for the button. */
  async take(kind) {
    const name = (this.kind === "one" ? this.store.about.variant : this.race ? "race" : "runs").replace(/\W+/g, "_");
    if (kind === "png") {
      const picture = await this.current.paint(this.head.name.textContent);
      if (picture) saveFile(`${name}.png`, picture, "image/png");
      return picture ? "Saved" : "Nothing yet";
    }
    const answer = await ask(this.server.export, { id: this.store.id, format: kind });
    if (answer.error) this.complain(answer.error, true);
    if (answer.error) return "";
    const bytes = Uint8Array.from(atob(answer.content), (sign) => sign.charCodeAt(0));
    saveFile(answer.name, bytes, "application/octet-stream");
    return "Saved";
  }

  /** Draw what shows any kind of record in `changed`; all with null. */
  draw(changed) {
    if (this.kind === "one") this.head.showRun(this.store, this.value.words);
    else this.showMany();
    this.alarms.show(this.kind === "one" ? this.store.rows.alarm : []);
    this.frame.dataset.state = this.kind === "one" ? this.store.state : this.sumState();
    if (this.kind === "one") this.current.offerUnits(this.store.units.gradient_norm ?? [], this.unit);
    for (const button of this.axes.querySelectorAll("button")) button.setAttribute("aria-pressed", button.dataset.axis === this.axis);
    this.current.update(changed, this.choice, this.key);
    if (!changed || changed.has("watch") || changed.has("film")) this.drawTime();
  }

  get choice() {
    return { at: this.at, unit: this.unit, axis: this.kind === "one" ? "step" : this.axis };
  }

  drawTime() {
    const steps = new Set(this.stores.flatMap((store) => [...store.listTimes(this.current.open.has("film"))]));
    const sorted = this.current.byTime ? [...steps].sort((a, b) => a - b) : [];
    const each = this.kind === "one" || this.race ? this.store.find("watch") ?? this.store.find("step") : null; // others have other epochs
    this.time.show(sorted, (step) => (each ? `, epoch ${((step * each.epoch) / each.step).toFixed(1)}` : ""));
  }

  sumState() {
    const states = new Set(this.stores.map(({ state }) => state).filter(Boolean));
    return ["running", "starting", "queued", "failed", "interrupted", "paused", "stopped", "finished"].find((state) => states.has(state)) ?? "";
  }

  showMany() {
    const { head, stores } = this, counts = new Map();
    for (const { state } of stores) if (state) counts.set(state, (counts.get(state) ?? 0) + 1);
    head.name.textContent = this.race ? `Race of ${stores.length}` : `${stores.length} runs over each other`;
    head.setState([...counts].map(([state, count]) => (count === stores.length ? state : `${count} ${state}`)).join(", "), this.sumState());
    const known = stores.filter(({ about }) => about), lost = stores.find(({ error }) => error);
    head.text.textContent = describeMany(known, this.race);
    head.say(lost?.error ?? "", Boolean(lost));
    head.advance(known.length ? known.reduce((sum, store) => sum + share(store), 0) / known.length : 0);
    const best = known.map((store) => [store.find("epoch")?.accuracy ?? -1, store]).sort((a, b) => b[0] - a[0])[0];
    head.count(best && best[0] >= 0 ? [["ahead", `${stores.indexOf(best[1]) + 1} ${best[1].about.variant}`, "by held-out accuracy"], ["held out", percent(best[0])]] : []);
    const mine = stores.filter(({ id }) => mayChange(id));
    const alive = mine.some(({ state }) => ALIVE.includes(state)), resumable = mine.some(({ about }) => about?.can_resume);
    const asked = known.filter(({ state }) => ALIVE.includes(state)).map(({ about }) => about.asked);
    head.offer([...(alive ? ["pause", "stop"] : []), ...(resumable && !alive ? ["resume"] : [])], asked.every((each) => each && each === asked[0]) ? asked[0] : "", "many");
    this.standings.show(stores);
    if (known.length === stores.length) this.differences.show(this.race ? [] : this.ids);
  }

  /** Another time is looked at. */
  move(at) {
    this.at = at;
    this.current.move(this.choice);
  }

  /** A group of charts was opened or closed. */
  async hearSwitch() {
    this.draw(null);
    if (this.kind === "one" && this.store.about) {
      const came = await this.askMore(this.store);
      if (came.length) this.draw(new Set(came));
    }
  }

  /** A layer whose line is wanted. */
  pick(unit) {
    this.unit = unit;
    this.draw(new Set(["watch"]));
  }

  chooseAxis(axis) {
    this.axis = axis;
    writeLink({ ra: axis === "epoch" ? "" : axis });
    this.draw(null);
  }

  /** Zoom all charts over steps to where an alarm rang; null shows all. */
  zoom(step) {
    const last = this.store.find("step")?.step ?? step;
    this.current.zoom(step === null ? null : [Math.max(0, step - ZOOM * last), step + ZOOM * last]);
  }
}

function describeMany(stores, race) {
  if (!stores.length) return "";
  const { about } = stores[0];
  const data = [...new Set(stores.map((store) => store.about.data))].join(", ");
  if (!race) return `On ${data}. What they differ in stands below.`;
  return `The same data (${data}), seed ${about.seed}, order and budget: ${formatCount(about.epochs)} epochs of batches of ${about.batch_size}.`;
}
