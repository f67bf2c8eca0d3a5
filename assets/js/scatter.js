// A chart of a cloud: axes, line and marks as SVG above and below a canvas that holds the points.
import { writeAmount } from "./amounts.js";
import { Scale, fit } from "./axes.js";
import { HIDDEN } from "./cloud.js";
import { escapeHtml as escape } from "./format.js";
import { outline } from "./markers.js";
import { Pixels } from "./pixels.js";

const MARGIN = { left: 52, right: 14, top: 12, bottom: 40 };
const MOST_MARKERS = 150; // of the line; more would cover it
const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();

export class Scatter {
  /** `hover(what, place)` and `pick(what)` are told of points, `{index}`, and known networks, `{known}`. */
  constructor(box, kinds, { hover, pick, step, zoomed }) {
    Object.assign(this, { box, kinds, hover, pick, step, zoomed, zoom: null });
    box.innerHTML = `<svg class="rx-cloud-back" aria-hidden="true"></svg><canvas></canvas><svg class="rx-cloud-front" aria-hidden="true"></svg>`;
    [this.back, this.front] = box.querySelectorAll("svg");
    this.pixels = new Pixels(box.querySelector("canvas"), kinds);
    this.listen();
    new ResizeObserver(() => this.draw()).observe(box);
    addEventListener("rx-theme", () => this.draw());
  }

  /** Show a cloud: `{cloud, x, y, line, known, limits, chosen}`; the zoom stays while the axes do. */
  show(content) {
    if (this.content && (this.content.x !== content.x || this.content.y !== content.y)) this.zoom = null;
    this.content = content;
    this.draw();
  }

  /** Draw with the next frame, once. */
  draw() {
    this.due ??= requestAnimationFrame(() => {
      this.due = null;
      if (this.content && this.box.clientWidth > 60) this.drawNow();
    });
  }

  drawNow() {
    const { cloud, x, y } = this.content;
    this.width = this.box.clientWidth - MARGIN.left - MARGIN.right;
    this.height = this.box.clientHeight - MARGIN.top - MARGIN.bottom;
    const [across, up] = this.zoom || this.fitAll();
    this.scaleX = new Scale(across, 0, this.width);
    this.scaleY = new Scale(up, this.height, 0);
    const grey = readColour(colour("--rx-line"));
    for (const kind of this.kinds) kind.rgb ??= readColour(kind.colour);
    this.pixels.draw(cloud, this.scaleX, this.scaleY, cloud[x.name], cloud[y.name], { width: this.width, height: this.height, grey });
    for (const svg of [this.back, this.front]) {
      svg.setAttribute("viewBox", `${-MARGIN.left} ${-MARGIN.top} ${this.box.clientWidth} ${this.box.clientHeight}`);
    }
    this.back.innerHTML = this.drawGrid();
    this.front.innerHTML = this.drawFront();
    this.box.dataset.points = cloud.size;
  }

  /** Exponents that hold all points that are shown, and the known networks. */
  fitAll(takes = (state) => state !== HIDDEN) {
    const { cloud, x, y, known } = this.content;
    return [x, y].map(({ name }) => {
      let [least, most] = [Infinity, -Infinity];
      for (let index = 0; index < cloud.size; index++) {
        if (!takes(cloud.state[index])) continue;
        least = Math.min(least, cloud[name][index]);
        most = Math.max(most, cloud[name][index]);
      }
      if (least > most) for (const mark of known) [least, most] = [Math.min(least, mark[name]), Math.max(most, mark[name])];
      return fit(least, most);
    });
  }

  drawGrid() {
    const { x, y } = this.content;
    const [grid, quiet] = [colour("--rx-grid"), colour("--rx-quiet")];
    const text = `fill="${quiet}" font-size="11"`;
    const parts = [`<rect width="${this.width}" height="${this.height}" fill="none" stroke="${grid}"/>`];
    for (const value of this.scaleX.list(64)) {
      const at = this.scaleX.at(value).toFixed(1);
      parts.push(`<path d="M${at} 0V${this.height}" stroke="${grid}"/><text x="${at}" y="${this.height + 15}" text-anchor="middle" ${text}>${writeAmount(value)}</text>`);
    }
    for (const value of this.scaleY.list(34)) {
      const at = this.scaleY.at(value).toFixed(1);
      parts.push(`<path d="M0 ${at}H${this.width}" stroke="${grid}"/><text x="-6" y="${at}" dy="4" text-anchor="end" ${text}>${writeAmount(value)}</text>`);
    }
    parts.push(`<text x="${this.width / 2}" y="${this.height + 33}" text-anchor="middle" ${text}>${escape(x.title)}</text>`);
    parts.push(`<text transform="translate(-40 ${this.height / 2}) rotate(-90)" text-anchor="middle" ${text}>${escape(y.title)}</text>`);
    return parts.join("");
  }

