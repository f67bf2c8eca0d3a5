// Compare: two to four variants side by side. What is compared is in the link:
// c: the variants, joined by "~"; cl: level of the graphs; cd: number of the one whose difference is shown; cx: cost axis.
import { SILENT } from "./ask.js";
import { hearCompare } from "./asked.js";
import { CompareCharts } from "./compare_charts.js";
import { CompareDiff } from "./compare_diff.js";
import { CompareGraphs } from "./compare_graphs.js";
import { CompareHead } from "./compare_head.js";
import { CompareMeasure } from "./compare_measure.js";
import { CompareScatter } from "./compare_scatter.js";
import { CompareTotals } from "./compare_totals.js";
import { readLink, writeLink } from "./link.js";

const LEVELS = ["stage", "block", "op"];
const MOST = 4;
const FRAME = `
<p class="rx-c-hint rx-quiet"></p>
<div class="rx-refusal" role="alert" hidden></div>
<div class="rx-c-head"></div>
<div class="rx-c-body" aria-live="off">
  <section class="rx-c-words" aria-label="The difference in words"></section>
  <section aria-labelledby="rx-c-h-totals"><h3 id="rx-c-h-totals">In numbers</h3><div class="rx-c-totals"></div>
    <div class="rx-c-measure"></div></section>
  <section class="rx-c-diff" aria-labelledby="rx-c-h-diff"></section>
  <section class="rx-c-graphs" aria-labelledby="rx-c-h-graphs"></section>
  <section aria-labelledby="rx-c-h-depth"><h3 id="rx-c-h-depth">Along the depth</h3><div class="rx-charts rx-c-charts"></div></section>
  <section class="rx-c-scatter" aria-labelledby="rx-c-h-scatter"></section>
</div>`;

export function mount(element, { props, server }) {
  const frame = element.querySelector(".rx-widget");
  frame.innerHTML = FRAME;
  const view = new View(frame, server, props.value);
  view.restore();
  addEventListener("popstate", () => view.restore());
  hearCompare((variants) => view.change(() => variants.slice(0, MOST), -1, true));
  // a hidden tab asks for nothing; what Build draws may have changed while it was hidden
  new IntersectionObserver((entries) => view.look(entries.some((entry) => entry.isIntersecting))).observe(frame);
}

class View {
  constructor(frame, server, { colours, known, words, default: first }) {
    Object.assign(this, { frame, server, colours, words, first, texts: [], answer: null, level: "block", pair: 0 });
    this.find = (selector) => frame.querySelector(selector);
    this.find(".rx-c-hint").textContent = words.hint;
    this.head = new CompareHead(this.find(".rx-c-head"), { known, colours, words, view: this });
    this.totals = new CompareTotals(this.find(".rx-c-totals"), colours);
    this.measure = new CompareMeasure(this.find(".rx-c-measure"), this.totals, this);
    this.diff = new CompareDiff(this.find(".rx-c-diff"), this.find(".rx-c-words"), this);
    this.graphs = new CompareGraphs(this.find(".rx-c-graphs"), this);
    this.charts = new CompareCharts(this.find(".rx-c-charts"));
    this.scatter = new CompareScatter(this.find(".rx-c-scatter"), this);
  }

  /** What Build draws. */
  get drawn() {
    return document.querySelector(".rx-build")?.dataset.variant || readLink().v || this.first;
  }

  /** Take everything from the link; without variants in it, follow what Build draws. */
  restore() {
    const link = readLink();
    const wanted = (link.c || "").split("~").filter(Boolean);
    this.own = wanted.length > 0;
    this.level = LEVELS.includes(link.cl) ? link.cl : "block";
    this.pair = /^[2-4]$/.test(link.cd || "") ? Number(link.cd) - 1 : 0;
    this.scatter.choose(link.cx === "params" ? "params" : "macs", false);
    this.graphs.showLevel();
    this.wanted = this.own ? wanted.slice(0, MOST) : null;
    this.overfull = wanted.length > MOST;
    if (this.seen) this.follow();
  }

