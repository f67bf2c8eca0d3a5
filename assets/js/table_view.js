// The cost table as a view below the graph: it shares Build's selection.
import { Panel } from "./panel.js";
import { Table } from "./table.js";

export class TableView extends Panel {
  formats = [
    { label: "CSV", kind: "table-csv" },
    { label: "Markdown", kind: "table-markdown" },
    { label: "LaTeX", kind: "table-latex" },
    { label: "JSON", kind: "table-json" },
    { label: "Text", kind: "table-text" },
  ];

  constructor(box, build) {
    super(box, build);
    this.table = new Table(box, {
      onSelect: (name) => (name ? build.select(name, { from: this.table }) : build.close()),
      onHover: (name) => build.light(name),
      onToggle: (name, open) => build.toggle?.(name, open),
    });
  }
}
