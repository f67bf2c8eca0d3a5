// The held-out images that the network takes for another class with the greatest certainty.
import { make } from "./elements.js";
import { formatCount } from "./format.js";
import { addressPng } from "./run_film.js";

export class Wrong {
  constructor(view) {
    this.view = view;
    this.words = make("p", { class: "rx-quiet rx-group-nothing" });
    this.list = make("ul", { class: "rx-wrong-list" });
    this.element = make("div", { class: "rx-wrong" }, this.words, this.list);
  }

  update(changed) {
    if (changed && !changed.has("answers")) return;
    const { answers } = this.view.store, { words } = this.view.value;
    const said = answers ? `${words.wrong} After epoch ${formatCount(answers.epoch)}.` : words.no_wrong;
    this.words.textContent = answers && !answers.wrong.length ? words.all_right : said;
    this.list.replaceChildren(...(answers?.wrong ?? []).map(draw));
  }
}

function draw({ index, label, answer, probability, image }) {
  const share = `${(100 * probability).toFixed(1)} %`;
  return make("li", { title: `Held-out image ${index}` },
    make("img", { src: addressPng(image), alt: `${label}, taken for ${answer}`, width: 72, height: 72 }),
    make("span", { class: "rx-wrong-answer" }, make("span", { title: answer }, answer), make("b", {}, share)),
    make("span", { class: "rx-bar", "aria-hidden": "true" }, make("span", { style: `width: ${100 * probability}%` })),
    make("small", {}, `is ${label}`));
}
