// The time that is looked at: one slider for all charts by depth and for the film. At its end it follows a live run.
import { make } from "./elements.js";
import { formatCount } from "./format.js";

const BEAT = 160; // ms a position while it plays
const PLAY = "M4 2l10 6-10 6z", HOLD = "M4 2h3v12H4zM9 2h3v12H9z";

export class TimeBar {
  /** `onMove(at)` hears the step that is looked at, null for the newest. */
  constructor(onMove) {
    Object.assign(this, { onMove, steps: [], at: null, timer: 0, describe: () => "" });
    this.play = make("button", { type: "button", class: "rx-time-play", onclick: () => this.toggle() });
    this.slider = make("input", { type: "range", min: 0, max: 0, value: 0, step: 1, "aria-label": "Step that is looked at", oninput: () => this.move(Number(this.slider.value)) });
    this.words = make("output", { class: "rx-time-words" });
    this.newest = make("button", { type: "button", "aria-pressed": true, onclick: () => this.move(this.steps.length - 1) }, "Newest");
    this.element = make("div", { class: "rx-time", role: "group", "aria-label": "Time", hidden: true }, this.play, this.slider, this.words, this.newest);
    this.slider.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      this.toggle();
    });
    this.drawPlay();
  }

  /** Set the steps that can be looked at, sorted; `describe(step)` says what else a step is. */
  show(steps, describe) {
    Object.assign(this, { steps, describe });
    this.slider.max = Math.max(0, steps.length - 1);
    this.element.hidden = steps.length < 2;
    this.draw();
  }

  reset() {
    this.hold();
    this.at = null;
  }

  move(index) {
    this.at = index >= this.steps.length - 1 ? null : this.steps[index];
    this.draw();
    this.onMove(this.at);
  }

  get index() {
    const at = this.at === null ? -1 : this.steps.findLastIndex((step) => step <= this.at);
    return this.at === null ? this.steps.length - 1 : Math.max(0, at);
  }

  toggle() {
    if (this.timer) return this.hold();
    let index = this.at === null ? -1 : this.index; // from the end it begins again
    this.timer = setInterval(() => {
      index += 1;
      this.move(index);
      if (index >= this.steps.length - 1) this.hold();
    }, BEAT);
    this.drawPlay();
  }

  hold() {
    clearInterval(this.timer);
    this.timer = 0;
    this.drawPlay();
  }

  draw() {
    const { index } = this, step = this.steps[index];
    this.slider.value = index;
    const words = step === undefined ? "" : `step ${formatCount(step)}${this.describe(step)}`;
    this.words.textContent = words;
    this.slider.setAttribute("aria-valuetext", words);
    this.newest.setAttribute("aria-pressed", this.at === null);
  }

  drawPlay() {
    this.play.setAttribute("aria-label", this.timer ? "Hold" : "Play over time");
    this.play.title = this.timer ? "Hold" : "Play over time";
    this.play.innerHTML = `<svg viewBox="0 0 16 16" width="12" height="12" aria-hidden="true"><path d="${this.timer ? HOLD : PLAY}" fill="currentColor"/></svg>`;
  }
}