  drawFront() {
    const [ink, surface, accent] = ["--rx-ink", "--rx-surface", "--rx-accent"].map(colour);
    const inside = [this.drawLimits(accent), this.drawLine(ink, surface), this.drawKnown(ink, surface), this.drawChosen(accent)];
    return `<clipPath id="rx-cloud-clip"><rect x="-8" y="-8" width="${this.width + 16}" height="${this.height + 16}"/></clipPath>
      <g clip-path="url(#rx-cloud-clip)">${inside.join("")}</g><g class="rx-cloud-hover"></g>`;
  }

  /** The ends of the budget, where an axis shows what they limit. */
  drawLimits(accent) {
    const { x, y, limits } = this.content;
    const draw = (path) => `<path d="${path}" stroke="${accent}" stroke-dasharray="4 4" fill="none"/>`;
    const across = (limits[x.name] || []).filter(Boolean).map((value) => draw(`M${this.scaleX.at(value)} 0V${this.height}`));
    const up = (limits[y.name] || []).filter(Boolean).map((value) => draw(`M0 ${this.scaleY.at(value)}H${this.width}`));
    return across.join("") + up.join("");
  }

  drawLine(ink, surface) {
    const { line, cloud, x, y } = this.content;
    const points = line.map((index) => [this.scaleX.at(cloud[x.name][index]), this.scaleY.at(cloud[y.name][index]), index]);
    if (!points.length) return "";
    // a staircase: from the best in x on, each next point is worse in x before it is better in y
    const corner = ([right, bottom]) => `H${right.toFixed(1)}V${bottom.toFixed(1)}`;
    const start = points[0];
    const path = `M${start[0].toFixed(1)} ${start[1].toFixed(1)}` + points.slice(1).map(corner).join("");
    const large = points.length > MOST_MARKERS ? [] : points.filter(([left, top]) => left > -9 && top > -9 && left < this.width + 9 && top < this.height + 9);
    const markers = large.map(([left, top, index]) => {
      const { name, colour: fill } = this.kinds[cloud.kind[index]];
      return `<path transform="translate(${left.toFixed(1)} ${top.toFixed(1)})" d="${outline(name, 5)}" fill="${fill}" stroke="${surface}"/>`;
    });
    return `<path class="rx-cloud-line" d="${path}" fill="none" stroke="${ink}" stroke-width="1.5"/>${markers.join("")}`;
  }

  /** Rings with names; a name that finds no free place is left to the pointer. */
  drawKnown(ink, surface) {
    const { known, x, y } = this.content;
    const taken = [];
    this.rings = known.map((mark) => ({ mark, left: this.scaleX.at(mark[x.name]), top: this.scaleY.at(mark[y.name]) }))
      .filter(({ left, top }) => left >= 0 && top >= 0 && left <= this.width && top <= this.height);
    for (const { left, top } of this.rings) taken.push([left - 4, top - 4, left + 4, top + 4]);
    return this.rings.map(({ mark, left, top }) => {
      const ring = `<circle cx="${left.toFixed(1)}" cy="${top.toFixed(1)}" r="4" fill="${surface}" fill-opacity="0.7" stroke="${ink}" stroke-width="1.5"/>`;
      const place = findPlace(left, top, mark.variant.length * 5.6, taken, this.width, this.height);
      if (!place) return ring;
      taken.push(place.box);
      return `${ring}<text x="${place.x.toFixed(1)}" y="${place.y.toFixed(1)}" text-anchor="${place.anchor}" font-size="10.5" fill="${ink}" stroke="${surface}" stroke-width="3" paint-order="stroke" stroke-linejoin="round">${escape(mark.variant)}</text>`;
    }).join("");
  }

  drawChosen(accent) {
    const { chosen, x, y } = this.content;
    if (!chosen) return "";
    const at = [this.scaleX.at(chosen[x.name]), this.scaleY.at(chosen[y.name])].map((pixel) => pixel.toFixed(1));
    return `<circle class="rx-cloud-chosen" cx="${at[0]}" cy="${at[1]}" r="9" fill="none" stroke="${accent}" stroke-width="2.5"/>`;
  }

  /** Light a point, or none. */
  light(what) {
    const place = what && this.locate(what);
    const ring = place ? `<circle cx="${place[0]}" cy="${place[1]}" r="7" fill="none" stroke="${colour("--rx-ink")}" stroke-width="2"/>` : "";
    const layer = this.front.querySelector(".rx-cloud-hover");
    if (layer) layer.innerHTML = ring;
  }

  /** Where a point or a known network stands, in pixels of the plot. */
  locate({ index, known }) {
    const { cloud, x, y } = this.content;
    const value = (name) => (known ? known[name] : cloud[name][index]);
    return [this.scaleX.at(value(x.name)), this.scaleY.at(value(y.name))];
  }

  /** The same in pixels of the box. */
  locateInBox(what) {
    const [left, top] = this.locate(what);
    return [left + MARGIN.left, top + MARGIN.top];
  }

