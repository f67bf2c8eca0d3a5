// The charts of runs behind a row of switches. What a chart shows comes from whoever makes the panels; here it is
// created when its group is opened, and drawn again when something that it shows has come.
import { Chart } from "./charts.js";
import { make } from "./elements.js";
import { readLink, writeLink } from "./link.js";
import { describeChart } from "./run_fill.js";

export class Panels {
  /**
   * Options: `groups` as figures/training.py lists them; `list(group)` gives its charts {key, id, kinds, byTime,
   * steps, caption, fill(choice)}; `extras` {group: {element, update(changed, at)}}; `param` of the link; `words(group)` a sentence in
   * place of a group that has nothing to show; `lead(group)` one above its charts; `onSwitch()` hears that a group was opened or closed; `onPick(unit)`.
   */
  constructor(options) {
    Object.assign(this, { extras: {}, onPick: () => {}, lead: () => "", ...options, open: new Set(), parts: new Map(), chosen: new Map(), choice: {}, key: "" });
    this.switches = make("div", { class: "rx-run-switches", role: "group", "aria-label": "Charts" },
      ...this.groups.map((group) => make("button", { type: "button", "data-group": group.id, onclick: () => this.toggle(group.id) }, group.title)));
    this.element = make("div", { class: "rx-run-groups" }, ...this.groups.map((group) => this.frame(group)));
    this.restore();
  }

  frame(group) {
    const charts = make("div", { class: "rx-charts" });
    const tools = make("div", { class: "rx-group-tools" });
    const nothing = make("p", { class: "rx-quiet rx-group-nothing", hidden: true });
    const section = make("section", { class: "rx-group", "data-group": group.id, "aria-label": group.title, hidden: true },
      make("header", {}, make("h3", {}, group.title), tools), make("p", { class: "rx-quiet rx-group-nothing rx-group-lead", hidden: !this.lead(group) }, this.lead(group)), nothing, charts);
    this.parts.set(group.id, { group, section, tools, charts, nothing, drawn: null });
    return section;
  }

  /** The groups that the link names; without a word those that are on by default. */
  restore() {
    const said = readLink()[this.param];
    const ids = said ? said.split("-") : this.groups.filter((group) => group.on).map((group) => group.id);
    this.open = new Set(this.groups.map((group) => group.id).filter((id) => ids.includes(id)));
    this.arrange();
  }

  toggle(id) {
    if (!this.open.delete(id)) this.open.add(id);
    const ids = this.groups.map((group) => group.id).filter((each) => this.open.has(each));
    const usual = this.groups.filter((group) => group.on).map((group) => group.id);
    writeLink({ [this.param]: String(ids) === String(usual) ? "" : ids.join("-") || "none" });
    this.arrange();
    this.onSwitch();
  }

  arrange() {
    for (const button of this.switches.children) button.setAttribute("aria-pressed", this.open.has(button.dataset.group));
    for (const [id, part] of this.parts) part.section.hidden = !this.open.has(id);
  }

  /** Forget a group's charts: others take their place. */
  clear(part) {
    for (const entry of part.drawn ?? []) {
      entry.chart.remove();
      entry.figure.remove();
    }
    part.drawn = null;
  }

  get charts() {
    return [...this.parts].filter(([id]) => this.open.has(id)).flatMap(([, part]) => part.drawn ?? []);
  }

  /** Whether something is shown that depends on the time that is looked at. */
  get byTime() {
    return this.open.has("film") || this.charts.some((entry) => entry.byTime);
  }

