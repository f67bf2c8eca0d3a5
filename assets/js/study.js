// Studies: a question, what came out here beside what the paper found, and the same done on this machine.
import { ask } from "./ask.js";
import { Chart } from "./charts.js";
import { make } from "./elements.js";
import { copyText, saveFile } from "./files.js";
import { makeLink, readLink, writeLink } from "./link.js";

const POLL = 3000; // ms between two questions about a study that runs
const SIGNS = { "as in the paper": "✓", "not shown by this run": "–", "not as in the paper": "✗" };
const NAMES = { recorded: "Recorded with this project", own: "Made on this machine" };
const READING = "Solid: held out, or test in the paper; dashed: training. The number at the end of a line is its depth.";
const AXES = {
  true: "The axes are the paper’s.",
  false: "Ours begin where the paper’s are still above their frame: mind the axes, which are not the same.",
};

export function mount(element, { props, server }) {
  const frame = element.querySelector(".rx-widget");
  const { studies, shared } = props.value;
  frame.append(make("h3", {}, "Studies"));
  for (const study of studies) new StudyView(frame, study, server, shared);
}

class StudyView {
  constructor(frame, study, server, shared) {
    Object.assign(this, { study, server, shared, charts: {}, open: false });
    const id = `rx-study-${study.name}`;
    this.button = make("button", {
      type: "button", class: "rx-study-open", "aria-expanded": false, "aria-controls": id, onclick: () => this.toggle(!this.open, true),
    }, make("b", {}, study.title), make("span", {}, "Plain against residual networks of 20 to 56 layers"));
    this.panel = make("section", { id, class: "rx-study-panel", "aria-label": study.title, hidden: true });
    frame.append(this.button, this.panel);
    addEventListener("popstate", () => this.follow());
    this.follow();
  }

  /** Open where the link says so. */
  follow() {
    const wanted = readLink().study === this.study.name;
    if (wanted !== this.open) this.toggle(wanted, false);
  }

  async toggle(open, push) {
    this.open = open;
    this.button.setAttribute("aria-expanded", String(open));
    this.panel.hidden = !open;
    if (push) writeLink({ study: open ? this.study.name : "" });
    if (!open) return;
    if (!this.told) await this.load("");
    else this.watch();
    if (!push) this.button.scrollIntoView({ block: "start" });
  }

  async load(which) {
    if (!this.told) this.panel.replaceChildren(make("p", { class: "rx-quiet", role: "status" }, "Reading the result…"));
    const told = await ask(this.server.read_study, { name: this.study.name, which });
    if (told.error) return this.panel.replaceChildren(make("p", { class: "rx-refusal", role: "alert" }, told.error), this.again());
    this.told = told;
    this.draw();
    this.watch();
  }

  again() {
    return make("button", { type: "button", onclick: () => this.load("") }, "Try again");
  }

  draw() {
    const { told } = this;
    this.box = make("div", { class: "rx-study-here" });
    const parts = [this.drawText(told), this.drawChoice(told), ...(told.result ? this.drawResult(told.result) : [this.drawNone()]), this.box];
    this.panel.replaceChildren(...parts.filter(Boolean));
    this.drawHere();
    if (told.result) this.drawCharts(told.result.figures);
  }

  drawText(told) {
    const rows = [["The question", told.question], ["What is done", told.method], ["What the paper found", told.paper]];
    return make("div", { class: "rx-study-text" }, ...rows.map(([title, text]) => make("div", {}, make("h4", {}, title), make("p", {}, text))));
  }

  /** Whose result is shown, where there are two. */
  drawChoice({ results, shown }) {
    const names = Object.keys(results);
    if (names.length < 2) return null;
    const buttons = names.map((name) =>
      make("button", { type: "button", "aria-pressed": name === shown, onclick: () => this.load(name) }, `${NAMES[name]}, ${results[name]}`));
    return make("div", { class: "rx-study-choice", role: "group", "aria-label": "Whose result" }, ...buttons);
  }

  drawNone() {
    const { command } = this.told;
    return make("p", { class: "rx-study-none" }, "No result is recorded yet. ",
      this.shared ? "Make one on your own machine: " : "Run it below, or from the command line: ", make("code", {}, command));
  }

