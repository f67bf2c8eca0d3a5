// A text below the graph: code, cost in words, torchinfo's summary.
import { Panel } from "./panel.js";

export class Listing extends Panel {
  constructor(box, build, kind) {
    super(box, build);
    this.kind = kind;
    this.formats = [{ label: "Text", kind }];
    this.text = document.createElement("pre");
    this.text.className = "rx-listing";
    this.text.tabIndex = 0;
    this.text.setAttribute("role", "region");
    this.text.setAttribute("aria-label", "Listing");
    box.append(this.text);
  }

  async load() {
    const answer = await this.ask("listing", { kind: this.kind });
    if (!answer) return;
    this.text.textContent = answer.text || answer.error;
  }
}
