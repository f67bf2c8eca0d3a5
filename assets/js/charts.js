// One chart component for the page, over the plotly.js that the installed `plotly` package carries.
import { saveFile } from "./files.js";

let loading = null;

/** Load plotly.js once, when the first points are to be drawn, or where they are soon expected; what failed is tried anew. */
export function loadPlotly() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  loading ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("../plotly.min.js", import.meta.url).href;
    const fail = () => {
      loading = null;
      script.remove();
      reject(new Error("plotly.js, which draws this, could not be loaded from the server: reload the page."));
    };
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : fail());
    script.onerror = fail;
    document.head.append(script);
  });
  return loading;
}

const NARROW = 440; // px, where title and legend have no room beside each other
const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

function themed(layout) {
  const [ink, grid] = [colour("--rx-ink"), colour("--rx-grid")];
  const title = { font: { size: 11, color: colour("--rx-quiet") }, standoff: 6 };
  const axis = { gridcolor: grid, zerolinecolor: grid, linecolor: grid };
  return {
    ...layout,
    margin: { l: 56, r: 14, t: 44, b: 44, ...layout.margin },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    separators: ".\u2009",
    font: { color: ink, size: 11, family: getComputedStyle(document.body).fontFamily },
    title: { ...layout.title, font: { size: 13, weight: 600 } },
    xaxis: { ...axis, ...layout.xaxis, title: { ...layout.xaxis.title, ...title } },
    yaxis: { ...axis, ...layout.yaxis, title: { ...layout.yaxis.title, ...title } },
  };
}

const isEmpty = (figure) => figure.data.every((trace) => !trace.x.length);

/**
 * An axis that a person zoomed has a range and no autorange; uirevision alone loses it when data arrives. `given` are
 * the ranges that the figure itself had: who did not zoom gets its new ones.
 */
function keepZoom(before, layout, given) {
  if (before.uirevision !== layout.uirevision) return; // another scale, or other things on it
  for (const axis of ["xaxis", "yaxis"])
    if (before[axis].autorange === false && String(before[axis].range) !== String(given[axis]))
      Object.assign(layout[axis], { range: before[axis].range, autorange: false });
}

/** Colours that begin with nothing begin with the page's ground: plotly tells from them whether a text is dark or light. */
const onGround = (trace) => (trace.meta?.ground ? { ...trace, colorscale: [[0, colour("--rx-surface")], ...trace.colorscale.slice(1)] } : trace);

const listRanges = ({ xaxis, yaxis }) => ({ xaxis: xaxis.range && [...xaxis.range], yaxis: yaxis.range && [...yaxis.range] });

/** A chart's numbers, a line a point. */
export function toCsv(data) {
  const lines = [["trace", "x", "y", "value"]];
  for (const trace of data) {
    if (trace.type === "heatmap")
      trace.y.forEach((y, row) => trace.x.forEach((x, column) => lines.push([trace.name || "", x, y, trace.z[row][column]])));
    else trace.x.forEach((x, index) => lines.push([trace.name, x, trace.y[index], ""]));
  }
  return lines.map((cells) => cells.map(quote).join(",")).join("\n");
}

