// A look at a batch: what the network is really given, each image plain and as it is drawn for training.
import { ask } from "./ask.js";
import { make } from "./elements.js";

const PAUSE = 400; // ms of rest after a setting moved

export class Look {
  constructor(form) {
    Object.assign(this, { form, seed: 0, open: false, asked: "" });
    this.words = make("span", { class: "rx-quiet", "aria-live": "polite" });
    this.again = make("button", { type: "button", onclick: () => this.draw(this.seed + 1) }, "Draw again");
    this.images = make("div", { class: "rx-look-images" });
    this.refusal = make("p", { class: "rx-tf-refusal", role: "alert", hidden: true });
    this.element = make("div", { class: "rx-look" }, make("div", { class: "rx-look-head" }, this.words, this.again), this.refusal, this.images);
  }

  show(open) {
    this.open = open;
    if (open) this.load(0);
  }

  /** The settings moved: the same images are drawn with the new ones. */
  load(pause = PAUSE) {
    clearTimeout(this.timer);
    if (this.open) this.timer = setTimeout(() => this.draw(this.seed), pause);
  }

  async draw(seed) {
    this.seed = seed;
    const question = { ...this.form.question, seed };
    const asked = JSON.stringify(question);
    if (asked === this.asked) return;
    this.asked = asked;
    this.element.setAttribute("aria-busy", "true");
    if (!this.images.children.length) this.words.textContent = "Loading …";
    const answer = await ask(this.form.server.look, question);
    if (asked !== this.asked) return;
    this.element.setAttribute("aria-busy", "false");
    this.refusal.textContent = answer.error || "";
    this.refusal.hidden = !answer.error;
    this.words.textContent = answer.error ? "" : `${answer.shape} · plain above, drawn below`;
    this.images.hidden = Boolean(answer.error);
    if (answer.error) this.asked = ""; // the next look asks again
    else this.put(answer);
  }

  put({ plain, drawn, captions }) {
    const picture = (source, words) => make("img", { src: source, alt: words, title: words });
    const pair = (source, place) =>
      make("figure", {}, picture(source, `plain: ${captions[place]}`), picture(drawn[place], `as drawn: ${captions[place]}`), make("figcaption", { title: captions[place] }, captions[place]));
    this.images.replaceChildren(...plain.map(pair));
  }
}