  drawResult(result) {
    const findings = result.findings.map(({ verdict, text }) =>
      make("li", { "data-verdict": SIGNS[verdict] }, make("span", { class: "rx-study-verdict" }, make("i", { "aria-hidden": true }, SIGNS[verdict]), verdict), make("p", {}, text)));
    this.slots = Object.fromEntries(Object.keys(result.figures).map((name) => [name, make("div", { class: `rx-chart rx-study-chart-${name}` })]));
    return [
      make("h4", {}, "What came out"),
      make("ul", { class: "rx-study-findings" }, ...findings),
      make("p", { class: "rx-quiet rx-study-reading" }, `${READING} ${AXES[isSameAxis(result.figures)]}`),
      make("div", { class: "rx-study-charts" }, ...Object.values(this.slots)),
      make("div", { class: "rx-study-table", tabindex: "0", role: "region", "aria-label": "Errors of all networks" }, drawTable(result)),
      make("h4", {}, "What it can’t say"),
      make("ul", { class: "rx-study-caveats" }, ...result.caveats.map((text) => make("li", {}, text))),
      this.drawSettings(result),
    ];
  }

  drawSettings(result) {
    const rows = result.settings.flatMap(([name, text]) => [make("dt", {}, name), make("dd", {}, text)]);
    const copy = make("button", { type: "button", onclick: () => this.copy(copy, result.command) }, "Copy");
    const save = make("button", { type: "button", onclick: () => saveFile(`${this.study.name}.json`, `${result.file}\n`, "application/json") }, "Download the record (JSON)");
    return make("details", { class: "rx-study-settings" }, make("summary", {}, "Settings, and how to repeat it"),
      make("dl", {}, ...rows),
      make("p", {}, this.told.why),
      make("div", { class: "rx-study-command" }, make("code", {}, result.command), copy, save));
  }

  async copy(button, text) {
    button.textContent = await copyText(text, "The command:");
    setTimeout(() => (button.textContent = "Copy"), 1600);
  }

  drawCharts(figures) {
    for (const [name, figure] of Object.entries(figures)) {
      const box = this.slots[name];
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", `Chart: ${figure.layout.title.text}; its numbers are in the table below`);
      new Chart(box, `${this.study.name}_${name}`).update(figure);
    }
  }

  /** What runs on this machine, or the form to run it. */
  drawHere() {
    const { told } = this;
    const title = make("h4", {}, "Run it here");
    if (this.shared)
      return this.box.replaceChildren(title, make("p", {}, "Not on a shared page: it takes the machine for long. On your own: ", make("code", {}, told.command)));
    this.refusal = make("p", { class: "rx-refusal", role: "alert", hidden: true });
    this.box.replaceChildren(title, told.going ? this.drawGoing() : this.drawForm(), this.refusal);
    if (told.going) this.showGoing(told.going);
  }

  drawGoing() {
    this.bar = make("span");
    this.progress = make("div", { class: "rx-progress", role: "progressbar", "aria-label": "Progress of the study", "aria-valuemin": 0, "aria-valuemax": 100 }, this.bar);
    this.words = make("p", { role: "status" });
    this.stop = make("button", { type: "button", onclick: () => this.press(this.stop, "stop_study", {}) }, "Stop");
    this.resume = make("button", { type: "button", onclick: () => this.press(this.resume, "start_study", this.repeat()) }, "Go on");
    this.anew = make("button", { type: "button", onclick: () => this.beginAnew() }, "Begin another");
    this.live = make("a", {});
    return make("div", {}, this.progress, this.words, make("div", { class: "rx-study-buttons" }, this.stop, this.resume, this.anew, this.live));
  }

  /** The form instead of the one that was stopped, which stays among the runs. */
  beginAnew() {
    this.told.going = null;
    this.drawHere();
    this.data.focus();
  }

  /** What the study under way was begun with. */
  repeat() {
    const { data, full } = this.told.going;
    const [kind, ...path] = data.split(":");
    return { data: kind, folder: path.join(":"), full };
  }

