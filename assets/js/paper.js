// The paper's architecture table below the graph.
import { Panel } from "./panel.js";

export class Paper extends Panel {
  formats = [
    { label: "Markdown", kind: "paper-markdown" },
    { label: "LaTeX", kind: "paper-latex" },
    { label: "Text", kind: "paper-text" },
  ];

  constructor(box, build) {
    super(box, build);
    box.innerHTML = `<div class="rx-paper-box" tabindex="0" role="region" aria-label="Architecture table"></div>`;
    this.table = box.firstChild;
    const part = (event) => event.target.closest("[data-name]")?.dataset.name || "";
    this.table.addEventListener("click", (event) => part(event) && build.select(part(event)));
    this.table.addEventListener("mouseover", (event) => build.light(part(event)));
    this.table.addEventListener("mouseleave", () => build.light(""));
    this.table.addEventListener("keydown", (event) => this.press(event));
  }

  async load() {
    const answer = await this.ask("listing", { kind: "paper" });
    if (answer?.html) this.table.innerHTML = answer.html; // escaped by the server
    else if (answer) this.table.textContent = answer.error;
  }

  // up and down walk the rows that stand for a part, Enter selects
  press(event) {
    const rows = [...this.table.querySelectorAll("tr[data-name]")];
    const at = rows.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
    if (event.key === "Enter" && at >= 0) this.build.select(rows[at].dataset.name);
    if (event.key === "Escape") this.build.close();
    if (!rows[next]) return;
    event.preventDefault();
    rows[next].focus();
  }
}
