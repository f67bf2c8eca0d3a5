// Space: thousands of variants as a cloud that is sifted in the browser, with those that no other beats.
import { SILENT } from "./ask.js";
import { Budget } from "./budget.js";
import { Cloud, INSIDE } from "./cloud.js";
import { saveFile } from "./files.js";
import { formatCount } from "./format.js";
import { readLink, writeLink } from "./link.js";
import { findPareto } from "./pareto.js";
import { Scatter } from "./scatter.js";
import { PointCard, Tip } from "./space_card.js";
import { FRAME, HINTS, fillForm, title } from "./space_frame.js";
import { PointTable } from "./space_table.js";
import { Sampler, Stream } from "./streams.js";

const FIRST = 20_000, MOST = 200_000; // variants of a sample, and of all samples together
const QUIET = 500; // ms after the last change of the depths, when theirs are drawn

export function mount(element, { props, server }) {
  const frame = element.querySelector(".rx-widget");
  frame.innerHTML = FRAME;
  const view = new View(frame, server, props.value);
  const start = () => {
    if (!frame.clientWidth || view.started) return;
    view.started = true;
    view.restore();
  };
  new ResizeObserver(start).observe(frame); // nothing is drawn before the tab is seen
  start();
  addEventListener("popstate", () => view.started && view.restore());
}

class View {
  constructor(frame, server, value) {
    const axes = value.axes.map((axis) => ({ ...axis, hint: HINTS[axis.name], title: title(axis) }));
    Object.assign(this, { frame, server, value, axes, cloud: new Cloud(), hidden: new Set(), line: [], known: [], inside: 0 });
    this.find = (selector) => frame.querySelector(selector);
    this.names = new Map(); // canonical texts by the texts of the cloud
    this.budget = new Budget(this.find(".rx-space-budget"), axes.filter(({ hint }) => hint), value.depths, (done) => this.changeBudget(done));
    this.scatter = new Scatter(this.find(".rx-cloud"), value.kinds, {
      hover: (what) => this.tip.show(what), pick: (what) => what && this.choose(this.write(what)), step: (step) => this.step(step),
      zoomed: () => this.tip.show(null),
    });
    this.tip = new Tip(this);
    this.card = new PointCard(this);
    this.table = new PointTable(this);
    this.sampler = new Sampler((question) => server.draw_points(question), (chunk, stream) => this.take(chunk, stream), value);
    this.drawForm();
    this.listen();
  }

  drawForm() {
    fillForm(this.find, this.axes, this.value);
  }

