// Charts below the graph: where the cost sits, what is seen, at which resolution.
import { Chart, toCsv } from "./charts.js";
import { makeButton } from "./menu.js";
import { Panel } from "./panel.js";

const GROUPINGS = [["stage", "Stage"], ["block", "Block"], ["kind", "Kind of operation"]];
const KEY = "rx-charts-by";

export class CostCharts extends Panel {
  formats = [{ label: "CSV", kind: "csv" }];

  constructor(box, build) {
    super(box, build);
    this.charts = {};
    this.by = recall();
    box.innerHTML = `<div class="rx-switch" role="group" aria-label="Cost by"><span class="rx-quiet">Cost by</span></div>
      <p class="rx-refusal" role="alert" hidden></p><div class="rx-charts"></div>`;
    this.switch = box.querySelector(".rx-switch");
    for (const [by, label] of GROUPINGS) {
      const button = makeButton(label);
      button.dataset.by = by;
      button.addEventListener("click", () => this.choose(by));
      this.switch.append(button);
    }
    this.mark();
  }

  choose(by) {
    this.by = by;
    localStorage.setItem(KEY, by);
    this.mark();
    this.load();
  }

  mark() {
    for (const button of this.switch.querySelectorAll("button"))
      button.setAttribute("aria-pressed", button.dataset.by === this.by);
  }

  async load() {
    const answer = await this.ask("cost_charts", { by: this.by, fold: this.build.fold() });
    if (!answer) return Object.values(this.charts).forEach((chart) => chart.draw());
    const refusal = this.box.querySelector(".rx-refusal");
    refusal.hidden = !answer.error;
    refusal.textContent = answer.error || "";
    for (const [id, figure] of Object.entries(answer.charts || {})) {
      this.charts[id] ??= this.create(id);
      this.charts[id].element.setAttribute("aria-label", figure.layout.meta.words);
      this.charts[id].update(figure);
    }
    this.variant = this.build.value.variant;
  }

  create(id) {
    const element = document.createElement("div");
    element.className = `rx-chart rx-cost-${id}`;
    element.setAttribute("role", "img");
    this.box.querySelector(".rx-charts").append(element);
    const chart = new Chart(element, id, ({ customdata }) => customdata && this.build.select(customdata));
    return chart;
  }

  /** The numbers of all charts, one below the other. */
  async take() {
    const parts = Object.entries(this.charts).map(([id, { figure }]) => `# ${id}\n${toCsv(figure.data)}`);
    return { text: parts.join("\n\n") + "\n", name: `${(this.variant || "").replace(/\W+/g, "_")}_charts.csv` };
  }
}

function recall() {
  const saved = localStorage.getItem(KEY);
  return GROUPINGS.some(([by]) => by === saved) ? saved : "stage";
}
