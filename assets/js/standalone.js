// A graph saved as a page of its own: it opens, closes, unfolds and zooms, and says what is selected.
import { Graph } from "./graph.js";
import { readView, toggle } from "./stack.js";

const LEVELS = { stage: "Stage", block: "Block", op: "Op" };

function start({ graph: data, view: text }) {
  const main = document.querySelector("main");
  main.innerHTML = `<nav>${Object.entries(LEVELS).map(([level, word]) => `<button type="button" data-level="${level}">${word}</button>`).join("")}
    <button type="button" data-fold>Fold repeats</button></nav>
    <div tabindex="0" role="application" aria-label="Graph. Arrow keys walk it, Enter opens and closes, u unfolds repeats."></div><p role="status"></p>`;
  const [nav, box, status] = main.children;
  let view = readView(text);
  const select = (name, scroll) => {
    graph.select(name, scroll);
    status.textContent = box.querySelector(`.chosen title`)?.textContent || "";
  };
  const graph = new Graph(box, {
    select,
    hover: (name) => graph.light(name),
    open: (name) => change(() => toggle(view.flipped, name)),
    unfold: (name) => change(() => toggle(view.unfolded, name)),
    escape: () => select(""),
  });
  const change = (act) => {
    act();
    graph.show(data, view);
    for (const button of nav.children)
      button.setAttribute("aria-pressed", button.dataset.level ? button.dataset.level === view.level : view.fold);
  };
  nav.addEventListener("click", ({ target }) => {
    if (target.dataset.level) change(() => (view = { ...readView({ level: target.dataset.level }), fold: view.fold }));
    else if ("fold" in target.dataset) change(() => (view = { ...view, fold: !view.fold, unfolded: new Set() }));
  });
  change(() => {});
}

start(JSON.parse(document.getElementById("network").textContent));
