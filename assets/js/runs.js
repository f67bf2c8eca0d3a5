// Train: the list of runs, and one run live. The page only reads: it asks for the records behind an offset.
import { Chart } from "./charts.js";
import { heldIds } from "./held.js";
import { readLink, writeLink } from "./link.js";
import { showTab } from "./page.js";

const LIVE = 700, IDLE = 5000; // ms between two questions
const ACTIVE = ["starting", "running"];

const FRAME = `
  <div class="rx-refusal" role="alert" hidden></div>
  <div class="rx-run-head">
    <div><b class="rx-run-name">No run chosen</b> <span class="rx-state"></span>
      <div class="rx-run-text rx-quiet">Start one on the left; it is drawn here as it goes, and is kept.</div></div>
    <span class="rx-run-buttons">
      <button type="button" data-do="stop_run">Stop</button>
      <button type="button" data-do="resume_run">Resume</button>
      <button type="button" data-do="inspect">Inspect its weights →</button></span>
  </div>
  <div class="rx-progress" role="progressbar" aria-label="Progress of the run" aria-valuemin="0" aria-valuemax="100"><span></span></div>
  <div class="rx-numbers" aria-live="off"></div>
  <div class="rx-charts"></div>
  <h3>Runs</h3>
  <div class="rx-run-list" role="list"></div>`;

export function mount(element, { props, watch, server, on }) {
  const frame = element.querySelector(".rx-widget");
  frame.innerHTML = FRAME;
  const lab = new Lab(frame, server, on, props.value);
  watch("value", () => {
    if (!props.value.run) return;
    lab.open(props.value.run, true);
    lab.find(".rx-run-head").scrollIntoView({ block: "nearest" }); // the button may stand far below it
  });
  addEventListener("popstate", () => lab.open(readLink().run, false));
  addEventListener("rx-run", ({ detail }) => lab.open(detail.id, true));
  if (readLink().run) lab.open(readLink().run, false);
  lab.tick();
}

function hold(id) {
  localStorage.setItem("rx-runs", JSON.stringify([id, ...heldIds().filter((other) => other !== id)]));
}

class Lab {
  constructor(frame, server, on, value) {
    Object.assign(this, { frame, server, on, figures: value.figures, id: "", offset: 0, records: new Map(), state: "" });
    this.find = (selector) => frame.querySelector(selector);
    this.charts = {};
    for (const [name, figure] of Object.entries(this.figures)) {
      const box = document.createElement("div");
      box.className = `rx-chart rx-chart-${name}`;
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", `Chart: ${figure.layout.title.text}`);
      this.find(".rx-charts").append(box);
      this.charts[name] = new Chart(box, name);
      this.charts[name].update(figure);
    }
    this.find(".rx-run-buttons").addEventListener("click", (event) => this.press(event.target.dataset.do));
    this.find(".rx-run-list").addEventListener("click", (event) => {
      const row = event.target.closest("[data-run]");
      if (row) this.open(row.dataset.run, true);
    });
    this.showButtons();
  }

  open(id, push) {
    if (id === this.id && id) return this.ask();
    Object.assign(this, { id, offset: 0, records: new Map(), state: "", run: null, final: null });
    this.complain("", true);
    if (push) writeLink({ run: id });
    if (id) this.ask();
    else this.draw();
  }

  async tick() {
    const wait = ACTIVE.includes(this.state) || this.hurry ? LIVE : IDLE;
    try {
      if (!document.hidden) {
        if (this.id && (ACTIVE.includes(this.state) || !this.run)) await this.ask();
        await this.list();
      }
      this.complain("");
    } catch {
      this.complain("The page's server does not answer. Runs go on without it; this page asks again.");
    }
    setTimeout(() => this.tick(), wait);
  }

  async ask() {
    const id = this.id;
    const answer = await this.server.read_run({ id, offset: this.offset });
    if (id !== this.id) return;
    if (answer.error) return this.lose(answer.error);
    hold(id);
    this.offset = answer.offset;
    for (const record of answer.records) this.keep(record);
    Object.assign(this, { run: answer, state: answer.state, hurry: answer.more });
    this.draw();
    if (answer.more) await this.ask();
  }

  /** A resumed run repeats steps: the last record of each counts. A last word counts while nothing follows it. */
  keep(record) {
    this.final = record.kind === "final" ? record : null;
    if (record.kind !== "final") this.records.set(`${record.kind} ${record.step}`, record);
  }

  lose(sentence) {
    this.id = "";
    this.run = null;
    this.complain(sentence, true);
    this.draw();
  }

  complain(sentence, stays = false) {
    const box = this.find(".rx-refusal");
    if (!sentence && box.dataset.stays && !stays) return; // an answer to what a person did stays until the next
    box.dataset.stays = sentence && stays ? "1" : "";
    box.hidden = !sentence;
    box.textContent = sentence;
  }

  async press(what) {
    if (!what || !this.id) return;
    if (what === "inspect") {
      this.on.picked({ run: this.id });
      return showTab("Inspect");
    }
    this.complain("", true);
    const answer = await this.server[what]({ id: this.id });
    if (answer.error) this.complain(answer.error, true);
    else Object.assign(this, { state: "running", stopping: what === "stop_run" ? this.id : "" });
    await this.ask();
  }