  findAt(event) {
    if (!this.scaleX) return null;
    const box = this.box.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left - MARGIN.left, event.clientY - box.top - MARGIN.top];
    const ring = this.rings?.find((each) => Math.hypot(each.left - left, each.top - top) < 6);
    if (ring) return { known: ring.mark };
    const index = this.pixels.find(left, top);
    return index < 0 ? null : { index };
  }

  listen() {
    const { box } = this;
    box.addEventListener("pointermove", (event) => !this.dragging && this.hover(this.findAt(event)));
    box.addEventListener("pointerleave", () => this.hover(null));
    box.addEventListener("click", (event) => !this.dragged && this.pick(this.findAt(event)));
    box.addEventListener("dblclick", (event) => this.zoomBy(0.5, event));
    box.addEventListener("wheel", (event) => {
      if (!event.ctrlKey && !event.metaKey) return; // a plain wheel scrolls the page
      event.preventDefault();
      this.zoomBy(event.deltaY < 0 ? 0.8 : 1.25, event);
    }, { passive: false });
    box.addEventListener("keydown", (event) => this.press(event));
    this.listenToDrag();
  }

  listenToDrag() {
    let start = null;
    this.box.addEventListener("pointerdown", (event) => {
      this.dragged = false;
      if (event.pointerType === "mouse" && event.button === 0 && this.scaleX)
        start = { x: event.clientX, y: event.clientY, ranges: [[this.scaleX.low, this.scaleX.high], [this.scaleY.low, this.scaleY.high]] };
    });
    addEventListener("pointermove", (event) => {
      if (!start) return;
      const [dx, dy] = [event.clientX - start.x, event.clientY - start.y];
      if (!this.dragged && Math.hypot(dx, dy) < 5) return;
      if (!this.dragged) this.hover(null);
      this.dragged = this.dragging = true;
      const [across, up] = [-dx / this.scaleX.slope, -dy / this.scaleY.slope];
      this.setZoom(start.ranges.map((range, axis) => range.map((end) => end + [across, up][axis])));
    });
    addEventListener("pointerup", () => {
      start = null;
      this.dragging = false;
    });
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const moves = { "+": () => this.zoomBy(0.8), "-": () => this.zoomBy(1.25), 0: () => this.setZoom(null) };
    const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Enter: 0, Escape: null };
    if (!moves[event.key] && !(event.key in steps)) return;
    event.preventDefault();
    if (moves[event.key]) moves[event.key]();
    else this.step(steps[event.key]);
  }

  /** Zoom around a place, or the middle; a factor below 1 shows less, and so larger. */
  zoomBy(factor, event) {
    if (!this.scaleX) return;
    const box = this.box.getBoundingClientRect();
    const pixel = event ? [event.clientX - box.left - MARGIN.left, event.clientY - box.top - MARGIN.top] : [this.width / 2, this.height / 2];
    const ranges = [this.scaleX, this.scaleY].map((scale, axis) => {
      const middle = scale.invert(pixel[axis]);
      return [scale.low, scale.high].map((end) => middle + (end - middle) * factor);
    });
    if (ranges.every(([low, high]) => high - low > 0.005 && high - low < 30)) this.setZoom(ranges);
  }

  setZoom(ranges) {
    this.zoom = ranges;
    this.zoomed?.();
    this.draw();
  }

  /** The whole chart as one SVG, its points as a picture within. */
  writeSvg() {
    const { clientWidth: width, clientHeight: height } = this.box;
    const picture = `<image width="${this.width}" height="${this.height}" href="${this.pixels.canvas.toDataURL()}"/>`;
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="${-MARGIN.left} ${-MARGIN.top} ${width} ${height}" font-family="system-ui, sans-serif"><rect x="${-MARGIN.left}" y="${-MARGIN.top}" width="100%" height="100%" fill="${colour("--rx-surface")}"/>${this.back.innerHTML}${picture}${this.front.innerHTML}</svg>`;
  }
}

function findPlace(left, top, wide, taken, width, height) {
  const places = [
    { x: left + 7, y: top + 4, anchor: "start", box: [left + 6, top - 6, left + 8 + wide, top + 6] },
    { x: left - 7, y: top + 4, anchor: "end", box: [left - 8 - wide, top - 6, left - 6, top + 6] },
    { x: left, y: top - 8, anchor: "middle", box: [left - wide / 2, top - 18, left + wide / 2, top - 6] },
    { x: left, y: top + 16, anchor: "middle", box: [left - wide / 2, top + 6, left + wide / 2, top + 19] },
  ];
  const free = (a) => taken.every((b) => a[2] < b[0] || a[0] > b[2] || a[3] < b[1] || a[1] > b[3]);
  return places.find(({ box }) => box[0] > 0 && box[1] > -4 && box[2] < width + 8 && box[3] < height && free(box));
}

function readColour(hex) {
  return [1, 3, 5].map((place) => parseInt(hex.slice(place, place + 2), 16));
}
