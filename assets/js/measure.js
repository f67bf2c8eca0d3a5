// Measured: time and memory of a variant on the server's machine, beside the estimate.
import { Chart } from "./charts.js";

const POLL = 400; // ms between two questions
const KEY = "rx-measure"; // the measurement under way, so that a reload finds it again
const FRAME = `
<form class="rx-measure-form" novalidate>
  <label>Batch <input type="number" name="batch" min="1" step="1" value="8" inputmode="numeric"></label>
  <label>What <select name="mode" aria-label="What"><option value="both">both</option><option value="forward">forward pass</option><option
    value="train">training step</option></select></label>
  <label title="How long calls are repeated; three repeats are made anyway">Time <select name="budget" aria-label="Time"></select></label>
  <label>Device <select name="device" aria-label="Device"><option>auto</option><option>cpu</option><option>cuda</option></select></label>
  <button type="submit" class="rx-measure-start">Measure</button>
  <button type="button" class="rx-measure-stop" hidden>Stop</button>
</form>
<div class="rx-refusal" role="alert" hidden></div>
<div class="rx-measure-wait" hidden>
  <div class="rx-progress" role="progressbar" aria-label="Progress of the measurement" aria-valuemin="0" aria-valuemax="100"><span></span></div>
  <p class="rx-measure-doing rx-quiet" aria-live="polite"></p>
</div>
<p class="rx-measure-empty rx-quiet">Time and peak memory of what is drawn, by block, on the machine that runs this page: a process of its own
  builds it with fresh weights and runs it on random images. Memory stands beside its estimate, time beside the MACs.</p>
<div class="rx-measure-result" hidden>
  <div class="rx-measure-head"><span><b class="rx-measure-of"></b> <span class="rx-stale" hidden></span></span></div>
  <div class="rx-measure-totals"></div>
  <p class="rx-measure-machine rx-quiet"></p>
  <div class="rx-chart rx-chart-measured" role="img" aria-label="Chart: share of time beside share of MACs, part by part; the table has the numbers"></div>
  <div class="rx-measure-table" tabindex="0" role="region" aria-label="Time by block. Arrow keys choose a block."></div>
  <ul class="rx-measure-notes rx-quiet"></ul>
</div>`;
const BUDGETS = [2, 5, 10, 30, 60, 120];

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Measure one variant: question {variant, batch, mode, budget, device} as the server's start_measure takes it. Gives
 * what poll_measure says in the end: state "done" with numbers, "stopped", or "failed" with an error. Abort the signal to stop.
 */
export async function measureVariant(server, question, options = {}) {
  const started = await server.start_measure(question);
  if (started.error) return { state: "failed", error: started.error };
  options.onStart?.(started.id);
  return followMeasurement(server, started.id, options);
}