  listen() {
    this.frame.addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button?.dataset.do) this.press(button.dataset.do);
      if (button?.dataset.kind) this.toggle(Number(button.dataset.kind));
    });
    this.find(".rx-space-family").addEventListener("change", (event) => this.change({ family: event.target.value, chosen: "" }));
    for (const axis of ["x", "y"]) this.find(`#rx-space-${axis}`).addEventListener("change", (event) => this.turn(axis, event.target.value));
    this.find("#rx-space-seed").addEventListener("change", (event) => this.readSeed(event.target));
    const drawer = this.find(".rx-drawer");
    drawer.addEventListener("click", () => drawer.setAttribute("aria-expanded", drawer.getAttribute("aria-expanded") !== "true"));
  }

  press(what) {
    const within = () => this.scatter.setZoom(this.inside ? this.scatter.fitAll((state) => state === INSIDE) : null);
    const actions = {
      stop: () => this.stop(), more: () => this.drawMore(),
      clear: () => (this.budget.clear(), this.changeBudget(true)),
      in: () => this.scatter.zoomBy(0.7), out: () => this.scatter.zoomBy(1 / 0.7), fit: () => this.scatter.setZoom(null), within,
      svg: () => saveFile("space.svg", this.scatter.writeSvg(), "image/svg+xml"), png: () => this.savePng(), csv: () => this.saveCsv(),
    };
    actions[what]?.();
  }

  axis(name) {
    return this.axes.find((axis) => axis.name === name);
  }

  /** Take everything from the link. */
  restore() {
    const { sf, sx, sy, ss, sn, sb, sh, sp } = readLink();
    const bad = this.budget.restore(sb);
    const whole = (text) => (/^[0-9]{1,6}$/.test(text || "") ? Number(text) : 0);
    const seed = whole(ss);
    const [x, y] = [this.axis(sx) ? sx : "macs", this.axis(sy) ? sy : "depth"];
    this.hidden = new Set((sh || "").split(",").map((name) => this.value.kinds.findIndex((kind) => kind.name === name)).filter((kind) => kind >= 0));
    const target = Math.min(MOST, Math.max(FIRST, Math.round(whole(sn) / FIRST) * FIRST));
    const state = { family: this.value.families.some(({ name }) => name === sf) ? sf : "imagenet", seed, x, y: y === x ? (x === "depth" ? "macs" : "depth") : y, target };
    this.complain(bad.length ? `The link's budget can't be read in full: ${bad.join("; ").slice(0, 80)} is left out.` : "");
    this.adopt({ ...state, chosen: sp || "" });
  }

  /** A finished change by a person: it goes into the link. */
  change(changes) {
    this.adopt(changes);
    this.writeLink();
  }

  writeLink() {
    const { family, seed, x, y, target, chosen } = this;
    const hidden = [...this.hidden].map((kind) => this.value.kinds[kind].name).join(",");
    writeLink({
      sf: family === "imagenet" ? "" : family, sx: x === "macs" ? "" : x, sy: y === "depth" ? "" : y, sb: this.budget.write(),
      ss: seed ? String(seed) : "", sn: target > FIRST ? String(target) : "", sh: hidden, sp: chosen,
    });
  }

  adopt(changes) {
    const before = `${this.family} ${this.seed}`;
    Object.assign(this, changes);
    for (const input of this.find(".rx-space-family").querySelectorAll("input")) input.checked = input.value === this.family;
    for (const axis of ["x", "y"]) this.find(`#rx-space-${axis}`).value = this[axis];
    this.find("#rx-space-seed").value = this.seed;
    this.refuseSeed("");
    for (const button of this.frame.querySelectorAll("[data-kind]")) button.setAttribute("aria-pressed", !this.hidden.has(Number(button.dataset.kind)));
    if (before !== `${this.family} ${this.seed}`) this.begin();
    else this.followDepths();
    if ("chosen" in changes) this.card.open(this.chosen);
    this.sift();
    this.draw();
  }

  turn(axis, name) {
    const other = axis === "x" ? "y" : "x";
    this.change(this[other] === name ? { [axis]: name, [other]: this[axis] } : { [axis]: name }); // both the same: they swap
  }

  toggle(kind) {
    this.hidden = new Set(this.hidden);
    if (!this.hidden.delete(kind)) this.hidden.add(kind);
    this.change({});
  }

  readSeed(input) {
    const most = this.value.seeds;
    if (!/^[0-9]{1,9}$/.test(input.value.trim()) || Number(input.value) > most)
      return this.refuseSeed(`“${input.value.slice(0, 40)}” is no seed: write a whole number from 0 to ${most.toLocaleString("en")}.`);
    this.change({ seed: Number(input.value) });
  }

  refuseSeed(sentence) {
    this.find("#rx-space-seed").setAttribute("aria-invalid", sentence !== "");
    this.find("#rx-space-bad-seed").textContent = sentence;
    this.find("#rx-space-bad-seed").hidden = !sentence;
  }

  changeBudget(finished) {
    this.sift();
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.followDepths() && this.draw(), QUIET);
    if (finished) this.writeLink();
  }

  /** Forget the samples; the known networks come with the family. */
  async begin() {
    const { family } = this;
    this.any = new Stream(null);
    this.narrow = null;
    this.stopped = false;
    this.cloud.clear();
    this.known = [];
    this.followDepths();
    try {
      const { known } = await this.server.list_known({ family });
      if (family !== this.family || !known) return;
      this.known = known;
      this.show();
    } catch {
      // the samples, which are asked for as well, say that the server is silent
    }
  }

  /** Where the budget limits the depth, a second sample is of such depths alone; whether it has to be drawn. */
  followDepths() {
    const [least, most] = this.budget.ranges.depth, { low, high } = this.axis("depth");
    const depths = least === null && most === null ? null : [least ?? Math.min(low, most), most ?? Math.max(high, least)];
    if (String(depths) === String(this.narrow?.depths ?? null)) return false;
    this.narrow = depths && new Stream(depths);
    this.stopped = false;
    this.cloud.clear();
    for (const chunk of this.any.chunks) this.cloud.add(chunk);
    this.sift();
    return true;
  }

  /** The samples, what was asked about first, and how many variants each is to have. */
  listStreams() {
    const streams = [this.narrow, this.any].filter(Boolean);
    return [streams, Math.min(this.target, MOST / streams.length)];
  }

  async draw() {
    if (this.stopped) return;
    const [streams, share] = this.listStreams();
    this.complain("", "server");
    try {
      const drawing = this.sampler.draw(streams, share, this.family, this.seed);
      this.showStatus();
      await drawing;
    } catch (error) {
      this.complain(error.refusal || SILENT, "server");
    }
    this.showStatus();
    if (!this.sampler.running) this.finish();
  }

  stop() {
    this.stopped = true;
    this.sampler.stop();
    this.showStatus();
    this.finish();
  }

  /** Go on where it was stopped, or draw more than was wanted first. */
  drawMore() {
    const { stopped } = this;
    this.stopped = false;
    const [streams, share] = this.listStreams();
    if (stopped || streams.some((stream) => this.sampler.wants(stream, share))) this.draw();
    else this.change({ target: Math.min(MOST, this.target + FIRST) });
  }

  /** A chunk came. */
  take(chunk, stream) {
    const fresh = this.cloud.add(chunk);
    stream.shown = (stream.shown || 0) + fresh;
    this.sift(true);
    return fresh;
  }

  /** Sift the cloud by the budget, find the line, and show both. */
  sift(drawing = false) {
    if (!this.any) return;
    this.inside = this.cloud.sift(this.budget.list(), this.hidden);
    const [x, y] = [this.axis(this.x), this.axis(this.y)];
    const { cloud } = this;
    this.line = findPareto(cloud.size, cloud[x.name], cloud[y.name], x.better, y.better, (index) => cloud.state[index] === INSIDE);
    this.show(drawing);
  }

  show(drawing = false) {
    const [x, y] = [this.axis(this.x), this.axis(this.y)];
    const known = this.known.filter((mark) => !this.hidden.has(mark.kind));
    this.scatter.show({ cloud: this.cloud, x, y, line: this.line, known, limits: this.budget.list(), chosen: this.card.place() });
    this.find(".rx-space-words").textContent = this.explainLine(x, y);
    this.showStatus();
    this.table.update(drawing && this.sampler.running);
  }

  showStatus() {
    const { cloud, inside, line } = this;
    const drawn = `${formatCount(cloud.size)} variants drawn`;
    const deep = this.narrow && (this.narrow.depths[0] === this.narrow.depths[1] ? `of depth ${this.narrow.depths[0]}` : `of depth ${this.narrow.depths.join(" to ")}`);
    const own = this.narrow ? ` (${formatCount(this.narrow.shown || 0)} of them for being ${deep})` : "";
    const rest = cloud.size ? `, ${formatCount(inside)} within the budget, ${formatCount(line.length)} on the line.` : this.sampler.running ? " …" : ".";
    this.find(".rx-space-status").textContent = drawn + own + rest + this.explainEmpty();
    const { running } = this.sampler, [streams, share] = this.listStreams();
    const goal = streams.reduce((sum, stream) => sum + (stream.ended ? stream.drawn : share), 0);
    this.find(".rx-progress span").style.width = running ? `${Math.min(100, (100 * cloud.size) / Math.max(1, goal))}%` : "0";
    const open = streams.some((stream) => this.sampler.wants(stream, MOST / streams.length));
    const waits = streams.some((stream) => this.sampler.wants(stream, share));
    this.find("[data-do=stop]").hidden = !running;
    this.find("[data-do=more]").hidden = running || !open;
    this.find("[data-do=more]").textContent = waits ? "Go on" : `Draw ${formatCount(FIRST)} more`;
    Object.assign(this.frame.dataset, { state: running ? "drawing" : "done", drawn: cloud.size, inside, line: line.length });
  }

  explainLine(x, y) {
    const flat = [x, y].find(({ name }) => name in this.budget.ranges && this.isOne(name));
    const line = `The line joins the variants within the budget that no other one drawn beats: whatever ${x.better < 0 ? x.less : x.more} than one of them ${y.better < 0 ? y.more : y.less}.`;
    const sample = " It is a sample, not a proof: a variant that was not drawn may be better.";
    const hint = flat ? ` ${flat.label} is fixed by the budget: choose another measure in its place to spread the cloud.` : "";
    return line + sample + hint;
  }

  /** Whether the budget leaves a measure one value. */
  isOne(name) {
    const [least, most] = this.budget.ranges[name];
    return least !== null && least === most;
  }

  explainEmpty() {
    if (this.narrow?.ended && !this.narrow.drawn) return " The family has no variant of this depth: give a wider range.";
    return this.cloud.size && !this.inside && !this.sampler.running ? " Widen the budget, or draw more." : "";
  }

  finish() {
    this.table.update(false);
    this.find(".rx-sr").textContent = this.find(".rx-space-status").textContent;
  }

  complain(sentence, from = "link") {
    const box = this.find(".rx-space-fault");
    if (!sentence && box.dataset.from !== from) return;
    box.dataset.from = from;
    box.textContent = sentence;
    box.hidden = !sentence;
  }

  /** The text of a point or of a known network. */
  write({ index, known }) {
    return known ? known.variant : this.cloud.write(index);
  }

  async choose(text, byKey = false) {
    this.card.origin = byKey ? document.activeElement : null;
    this.change({ chosen: await this.nameOne(text) });
  }

  /** The canonical text of one variant; its own where the server is silent. */
  async nameOne(text) {
    await this.nameAll([text]);
    return this.names.get(text) || text;
  }

  async nameAll(texts) {
    const asked = [...new Set(texts)].filter((text) => text.includes(",") && !this.names.has(text));
    for (let start = 0; start < asked.length; start += 16) {
      const part = asked.slice(start, start + 16);
      try {
        const { variants } = await this.server.name_points({ variants: part });
        variants?.forEach((name, place) => this.names.set(part[place], name));
      } catch {
        return; // the longer texts serve as well
      }
    }
  }

  /** Walk the line by keys: 1 and -1 step, 0 opens, null lets go. */
  step(step) {
    if (step === null) return this.walk(-1);
    if (!this.line.length) return;
    if (step === 0) return this.walked >= 0 && this.choose(this.cloud.write(this.line[this.walked]), true);
    const last = this.line.length - 1;
    this.walk(this.walked >= 0 ? Math.min(last, Math.max(0, this.walked + step)) : step > 0 ? 0 : last);
  }

  walk(place) {
    this.walked = place;
    this.tip.show(place < 0 ? null : { index: this.line[place] }, true);
  }

  listInside() {
    const found = [];
    for (let index = 0; index < this.cloud.size; index++) if (this.cloud.state[index] === INSIDE) found.push(index);
    return found;
  }

  saveCsv() {
    const { cloud } = this, columns = this.axes.map(({ name }) => name);
    const lines = this.listInside().map((index) => `${columns.map((name) => cloud[name][index]).join(",")},${this.value.kinds[cloud.kind[index]].name},"${cloud.write(index)}"`);
    saveFile("space.csv", [`${columns.join(",")},kind,variant`, ...lines, ""].join("\n"), "text/csv");
  }

  savePng() {
    const { clientWidth: width, clientHeight: height } = this.scatter.box;
    const canvas = Object.assign(document.createElement("canvas"), { width: 2 * width, height: 2 * height });
    const image = new Image();
    image.onload = () => {
      canvas.getContext("2d").drawImage(image, 0, 0, 2 * width, 2 * height);
      canvas.toBlob((blob) => saveFile("space.png", blob, "image/png"));
    };
    image.src = `data:image/svg+xml,${encodeURIComponent(this.scatter.writeSvg())}`;
  }
}
