// Rows of the list of runs: a run with its details, and the frame around the runs of a race.
import { make } from "./elements.js";
import { mayChange } from "./held.js";

const SVG = "http://www.w3.org/2000/svg";
// a shape a state, so that colour is never the only sign
const MARKS = {
  queued: "M6 2a4 4 0 1 0 .01 0M6 4v2.2l1.6 1",
  starting: "M6 2a4 4 0 1 1-4 4",
  running: "M4 2.5 9.5 6 4 9.5z",
  paused: "M4 3v6M8 3v6",
  finished: "M2.2 6.4 5 9l4.8-6",
  stopped: "M3 3h6v6H3z",
  failed: "M3 3l6 6M9 3 3 9",
  interrupted: "M6 2v4.6M6 9.2v.6",
};
const ARMED = 4000; // ms in which a second press deletes

export class RunRow {
  constructor(list) {
    this.list = list;
    this.tick = make("input", { type: "checkbox", title: "Tick two or more to lay them over each other", onchange: () => list.tick(this.run.id, this.tick.checked) });
    this.mark = make("span", { class: "rx-rl-mark", "aria-hidden": "true" });
    this.badge = make("span", { class: "rx-rl-place", "aria-hidden": "true", hidden: true });
    this.name = make("span", { class: "rx-rl-name" });
    this.accuracy = make("span", { class: "rx-rl-accuracy" });
    this.said = make("span", { class: "rx-sr" }); // where no word stands beside the mark
    this.line = make("span", { class: "rx-rl-line" });
    this.tags = make("span", { class: "rx-rl-tags" });
    this.button = make("button", { type: "button", class: "rx-rl-open", tabindex: -1 }, this.badge, this.name, this.accuracy, this.said, this.line, this.tags);
    this.more = make("button", { type: "button", class: "rx-rl-more", "aria-expanded": "false", onclick: () => this.unfold() }, "⋯");
    this.details = make("div", { class: "rx-rl-details", hidden: true });
    this.element = make("div", { class: "rx-rl-row", role: "listitem" }, this.tick, this.mark, this.button, this.more, this.details);
  }

  show(run, { place, ticked, current }) {
    this.run = run;
    this.element.dataset.state = run.state;
    this.button.dataset.run = run.id;
    this.tick.checked = ticked;
    this.more.hidden = !mayChange(run.id);
    this.tick.ariaLabel = `Tick ${run.variant}`;
    this.more.ariaLabel = this.more.title = `Note, tags and deleting of ${run.variant}`;
    this.drawMark(run.state);
    this.badge.hidden = !place;
    this.badge.textContent = place || "";
    this.name.textContent = run.variant;
    this.accuracy.textContent = run.accuracy === null ? "" : `${(100 * run.accuracy).toFixed(1)} %`;
    this.said.textContent = run.state === "finished" ? "finished" : "";
    this.line.textContent = describe(run, Boolean(place));
    this.button.title = [run.variant, run.recipe, run.data, new Date(run.created * 1000).toLocaleString(), run.note].filter(Boolean).join("\n");
    this.tags.replaceChildren(...run.tags.map((tag) => make("i", {}, tag)), ...(run.note ? [make("em", {}, run.note)] : []));
    this.tags.hidden = !run.tags.length && !run.note;
    this.setCurrent(current);
    this.fillDetails();
  }

  drawMark(state) {
    if (this.mark.dataset.state === state) return;
    this.mark.dataset.state = state;
    const svg = document.createElementNS(SVG, "svg");
    svg.setAttribute("viewBox", "0 0 12 12");
    svg.append(Object.assign(document.createElementNS(SVG, "path")));
    svg.firstChild.setAttribute("d", MARKS[state] || MARKS.interrupted);
    this.mark.replaceChildren(svg);
    this.mark.title = state;
  }

  setCurrent(current) {
    markCurrent(this.button, current);
  }

  unfold(open = this.details.hidden) {
    if (open && !this.note) this.makeDetails();
    this.details.hidden = !open;
    this.more.setAttribute("aria-expanded", open);
    this.disarm();
    this.fillDetails();
  }