  look(seen) {
    this.seen = seen;
    if (seen) this.follow();
  }

  /** Ask for what the link or Build says, where it is not shown yet. */
  follow() {
    if (this.changing) return; // its answer will be shown
    const texts = this.wanted || [this.drawn];
    const asked = JSON.stringify([texts, this.own, this.level, this.pair]);
    if (asked === this.asked) return;
    this.asked = asked;
    this.ask(texts, !this.own).then((answer) => answer && this.show(answer));
  }

  /** The server's answer about some variants; null where a later question made it old, or it failed. */
  async ask(variants, twin = false) {
    const number = (this.number = (this.number || 0) + 1);
    this.frame.setAttribute("aria-busy", "true");
    try {
      const answer = await this.server.compare({ variants, twin });
      if (number !== this.number) return null;
      this.complain(answer.error || (this.overfull ? this.words.too_many : ""));
      return answer.error ? null : answer;
    } catch {
      if (number === this.number) this.complain(SILENT);
      this.asked = "";
      return null;
    } finally {
      if (number === this.number) this.frame.removeAttribute("aria-busy");
    }
  }

  complain(sentence) {
    const box = this.find(".rx-refusal");
    box.hidden = !sentence;
    box.textContent = sentence;
  }

  /**
   * Compare other variants, as a step that Back undoes: `edit(texts)` gives them from those compared until then, once
   * earlier edits are done. The text at `at` is new: where it can't be read nothing changes and the reason comes back;
   * else "". With `twin`, one alone gets a second beside it.
   */
  change(edit, at = -1, twin = false) {
    this.turn = (this.turn || Promise.resolve()).then(() => this.changeNow(edit([...this.texts]), at, twin));
    return this.turn;
  }

  async changeNow(texts, at, twin) {
    this.overfull = false;
    this.changing = (this.changing || 0) + 1;
    const answer = await this.ask(texts, twin);
    this.changing -= 1;
    if (!answer) return "";
    if (answer.columns[at]?.error) return answer.columns[at].error;
    this.own = true;
    this.wanted = answer.columns.map((column) => column.text);
    if (!answer.differences.some(({ place }) => place === this.pair)) this.pair = 0;
    writeLink({ c: this.wanted.join("~"), cd: this.pair ? String(this.pair + 1) : "" });
    this.asked = JSON.stringify([this.wanted, this.own, this.level, this.pair]);
    this.show(answer);
    return "";
  }

  show(answer) {
    this.answer = answer;
    this.texts = answer.columns.map((column) => column.text);
    if (!answer.differences.some(({ place }) => place === this.pair)) this.pair = answer.differences[0]?.place || 0;
    this.head.show(answer);
    this.totals.show(answer);
    this.measure.show(answer);
    this.diff.show(answer);
    this.graphs.show(answer);
    this.charts.show(answer);
    this.scatter.show(answer);
    this.frame.dataset.variants = this.texts.join("~");
  }

  /** Show the difference of the first and the variant at this place. */
  choosePair(place) {
    this.pair = place;
    writeLink({ cd: place === this.answer.differences[0]?.place ? "" : String(place + 1) });
    this.diff.show(this.answer);
    this.graphs.show(this.answer);
  }

  chooseLevel(level) {
    this.level = level;
    writeLink({ cl: level === "block" ? "" : level });
    this.graphs.show(this.answer);
  }

  /** Light a name everywhere: a text, or the names in the first and in the chosen other network. */
  light(names) {
    this.graphs.light(names);
    this.diff.light(names);
  }

  /** Keep a name lit, and bring it into sight: in the graphs, or in the table where it was chosen in a graph. */
  select(names, inTable) {
    if (inTable) this.diff.select(names);
    else this.graphs.select(names);
  }
}
