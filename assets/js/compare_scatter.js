// Compare's scatter: cost against published accuracy. Papers come at once, torchvision's when torch has been loaded.
import { Chart } from "./charts.js";
import { make } from "./elements.js";
import { formatCount } from "./format.js";
import { writeLink } from "./link.js";

const AXES = { macs: "MACs", params: "Parameters" };

export class CompareScatter {
  constructor(box, view) {
    Object.assign(this, { box, view, axis: "macs", asked: "" });
    this.switch = make("div", { class: "rx-c-switch", role: "group", "aria-label": "Cost" },
      ...Object.entries(AXES).map(([axis, word]) => make("button", { type: "button", "data-axis": axis, onclick: () => this.choose(axis, true) }, word)));
    this.status = make("span", { class: "rx-quiet rx-c-status", role: "status" });
    this.again = make("button", { type: "button", hidden: true, onclick: () => this.load() }, "Try again");
    this.plot = make("div", { class: "rx-chart rx-c-plot", role: "img", "aria-label": "Chart: cost and published ImageNet accuracy; the table below holds its numbers" });
    this.left = make("p", { class: "rx-notes", hidden: true });
    this.list = make("div", { class: "rx-c-table-box rx-c-known-list", tabindex: "0", role: "region", "aria-label": "Published accuracies" });
    box.append(
      make("div", { class: "rx-c-bar-row" }, make("h3", { id: "rx-c-h-scatter" }, "Cost and accuracy"), this.switch, this.status, this.again),
      this.plot, this.left,
      make("p", { class: "rx-notes rx-quiet" }, view.words.published),
      make("details", { class: "rx-c-details" }, make("summary", {}, "As a table"), this.list));
    this.chart = new Chart(this.plot, "compare_accuracy", (point) => point.customdata && this.view.head.add(point.customdata));
    new IntersectionObserver((entries) => {
      this.seen = entries.some((entry) => entry.isIntersecting);
      if (this.seen) this.load();
    }).observe(box);
  }

  choose(axis, byPerson) {
    this.axis = axis;
    for (const button of this.switch.children) button.setAttribute("aria-pressed", button.dataset.axis === axis);
    if (!byPerson) return;
    writeLink({ cx: axis === "macs" ? "" : axis });
    this.load();
  }

  show({ places }) {
    this.box.hidden = !places.length;
    if (this.seen) this.load();
  }

  /** Ask for the chart; the first time for the papers' alone, since the rest takes seconds. */
  async load() {
    const { texts } = this.view;
    const asked = JSON.stringify([texts, this.axis]);
    if (!texts.length || (asked === this.asked && this.again.hidden)) return;
    this.asked = asked;
    this.again.hidden = true;
    try {
      if (!this.loaded) {
        this.say(this.view.words.loading);
        await this.ask(texts, asked, false);
      }
      await this.ask(texts, asked, true);
    } catch {
      if (asked !== this.asked) return;
      this.say("What torchvision publishes could not be loaded.");
      this.again.hidden = false;
    }
  }

  async ask(variants, asked, all) {
    const answer = await this.view.server.accuracy({ variants, axis: this.axis, all });
    if (answer.error) throw new Error(answer.error);
    if (all) this.loaded = true;
    if (asked !== this.asked) return;
    if (all) this.say("");
    this.chart.update(this.plot.clientWidth < 700 ? withoutLabels(answer.figure) : answer.figure);
    this.drawLeft(answer.left_out);
    this.drawList(answer.known);
  }

  say(words) {
    this.status.textContent = words;
    this.box.toggleAttribute("aria-busy", Boolean(words));
  }

  drawLeft(places) {
    this.left.hidden = !places.length;
    const names = places.map((place) => `${place + 1} ${this.view.texts[place]}`).join(", ");
    this.left.textContent = `${this.view.words.left_out} ${names}.`;
  }

  drawList(known) {
    const heads = ["Network", "Recipe", "Top-1", "MACs", "Parameters", "Crop", ""].map((word) => make("th", { scope: "col" }, word));
    const rows = known.map((each) =>
      make("tr", {}, make("th", { scope: "row", title: each.source }, each.name), make("td", {}, each.recipe),
        make("td", {}, `${(100 * each.top1).toFixed(2)} %`), make("td", {}, formatCount(each.macs)), make("td", {}, formatCount(each.params)),
        make("td", {}, each.protocol), make("td", {}, this.drawAdd(each))));
    this.list.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...rows)));
    this.box.dataset.known = known.length;
  }

  drawAdd({ name, variant }) {
    if (!variant) return null;
    const there = this.view.texts.includes(variant);
    return make("button", { type: "button", "aria-label": `Compare ${name}`, disabled: there || this.view.texts.length >= 4, onclick: () => this.view.head.add(variant) }, there ? "✓" : "Add");
  }
}

/** Names beside points overlap on a narrow screen; hovering tells them there. */
function withoutLabels(figure) {
  return { ...figure, data: figure.data.map((trace) => ({ ...trace, mode: trace.mode.replace("+text", "") })) };
}
