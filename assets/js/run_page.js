// A run saved as a page of its own: its charts, drawn by the page's own component.
import { Chart } from "./charts.js";

const { name: run, figures } = JSON.parse(document.getElementById("run").textContent);
for (const element of document.querySelectorAll("[data-chart]"))
  new Chart(element, `${run}_${element.dataset.chart}`).update(figures[element.dataset.chart]);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => dispatchEvent(new Event("rx-theme")));
