// The variants one idea away from what is drawn, as buttons.
import { ask } from "./ask.js";
import { readLink } from "./link.js";
import { makeButton } from "./menu.js";
import { showTab } from "./page.js";

const PAUSE = 250; // milliseconds: a person who goes on changing asks for no ideas

export class Ideas {
  constructor(box, server, open) {
    Object.assign(this, { box, server, open });
    box.innerHTML = `<span class="rx-quiet">One idea away:</span><span class="rx-idea-list"></span>`;
    box.addEventListener("click", ({ target }) => {
      if (target.dataset.text) this.open(target.dataset.text);
      if (target.dataset.do === "compare") this.compare();
      if (target.dataset.do === "train") this.train([this.variant]);
      if (target.dataset.do === "race") this.train([this.variant, this.twin]);
    });
  }

  /** What is drawn, against what is pinned; alone it is shown beside a neighbour. */
  compare() {
    const { pin } = readLink();
    const variants = pin && pin !== this.variant ? [pin, this.variant] : [this.variant];
    dispatchEvent(new CustomEvent("rx-compare", { detail: { variants } }));
    showTab("Compare");
  }

  /** What is drawn, alone or as a race against its twin. */
  train(variants) {
    dispatchEvent(new CustomEvent("rx-train", { detail: { variants } }));
    showTab("Train");
  }

  /** Look for the neighbours of another variant, once changes have come to rest. */
  load(variant) {
    if (variant === this.variant) return;
    this.variant = variant;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(variant), PAUSE);
  }

  async ask(variant) {
    const { ideas } = await ask(this.server.ideas, { variant });
    if (variant !== this.variant || !ideas) return;
    const buttons = ideas.map(({ label, text, why }) => {
      const button = Object.assign(makeButton(label), { title: `${text}: ${why}` });
      button.dataset.text = text;
      return button;
    });
    const compare = Object.assign(makeButton("Compare …"), { title: "See it beside others" });
    compare.dataset.do = "compare";
    const train = Object.assign(makeButton("Train …"), { title: "Train it" });
    train.dataset.do = "train";
    const twin = ideas.find(({ label }) => label.endsWith("twin"));
    this.twin = twin?.text;
    const race = Object.assign(makeButton("Race its twin …"), { title: `Train it beside ${twin?.text}`, hidden: !twin });
    race.dataset.do = "race";
    this.box.lastChild.replaceChildren(...buttons, compare, train, race);
  }
}
