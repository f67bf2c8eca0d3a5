// What boxes are coloured by: numbers of the plan, a measurement or a run, and their legend.
import { formatBytes, formatSi } from "./format.js";

const kinds = {
  params: ["Parameters", (value) => formatSi(value).trim()],
  macs: ["MACs", (value) => formatSi(value).trim()],
  activations: ["Activations", (value) => formatSi(value).trim()],
  memory: ["Memory kept for the backward pass", formatBytes],
  field: ["Receptive field", (value) => `${value} px`],
  time: ["Measured time, forward", (value) => `${value.toPrecision(3)} ms`],
  step: ["Measured time, training step", (value) => `${value.toPrecision(3)} ms`],
  gradient: ["Gradient norm, last run", (value) => value.toPrecision(2)],
};

export class Heat {
  /** `graph` is coloured by what the menu says; `ask(by)` gives `{values, adds}`, or an error in words. */
  constructor(graph, { menu, legend }, ask, chosen) {
    Object.assign(this, { graph, menu, legend, ask, by: "" });
    menu.innerHTML = `<option value="">kind</option>` + Object.entries(kinds)
      .map(([name, [words]]) => `<option value="${name}">${words}</option>`).join("");
    menu.addEventListener("change", () => chosen(menu.value));
  }

  /** Show another quantity, or the same for what is drawn now; "" for none. */
  async choose(by) {
    this.by = by in kinds ? by : "";
    this.menu.value = this.by;
    if (!this.by) return this.clear("");
    const asked = this.by;
    const answer = await this.ask(asked);
    if (this.by !== asked) return;
    if (answer.error) return this.clear(answer.error);
    const [, format] = kinds[asked];
    const values = new Map(Object.entries(answer.values));
    this.graph.showHeat({ values, adds: answer.adds, format });
    this.describe(format, answer.total);
  }

  /** The legend again, after what is open has changed. */
  update() {
    if (this.graph.heat) this.describe(this.graph.heat.format);
  }

  describe(format) {
    this.legend.hidden = !this.graph.largest;
    if (!this.graph.largest) return;
    this.legend.innerHTML = `<span class="rx-ramp" aria-hidden="true"></span><span></span>`;
    const most = this.graph.listLargest();
    const names = most.length > 6 ? `${most.slice(0, 5).join(", ")} and ${most.length - 5} more` : most.join(", ");
    this.legend.lastChild.textContent = `0 to ${format(this.graph.largest)} a box, most in ${names}; thicker lines lead to more`;
  }

  clear(words) {
    this.graph.showHeat(null);
    this.legend.hidden = !words;
    this.legend.textContent = words;
  }
}
