// Compare's charts along the depth, all variants over each other.
import { Chart } from "./charts.js";
import { make } from "./elements.js";

export class CompareCharts {
  constructor(box) {
    this.box = box;
    this.charts = {};
  }

  show({ charts, places }) {
    this.box.parentElement.hidden = !places.length;
    for (const [name, figure] of Object.entries(charts)) {
      this.charts[name] ??= this.create(name, figure);
      this.charts[name].update(figure);
    }
  }

  create(name, figure) {
    const box = make("div", { class: `rx-chart rx-c-chart rx-c-chart-${name}`, role: "img", "aria-label": `Chart: ${figure.layout.title.text} along the depth` });
    this.box.append(box);
    return new Chart(box, `compare_${name}`);
  }
}
