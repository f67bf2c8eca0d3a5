// The head of the view of runs: what is shown, how it is doing, and what can be done with it.
import { make } from "./elements.js";
import { formatBytes, formatCount } from "./format.js";
import { mayChange } from "./held.js";
import { makeMenu } from "./menu.js";

export const ALIVE = ["queued", "starting", "running"];
const FORMATS = [
  { label: "CSV, a line a step", kind: "csv" },
  { label: "CSV, what was watched", kind: "watch" },
  { label: "JSON, everything", kind: "json" },
  { label: "HTML page of its own", kind: "html" },
  { label: "TensorBoard event files", kind: "tensorboard" },
  { label: "PNG of the charts shown", kind: "png" },
];

export const percent = (value) => `${(100 * value).toFixed(1)} %`;

export class Head {
  /** `act(what)` hears the buttons pause, stop, resume, inspect and race; `take(kind)` an export, and gives a word for its button. */
  constructor(act, take) {
    const button = (what, label) => make("button", { type: "button", "data-do": what, onclick: () => act(what) }, label);
    this.name = make("b", { class: "rx-run-name" }, "No run chosen");
    this.state = make("span", { class: "rx-state" });
    this.text = make("div", { class: "rx-run-text rx-quiet" });
    this.buttons = Object.fromEntries(
      [["pause", "Pause"], ["stop", "Stop"], ["resume", "Resume"], ["inspect", "Inspect its weights →"], ["race", "Show its race"]].map(([what, label]) => [what, button(what, label)]));
    const menu = (formats) => makeMenu("Export", formats, (format) => take(format.kind));
    this.menus = { one: menu(FORMATS), many: menu(FORMATS.slice(-1)) };
    this.says = make("div", { class: "rx-run-says", role: "status", hidden: true });
    this.bar = make("span");
    this.progress = make("div", { class: "rx-progress", role: "progressbar", "aria-label": "Progress of the run", "aria-valuemin": 0, "aria-valuemax": 100 }, this.bar);
    this.numbers = make("div", { class: "rx-numbers" });
    this.element = make("div", { class: "rx-run-top" },
      make("div", { class: "rx-run-head" },
        make("div", {}, this.name, " ", this.state, this.text),
        make("span", { class: "rx-run-buttons" }, ...Object.values(this.buttons), ...Object.values(this.menus))),
      this.says, this.progress, this.numbers);
  }

  /** Show which buttons mean something. `asked` is what the worker was asked for, and has not done yet. */
  offer(shown, asked = "", menu = "") {
    const had = this.element.contains(document.activeElement) && document.activeElement;
    for (const [what, button] of Object.entries(this.buttons)) button.hidden = !shown.includes(what);
    for (const [which, element] of Object.entries(this.menus)) element.hidden = which !== menu;
    for (const [what, word, doing] of [["pause", "Pause", "Pausing…"], ["stop", "Stop", "Stopping…"]]) {
      this.buttons[what].disabled = asked === what; // a worker hears it after its step, and not before it has started
      this.buttons[what].textContent = asked === what ? doing : word;
    }
    if (had?.hidden) Object.values(this.buttons).find((button) => !button.hidden)?.focus({ preventScroll: true }); // the button pressed is gone
  }

  setState(word, state) {
    this.state.textContent = word;
    this.state.dataset.state = state;
  }

  say(words, bad = false) {
    this.says.hidden = !words;
    this.says.classList.toggle("rx-run-bad", bad);
    if (this.says.textContent !== words) this.says.textContent = words;
  }

  /** Progress as a share; null where nobody knows how long it takes. */
  advance(share) {
    this.progress.classList.toggle("rx-waiting", share === null);
    this.bar.style.width = share === null ? "" : `${100 * share}%`;
    if (share === null) this.progress.removeAttribute("aria-valuenow");
    else this.progress.setAttribute("aria-valuenow", Math.round(100 * share));
  }

