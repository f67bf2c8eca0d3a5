// All settings of a run, drawn from the server's table: two that are always in sight, the others in groups that fold.
import { make } from "./elements.js";
import { Field } from "./train_field.js";

const ALWAYS = ["epochs", "batch_size"];

export class Settings {
  /** `boxes` are budget (what is always in sight), groups (a button each) and panel (the group that is open). */
  constructor(boxes, form) {
    Object.assign(this, { boxes, form, open: "", groups: new Map() });
    const { settings, groups, instruments } = form.start;
    this.fields = new Map(settings.map((setting) => [setting.name, new Field(setting, instruments, (...move) => form.send(...move))]));
    boxes.budget.append(...ALWAYS.map((name) => this.fields.get(name).element));
    for (const [name, title] of Object.entries(groups)) {
      const own = settings.filter((setting) => setting.group === name && !ALWAYS.includes(setting.name)).map((setting) => setting.name);
      if (own.length) this.groups.set(name, this.makeGroup(name, title, own));
    }
    this.groups.set("look", this.makeGroup("look", "Look at a batch", []));
    this.groups.get("look").box.append(form.look.element);
    boxes.groups.append(...[...this.groups.values()].map((group) => group.button));
    boxes.panel.append(...[...this.groups.values()].map((group) => group.box));
    boxes.panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.target.matches("input[type=text], input[type=number]")) return;
      const { button } = this.groups.get(this.open);
      this.choose("");
      button.focus();
    });
  }

  makeGroup(name, title, own) {
    const count = make("b", { "aria-hidden": "true", hidden: true });
    const said = make("span", { class: "rx-sr" });
    const button = make("button", { type: "button", class: "rx-tf-group", "aria-expanded": "false", "aria-controls": "rx-tf-panel", onclick: () => this.choose(this.open === name ? "" : name) }, make("span", {}, title), count, said);
    const words = make("span", {});
    const back = make("button", { type: "button", class: "rx-tf-link", hidden: true, onclick: () => this.takeBack(own) }, "Take back");
    const head = make("div", { class: "rx-tf-panel-head", hidden: true }, words, back);
    const box = make("div", { role: "group", "aria-label": title, hidden: true }, head, ...own.map((each) => this.fields.get(each).element));
    return { name, title, own, button, count, said, head, words, box };
  }

  /** Open a group, or none. */
  choose(name) {
    this.open = name;
    this.boxes.panel.hidden = !name;
    for (const group of this.groups.values()) {
      group.box.hidden = group.name !== name;
      group.button.setAttribute("aria-expanded", group.name === name);
    }
    this.form.look.show(name === "look");
  }

  takeBack(own) {
    const { changed, defaults } = this.form.state;
    const changes = Object.fromEntries(own.filter((name) => changed.includes(name)).map((name) => [name, defaults[name]]));
    this.form.ask({ changes });
  }

  show({ values, defaults, changed, hidden, auto, refused }) {
    for (const [name, field] of this.fields)
      field.show({ value: values[name], base: defaults[name], auto: auto[name], changed: changed.includes(name), hidden: hidden.includes(name), refused: refused[name], awaited: name in (this.form.waiting?.changes || {}) });
    for (const group of this.groups.values()) this.mark(group, changed, refused);
    const [first] = Object.keys(refused);
    if (first) this.reveal(first);
  }

  mark({ own, button, count, said, head, words }, changed, refused) {
    const some = own.filter((name) => changed.includes(name)).length;
    const wrong = own.some((name) => refused[name]);
    count.hidden = !some && !wrong;
    count.textContent = wrong ? "!" : some;
    button.classList.toggle("rx-tf-wrong", wrong);
    said.textContent = `${some ? ` ${some} changed` : ""}${wrong ? " one is refused" : ""}`;
    head.hidden = !some;
    words.textContent = `${some} changed`;
    head.lastChild.hidden = !some;
  }

  /** Open the group of a setting. */
  reveal(name) {
    const group = [...this.groups.values()].find(({ own }) => own.includes(name));
    if (group && this.open !== group.name) this.choose(group.name);
  }

  /** Put a sentence at a setting's control; false where there is no such control. */
  refuse(name, sentence) {
    const field = this.fields.get(name);
    if (!field || field.element.hidden) return false;
    this.reveal(name);
    field.refuse(sentence);
    field.focus();
    return true;
  }

  /** Go to a setting that was refused; false where there is none. */
  focusRefused() {
    const [first] = Object.keys(this.form.state?.refused || {});
    if (!first) return false;
    this.reveal(first);
    this.fields.get(first)?.focus();
    return true;
  }
}
