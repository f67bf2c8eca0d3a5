// Files of the graph as it is seen: SVG and PNG from here, PDF, DOT and a page that stands alone from the server.
import { ask } from "./ask.js";
import { nameFile, saveFile } from "./files.js";
import { makeButton, Popover } from "./menu.js";
import { writeView } from "./stack.js";

const FORMATS = { svg: "SVG", png: "PNG", pdf: "PDF", dot: "DOT", html: "HTML page that opens and closes" };
const TYPES = { pdf: "application/pdf", dot: "text/vnd.graphviz", html: "text/html" };
const MAX_SIDE = 16000; // pixels of a canvas

export class Exports {
  constructor(box, graph, variant, server) {
    Object.assign(this, { graph, variant, server });
    this.status = Object.assign(document.createElement("p"), { className: "rx-quiet" });
    this.status.setAttribute("role", "status");
    this.popover = new Popover("Save", (menu) => {
      for (const [format, words] of Object.entries(FORMATS)) {
        const button = makeButton(words);
        button.addEventListener("click", () => this.save(format));
        menu.append(button);
      }
      menu.append(this.status);
    });
    box.append(this.popover.element);
  }

  async save(format) {
    const name = nameFile(this.variant());
    this.status.textContent = "";
    if (format === "svg") saveFile(`${name}.svg`, drawSvg(this.graph), "image/svg+xml");
    else if (format === "png") saveFile(`${name}.png`, await drawPng(this.graph), "image/png");
    else {
      const answer = await ask(this.server.export_file, { variant: this.variant(), format, view: writeView(this.graph.view) });
      if (answer.error) return (this.status.textContent = answer.error);
      const content = answer.base64 ? Uint8Array.from(atob(answer.base64), (sign) => sign.charCodeAt(0)) : answer.text;
      saveFile(`${name}.${format}`, content, TYPES[format]);
    }
    this.popover.open(false);
    this.popover.button.focus();
  }
}

/** The whole graph as one SVG document, with the colours it has now. */
export function drawSvg(graph) {
  graph.draw(true);
  const copy = graph.svg.cloneNode(true);
  graph.draw();
  for (const sign of copy.querySelectorAll(".sign, .reach")) sign.remove();
  for (const [name, value] of Object.entries({ width: graph.size.width, height: graph.size.height })) copy.setAttribute(name, Math.ceil(value));
  const style = getComputedStyle(graph.box);
  const names = ["surface", "ground", "ink", "quiet", "line", "border", "light", "accent", "heat"];
  const values = names.map((name) => `--rx-${name}:${style.getPropertyValue(`--rx-${name}`).trim()}`).join(";");
  const sheet = document.createElementNS("http://www.w3.org/2000/svg", "style");
  sheet.textContent = `.rx-svg{${values};background:var(--rx-surface)}\n${graph.style}`;
  copy.prepend(sheet);
  return `<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(copy)}\n`;
}

async function drawPng(graph) {
  const { width, height } = graph.size;
  const scale = Math.min(2, MAX_SIDE / Math.max(width, height));
  const picture = new Image();
  picture.src = URL.createObjectURL(new Blob([drawSvg(graph)], { type: "image/svg+xml" }));
  await picture.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: width * scale, height: height * scale });
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(picture.src);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}
