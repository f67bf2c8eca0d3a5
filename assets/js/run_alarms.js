// Alarms of a run, as quiet lines above its charts: the newest first, each with what to try.
import { make } from "./elements.js";
import { formatCount } from "./format.js";

export class Alarms {
  /** `onPick(step)` hears which alarm's time a person wants to see, null for all of it. */
  constructor(onPick) {
    this.onPick = onPick;
    this.title = make("summary", {});
    this.list = make("ol", { reversed: true });
    this.all = make("button", { type: "button", hidden: true, onclick: () => this.pick(null) }, "Show all steps");
    this.element = make("details", { class: "rx-alarms", open: true, hidden: true }, this.title, this.list, this.all);
  }

  show(alarms) {
    this.element.hidden = !alarms.length;
    const text = JSON.stringify(alarms);
    if (text === this.shown) return;
    this.shown = text;
    this.title.textContent = alarms.length === 1 ? "1 alarm" : `${alarms.length} alarms`;
    this.list.replaceChildren(...alarms.toReversed().map((alarm) => this.draw(alarm)));
  }

  draw({ step, where, message }) {
    const words = `step ${formatCount(step)}`;
    return make("li", {},
      make("button", { type: "button", title: "Zoom the charts to it", onclick: () => this.pick(step) }, words), make("span", { class: "rx-alarm-where" }, where), make("span", {}, message));
  }

  pick(step) {
    this.all.hidden = step === null;
    this.onPick(step);
  }
}
