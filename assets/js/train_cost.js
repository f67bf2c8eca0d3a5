// What training costs, before it starts: memory by arithmetic at once, time once a person asks for it.
import { ask } from "./ask.js";
import { make } from "./elements.js";
import { formatBytes } from "./format.js";

const POLL = 400; // ms between two questions
const PAUSE = 250; // ms of rest, after which memory is asked for

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Cost {
  constructor(box, form) {
    Object.assign(this, { box, form, timed: new Map(), running: null });
    this.text = make("span", { class: "rx-tf-cost-text", "aria-live": "polite" });
    this.button = make("button", { type: "button", onclick: () => this.time(), title: "Take a few steps in a process of its own" }, "Time it");
    this.stop = make("button", { type: "button", hidden: true, onclick: () => this.running?.abort() }, "Stop");
    this.bar = make("div", { class: "rx-progress", role: "progressbar", "aria-label": "Progress of the timing", "aria-valuemin": "0", "aria-valuemax": "100", hidden: true }, make("span"));
    this.refusal = make("p", { class: "rx-tf-refusal", role: "alert", hidden: true });
    box.append(make("div", { class: "rx-tf-cost-row" }, make("span", { class: "rx-tf-label" }, "Cost"), this.text, this.button, this.stop), this.bar, this.refusal);
  }

  get key() {
    return JSON.stringify(this.form.question);
  }

  /** The form has moved: memory is asked for once it rests. */
  load() {
    if (this.key === this.shown) return;
    this.shown = this.key;
    this.bytes = this.timed.get(this.key)?.bytes;
    this.refuse("");
    this.draw();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), PAUSE);
  }

  async ask() {
    const { key } = this;
    const answer = await ask(this.form.server.memory, this.form.question);
    if (key !== this.key) return;
    this.refuse(answer.error && answer.setting !== "data" ? answer.error : "");
    this.bytes ??= answer.bytes && Math.max(...answer.bytes);
    this.draw();
  }

  draw() {
    if (this.running) return;
    const timed = this.timed.get(this.key);
    const memory = this.bytes && formatBytes(Number(this.bytes.toPrecision(2)));
    const many = this.form.texts.length > 1 ? " each" : "";
    this.text.textContent = timed ? `about ${formatTime(timed.seconds)}${memory ? `, ${memory}${many}` : ""}` : memory ? `about ${memory}${many}` : "";
    this.text.title = timed ? "Measured by a few steps on this machine" : "Memory by arithmetic; time is not known yet";
    this.button.hidden = Boolean(timed);
  }

  /** Time every variant, one after the other. */
  async time() {
    if (this.running) return;
    await this.form.running;
    const { key } = this;
    this.running = new AbortController();
    const { signal } = this.running;
    this.setBusy(true);
    const found = [];
    for (const variant of this.form.texts) {
      const told = await this.timeOne({ ...this.form.question, variants: [variant] }, found.length, signal);
      if (!told) break;
      found.push(told);
    }
    if (found.length === this.form.texts.length)
      this.timed.set(key, { seconds: found.reduce((sum, { seconds }) => sum + seconds, 0), bytes: Math.max(...found.map(({ memory }) => memory || 0)) || null });
    this.running = null;
    this.setBusy(false);
    this.bytes = this.timed.get(this.key)?.bytes ?? this.bytes;
    this.draw();
  }

  /** What one variant's timing gives; null where it was stopped, or refused with its sentence. */
  async timeOne(question, done, signal) {
    const { server } = this.form;
    const { id, error } = await ask(server.start_timing, question);
    if (error) return this.refuse(error);
    const stop = () => server.stop_timing({ id });
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    while (true) {
      const told = await ask(server.poll_timing, { id });
      if (told.state === "done") return told.result;
      if (told.error) return this.refuse(told.error);
      if (told.state === "stopped") return this.refuse(signal.aborted ? "" : "It was ended, since this page did not ask after it: time it again.");
      this.showProgress(told, done);
      await wait(POLL);
    }
  }

  showProgress({ state, before, progress = {} }, done) {
    const many = this.form.texts.length > 1 ? `${done + 1} of ${this.form.texts.length}: ` : "";
    const { elapsed = 0, left = 0, doing = "starting a process of its own" } = progress;
    this.text.textContent = many + (state === "waiting" ? `${before} before this one` : `${doing}${left ? `, ${Math.ceil(left)} s left` : ""}`);
    const share = elapsed ? elapsed / (elapsed + left) : 0;
    this.bar.firstChild.style.width = `${100 * share}%`;
    this.bar.setAttribute("aria-valuenow", Math.round(100 * share));
  }

  setBusy(busy) {
    const had = this.box.contains(document.activeElement);
    this.button.hidden = busy;
    this.stop.hidden = this.bar.hidden = !busy;
    if (busy) this.refuse("");
    if (busy) this.showProgress({ state: "running" }, 0);
    if (had) (busy ? this.stop : this.button).focus({ preventScroll: true });
  }

  refuse(sentence) {
    this.refusal.textContent = sentence;
    this.refusal.hidden = !sentence;
    return null;
  }
}

/** "40 s", "12 min", "3.5 h", "2.1 days". */
export function formatTime(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  if (seconds < 36 * 3600) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86400).toFixed(1)} days`;
}
