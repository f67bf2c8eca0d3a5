// One setting of a run: its control, its help, what the recipe says where that is something else, and a refusal.
import { make } from "./elements.js";

const PAUSE = 300; // ms without a key, after which a number that was typed counts

export class Field {
  /** `send(name, text, typing)` tells that a person moved it; `setting` is a row of training/settings.py. */
  constructor(setting, instruments, send) {
    Object.assign(this, { setting, send });
    const { name, label, help, kind } = setting;
    const id = `rx-tf-in-${name}`;
    this.control = this.make(id, instruments);
    this.inputs = this.control.matches("input, select") ? [this.control] : [...this.control.querySelectorAll("input")];
    this.back = make("button", { type: "button", class: "rx-tf-back", hidden: true, onclick: () => send(name, this.base) });
    this.refusal = make("p", { class: "rx-tf-refusal", id: `${id}-bad`, role: "alert", hidden: true });
    const words = make("p", { class: "rx-quiet rx-tf-help", id: `${id}-help` }, describe(setting));
    const title = kind === "list" ? make("span", { class: "rx-tf-name-of", id: `${id}-name` }, label) : make("label", { class: "rx-tf-name-of", for: id }, label);
    this.element = make("div", { class: `rx-tf-field rx-tf-is-${kind}`, "data-setting": name, title: describe(setting) }, title, this.back, this.control, words, this.refusal);
    for (const input of this.inputs) if (kind !== "list") input.setAttribute("aria-describedby", `${id}-help ${id}-bad`);
    this.listen();
  }

  make(id, instruments) {
    const { kind, choices, auto, least, most } = this.setting;
    if (kind === "list") return make("div", { class: "rx-tf-switches", role: "group", "aria-labelledby": `${id}-name`, id }, ...choices.map((choice) => makeSwitch(choice, instruments[choice])));
    if (kind === "yes" && !auto) return make("input", { type: "checkbox", id, class: "rx-tf-switch" });
    if (kind === "yes" || kind === "choice") return make("select", { id }, ...(kind === "yes" ? ["auto", "yes", "no"] : choices).map((choice) => new Option(choice.replaceAll("_", " "), choice)));
    const text = { id, autocomplete: "off", spellcheck: "false", autocapitalize: "off" };
    if (kind === "whole") return make("input", { ...text, type: "number", step: 1, min: least, max: most, inputmode: "numeric" });
    return make("input", { ...text, type: "text", inputmode: kind === "number" ? "decimal" : null });
  }

  listen() {
    const { name, kind } = this.setting;
    const tell = (typing) => {
      this.stopTimer();
      if (this.read() !== this.told) this.send(name, (this.told = this.read()), typing);
    };
    this.control.addEventListener("change", () => tell(false));
    if (kind !== "whole" && kind !== "number") return;
    this.control.addEventListener("input", () => {
      this.stopTimer();
      if (this.read() !== "") this.timer = setTimeout(() => tell(true), PAUSE); // an empty field waits to be left
    });
    this.control.addEventListener("keydown", (event) => {
      if (event.key === "Enter") tell(false);
      if (event.key === "Escape") this.send(name, this.value);
    });
  }

  stopTimer() {
    clearTimeout(this.timer);
    this.timer = 0;
  }

  /** What the control says, as the recipe's text writes it. */
  read() {
    const { kind, auto } = this.setting;
    if (kind === "list") return this.inputs.filter((input) => input.checked).map((input) => input.value).join("-") || "none";
    if (this.control.type === "checkbox") return this.control.checked ? "yes" : "no";
    const text = this.control.value.trim();
    return auto && !text && !this.control.validity.badInput ? "auto" : text;
  }

  /**
   * Stand where the server says; `refused` is the sentence about what was typed, which then stays, as does what is typed
   * and not told yet, or `awaited`: the server has not answered about it.
   */
  show({ value, base, auto, changed, hidden, refused, awaited }) {
    Object.assign(this, { value, base });
    this.element.hidden = hidden;
    this.element.classList.toggle("rx-tf-changed", changed);
    this.back.hidden = !changed;
    this.back.textContent = `recipe: ${base || "empty"}`;
    this.back.title = this.back.ariaLabel = `Take ${this.setting.label} back to the recipe's ${base || "empty"}`;
    if (awaited || this.timer) return;
    this.refuse(refused || "");
    if (refused) return;
    this.told = value;
    this.put(value, auto);
  }

  put(value, auto) {
    if (this.setting.kind === "list") for (const input of this.inputs) input.checked = value.split("-").includes(input.value);
    else if (this.control.type === "checkbox") this.control.checked = value === "yes";
    else if (this.control.matches("select")) this.control.value = value;
    else {
      if (this.setting.auto) this.control.placeholder = auto ? `auto: ${auto}` : "auto";
      const text = value === "auto" && this.setting.auto ? "" : value;
      const same = this.control.value === text || (this.setting.kind === "number" && Number(this.control.value) === Number(text) && this.control.value !== "");
      if (!same || document.activeElement !== this.control) this.control.value = text; // "0.10" stays while it is typed
    }
  }

  refuse(sentence) {
    this.refusal.textContent = sentence;
    this.refusal.hidden = !sentence;
    for (const input of this.inputs) input.setAttribute("aria-invalid", Boolean(sentence));
  }

  focus() {
    this.inputs[0].focus();
  }
}

function describe({ help, auto }) {
  return auto ? `${help}${help ? "; " : ""}auto: ${auto}` : help;
}

function makeSwitch(name, words) {
  return make("label", { class: "rx-tf-check" }, make("input", { type: "checkbox", value: name, class: "rx-tf-switch" }), make("span", {}, make("b", {}, name), " ", make("small", {}, words.replace(`${name}: `, ""))));
}
