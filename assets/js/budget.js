// The budget: for each measure a range with two ends, as two thumbs of a slider and as two fields with units.
import { parseAmount, roundAmount, writeAmount } from "./amounts.js";
import { escapeHtml as escape } from "./format.js";

const STEPS = 1000; // of a slider, logarithmic; its ends stand for no limit
const ENDS = [["least", "at least"], ["most", "at most"]];

export class Budget {
  /** `changed(finished)` is told of every move, and when one is finished. */
  constructor(box, axes, deepest, changed) {
    Object.assign(this, { box, axes, deepest, changed, ranges: {} });
    box.innerHTML = axes.map(drawRange).join("");
    for (const axis of axes) {
      const field = box.querySelector(`[data-range=${axis.name}]`);
      this.ranges[axis.name] = [null, null];
      for (const end of [0, 1]) this.listen(axis, field, end);
    }
  }

  listen(axis, field, end) {
    const slider = field.querySelectorAll("input[type=range]")[end], text = field.querySelectorAll("input[type=text]")[end];
    slider.addEventListener("input", () => {
      const other = this.ranges[axis.name][1 - end];
      let value = readSlider(axis, slider.value, end);
      if (value !== null && other !== null && (end ? value < other : value > other)) value = other; // thumbs do not cross
      this.set(axis, end, value);
      this.changed(false);
    });
    slider.addEventListener("change", () => this.changed(true));
    text.addEventListener("change", () => this.read(axis, field));
    text.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.read(axis, field);
      if (event.key === "Escape") this.put(axis, true);
    });
  }

  /** Take what both fields say, or say in place why not. */
  read(axis, field) {
    const values = [];
    for (const input of field.querySelectorAll("input[type=text]")) {
      const value = input.value.trim() === "" ? null : parseAmount(input.value);
      if (input.value.trim() !== "" && value === null) return this.refuse(field, input, explain(input.value));
      if (axis.name === "depth" && value !== null && (value < 1 || value > this.deepest))
        return this.refuse(field, input, `${input.value} is no depth: a network has 1 to ${this.deepest.toLocaleString("en")} layers.`);
      values.push(value);
    }
    const [least, most] = values;
    if (least !== null && most !== null && least > most)
      return this.refuse(field, field.querySelector("input[type=text]"), `At least ${writeAmount(least)} is more than at most ${writeAmount(most)}: give a range that holds something.`);
    const before = this.ranges[axis.name].join();
    this.ranges[axis.name] = values;
    this.put(axis, true);
    if (values.join() !== before) this.changed(true);
  }

  refuse(field, input, sentence) {
    for (const each of field.querySelectorAll("input[type=text]")) each.setAttribute("aria-invalid", each === input && sentence !== "");
    const place = field.querySelector(".rx-space-refusal");
    place.textContent = sentence;
    place.hidden = !sentence;
  }

  set(axis, end, value) {
    this.ranges[axis.name] = this.ranges[axis.name].map((old, place) => (place === end ? value : old));
    this.put(axis, true);
  }

  /** Move slider and fields to what holds. */
  put(axis, words) {
    const field = this.box.querySelector(`[data-range=${axis.name}]`);
    const values = this.ranges[axis.name];
    const thumbs = values.map((value, end) => (value === null ? end * STEPS : placeThumb(axis, value)));
    field.querySelectorAll("input[type=range]").forEach((slider, end) => {
      slider.value = thumbs[end];
      slider.setAttribute("aria-valuetext", values[end] === null ? "no limit" : writeAmount(values[end]));
      slider.style.zIndex = end === 0 && thumbs[0] > STEPS / 2 ? 3 : 2; // where both stand right, the left one can move
    });
    field.style.setProperty("--from", `${thumbs[0] / (STEPS / 100)}%`);
    field.style.setProperty("--to", `${thumbs[1] / (STEPS / 100)}%`);
    if (!words) return;
    field.querySelectorAll("input[type=text]").forEach((input, end) => (input.value = values[end] === null ? "" : writeAmount(values[end])));
    this.refuse(field, null, "");
  }

  /** The measures that are limited, each with its two ends; null is no limit. */
  list() {
    return Object.fromEntries(Object.entries(this.ranges).filter(([, [least, most]]) => least !== null || most !== null));
  }

  clear() {
    for (const axis of this.axes) {
      this.ranges[axis.name] = [null, null];
      this.put(axis, true);
    }
  }

  /** As the link says it: "params<5M;depth=50"; both ends belong to the range. */
  write() {
    return Object.entries(this.list()).flatMap(([name, [least, most]]) => {
      if (least === most) return [`${name}=${writeAmount(least)}`];
      return [...(least === null ? [] : [`${name}>${writeAmount(least)}`]), ...(most === null ? [] : [`${name}<${writeAmount(most)}`])];
    }).join(";");
  }

  /** Take a link's budget; returns the parts that can't be read. */
  restore(text) {
    this.clear();
    const bad = [];
    for (const part of (text || "").split(";").filter(Boolean).slice(0, 20)) {
      const match = /^([a-z]+)([<>=])(.{1,30})$/.exec(part);
      const axis = match && this.axes.find(({ name }) => name === match[1]);
      const value = match && parseAmount(match[3]);
      if (!axis || value === null) bad.push(part);
      else this.ranges[axis.name] = this.ranges[axis.name].map((old, end) => ("<>="[1 - end] === match[2] || match[2] === "=" ? value : old));
    }
    for (const axis of this.axes) {
      const [least, most] = this.ranges[axis.name];
      const holds = (least === null || most === null || least <= most) && (axis.name !== "depth" || [least, most].every((end) => end === null || (end >= 1 && end <= this.deepest)));
      if (!holds) {
        bad.push(axis.name);
        this.ranges[axis.name] = [null, null];
      }
      this.put(axis, true);
    }
    return bad;
  }
}

function explain(text) {
  return `“${text.slice(0, 40)}” is not an amount: write a number, if you like with k, M, G or T behind it, such as 5M or 4.1G.`;
}

function readSlider({ low, high }, position, end) {
  if (Number(position) === end * STEPS) return null;
  return roundAmount(low * (high / low) ** (position / STEPS));
}

function placeThumb({ low, high }, value) {
  return Math.round(Math.min(1, Math.max(0, Math.log(value / low) / Math.log(high / low))) * STEPS);
}

function drawRange({ name, label, hint }) {
  const small = label.toLowerCase().replace("macs", "MACs");
  const about = `aria-describedby="rx-space-hint-${name} rx-space-bad-${name}"`;
  const sliders = ENDS.map(([word], end) => `<input type="range" min="0" max="${STEPS}" value="${end * STEPS}" aria-label="${word} ${escape(small)}, slider">`);
  const fields = ENDS.map(([word, words]) => `<label><span>${words}</span><input type="text" inputmode="text" placeholder="any" spellcheck="false" autocomplete="off" aria-label="${escape(label)}, ${words}" ${about}></label>`);
  return `<fieldset class="rx-field rx-space-range" data-range="${name}"><legend>${escape(label)}</legend>
    <p id="rx-space-hint-${name}">${escape(hint)}</p><div class="rx-space-track">${sliders.join("")}</div>
    <div class="rx-space-ends">${fields.join("")}</div>
    <p id="rx-space-bad-${name}" class="rx-space-refusal" role="alert" hidden></p></fieldset>`;
}
