// What will be trained: what Build draws, or a list of two to four for a race.
import { ask } from "./ask.js";
import { make } from "./elements.js";

export class Variants {
  constructor(box, form) {
    Object.assign(this, { box, form, rows: [] });
    const { words, colours } = form.start;
    this.most = colours.length;
    this.list = make("ol", { class: "rx-tf-list", "aria-label": "What will be trained" });
    this.refusal = make("p", { class: "rx-tf-refusal", role: "alert", hidden: true });
    this.twin = make("button", { type: "button", onclick: () => this.add(this.offered.text) });
    this.other = make("button", { type: "button", onclick: () => this.type(), "aria-expanded": "false" }, "+ another");
    this.reset = make("button", { type: "button", onclick: () => form.change(null), title: "Train what Build draws" }, "Build's alone");
    this.field = make("input", { type: "text", list: "rx-tf-known", "aria-label": "Another network", placeholder: "resnet34, wrn28_10 …", spellcheck: "false", autocomplete: "off", autocapitalize: "off", hidden: true });
    this.field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && this.field.value.trim()) this.add(this.field.value.trim());
      if (event.key === "Escape") this.close();
    });
    this.hint = make("p", { class: "rx-quiet rx-tf-help" }, words.taken);
    box.append(make("span", { class: "rx-tf-label" }, "Network"), make("div", {}, this.list, make("div", { class: "rx-tf-small" }, this.twin, this.other, this.reset), this.field, this.refusal, this.hint));
  }

  show({ variants, twin }) {
    this.rows = variants;
    this.offered = twin;
    const { own, drawn, start } = this.form;
    const race = variants.length > 1;
    const item = (row, place) => {
      const badge = race && make("span", { class: "rx-c-badge", style: `--rx-variant: ${start.colours[place]}`, "aria-hidden": "true" }, String(place + 1));
      const name = make("span", { class: "rx-tf-name", title: row.text, tabindex: row.error ? -1 : null }, row.text);
      const mark = !own && make("small", { title: "What Build draws is what is trained" }, start.words.drawn);
      const remove = race && make("button", { type: "button", "aria-label": `Remove ${row.text}`, title: "Remove", onclick: () => this.remove(place) }, "×");
      const why = row.error && make("p", { class: "rx-tf-refusal", role: "alert" }, row.error);
      return make("li", { "data-variant": row.text }, badge, name, mark, remove, why);
    };
    this.list.replaceChildren(...variants.map(item));
    const full = variants.length >= this.most;
    this.twin.hidden = !twin || full;
    this.twin.textContent = twin ? `+ ${twin.label}` : "";
    this.twin.title = twin ? `${twin.text}: ${twin.why}` : "";
    this.other.hidden = full;
    if (full) this.close();
    this.reset.hidden = !own;
    this.reset.title = `Train what Build draws: ${drawn}`;
    this.hint.textContent = race ? start.words.race : start.words.taken;
  }

  type() {
    if (!this.field.hidden) return this.close();
    this.field.hidden = false;
    this.other.setAttribute("aria-expanded", "true");
    this.field.focus();
  }

  close() {
    const had = document.activeElement === this.field;
    this.field.hidden = true;
    this.field.value = "";
    this.other.setAttribute("aria-expanded", "false");
    this.refuse("");
    if (had) this.other.focus();
  }

  /** Add a variant; one that can't be read, or is there, stays in the field with the reason. */
  async add(text) {
    const { texts } = this.form;
    const answer = await ask(this.form.server.form, { ...this.form.question, variants: [...texts, text] });
    const row = answer.variants?.at(-1);
    const why = answer.error || row.error || (texts.includes(row.text) && `${row.text} is in the list already.`);
    this.refuse(why || "");
    if (why) return;
    this.close();
    await this.form.change([...texts, row.text]);
  }

  async remove(place) {
    const left = this.form.texts.filter((_, index) => index !== place);
    await this.form.change(left.length === 1 && left[0] === this.form.drawn ? null : left);
    (this.list.querySelectorAll("button")[Math.min(place, left.length - 1)] || this.other).focus();
  }

  refuse(sentence) {
    this.refusal.textContent = sentence;
    this.refusal.hidden = !sentence;
  }

  /** Go to a variant that can't be read. */
  focusRefused() {
    const bad = this.rows.findIndex((row) => row.error);
    if (bad >= 0) this.list.children[bad].querySelector(".rx-tf-name").focus();
    return bad >= 0;
  }
}