const quote = (cell) => (/[",\n]/.test(cell) ? `"${String(cell).replaceAll('"', '""')}"` : cell);

const icon = (text) => ({ width: 24, height: 24, path: text });
const ARROW = "M11 3h2v10l4-4 1.4 1.4L12 16.8 5.6 10.4 7 9l4 4zM5 19h14v2H5z";

export class Chart {
  /** `onClick(point)` hears of a point that was clicked, with its `x`, `y` and `customdata`. */
  constructor(element, name, onClick = null) {
    this.element = element;
    this.name = name;
    this.onClick = onClick;
    this.figure = null;
    this.given = {};
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(element);
    this.redraw = () => this.draw();
    addEventListener("rx-theme", this.redraw);
  }

  /** Take the chart off the page. */
  remove() {
    this.figure = null;
    this.sizes.disconnect();
    removeEventListener("rx-theme", this.redraw);
    this.clear();
    this.element.remove();
  }

  /** Show a figure; zoom and toggled traces stay as they are. */
  update(figure) {
    this.figure = figure;
    this.draw();
  }

  /** Draw the newest figure; never two at once, never while hidden (plotly's margins do not settle at no width). */
  async draw() {
    this.wanted = true;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.wanted && this.figure && this.element.clientWidth > 60) {
        const empty = isEmpty(this.figure);
        if (!empty && !window.Plotly) await loadPlotly(); // the figure may be another one then
        else {
          this.wanted = false;
          if (empty) this.drawNothing(this.figure.layout.meta.empty);
          else await this.drawPoints(window.Plotly);
        }
      }
    } catch (error) {
      if (window.Plotly) throw error;
      this.drawNothing(error.message);
    } finally {
      this.busy = false;
    }
  }

  /** Without points: what the chart will show, and why it does not yet. It needs no plotly.js, which takes a second. */
  drawNothing(words) {
    if (!this.figure) return; // taken off the page meanwhile
    const lines = [["b", this.figure.layout.title.text], ["span", words]].map(([tag, text]) => Object.assign(document.createElement(tag), { textContent: text }));
    const frame = Object.assign(document.createElement("div"), { className: "rx-no-points" });
    frame.append(...lines);
    this.clear();
    this.element.replaceChildren(frame);
    this.points = 0;
    this.element.dataset.points = 0;
  }

  /** Take away what plotly drew. */
  clear() {
    if (this.listening) window.Plotly.purge(this.element);
    this.listening = false;
  }

  async drawPoints(Plotly) {
    if (!this.listening) this.element.replaceChildren();
    const { clientWidth: width, clientHeight: height } = this.element;
    const layout = { ...themed(this.figure.layout), width, height, autosize: false };
    if (width < NARROW && layout.showlegend && layout.legend?.y > 1) layout.margin.t = Math.max(layout.margin.t, 62); // below the title
    const given = listRanges(layout);
    if (this.points) keepZoom(this.element.layout, layout, this.given);
    this.given = given;
    const buttons = [
      { name: "Download as SVG", icon: icon(ARROW), click: (div) => Plotly.downloadImage(div, { format: "svg", filename: this.name }) },
      { name: "Download as CSV", icon: icon(ARROW), click: () => saveFile(`${this.name}.csv`, toCsv(this.figure.data), "text/csv") },
    ];
    const config = {
      responsive: false, displaylogo: false, modeBarButtonsToAdd: buttons,
      modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"], toImageButtonOptions: { filename: this.name },
    };
    await Plotly.react(this.element, this.figure.data.map(onGround), layout, config);
    this.listen();
    this.points = this.figure.data.reduce((sum, trace) => sum + trace.x.length, 0);
    this.element.dataset.points = this.points;
  }

  /** Zoom to a range of x, or out with null; a chart without points stays as it is. */
  zoom(range) {
    if (!this.points) return;
    window.Plotly.relayout(this.element, range ? { "xaxis.range": [...range], "xaxis.autorange": false } : { "xaxis.autorange": true });
  }

  /** Draw other shapes over the same numbers: quicker than to draw all anew. */
  mark(figure) {
    this.figure = figure;
    if (this.points && !this.busy) window.Plotly.relayout(this.element, { shapes: figure.layout.shapes || [] });
    else this.draw();
  }

  /** The chart as the address of a PNG picture, twice as fine as on the screen. */
  async picture() {
    const Plotly = await loadPlotly();
    return Plotly.toImage(this.element, { format: "png", width: this.element.clientWidth, height: this.element.clientHeight, scale: 2 });
  }

  /** Once plotly has made an emitter of the element. */
  listen() {
    if (this.listening) return;
    this.listening = true;
    this.element.on("plotly_click", ({ points }) => {
      const point = points.find(({ customdata }) => customdata) || points[0];
      this.onClick?.(point);
    });
  }
}
