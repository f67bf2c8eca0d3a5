// What the views below the graph have in common.

import { ask } from "./ask.js";

/**
 * One view below the graph. `box` is its own place, `build` what it may ask of Build: `server`, `value` (what is drawn),
 * `fold()`, `select(name)`, `light(name)`.
 *
 * A view has `load()`, called while it is shown whenever what is drawn changes; `show()` and `hide()`; and `formats`,
 * a list of `{label, kind}` that `take(kind)` gives as `{text, name}`.
 */
export class Panel {
  formats = [];

  constructor(box, build) {
    this.box = box;
    this.build = build;
    this.asked = "";
  }

  async load() {}

  show() {
    this.box.hidden = false;
    return this.load();
  }

  hide() {
    this.box.hidden = true;
  }

  /** A text of the server about what is drawn; `error` instead of `text` where it refuses. */
  take(kind) {
    return this.call("listing", { kind });
  }

  /** Ask the server about what is drawn. */
  call(name, question) {
    return ask(this.build.server[name], { variant: this.build.value.variant, ...question });
  }

  /** `call`, but null where this was asked last, or a later question is on its way. */
  async ask(name, question) {
    const asked = JSON.stringify([name, question, this.build.value.variant]);
    if (this.asked === asked) return null;
    this.asked = asked;
    this.box.setAttribute("aria-busy", "true");
    const answer = await this.call(name, question);
    if (this.asked !== asked) return null;
    this.box.setAttribute("aria-busy", "false");
    if (answer.error) this.asked = ""; // the next look asks again
    return answer;
  }
}
