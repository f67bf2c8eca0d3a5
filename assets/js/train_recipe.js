// The recipe: a menu, what its source reports, and the text that stands for all settings.
import { make } from "./elements.js";
import { copyText } from "./files.js";
import { makeMenu } from "./menu.js";

export class RecipeChoice {
  constructor(box, form) {
    Object.assign(this, { box, form });
    this.recipes = new Map(form.start.recipes.map((recipe) => [recipe.name, recipe]));
    this.menu = make("select", { id: "rx-tf-recipe", "aria-describedby": "rx-tf-expected" }, ...form.start.recipes.map(({ name, title }) => new Option(title, name)));
    this.menu.addEventListener("change", () => form.ask({ choose: this.menu.value }));
    this.expected = make("p", { class: "rx-quiet rx-tf-help", id: "rx-tf-expected" });
    this.text = make("input", { type: "text", id: "rx-tf-text", class: "rx-tf-code", title: form.start.words.recipe, "aria-describedby": "rx-tf-text-bad", spellcheck: "false", autocomplete: "off", autocapitalize: "off" });
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter") form.ask({ recipe: (this.said = this.text.value) });
      if (event.key === "Escape") this.put();
    });
    this.text.addEventListener("change", () => this.text.value !== this.form.recipe && form.ask({ recipe: this.text.value }));
    this.refusal = make("p", { class: "rx-tf-refusal", id: "rx-tf-text-bad", role: "alert", hidden: true });
    const copy = makeMenu("Copy", [{ label: "Recipe", kind: "recipe" }, { label: "Command", kind: "command" }], ({ kind }) => this.copy(kind));
    box.append(
      make("label", { class: "rx-tf-label", for: "rx-tf-recipe" }, "Recipe"), this.menu,
      make("div", { class: "rx-tf-under" }, this.expected),
      make("label", { class: "rx-tf-label", for: "rx-tf-text" }, "As text"), make("div", { class: "rx-tf-text" }, this.text, copy),
      make("div", { class: "rx-tf-under" }, this.refusal),
    );
  }

  show({ base }) {
    const recipe = this.recipes.get(base);
    this.menu.value = recipe ? base : "";
    this.expected.textContent = recipe ? `${recipe.expected}. ` : "";
    if (recipe) this.expected.append(make("span", { class: "rx-tf-source", title: recipe.source }, recipe.source));
    if (document.activeElement !== this.text || this.text.value === this.said) this.put(); // not under the fingers
  }

  /** Let the text say again what holds. */
  put() {
    this.text.value = this.form.recipe;
    this.text.title = `${this.form.recipe}\n${this.form.start.words.recipe}`;
    this.refuse("");
  }

  refuse(sentence, typed) {
    this.refusal.textContent = sentence;
    this.refusal.hidden = !sentence;
    this.text.setAttribute("aria-invalid", Boolean(sentence));
    if (typed !== undefined) this.text.value = typed; // nothing is lost
  }

  copy(kind) {
    const { texts, data, recipe } = this.form;
    const quote = (text) => (/^[\w.,=:/-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);
    const command = texts.map((text) => `explorer train ${quote(text)} --data ${quote(data.spec)} --recipe ${quote(recipe)}`).join("\n");
    return copyText(kind === "recipe" ? recipe : command, kind === "recipe" ? "The recipe:" : "The command:");
  }
}
