// What is trained on: a menu, and a field for what stands behind the colon: a folder, or a shape.
import { ask } from "./ask.js";
import { make } from "./elements.js";

const KEY = "rx-train-place"; // paths stay in this browser: the link never names a place of the machine

export class DataChoice {
  constructor(box, form) {
    Object.assign(this, { box, form });
    this.choices = new Map(form.start.data.map((choice) => [choice.name, choice]));
    this.here = new Set(form.start.data.filter((choice) => choice.here).map((choice) => choice.name));
    this.menu = make("select", { id: "rx-tf-data", "aria-describedby": "rx-tf-data-bad" });
    this.label = make("label", { class: "rx-tf-label", for: "rx-tf-detail" });
    this.field = make("input", { type: "text", id: "rx-tf-detail", "aria-describedby": "rx-tf-data-hint rx-tf-data-bad", spellcheck: "false", autocomplete: "off", autocapitalize: "off" });
    this.hint = make("p", { class: "rx-quiet rx-tf-help", id: "rx-tf-data-hint" });
    this.refusal = make("p", { class: "rx-tf-refusal", id: "rx-tf-data-bad", role: "alert", hidden: true });
    this.drawMenu();
    this.menu.addEventListener("change", () => this.change());
    this.field.addEventListener("change", () => this.change());
    box.append(make("label", { class: "rx-tf-label", for: "rx-tf-data" }, "Data"), this.menu, this.label, this.field, make("div", { class: "rx-tf-under" }, this.hint, this.refusal));
  }

  drawMenu() {
    const { value } = this.menu;
    const word = ({ name, title }) => (this.lacks(name) ? `${title} · not here yet` : title);
    this.menu.replaceChildren(...[...this.choices.values()].map((choice) => new Option(word(choice), choice.name)));
    if (value) this.menu.value = value;
  }

  /** Whether a data set would have to be fetched. */
  lacks(name) {
    return !this.choices.get(name).needed && !this.here.has(name);
  }

  /** Ask what of it is on the machine by now. */
  async learn() {
    const { here } = await ask(this.form.server.list_data, {});
    if (!here) return;
    this.here = new Set(here);
    this.drawMenu();
    this.describe();
  }

  /** The data as the command line writes it. */
  get spec() {
    const detail = this.field.hidden ? "" : this.field.value.trim();
    return this.menu.value + (detail ? `:${detail}` : "");
  }

  /** The data as a link may say it. */
  get link() {
    const place = this.choices.get(this.menu.value).needed;
    const text = place ? this.menu.value : this.spec;
    return text === "digits" ? "" : text;
  }

  /** Take the data of a link; unknown data is said to be so. */
  choose(text) {
    const [name, ...rest] = text.split(":");
    const known = this.choices.get(name);
    this.menu.value = known ? name : "digits";
    this.field.value = known?.needed ? sessionStorage.getItem(`${KEY}-${name}`) || "" : rest.join(":");
    this.describe();
    this.refuse(known ? "" : `The link's data “${name.slice(0, 40)}” is not to be had here; digits stand in for it.`);
  }

  change() {
    const { needed } = this.choices.get(this.menu.value);
    if (this.shown !== this.menu.value) this.field.value = needed ? sessionStorage.getItem(`${KEY}-${this.menu.value}`) || "" : "";
    else if (needed) sessionStorage.setItem(`${KEY}-${this.menu.value}`, this.field.value);
    this.describe();
    this.refuse("");
    this.form.changeData();
  }

  describe() {
    const { name, detail, hint } = this.choices.get(this.menu.value);
    this.shown = name;
    this.label.hidden = this.field.hidden = !detail;
    this.label.textContent = detail;
    this.hint.textContent = this.lacks(name) ? this.form.start.words.missing : hint;
    this.hint.hidden = !this.hint.textContent;
  }

  refuse(sentence) {
    this.refusal.textContent = sentence;
    this.refusal.hidden = !sentence;
    for (const input of [this.menu, this.field]) input.setAttribute("aria-invalid", Boolean(sentence));
    if (sentence && !this.field.hidden) this.field.focus();
  }
}
