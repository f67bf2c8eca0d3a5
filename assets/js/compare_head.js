// Compare's head: a column for each variant, and what can be added.
import { make } from "./elements.js";
import { showTab } from "./page.js";

const MOST = 4;

export class CompareHead {
  constructor(box, { known, colours, words, view }) {
    Object.assign(this, { box, colours, words, view });
    this.columns = [];
    this.row = make("div", { class: "rx-c-columns" });
    this.ideas = make("div", { class: "rx-c-ideas", role: "group", "aria-label": "One idea away from the first" });
    this.field = make("input", { type: "text", list: "rx-c-known", id: "rx-c-new", ...TYPED, placeholder: "resnet34, wrn28_10 …" });
    this.field.addEventListener("keydown", (event) => event.key === "Enter" && this.add(this.field.value));
    this.typed = make("button", { type: "button", onclick: () => this.add(this.field.value) }, "Add");
    this.drawn = make("button", { type: "button", onclick: () => this.add(this.view.drawn) }, "What Build draws");
    this.race = make("button", { type: "button", onclick: () => this.train() }, "Race these …");
    this.refusal = make("p", { class: "rx-c-error", role: "alert", hidden: true });
    this.full = make("p", { class: "rx-quiet rx-c-full-note", hidden: true }, words.full);
    box.append(
      make("datalist", { id: "rx-c-known" }, ...known.map((name) => make("option", { value: name }))),
      this.row,
      make("div", { class: "rx-c-add" }, make("label", { for: "rx-c-new" }, "Add a network"), this.field, this.typed, this.drawn, this.race),
      this.refusal, this.full, this.ideas,
    );
  }

  show({ columns, neighbours }) {
    while (this.columns.length > columns.length) this.columns.pop().box.remove();
    while (this.columns.length < columns.length) {
      this.columns.push(new Column(this, this.columns.length));
      this.row.append(this.columns.at(-1).box);
    }
    this.columns.forEach((column, index) => column.show(columns[index], columns.length));
    this.row.style.setProperty("--rx-columns", columns.length);
    this.showIdeas(neighbours, columns);
    const full = columns.length >= MOST;
    this.full.hidden = !full;
    this.field.disabled = this.typed.disabled = this.drawn.disabled = full;
    this.drawn.title = this.view.drawn;
    this.race.disabled = columns.some(({ error }) => error) || new Set(columns.map(({ text }) => text)).size < 2;
    this.race.title = "Train them beside each other, on the same data and seed";
  }

  showIdeas(neighbours, columns) {
    const full = columns.length >= MOST;
    const shown = new Set(columns.map((column) => column.text));
    this.ideas.replaceChildren(
      make("span", { class: "rx-quiet" }, "One idea away from the first:"),
      ...neighbours.map(({ label, text, why }) =>
        make("button", { type: "button", class: "rx-c-idea", title: text, disabled: full || shown.has(text), onclick: () => this.add(text) },
          make("b", {}, shown.has(text) ? `✓ ${label}` : `+ ${label}`), make("small", {}, why)),
      ),
    );
    this.ideas.hidden = !neighbours.length;
  }

  train() {
    dispatchEvent(new CustomEvent("rx-train", { detail: { variants: this.columns.map((column) => column.text) } }));
    showTab("Train");
  }

  async add(text) {
    if (!text.trim()) return this.field.focus();
    const error = await this.view.change((texts) => [...texts, text], this.view.texts.length);
    this.refusal.textContent = error;
    this.refusal.hidden = !error;
    if (!error) this.field.value = "";
  }

  /** Exchange a column with the one on its left; the focus goes with it. */
  async moveLeft(place) {
    await this.view.change((texts) => texts.map((text, at) => (at === place ? texts[at - 1] : at === place - 1 ? texts[place] : text)));
    const column = this.columns[place - 1];
    (column.left.disabled ? column.input : column.left).focus();
  }

  async remove(place) {
    await this.view.change((texts) => texts.filter((_, index) => index !== place));
    this.columns[Math.min(place, this.columns.length - 1)].input.focus();
  }
}

const TYPED = { spellcheck: "false", autocomplete: "off", autocapitalize: "off" };

class Column {
  constructor(head, place) {
    Object.assign(this, { head, place });
    const number = place + 1;
    this.input = make("input", { type: "text", list: "rx-c-known", "aria-label": `Variant ${number}`, "aria-describedby": `rx-c-why-${number}`, ...TYPED });
    this.error = make("p", { class: "rx-c-error", id: `rx-c-why-${number}`, role: "alert", hidden: true });
    this.whole = make("p", { class: "rx-c-whole", hidden: true });
    this.left = make("button", { type: "button", onclick: () => head.moveLeft(place) }, place === 1 ? "← Make it the first" : "← Move left");
    this.open = make("button", { type: "button", onclick: () => this.openInBuild() }, "Open in Build");
    this.close = make("button", { type: "button", "aria-label": `Remove variant ${number}`, title: "Remove", onclick: () => head.remove(place) }, "×");
    this.left.hidden = place === 0;
    this.input.addEventListener("keydown", (event) => this.press(event));
    this.input.addEventListener("change", (event) => event.isTrusted && this.pickFromList());
    this.box = make("section", { class: "rx-c-column", "aria-label": `Column ${number}`, style: `--rx-variant: ${head.colours[place]}` },
      make("div", { class: "rx-c-name" }, make("span", { class: "rx-c-badge", "aria-hidden": "true" }, String(number)), this.input),
      this.error, this.whole,
      make("div", { class: "rx-c-buttons" }, place === 0 && make("span", { class: "rx-quiet" }, "the first"), this.left, this.open, this.close));
  }

  show({ text, error }, count) {
    const { value } = this.input; // not under the fingers: what is typed and not asked for yet stays
    const typing = document.activeElement === this.input && value !== this.text && value !== this.asked;
    this.text = text;
    if (!typing && value !== text) this.input.value = text;
    this.input.title = this.whole.textContent = text;
    this.whole.hidden = text.length < 26; // the field cuts a long one
    this.refuse(error || "");
    this.open.disabled = Boolean(error);
    this.close.disabled = count === 1;
  }

  refuse(sentence) {
    this.error.textContent = sentence;
    this.error.hidden = !sentence;
    this.input.setAttribute("aria-invalid", Boolean(sentence));
  }

  press(event) {
    if (event.key === "Enter") this.apply();
    if (event.key !== "Escape") return;
    this.input.value = this.text;
    this.refuse("");
  }

  /** A known name that was chosen from the list needs no Enter. */
  pickFromList() {
    const known = [...document.querySelectorAll("#rx-c-known option")].some((option) => option.value === this.input.value);
    if (known && this.input.value !== this.text) this.apply();
  }

  /** Take what was typed; what can't be read stays in the field, with the reason below it. */
  async apply() {
    const typed = (this.asked = this.input.value);
    const error = await this.head.view.change((texts) => texts.with(this.place, typed), this.place);
    this.refuse(error);
    if (error) this.input.value = typed;
  }

  openInBuild() {
    dispatchEvent(new CustomEvent("rx-build", { detail: { variant: this.text } }));
    showTab("Build");
  }
}