  draw() {
    const rows = [...this.records.values()].sort((a, b) => a.step - b.step);
    for (const [name, chart] of Object.entries(this.charts)) chart.update(fill(this.figures[name], rows));
    this.drawHead(rows);
    this.showButtons();
  }

  drawHead(rows) {
    const { run } = this;
    this.find(".rx-run-name").textContent = run ? run.variant : "No run chosen";
    this.find(".rx-state").textContent = run ? this.state : "";
    this.find(".rx-state").dataset.state = this.state;
    this.find(".rx-run-text").textContent = run ? describe(run, this.final) : "Start one on the left; it is drawn here as it goes, and is kept.";
    const last = rows.findLast((row) => row.kind === "step");
    const share = run && last ? Math.min(1, last.epoch / run.epochs) : 0;
    this.find(".rx-progress span").style.width = `${100 * share}%`;
    this.find(".rx-progress").setAttribute("aria-valuenow", Math.round(100 * share));
    this.find(".rx-numbers").innerHTML = drawNumbers(rows, last, run, this.state, share);
    this.frame.dataset.state = this.state;
  }

  showButtons() {
    const show = { stop_run: ACTIVE.includes(this.state), resume_run: ["stopped", "failed", "interrupted"].includes(this.state), inspect: Boolean(this.run?.has_weights) };
    for (const [what, shown] of Object.entries(show)) this.find(`[data-do=${what}]`).hidden = !shown;
    if (!show.stop_run) this.stopping = "";
    const stop = this.find("[data-do=stop_run]"); // a worker hears it after its step, and not before it has started
    stop.disabled = Boolean(this.id) && this.stopping === this.id;
    stop.textContent = stop.disabled ? "Stopping…" : "Stop";
  }

  async list() {
    const answer = await this.server.list_runs({ ids: heldIds() });
    if (answer.error) return;
    const text = JSON.stringify([answer.runs, this.id]);
    if (text === this.listed) return;
    this.listed = text;
    const rows = answer.runs.map((run) => {
      const row = document.createElement("div");
      row.setAttribute("role", "listitem");
      const button = Object.assign(document.createElement("button"), { type: "button", className: "rx-run-row" });
      button.dataset.run = run.id;
      if (run.id === this.id) button.setAttribute("aria-current", "true");
      for (const [kind, words] of [["variant", run.variant], ["data", run.data], ["when", when(run.created)], ["state", run.state], ["accuracy", run.accuracy === null ? "" : percent(run.accuracy)]])
        button.append(Object.assign(document.createElement("span"), { className: `rx-run-${kind}`, textContent: words }));
      row.append(button);
      return row;
    });
    this.find(".rx-run-list").replaceChildren(...rows);
    if (!rows.length) this.find(".rx-run-list").textContent = "No runs yet.";
  }
}

/** Fill a chart's empty traces from records, as figures/training.py says in each trace's meta. */
function fill(figure, rows) {
  const data = figure.data.map((trace) => {
    const chosen = rows.filter((row) => row.kind === trace.meta.kind && row[trace.meta.field] != null);
    const x = chosen.map((row) => row.step);
    if (trace.type !== "heatmap") return { ...trace, x, y: chosen.map((row) => row[trace.meta.field]) };
    const names = chosen.length ? Object.keys(chosen[0].gradient_norms) : [];
    const log = (value) => (value > 0 ? Math.log10(value) : null);
    return { ...trace, x, y: names, z: names.map((name) => chosen.map((row) => log(row.gradient_norms[name]))) };
  });
  return { data, layout: { ...figure.layout, xaxis: { ...figure.layout.xaxis } } };
}

const percent = (value) => `${(100 * value).toFixed(1)} %`;
const when = (seconds) => new Date(seconds * 1000).toLocaleString([], { dateStyle: "short", timeStyle: "short" });

function describe(run, final) {
  const parts = [`Trained as ${run.trained} on ${run.data}, seed ${run.seed}, ${run.epochs} epochs of batches of ${run.batch_size}.`];
  if (run.trained !== run.variant) parts.push("Classes, channels and input size are the data's; all else is as drawn.");
  if (run.state === "interrupted") parts.push("Its worker ended without a last word: resume it from the last checkpoint.");
  if (final) parts.push(final.message);
  return parts.join(" ");
}

function drawNumbers(rows, last, run, state, share) {
  if (!run) return "";
  const held = rows.findLast((row) => row.kind === "epoch");
  const cells = [["epoch", last ? `${last.epoch.toFixed(1)} / ${run.epochs}` : `0 / ${run.epochs}`]];
  if (last) cells.push(["loss", last.loss?.toPrecision(3) ?? "not a number"], ["images/s", Math.round(last.images_per_second)]);
  if (held) cells.push(["held out", percent(held.accuracy)]);
  if (last?.images_per_second && state === "running" && share > 0) {
    const images = (last.step / last.epoch) * run.batch_size * run.epochs; // of the whole run
    const left = Math.round((images * (1 - share)) / last.images_per_second);
    cells.push(["left, about", left > 90 ? `${Math.round(left / 60)} min` : `${left} s`]);
  }
  return cells.map(([name, text]) => `<span><small>${name}</small><b>${text}</b></span>`).join("");
}