/** Ask after a measurement until it has ended. */
export async function followMeasurement(server, id, { onProgress = () => {}, signal } = {}) {
  const stop = () => server.stop_measure({ id });
  if (signal?.aborted) await stop();
  else signal?.addEventListener("abort", stop, { once: true });
  try {
    while (true) {
      const told = await server.poll_measure({ id });
      if (told.error) return { state: "failed", error: told.error };
      if (!["waiting", "running"].includes(told.state)) return told;
      onProgress(told);
      await wait(POLL);
    }
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

/** The view below the graph, with Build's selection. */
export function createMeasure(box, build) {
  return new Measure(box, build.server, () => build.value.variant, {
    limits: build.limits,
    onSelect: (name, fold) => build.select(build.graph.spots.has(name) ? name : fold),
    onHover: (name) => build.light(name),
    onResult: (result) => build.keepMeasured(result),
  });
}

export class Measure {
  formats = [
    { label: "Markdown", kind: "md" },
    { label: "CSV", kind: "csv" },
    { label: "JSON", kind: "json" },
  ];

  /**
   * Options: limits {batch, budget}; onSelect(name, fold) for a chosen block and onHover(name) for one under the mouse,
   * where `fold` is the block that stands for it in a folded graph; onResult({variant, forward, train}), in ms by name.
   */
  constructor(box, server, getVariant, { limits = { batch: 1024, budget: 120 }, onSelect = () => {}, onHover = () => {}, onResult = () => {} } = {}) {
    Object.assign(this, { box, server, getVariant, onSelect, onHover, onResult, result: null, running: null, marks: {} });
    box.innerHTML = FRAME;
    this.find = (selector) => box.querySelector(selector);
    this.form = this.find("form");
    this.form.elements.batch.max = limits.batch;
    for (const seconds of BUDGETS.filter((each) => each <= limits.budget))
      this.form.elements.budget.add(new Option(`${seconds} s`, seconds, seconds === 10, seconds === 10));
    this.listen();
    const under = sessionStorage.getItem(KEY);
    if (under) this.run(() => followMeasurement(server, under, this.options()), true);
  }

  show() {
    this.box.hidden = false;
    this.load();
  }

  hide() {
    this.box.hidden = true;
  }

  /** Something else may be drawn now. */
  load() {
    if (!this.result) return;
    const stale = this.isStale();
    this.find(".rx-measure-of").textContent = this.result.variant;
    this.find(".rx-stale").hidden = !stale;
    this.find(".rx-stale").textContent = `of ${this.result.variant}, not of what is drawn`;
    this.box.classList.toggle("rx-is-stale", stale);
    this.box.dataset.variant = this.result.variant;
  }

  /** Light or choose the rows of a name: its own, those inside it, or those that the graph folds into it. */
  mark(kind, name) {
    this.marks[kind] = name; // for a table that comes later
    for (const row of this.box.querySelectorAll("tr[data-name]")) {
      const { name: own, fold } = row.dataset;
      const hit = !this.isStale() && name && (own === name || fold === name || own.startsWith(`${name}.`) || name.startsWith(`${own}.`));
      row.classList.toggle(kind, Boolean(hit));
    }
  }

  isStale() {
    return Boolean(this.result) && this.result.variant !== this.getVariant();
  }

  listen() {
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.start();
    });
    this.find(".rx-measure-stop").addEventListener("click", () => this.running?.abort());
    const table = this.find(".rx-measure-table");
    table.addEventListener("click", (event) => this.choose(event.target.closest("tr[data-name]")));
    table.addEventListener("mouseover", (event) => this.onHover((!this.isStale() && event.target.closest("tr[data-name]")?.dataset.name) || ""));
    table.addEventListener("mouseleave", () => this.onHover(""));
    table.addEventListener("keydown", (event) => this.press(event));
  }

  start() {
    const { batch, mode, budget, device } = this.form.elements;
    const asked = { variant: this.getVariant(), batch: Number(batch.value || NaN), mode: mode.value, budget: Number(budget.value), device: device.value };
    const question = { ...asked, batch: Number.isFinite(asked.batch) ? asked.batch : batch.value };
    this.run(() => measureVariant(this.server, question, this.options()));
  }

  options() {
    this.running = new AbortController();
    return {
      signal: this.running.signal,
      onStart: (id) => sessionStorage.setItem(KEY, id),
      onProgress: (told) => this.showProgress(told),
    };
  }

  /** Show a measurement from its beginning to its end; one that is found again says nothing when it is gone. */
  async run(measure, again = false) {
    if (this.running) return;
    this.complain("");
    this.showProgress({ state: "running", progress: {} });
    this.setBusy(true);
    let told = {};
    try {
      told = await measure();
    } catch {
      told = { state: "failed", error: "The server does not answer: it may have been stopped. Start it again, and measure again." };
    }
    if (told.state === "stopped" && !this.running.signal.aborted) told.error = "It was ended, since this page did not ask after it: measure again.";
    this.running = null;
    this.setBusy(false);
    if (told.state !== "done") sessionStorage.removeItem(KEY);
    if (told.state === "done") this.showResult(told);
    else if (!again && told.error) this.complain(told.error);
    this.box.dataset.state = again && told.error ? "" : told.state;
  }

  setBusy(busy) {
    const had = this.box.contains(document.activeElement) && document.activeElement.tagName === "BUTTON";
    this.find(".rx-measure-start").disabled = busy;
    this.find(".rx-measure-stop").hidden = this.find(".rx-measure-wait").hidden = !busy;
    this.find(".rx-measure-empty").hidden = busy || Boolean(this.result);
    this.box.dataset.state = busy ? "running" : "";
    if (had) this.find(busy ? ".rx-measure-stop" : ".rx-measure-start").focus({ preventScroll: true }); // the button pressed is gone
  }

  showProgress({ state, before, progress }) {
    const { elapsed = 0, left = 0, repeats, doing } = progress;
    const share = state === "running" && elapsed ? elapsed / (elapsed + left) : 0;
    const after = `${before === 1 ? "One measurement is" : `${before} measurements are`} before this one: they run one at a time.`;
    const known = doing && `${doing[0].toUpperCase()}${doing.slice(1)}${repeats ? `, ${repeats} repeats done` : ""}, about ${Math.max(1, Math.round(left))} s left.`;
    this.find(".rx-measure-doing").textContent = state === "waiting" ? after : known || "Starting a process of its own: a few seconds.";
    this.find(".rx-progress span").style.width = `${100 * share}%`;
    this.find(".rx-progress").setAttribute("aria-valuenow", Math.round(100 * share));
  }

  showResult(result) {
    this.result = result;
    this.find(".rx-measure-empty").hidden = true;
    this.find(".rx-measure-result").hidden = false;
    this.find(".rx-measure-totals").innerHTML = result.totals;
    this.find(".rx-measure-table").innerHTML = result.table;
    this.find(".rx-measure-machine").textContent = result.machine;
    const notes = result.notes.map((text) => Object.assign(document.createElement("li"), { textContent: text }));
    this.find(".rx-measure-notes").replaceChildren(...notes);
    this.load();
    for (const [kind, name] of Object.entries(this.marks)) this.mark(kind, name);
    this.chart ??= new Chart(this.find(".rx-chart"), "measured");
    this.chart.update(result.chart);
    this.onResult({ variant: result.variant, forward: result.forward, train: result.train });
  }

  complain(sentence) {
    this.find(".rx-refusal").hidden = !sentence;
    this.find(".rx-refusal").textContent = sentence;
  }

  choose(row) {
    if (row && !this.isStale()) this.onSelect(row.dataset.name, row.dataset.fold);
  }

  press(event) {
    const rows = [...this.box.querySelectorAll("tr[data-name]")];
    const at = rows.findLastIndex((row) => row.classList.contains("chosen"));
    const next = { ArrowDown: at + 1, ArrowUp: rows.findIndex((row) => row.classList.contains("chosen")) - 1 }[event.key];
    if (next === undefined || !rows[next]) return;
    event.preventDefault();
    rows[next].scrollIntoView({ block: "nearest" });
    this.choose(rows[next]);
  }

  /** The result as a text of one of `formats`, with a name for its file. */
  async take(kind) {
    if (!this.result) return { word: "Measure first" };
    return { text: this.result.files[kind], name: `${this.result.name}.${kind}` };
  }
}