  count(cells) {
    const text = JSON.stringify(cells);
    if (text === this.counted) return;
    this.counted = text;
    this.numbers.replaceChildren(...cells.map(([name, number, title]) => make("span", { title }, make("small", {}, name), make("b", {}, number))));
  }

  /** One run, or none. */
  showRun(store, words) {
    const { about, state, final } = store;
    this.name.textContent = about ? about.variant : "No run chosen";
    this.setState(about ? state : "", state);
    this.text.textContent = about ? describeRun(about) : words.none;
    this.say(...(about ? explainState(store, words) : [""]));
    const started = Boolean(store.find("step"));
    this.advance(about && ALIVE.includes(state) && !started && state !== "queued" ? null : share(store));
    this.count(about ? countRun(store, final) : []);
    if (!about) return this.offer([]);
    const alive = ALIVE.includes(state), mine = mayChange(about.id);
    const shown = [...(mine && alive ? ["pause", "stop"] : []), ...(mine && about.can_resume ? ["resume"] : []), ...(about.has_weights ? ["inspect"] : []), ...(about.race ? ["race"] : [])];
    this.offer(shown, about.asked, "one");
  }
}

/** What share of its epochs a run has done. */
export function share(store) {
  if (!store.about) return 0;
  if (store.state === "finished") return 1;
  const last = store.find("step");
  return last ? Math.min(1, last.epoch / store.about.epochs) : 0;
}

/** A sentence about a run's state and what to try, and whether it is a failure. */
function explainState(store, words) {
  const { about, state, final } = store;
  if (state === "queued") return [about.position > 1 ? words.queued.replace("{}", about.position) : words.next];
  if (state === "starting") return [words.starting];
  if (state === "running") return [store.rows.step.length ? "" : words.preparing];
  if (state === "interrupted") return [words.interrupted, true];
  if (state === "failed") return [final?.message ?? words.interrupted, true];
  const said = final?.message ?? "";
  return [state === "paused" ? `${said} ${words.paused}`.trim() : said];
}

function describeRun(about) {
  const parts = [`Trained as ${about.trained} on ${about.data}, seed ${about.seed}, ${formatCount(about.epochs)} epochs of batches of ${about.batch_size}.`];
  if (about.recipe) parts.push(`Recipe ${about.recipe}.`);
  if (about.trained !== about.variant) parts.push("Classes, channels and input size are the data's.");
  return parts.join(" ");
}

function countRun(store, final) {
  const { about } = store;
  const [last, held] = [store.find("step"), store.find("epoch")];
  const cells = [["epoch", `${last ? last.epoch.toFixed(1) : 0} / ${formatCount(about.epochs)}`, last && `step ${formatCount(last.step)}`]];
  if (last) cells.push(["loss", last.loss?.toPrecision(3) ?? "not a number", "training, cross-entropy"]);
  if (held) cells.push(["held out", percent(held.accuracy), `accuracy after epoch ${held.epoch}`]);
  if (final?.test_accuracy != null) cells.push(["test", percent(final.test_accuracy), "accuracy of the test images, looked at once, at the end"]);
  if (last) cells.push(["images/s", formatCount(Math.round(last.images_per_second ?? 0)), "in training"]);
  if (last?.memory) cells.push(["memory", formatBytes(last.memory), "that the worker holds"]);
  const left = estimateLeft(store, last);
  if (left !== null) cells.push(["left, about", left > 5400 ? `${(left / 3600).toFixed(1)} h` : left > 90 ? `${Math.round(left / 60)} min` : `${Math.round(left)} s`, "at the speed of now"]);
  return cells;
}

/** Seconds that a running run takes still, at the speed of its last steps; null where nobody knows. */
export function estimateLeft(store, last = store.find("step")) {
  if (store.state !== "running" || !last?.images_per_second || !last.epoch) return null;
  const images = (last.step / last.epoch) * store.about.batch_size * store.about.epochs; // of the whole run
  return (images * (1 - share(store))) / last.images_per_second;
}
