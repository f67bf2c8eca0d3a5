// Compare's measurement: one variant after the other on the server's machine, as rows below the totals.
import { SILENT } from "./ask.js";
import { make } from "./elements.js";
import { formatBytes } from "./format.js";
import { measureVariant } from "./measure.js";

const BATCH = 8, BUDGET = 5; // images, seconds a variant: enough to tell them apart
const QUANTITIES = [
  { key: "forward", label: "Forward pass, measured", hint: `median, batch of ${BATCH}, on this machine`, read: ({ forward }) => forward.median, write: formatTime },
  { key: "train", label: "Training step, measured", hint: `median, batch of ${BATCH}, SGD with momentum`, read: ({ train }) => train.median, write: formatTime },
  { key: "peak", label: "Peak memory, measured", hint: `of a training step, batch of ${BATCH}`, read: ({ train }) => train.memory, write: formatBytes },
];

export class CompareMeasure {
  constructor(box, totals, view) {
    Object.assign(this, { box, totals, view, results: new Map(), running: null });
    this.start = make("button", { type: "button", onclick: () => this.measure() }, "Measure all");
    this.stop = make("button", { type: "button", hidden: true, onclick: () => this.running?.abort() }, "Stop");
    this.status = make("span", { class: "rx-quiet", role: "status" });
    box.append(this.start, this.stop, this.status);
  }

  /** Show what is known of the variants that are compared now. */
  show({ columns, places }) {
    this.texts = places.map((place) => columns[place].text);
    this.box.hidden = !places.length;
    const known = this.texts.map((text) => this.results.get(text));
    this.totals.setExtra(known.some(Boolean) ? QUANTITIES.map((quantity) => describeRow(quantity, known)) : []);
    if (!this.running) this.status.textContent = known.find(Boolean)?.machine || `Time and memory on the machine that runs this page, about ${BUDGET + 5} s each.`;
  }

  async measure() {
    const missing = this.texts.filter((text) => !this.results.has(text));
    this.running = new AbortController();
    this.setBusy(true);
    for (const [index, variant] of (missing.length ? missing : this.texts).entries()) {
      if (this.running.signal.aborted) break;
      const all = missing.length || this.texts.length;
      const told = await this.ask(variant, (words) => (this.status.textContent = `${variant}, ${index + 1} of ${all}: ${words}`));
      if (told.state === "done") this.results.set(variant, told);
      else if (told.error) this.failed = `${variant}: ${told.error}`;
      this.show(this.view.answer);
    }
    this.running = null;
    this.setBusy(false);
    this.show(this.view.answer);
    if (this.failed) this.status.textContent = this.failed;
    this.failed = "";
  }

  async ask(variant, say) {
    const question = { variant, batch: BATCH, mode: "both", budget: BUDGET, device: "auto" };
    say("starting a process of its own");
    const onProgress = ({ state, progress }) => say(state === "waiting" ? "others are measured first" : progress.doing || "starting a process of its own");
    try {
      return await measureVariant(this.view.server, question, { onProgress, signal: this.running.signal });
    } catch {
      return { state: "failed", error: SILENT };
    }
  }

  setBusy(busy) {
    this.start.disabled = busy;
    this.stop.hidden = !busy;
  }
}

function describeRow({ key, label, hint, read, write }, results) {
  const cells = results.map((result) => {
    if (!result) return { value: null, text: "not measured yet" };
    const value = read(result.passes);
    return { value, text: write(value), exact: `${result.passes.forward.repeats} repeats`, note: result.machine };
  });
  return { key: `measured-${key}`, label, hint, cells };
}

/** "12.3 ms", "1.23 s". */
function formatTime(milliseconds) {
  return milliseconds < 1000 ? `${milliseconds.toPrecision(3)} ms` : `${(milliseconds / 1000).toPrecision(3)} s`;
}
