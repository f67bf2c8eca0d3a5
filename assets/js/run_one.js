// The charts of one run: what each group draws, the film, and the images that are confidently wrong.
import { make } from "./elements.js";
import { Film } from "./run_film.js";
import { fillFigure } from "./run_fill.js";
import { Panels } from "./run_panels.js";
import { Wrong } from "./run_wrong.js";

/** Panels for `view.store`, the run that is shown. */
export function createPanels(view) {
  const { figures, groups, words } = view.value;
  const select = make("select", { "aria-label": "Layer whose line is drawn", onchange: () => view.pick(select.value) });
  const label = make("label", { class: "rx-run-choice" }, make("span", { class: "rx-quiet" }, "layer:"), select);
  return new Panels({
    groups, param: "rg",
    list: (group, chosen) => listCharts(group, chosen, figures, view),
    extras: { film: new Film(view), wrong: new Wrong(view) },
    words: (group) => (isWatched(group, view.store) ? "" : words.unwatched),
    tool: (group) => (group.id === "gradients" ? label : null),
    onSwitch: () => view.hearSwitch(),
    onPick: (unit) => view.pick(unit),
    /** Show the layers to choose from, and the one that is chosen. */
    offerUnits(units, unit) {
      const names = ["", ...units];
      if (String(names) !== this.offered) {
        this.offered = String(names);
        select.replaceChildren(...names.map((name) => make("option", { value: name }, name || "first and last")));
      }
      select.value = names.includes(unit) ? unit : "";
    },
  });
}

function isWatched(group, store) {
  if (!group.instrument || !store.about) return true;
  if (group.id === "gradients" && store.rows.step[0]?.gradient_norms) return true; // of the first versions
  return store.about.watch.split("-").includes(group.instrument);
}

function listCharts(group, chosen, figures, view) {
  const range = group.id === "rate" && view.store.about?.schedule === "range";
  const ids = [...(range ? ["range"] : []), ...group.charts, ...(chosen ? [chosen] : [])];
  return ids.map((id) => describe(id, figures[id], (choice) => fillFigure(figures[id], view.store, choice)));
}

/** A chart as panels take it: `kinds` of record it shows, whether it depends on the time, whether its x are steps. */
export function describe(id, figure, fill) {
  const shows = figure.data.map(({ meta }) => meta);
  const kinds = shows.flatMap(({ show, kind, old }) => [kind ?? "step", ...(old ? ["step"] : []), ...(show === "alarms" ? ["alarm"] : [])]);
  const byTime = shows.some(({ show }) => show === "depth") ? "depth" : figure.layout.meta.cursor ? "mark" : "";
  const steps = figure.layout.xaxis.title.text === "step";
  return { key: id, id, kinds, byTime, steps, caption: figure.layout.meta.words, fill };
}
