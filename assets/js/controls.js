// The controls of Build: a form of our own, drawn from the server's list of sections, whose answers move it.

import { escapeHtml as escape } from "./format.js";

export class Controls {
  /** `send(name, value)` tells that a person moved a control; `say(text)` that the variant was typed. */
  constructor(box, sections, help, send, say) {
    this.box = box;
    this.send = send;
    box.innerHTML = drawVariant(help) + sections.map(drawSection).join("");
    this.fields = new Map([...box.querySelectorAll("[data-control]")].map((field) => [field.dataset.control, field]));
    this.kinds = new Map(sections.flatMap(({ controls }) => controls.map(({ name, kind }) => [name, kind])));
    this.text = box.querySelector("#rx-variant");
    this.text.addEventListener("keydown", (event) => {
      if (event.key === "Enter") say((this.said = this.text.value));
      if (event.key === "Escape") this.text.value = this.drawn;
    });
    this.text.addEventListener("focusout", () => this.text.value.trim() || (this.text.value = this.drawn));
    box.addEventListener("click", (event) => toggle(event.target.closest(".rx-section")));
    for (const [name, field] of this.fields) this.listen(name, field);
  }

  listen(name, field) {
    const kind = this.kinds.get(name);
    const number = kind === "number" || kind === "decimal";
    // numbers follow the typing; text is finished by Enter or by leaving the field
    field.addEventListener(number ? "input" : "change", (event) => {
      const { value, checked } = event.target;
      if (kind === "check") this.send(name, checked);
      else if (number) value !== "" && this.send(name, Number(value));
      else if (name !== "known") this.send(name, value);
      else if (this.findKnown(value)) this.send(name, this.findKnown(value));
    });
    if (name === "known") {
      field.addEventListener("focusin", (event) => event.target.select());
      field.addEventListener("focusout", () => this.refill(name, true));
    } else if (number || kind === "text") field.addEventListener("focusout", () => this.refill(name));
    field.addEventListener("keydown", (event) => event.key === "Escape" && this.refill(name, true));
  }

  /** The known network that was meant: the one typed, or the only one that begins so. */
  findKnown(typed) {
    const names = [...this.box.querySelectorAll("#rx-known-list option")].map((option) => option.value);
    const begun = names.filter((name) => name.startsWith(typed.toLowerCase()));
    return names.includes(typed) ? typed : begun.length === 1 ? begun[0] : "";
  }

  /** A field that was left empty says again what is drawn; Escape takes back what was typed. */
  refill(name, again = false) {
    const input = this.fields.get(name).querySelector("input");
    if (this.state && (again || input.value === "")) input.value = this.state.values[name] ?? "";
  }

  update(state, variant) {
    this.state = state;
    if (document.activeElement !== this.text || this.text.value === this.said) this.text.value = variant; // not under the fingers
    this.text.title = variant;
    this.drawn = variant;
    if (state.depths.join() !== this.depths) this.drawDepths(state.depths);
    for (const [name, field] of this.fields) {
      const hidden = state.hidden.includes(name);
      if (field.hidden !== hidden) field.hidden = hidden;
      this.put(name, field, state.values[name]);
    }
    for (const section of this.box.querySelectorAll(".rx-panel")) {
      const empty = ![...section.children].some((field) => !field.hidden);
      section.previousElementSibling.classList.toggle("rx-empty", empty);
    }
  }

  /** Mark the fields whose value was refused; the names of controls, or "text" for the variant. */
  markRefused(names) {
    const mark = (input, refused) => (refused ? input.setAttribute("aria-invalid", "true") : input.removeAttribute("aria-invalid"));
    mark(this.text, names.includes("text"));
    for (const [name, field] of this.fields)
      for (const input of field.querySelectorAll("input, select")) mark(input, names.includes(name));
  }

  put(name, field, value) {
    const kind = this.kinds.get(name);
    if (kind === "radio") {
      for (const input of field.querySelectorAll("input")) input.checked = input.value === value;
      return;
    }
    const input = field.querySelector("input, select");
    if (kind === "check") input.checked = value;
    else if (kind === "dropdown" || input !== document.activeElement) input.value = value ?? ""; // not under the fingers
  }

  drawDepths(depths) {
    this.depths = depths.join();
    const box = this.fields.get("depth").querySelector(".rx-choices");
    box.innerHTML = depths.map((depth) => drawChoice("depth", depth, depth)).join("");
  }
}

function toggle(button) {
  if (!button) return;
  const open = button.getAttribute("aria-expanded") !== "true";
  button.setAttribute("aria-expanded", open);
  button.nextElementSibling.hidden = !open;
}

function drawVariant(help) {
  return `<div class="rx-field"><label for="rx-variant">Variant</label>
    <p>${escape(help)}</p>
    <input id="rx-variant" type="text" spellcheck="false" autocomplete="off" autocapitalize="off"></div>`;
}

function drawSection({ title, controls }) {
  const fields = controls.map(drawControl).join("");
  if (!title) return fields;
  return `<button type="button" class="rx-section" aria-expanded="false">${escape(title)}</button>
    <div class="rx-panel" hidden>${fields}</div>`;
}

function drawControl({ name, label, kind, info, choices }) {
  const hint = info ? `<p id="rx-hint-${name}">${escape(info)}</p>` : "";
  const about = info ? ` aria-describedby="rx-hint-${name}"` : "";
  const id = `rx-in-${name}`;
  if (kind === "radio") {
    const labels = choices.map(([word, value]) => drawChoice(name, word, value)).join("");
    return `<fieldset class="rx-field" data-control="${name}"${about}><legend>${escape(label)}</legend>${hint}
      <div class="rx-choices">${labels}</div></fieldset>`;
  }
  if (kind === "check")
    return `<div class="rx-field" data-control="${name}"><label class="rx-check"><input type="checkbox"${about}>
      ${escape(label)}</label>${hint}</div>`;
  return `<div class="rx-field" data-control="${name}"><label for="${id}">${escape(label)}</label>${hint}
    ${drawInput(name, kind, id, choices, about)}</div>`;
}

function drawInput(name, kind, id, choices, about) {
  const options = (choices || []).map(([word, value]) => `<option value="${value}">${escape(word)}</option>`).join("");
  if (name === "known")
    return `<input id="${id}" type="text" list="rx-known-list" spellcheck="false" autocomplete="off"${about}>
      <datalist id="rx-known-list">${options}</datalist>`;
  if (kind === "dropdown") return `<select id="${id}"${about}>${options}</select>`;
  if (kind === "text") return `<input id="${id}" type="text" spellcheck="false" autocomplete="off"${about}>`;
  return `<input id="${id}" type="number" step="${kind === "number" ? 1 : "any"}"${about}>`;
}

function drawChoice(name, word, value) {
  return `<label><input type="radio" name="rx-${name}" value="${escape(value)}"><span>${escape(word)}</span></label>`;
}