  showGoing({ state, progress, race, data, steps }) {
    const share = Math.floor(100 * progress);
    this.bar.style.width = `${share}%`;
    this.progress.setAttribute("aria-valuenow", share);
    const words = `${share} % of ${steps.toLocaleString("en").replaceAll(",", "\u2009")} steps a network on ${data}`;
    this.words.textContent = state === "running" ? `Running: ${words}. It goes on when this page is closed.` : `Stopped: ${words}.`;
    this.stop.hidden = state !== "running";
    this.resume.hidden = this.anew.hidden = state === "running";
    this.live.textContent = state === "running" ? "Watch its curves live" : "Its curves";
    if (state !== "running") Object.assign(this.stop, { disabled: false, textContent: "Stop" });
    this.live.href = makeLink({ study: "", run: "", runs: "", race, tab: "train" });
  }

  drawForm() {
    const { told } = this;
    this.data = make("select", { "aria-label": "Data", onchange: () => this.choose() },
      make("option", { value: "cifar10" }, "CIFAR-10, as the paper"), make("option", { value: "folder" }, "A folder of images on this machine"),
      make("option", { value: "digits" }, "Digits: to try it, minutes"));
    this.folder = make("input", { type: "text", "aria-label": "Folder", placeholder: "path, with a folder of images per class", hidden: true });
    this.size = make("select", { "aria-label": "Size" },
      make("option", { value: "" }, `Short: ${told.small_time}`), make("option", { value: "full" }, `The paper’s: ${told.full_time}`));
    this.start = make("button", { type: "submit", class: "rx-study-start" }, "Run the study");
    return make("form", { class: "rx-study-form", onsubmit: (event) => this.submit(event) }, this.data, this.folder, this.size, this.start,
      make("p", { class: "rx-quiet" }, "Eight networks, side by side in one process of their own. It can be stopped and goes on later."));
  }

  choose() {
    this.folder.hidden = this.data.value !== "folder";
  }

  submit(event) {
    event.preventDefault();
    this.press(this.start, "start_study", { data: this.data.value, folder: this.folder.value, full: this.size.value === "full" });
  }

  async press(button, what, question) {
    const words = button.textContent;
    this.refusal.hidden = true;
    Object.assign(button, { disabled: true, textContent: what === "stop_study" ? "Stopping…" : "Reading the images…" });
    const told = await ask(this.server[what], { name: this.study.name, ...question });
    if (told.error || what === "start_study") Object.assign(button, { disabled: false, textContent: words });
    if (told.error) return Object.assign(this.refusal, { hidden: false, textContent: told.error });
    if ("going" in told) this.renew(told.going);
    this.watch();
  }

  /** Take in how far it is: the form and the progress change places, and what ended is shown. */
  renew(going) {
    const before = this.told.going;
    this.told.going = going;
    if (before && !going) return this.load("own");
    if (Boolean(before) !== Boolean(going)) this.drawHere();
    else if (going) this.showGoing(going);
    return null;
  }

  /** Ask how far it is while it runs and is seen. */
  watch() {
    clearTimeout(this.timer);
    if (this.shared || !this.open || !this.told?.going) return;
    this.timer = setTimeout(async () => {
      if (!document.hidden && this.panel.offsetParent) {
        const told = await ask(this.server.follow_study, { name: this.study.name });
        if (told.error) Object.assign(this.refusal, { hidden: false, textContent: told.error });
        else {
          this.refusal.hidden = true;
          await this.renew(told.going);
        }
      }
      this.watch();
    }, POLL);
  }
}

const isSameAxis = ({ plain, paper_plain: paper }) => plain.layout.xaxis.range[1] === paper.layout.xaxis.range[1];

function drawTable({ columns, rows }) {
  const cells = (tag, texts) => texts.map((text, index) => make(index ? tag : "th", { scope: index ? (tag === "th" ? "col" : null) : tag === "th" ? "col" : "row" }, text));
  return make("table", {}, make("thead", {}, make("tr", {}, ...cells("th", columns))), make("tbody", {}, ...rows.map((row) => make("tr", {}, ...cells("td", row)))));
}
