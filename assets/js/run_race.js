// Several runs over each other, live: a race, or an overlay of any. Each has its number, colour and dash.
import { make } from "./elements.js";
import { formatCount, formatSi } from "./format.js";
import { fillFigure, findSpan } from "./run_fill.js";
import { percent, share } from "./run_head.js";
import { describe } from "./run_one.js";
import { Panels } from "./run_panels.js";

/** Panels for `view.stores`, the runs that are shown. */
export function createRacePanels(view) {
  const { race_groups: groups, words } = view.value;
  return new Panels({
    groups, param: "ro",
    list: (group) => [...group.charts.map((id) => overlay(id, view)), ...group.choices.flatMap(([id]) => view.stores.map((store, place) => beside(id, place, view)))],
    words: (group) => {
      const watched = view.stores.some(({ about }) => !about || !group.instrument || about.watch.split("-").includes(group.instrument));
      return watched ? "" : words.unwatched;
    },
    lead: (group) => group.choices.map(([id]) => view.value.figures[id].layout.meta.words).join(" "),
    onSwitch: () => view.hearSwitch(),
  });
}

const nameRun = (store, place) => `${place + 1} ${store.about?.variant ?? store.id}`;

/** One chart of all runs, its single trace drawn for each. */
function overlay(id, view) {
  const figure = view.value.race[id];
  const fill = (choice) => {
    const data = view.stores.map((store, place) => dress(fillFigure(figure, store, choice).data[0], view.value.styles[place], nameRun(store, place), place));
    const title = { text: view.value.axes[choice.axis] };
    return { data, layout: { ...figure.layout, xaxis: { ...figure.layout.xaxis, title } } };
  };
  return { ...describe(id, figure, fill), key: `${id} ${view.stores.length}` };
}

/** A trace in the style of its run, as figures/run_race.py has it. */
function dress(trace, style, name, place) {
  return {
    ...trace, name,
    line: { color: style.color, dash: style.dash, width: place < 4 ? 2 : 1.5 },
    marker: { size: 6, symbol: style.symbol, color: style.color },
    hovertemplate: `%{x}<br>%{y:.4~g}<extra>${name}</extra>`,
  };
}

/** A chart of one of the runs, beside the same of the others: all on one scale. */
function beside(id, place, view) {
  const figure = view.value.figures[id], { meta, yaxis } = figure.layout;
  const fill = (choice) => {
    const store = view.stores[place];
    const spans = view.stores.map((each) => findSpan(each, meta.span ?? [], yaxis.type === "log")).filter(Boolean);
    const range = spans.length ? [Math.min(...spans.map(([low]) => low)), Math.max(...spans.map(([, high]) => high))] : null;
    const { data, layout } = fillFigure(figure, store, { ...choice, range });
    const title = { ...layout.title, text: nameRun(store, place) };
    return { data: data.length > 1 ? data : [dress(data[0], view.value.styles[place], data[0].name, place)], layout: { ...layout, title } };
  };
  return { ...describe(id, figure, fill), key: `${id} ${place}`, caption: "" };
}

const COLUMNS = [
  ["parameters", "parameters", "least"], ["epoch", "epoch", ""], ["loss", "loss", "least"], ["error", "training error", "least"],
  ["held", "held out", "most"], ["test", "test", "most"], ["speed", "images/s", "most"],
];

/** The table of standings: a row a run. `onOpen(id)` hears that one is wanted by itself. */
export class Standings {
  constructor(styles, onOpen) {
    Object.assign(this, { styles, onOpen });
    this.body = make("tbody");
    const heads = [["run", "run"], ...COLUMNS, ["state", "state"]].map(([key, word]) => make("th", { scope: "col", class: `rx-st-${key}` }, word));
    this.element = make("div", { class: "rx-standings", tabindex: 0, role: "region", "aria-label": "Standings", hidden: true },
      make("table", {}, make("thead", {}, make("tr", {}, ...heads)), this.body));
  }

  show(stores) {
    const rows = stores.map((store) => ({ id: store.id, name: store.about?.variant ?? store.id, ...count(store) }));
    const text = JSON.stringify(rows);
    if (text === this.shown) return;
    this.shown = text;
    if (String(rows.map((row) => row.id)) !== this.ids) this.build(rows);
    rows.forEach((row, place) => this.fill(this.body.children[place], row, rows));
  }

