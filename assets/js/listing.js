// The listing below the graph.
import { copyText, saveFile } from "./files.js";

/** What stands below the graph in place of the table: code, or torchinfo's summary. */
export class Listing {
  constructor(view) {
    this.view = view;
    this.kind = "table";
    this.box = view.find(".rx-listing");
    this.tabs = [...view.frame.querySelectorAll("[data-view]")];
    for (const tab of this.tabs) {
      tab.addEventListener("click", () => this.choose(tab));
      tab.addEventListener("keydown", (event) => this.press(event, tab));
    }
    view.find(".rx-listing-tools").addEventListener("click", (event) => this.take(event.target));
  }

  choose(tab) {
    this.kind = tab.dataset.view;
    for (const other of this.tabs) {
      other.setAttribute("aria-pressed", other === tab);
    }
    const table = this.kind === "table";
    this.view.table.hidden = this.view.find(".rx-notes").hidden = !table;
    const measured = this.kind === "measured";
    this.box.hidden = this.view.find(".rx-listing-tools").hidden = table || measured;
    this.view.measure[measured ? "show" : "hide"]();
    this.load();
  }

  press(event, tab) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = this.tabs.at((this.tabs.indexOf(tab) + step) % this.tabs.length);
    next.focus();
    this.choose(next);
  }

  async load() {
    this.view.measure.load();
    if (this.kind === "measured") return;
    const asked = `${this.kind} ${this.view.value.variant}`;
    if (this.kind === "table" || this.asked === asked) return;
    this.asked = asked;
    this.box.setAttribute("aria-busy", "true");
    const answer = await this.view.server.listing({ variant: this.view.value.variant, kind: this.kind });
    if (this.asked !== asked) return; // a later question is on its way
    this.box.textContent = answer.text || answer.error;
    this.name = answer.name;
    this.box.setAttribute("aria-busy", "false");
  }

  async take(button) {
    if (button.dataset.listing === "copy") {
      button.textContent = await copyText(this.box.textContent);
      setTimeout(() => (button.textContent = "Copy"), 1500);
    }
    if (button.dataset.listing === "save" && this.name) saveFile(this.name, this.box.textContent);
  }
}