  makeDetails() {
    const keep = () => this.keep();
    this.note = make("textarea", { rows: 2, placeholder: "Note", "aria-label": "Note", onchange: keep });
    this.tagged = make("input", { type: "text", placeholder: "Tags, separated by commas", "aria-label": "Tags", spellcheck: "false", autocomplete: "off", onchange: keep });
    this.remove = make("button", { type: "button", class: "rx-rl-delete", onclick: () => this.pressDelete(), onblur: () => this.disarm() }, "Delete");
    this.kept = make("span", { class: "rx-quiet", "aria-live": "polite" });
    this.refusal = make("p", { class: "rx-tf-refusal", role: "alert", hidden: true });
    this.details.append(this.note, this.tagged, make("div", { class: "rx-rl-last" }, this.kept, this.remove), this.refusal);
    this.details.addEventListener("keydown", (event) => this.pressInside(event));
  }

  /** What is kept, but not under the fingers. */
  fillDetails() {
    if (!this.note || this.details.hidden) return;
    const { note, tags, state } = this.run;
    if (document.activeElement !== this.note) this.note.value = note;
    if (document.activeElement !== this.tagged) this.tagged.value = tags.join(", ");
    const alive = ["queued", "starting", "running"].includes(state);
    this.remove.disabled = alive;
    this.remove.title = alive ? "Stop it first" : "Its records and its weights go with it";
  }

  async keep() {
    const tags = this.tagged.value.split(",").map((tag) => tag.trim()).filter(Boolean);
    const error = await this.list.annotate(this.run.id, this.note.value, tags);
    this.refuse(error);
    this.kept.textContent = error ? "" : "Kept.";
  }

  refuse(sentence) {
    this.refusal.textContent = sentence;
    this.refusal.hidden = !sentence;
  }

  pressInside(event) {
    if (event.key === "Enter" && event.target === this.tagged) this.keep();
    if (event.key === "Delete" && event.target === this.remove) this.pressDelete();
    if (event.key !== "Escape") return;
    event.stopPropagation();
    this.unfold(false);
    this.button.focus();
  }

  /** The Delete key on a row: the button stands ready for the second press. */
  askToDelete() {
    if (this.more.hidden) return;
    this.unfold(true);
    if (this.remove.disabled) {
      this.refuse("It is not at its end: stop it first, then delete it.");
      return this.more.focus();
    }
    this.remove.focus();
    this.pressDelete();
  }

  async pressDelete() {
    if (!this.armed) return this.arm();
    this.disarm();
    const error = await this.list.remove(this.run.id);
    if (error) this.refuse(error);
  }

  arm() {
    this.armed = setTimeout(() => this.disarm(), ARMED);
    this.remove.textContent = "Press again to delete";
    this.remove.classList.add("rx-rl-armed");
  }

  disarm() {
    clearTimeout(this.armed);
    this.armed = 0;
    if (!this.remove) return;
    this.remove.textContent = "Delete";
    this.remove.classList.remove("rx-rl-armed");
  }
}

export class RaceRow {
  constructor(list) {
    this.words = make("span", {});
    this.open = make("button", { type: "button", class: "rx-rl-race-open", onclick: () => list.overlay(this.ids, this.race) }, this.words);
    this.inner = make("div", { role: "list", "aria-label": "Runs of the race" });
    this.element = make("div", { class: "rx-rl-race", role: "listitem" }, this.open, this.inner);
  }

  show(runs, rows) {
    const [first] = runs;
    Object.assign(this, { ids: runs.map((run) => run.id), race: first.race });
    this.words.textContent = `${first.study || "Race"} of ${runs.length} · ${shorten(first)}`;
    this.open.title = "Open the race";
    if (rows.length !== this.inner.children.length || rows.some((row, index) => row !== this.inner.children[index])) this.inner.replaceChildren(...rows);
  }

  setCurrent(current) {
    markCurrent(this.open, current);
  }
}

function markCurrent(button, current) {
  if (current) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}

/** The second line of a row; in a race the frame says what all have in common. */
function describe(run, inRace) {
  const state = run.state === "queued" && run.place ? `queued, ${run.place === 1 ? "the next" : `place ${run.place}`}` : run.state;
  return [run.state === "finished" ? "" : state, inRace ? "" : shorten(run)].filter(Boolean).join(" · ");
}

function shorten({ recipe, data, created }) {
  const [kind, ...rest] = data.split(":");
  const place = rest.join(":").replace(/\/+$/, "").split("/").at(-1);
  return [recipe, kind === "folder" || kind === "imagenet" ? place || kind : data, formatWhen(created)].join(" · ");
}

/** The time of today, or the day. */
export function formatWhen(seconds) {
  const then = new Date(seconds * 1000);
  const today = then.toDateString() === new Date().toDateString();
  return today ? then.toLocaleTimeString([], { timeStyle: "short" }) : then.toLocaleDateString([], { dateStyle: "short" });
}