  /** Draw what shows any of the kinds of record in `changed`, or all with null. `key` tells runs and axes apart: zoom belongs to it. */
  update(changed, choice, key) {
    Object.assign(this, { choice, key });
    for (const [id, part] of this.parts) {
      if (!this.open.has(id)) continue;
      const listed = this.list(part.group, this.chosen.get(id) ?? part.group.choices[0]?.[0]);
      const fresh = String(part.drawn?.map((entry) => entry.key)) !== String(listed.map((entry) => entry.key));
      if (fresh) this.fill(part, listed);
      const words = this.words(part.group);
      part.nothing.hidden = !words;
      part.nothing.textContent = words;
      part.charts.hidden = Boolean(words);
      if (words) continue;
      for (const entry of part.drawn) if (fresh || !changed || entry.kinds.some((kind) => changed.has(kind))) this.draw(entry);
      this.extras[id]?.update(fresh ? null : changed, choice.at);
    }
  }

  /** Draw what depends on the time that is looked at, and the mark of that time. */
  move(choice) {
    this.choice = choice;
    for (const entry of this.charts) {
      if (entry.byTime === "depth") this.draw(entry);
      else if (entry.byTime) entry.chart.mark(this.dress(entry));
    }
    for (const [id, extra] of Object.entries(this.extras)) if (this.open.has(id)) extra.update(new Set(["time"]), choice.at);
  }

  draw(entry) {
    const figure = this.dress(entry);
    entry.element.setAttribute("aria-label", `Chart. ${describeChart(figure)}`);
    entry.chart.update(figure);
  }

  dress(entry) {
    const figure = entry.fill(this.choice);
    figure.layout.uirevision = this.key;
    return figure;
  }

  fill(part, listed) {
    const { group } = part;
    this.clear(part);
    part.drawn = listed.map((entry) => this.create(part, entry));
    if (this.extras[group.id]) part.charts.replaceChildren(this.extras[group.id].element);
    const tools = [group.choices.length > 1 ? this.offer(part) : null, this.tool?.(group)];
    part.tools.replaceChildren(...tools.filter(Boolean));
  }

  create(part, entry) {
    const element = make("div", { class: `rx-chart rx-chart-${entry.id}`, role: "img" });
    const figure = make("figure", { class: `rx-figure rx-figure-${entry.id}` }, element, entry.caption ? make("figcaption", {}, entry.caption) : null);
    part.charts.append(figure);
    const chart = new Chart(element, entry.id, (point) => typeof point.y === "string" && point.data.type === "heatmap" && this.onPick(point.y));
    return { ...entry, element, figure, chart };
  }

  /** Buttons for the charts of which one is shown. */
  offer(part) {
    const { group } = part, now = this.chosen.get(group.id) ?? group.choices[0][0];
    const press = (id) => {
      this.chosen.set(group.id, id);
      this.update(new Set(), this.choice, this.key);
      part.tools.querySelector("[aria-pressed=true]").focus();
    };
    return make("div", { class: "rx-run-choice", role: "group", "aria-label": "Over time" }, make("span", { class: "rx-quiet" }, "over time:"),
      ...group.choices.map(([id, word]) => make("button", { type: "button", "aria-pressed": id === now, onclick: () => press(id) }, word)));
  }

  zoom(range) {
    for (const entry of this.charts) if (entry.steps) entry.chart.zoom(range);
  }

  /** All charts that are drawn, below each other in one PNG picture, with a line of words above. */
  async paint(words) {
    const drawn = this.charts.filter((entry) => entry.chart.points);
    if (!drawn.length) return null;
    const style = getComputedStyle(document.body);
    const [ground, ink] = ["--rx-surface", "--rx-ink"].map((name) => style.getPropertyValue(name).trim());
    const images = await Promise.all(drawn.map(async ({ chart }) => load(await chart.picture())));
    const width = Math.max(...images.map((image) => image.width)), top = 72;
    const canvas = make("canvas", { width, height: top + images.reduce((sum, image) => sum + image.height, 0) });
    const context = canvas.getContext("2d");
    context.fillStyle = ground;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.fillStyle = ink;
    context.font = `600 30px ${style.fontFamily}`;
    context.fillText(words, 24, 46, width - 48);
    let y = top;
    for (const image of images) {
      context.drawImage(image, 0, y);
      y += image.height;
    }
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }
}

async function load(address) {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}
