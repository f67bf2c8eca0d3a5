// The form of Train: what will be trained, on what, how, what it costs, and Start. The server says where all controls
// stand after every move. The link holds it: r, the recipe's text; d, the data (never a path of the machine); t, the
// variants, joined by "~", where they are not what Build draws.
import { ask, SILENT } from "./ask.js";
import { hearTrain } from "./asked.js";
import { Look } from "./batch_look.js";
import { holdIds, holdKey, page } from "./held.js";
import { readLink, writeLink } from "./link.js";
import { Cost } from "./train_cost.js";
import { DataChoice } from "./train_data.js";
import { RecipeChoice } from "./train_recipe.js";
import { Settings } from "./train_settings.js";
import { Variants } from "./train_variants.js";

const LINKS = ["none", "replace", "push"]; // what a move does to the link; of several, the most

const FRAME = `
<section class="rx-tf" aria-label="New run">
 <button type="button" class="rx-tf-drawer" aria-expanded="true">New run</button>
 <div class="rx-tf-body">
  <div class="rx-tf-variants"></div>
  <div class="rx-tf-data"></div>
  <div class="rx-tf-recipe"></div>
  <div class="rx-tf-budget"></div>
  <div class="rx-tf-groups" role="group" aria-label="Settings"></div>
  <div class="rx-tf-panel" id="rx-tf-panel" hidden></div>
  <p class="rx-tf-note rx-quiet" aria-live="polite" hidden></p>
  <div class="rx-tf-foot">
   <div class="rx-tf-cost"></div>
   <div class="rx-refusal rx-tf-fault" role="alert" hidden></div>
   <div class="rx-tf-buttons"><button type="button" class="rx-tf-start">Start training</button><button type="button"
     class="rx-tf-range">Find a learning rate</button></div>
   <p class="rx-tf-said rx-quiet" aria-live="polite"></p>
  </div>
 </div>
</section>`;

export function mount(element, { props, server }) {
  const frame = element.querySelector(".rx-widget");
  frame.innerHTML = FRAME;
  page.shared = props.value.shared;
  const form = new Form(frame, server, props.value);
  form.restore();
  addEventListener("popstate", () => form.restore());
  hearTrain((variants) => form.take(variants));
  new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && form.follow()).observe(frame);
  form.data.learn();
  ask(server.warm_up, {});
  fitColumn(frame.closest(".rx-train-side"));
}

/** The column ends where the window does, wherever it begins, so that Start stays in sight. */
function fitColumn(column) {
  const fit = () => column.style.setProperty("--rx-side-top", `${Math.max(0, column.getBoundingClientRect().top)}px`);
  for (const event of ["scroll", "resize"]) addEventListener(event, fit, { passive: true });
  fit();
}

class Form {
  constructor(frame, server, start) {
    Object.assign(this, { frame, server, start, recipe: "quick", own: null, state: null, refused: {}, turn: 0 });
    this.find = (selector) => frame.querySelector(selector);
    this.variants = new Variants(this.find(".rx-tf-variants"), this);
    this.data = new DataChoice(this.find(".rx-tf-data"), this);
    this.choice = new RecipeChoice(this.find(".rx-tf-recipe"), this);
    this.look = new Look(this);
    this.settings = new Settings({ budget: this.find(".rx-tf-budget"), groups: this.find(".rx-tf-groups"), panel: this.find(".rx-tf-panel") }, this);
    this.cost = new Cost(this.find(".rx-tf-cost"), this);
    this.range = this.find(".rx-tf-range");
    this.range.title = start.words.range;
    this.range.addEventListener("click", () => this.begin({ range: true }));
    this.button = this.find(".rx-tf-start");
    this.button.addEventListener("click", () => this.begin({}));
    // a sentence that goes when its field is left moves the buttons away from under the pointer: the press counts still
    this.find(".rx-tf-buttons").addEventListener("pointerdown", ({ target, pointerId }) => target.closest("button")?.setPointerCapture(pointerId));
    const drawer = this.find(".rx-tf-drawer");
    drawer.addEventListener("click", () => this.fold(drawer.getAttribute("aria-expanded") === "true"));
    if (innerWidth < 761 && readLink().run) this.fold(true);
  }

  fold(folded) {
    this.find(".rx-tf-drawer").setAttribute("aria-expanded", !folded);
  }

  /** What Build draws. */
  get drawn() {
    return document.querySelector(".rx-build")?.dataset.variant || readLink().v || this.start.default;
  }

  /** The texts of what will be trained. */
  get texts() {
    return this.own || [this.drawn];
  }

  /** Everything that Start, the cost and the look ask with. */
  get question() {
    return { variants: this.texts, data: this.data.spec, recipe: this.recipe };
  }

  /** Take everything from the link. */
  restore() {
    const { r, d, t } = readLink();
    this.own = t ? t.split("~").filter(Boolean).slice(0, this.start.colours.length) : null;
    this.data.choose(d || "digits");
    this.refused = {};
    if (this.state && (r || "quick") === this.recipe && this.asked === JSON.stringify(this.texts)) return;
    this.ask({ recipe: r || "quick" }, "none");
  }

  /** Build may have drawn something else while this was out of sight. */
  follow() {
    if (this.state && this.asked !== JSON.stringify(this.texts)) this.ask({}, "none");
  }