  build(rows) {
    this.ids = String(rows.map((row) => row.id));
    this.body.replaceChildren(...rows.map((row, place) => make("tr", { "data-run": row.id },
      make("th", { scope: "row" }, make("span", { class: "rx-st-run" }, drawStyle(this.styles[place]), make("b", {}, String(place + 1)),
        make("button", { type: "button", title: "Show this run alone", onclick: () => this.onOpen(row.id) }))),
      ...COLUMNS.map(([key]) => make("td", { class: `rx-st-${key}` })), make("td", {}, make("span", { class: "rx-state" })))));
  }

  fill(line, row, rows) {
    line.querySelector("button").textContent = row.name;
    COLUMNS.forEach(([key, , best], index) => {
      const cell = line.children[index + 1], number = row[key];
      const numbers = rows.map((each) => each[key][0]).filter((value) => value !== null);
      const wanted = best === "least" ? Math.min(...numbers) : Math.max(...numbers);
      cell.textContent = number[1];
      cell.classList.toggle("rx-best", Boolean(best) && key !== "parameters" && numbers.length > 1 && number[0] === wanted);
    });
    const state = line.lastChild.firstChild;
    state.textContent = row.state;
    state.dataset.state = row.state;
  }
}

/** Numbers of a run as [value, text]; null and nothing where there is none yet. */
function count(store) {
  const { about, state, final } = store, [last, held] = [store.find("step"), store.find("epoch")];
  const as = (value, write) => (value === null || value === undefined ? [null, "–"] : [value, write(value)]);
  return {
    state: state || (store.error ? "gone" : ""),
    parameters: as(about?.params, formatSi),
    epoch: as(last?.epoch, (epoch) => `${epoch.toFixed(1)} / ${formatCount(about.epochs)}`),
    loss: as(last?.loss, (loss) => loss.toPrecision(3)),
    error: as(last && 1 - last.accuracy, percent),
    held: as(held?.accuracy, percent),
    test: as(final?.test_accuracy, percent),
    speed: as(last?.images_per_second, (speed) => formatCount(Math.round(speed))),
    share: share(store),
  };
}

const DASHES = { solid: "", dash: "7 4", dot: "2 3", dashdot: "7 3 2 3" };

/** A piece of a run's line, as a sign for it. */
function drawStyle({ color, dash }) {
  const sign = make("span", { class: "rx-st-sign", "aria-hidden": true });
  sign.innerHTML = `<svg viewBox="0 0 26 8" width="26" height="8"><path d="M0 4h26" fill="none" stroke="${color}" stroke-width="3" stroke-dasharray="${DASHES[dash]}"/></svg>`;
  return sign;
}

/** The settings in which runs differ: a row a setting, a column a run. */
export class Differences {
  constructor(server) {
    this.server = server;
    this.words = make("p", { class: "rx-quiet rx-group-nothing" });
    this.box = make("div", { class: "rx-standings rx-differences", hidden: true, tabindex: 0, role: "region", "aria-label": "Settings in which the runs differ" });
    this.element = make("section", { class: "rx-group", hidden: true }, make("header", {}, make("h3", {}, "What they differ in")), this.words, this.box);
  }

  async show(ids) {
    this.element.hidden = !ids.length;
    if (String(ids) === this.ids) return;
    this.ids = String(ids);
    this.box.hidden = true;
    if (!ids.length) return;
    const answer = await this.server.compare_runs({ ids }).catch(() => null);
    if (this.ids !== String(ids)) return;
    const rows = answer?.rows ?? [];
    this.box.hidden = !rows.length;
    this.words.textContent = answer?.error || (rows.length ? "" : "In nothing: variant, data and all settings are the same.");
    this.words.hidden = !this.words.textContent;
    if (!answer) this.ids = ""; // silence: asked again with the next change
    const heads = ids.map((_, place) => make("th", { scope: "col" }, String(place + 1)));
    this.box.replaceChildren(make("table", {}, make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "setting"), ...heads)),
      make("tbody", {}, ...rows.map(({ label, help, values }) => make("tr", {}, make("th", { scope: "row", title: help }, label), ...values.map((value) => make("td", {}, value)))))));
  }
}