  /** Another tab asks for variants to be trained: what is drawn follows Build, all else stays. */
  take(variants) {
    const texts = [...new Set(variants)].slice(0, this.start.colours.length);
    this.fold(false);
    this.change(texts.length === 1 && texts[0] === this.drawn ? null : texts);
  }

  /** Train other variants; null for what Build draws. */
  change(own) {
    this.own = own;
    return this.ask({});
  }

  /** A person moved a setting; what is still being typed is no step that Back undoes. */
  send(name, text, typing = false) {
    return this.ask({ changes: { [name]: text } }, typing ? "replace" : "push");
  }

  /**
   * Ask for the state after a move; moves that come while an answer is on its way wait and go together. What was refused
   * goes along with every later move, since that may be what it lacked.
   */
  ask(move, link = "push") {
    const changes = { ...this.waiting?.changes, ...move.changes };
    this.waiting = { ...this.waiting, ...move, changes };
    this.link = LINKS[Math.max(LINKS.indexOf(this.link), LINKS.indexOf(link))];
    this.turn += 1;
    this.running ??= this.work();
    return this.running;
  }

  async work() {
    while (this.waiting) {
      const { waiting: move, link, turn } = this;
      this.waiting = this.link = null;
      const anew = "recipe" in move || "choose" in move;
      const changes = { ...(anew ? {} : this.refused), ...move.changes };
      const { texts } = this;
      const answer = await ask(this.server.form, { ...this.question, variants: texts, ...move, changes });
      if (turn === this.turn || !answer.error) this.show(answer, { move, changes, link, texts });
    }
    this.running = null; // at once: a move that came between would be nobody's
  }

  show(answer, { move, changes, link, texts }) {
    this.complain("");
    this.choice.refuse("");
    if (answer.error) return this.refuse(answer, move);
    this.state = answer;
    this.recipe = answer.recipe;
    this.refused = Object.fromEntries(Object.keys(answer.refused).map((name) => [name, changes[name]]));
    const asked = JSON.stringify(answer.variants.map((row) => row.text));
    if (this.own && String(texts) === String(this.own)) this.own = JSON.parse(asked); // else it has moved on
    if (asked !== this.asked) this.variants.refuse("");
    this.asked = asked;
    this.variants.show(answer);
    this.choice.show(answer);
    this.settings.show(answer);
    this.find(".rx-tf-note").textContent = answer.note;
    this.find(".rx-tf-note").hidden = !answer.note;
    this.button.textContent = answer.variants.length > 1 ? `Start the race of ${answer.variants.length}` : "Start training";
    if (link !== "none") this.writeLink(link === "replace");
    this.frame.dataset.recipe = this.recipe;
    this.frame.dataset.variants = answer.variants.map((row) => row.text).join("~");
    this.cost.load();
    this.look.load();
  }

  writeLink(replace = false) {
    writeLink({ r: this.recipe === "quick" ? "" : this.recipe, d: this.data.link, t: (this.own || []).join("~") }, replace);
  }

  /** The data was chosen anew. */
  changeData() {
    this.writeLink();
    return this.ask({}, "none"); // visitors' limits depend on it
  }

  /** Put a sentence where it belongs; without a place it stands above Start. */
  refuse({ error, setting }, move = {}) {
    if (!this.state && error !== SILENT) return this.standIn({ error, setting }, move);
    if (setting === "recipe") this.choice.refuse(error, move.recipe);
    else if (setting === "variants") this.variants.refuse(error);
    else if (setting === "data") this.data.refuse(error);
    else if (!this.settings.refuse(setting, error)) this.complain(error);
  }

  /** A link that means nothing: the form stands as it would without, and says so. */
  async standIn(answer, move) {
    this.state = {};
    await this.ask({ recipe: "quick" }, "none");
    this.refuse(answer, move);
  }

  complain(sentence) {
    this.find(".rx-tf-fault").hidden = !sentence;
    this.find(".rx-tf-fault").textContent = sentence;
  }

  say(sentence) {
    this.find(".rx-tf-said").textContent = sentence;
  }

  /** Start what the form says, once its last move is answered. */
  async begin(what) {
    if (this.beginning) return;
    this.beginning = true;
    this.setBusy(true);
    await this.running;
    const wrong = this.settings.focusRefused() || this.variants.focusRefused();
    if (wrong) this.complain("Mend what is marked first; nothing was started.");
    else await this.startNow(what);
    this.beginning = false;
    this.setBusy(false);
  }

  async startNow(what) {
    this.complain("");
    this.data.refuse("");
    const answer = await ask(this.server.start_training, { ...this.question, ...what });
    if (answer.error) return this.refuse(answer);
    holdIds(answer.runs);
    if (answer.key) holdKey(answer.runs, answer.key);
    this.say(`${answer.runs.length > 1 ? `A race of ${answer.runs.length}` : answer.id}: ${answer.state}.`);
    if (innerWidth < 761) this.fold(true);
    dispatchEvent(new CustomEvent("rx-run-changed", { detail: { id: answer.id, state: answer.state } }));
    const race = answer.runs.length > 1;
    dispatchEvent(new CustomEvent(race ? "rx-overlay" : "rx-run", { detail: { id: answer.id, ids: answer.runs, race: answer.race } }));
  }

  setBusy(busy) {
    this.button.disabled = this.range.disabled = busy;
    this.frame.classList.toggle("rx-tf-busy", busy);
    if (busy) this.say("Starting: the settings are checked, and a worker is called.");
    else if (this.find(".rx-tf-said").textContent.startsWith("Starting")) this.say("");
  }
}
