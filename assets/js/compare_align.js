// Graphs side by side with their stages at one height: each graph is cut into bands (stem, layer1, ..., head), a band
// begins at the same y in all of them, and lines between bands are stretched.

const MARGIN = 12; // around a graph, as figures/graph.py leaves it
const [BEHIND, BEFORE] = [3, 9]; // how far from its boxes a line may begin, and end, for its arrow; stretching keeps that

/** Move the nodes and lines of all graphs; afterwards all are equally high. */
export function alignStages(svgs) {
  const own = svgs.map(measureBands);
  const tops = placeBands(own);
  svgs.forEach((svg, index) => moveTo(svg, own[index], tops));
  const bottom = Math.max(...own.flatMap((bands) => [...bands].map(([name, [top, end]]) => tops.get(name) + end - top)));
  for (const svg of svgs) {
    const { x, y, width } = svg.viewBox.baseVal;
    svg.setAttribute("viewBox", `${x} ${y} ${width} ${bottom + 2 * MARGIN}`);
    svg.setAttribute("height", bottom + 2 * MARGIN);
  }
}

/** A node's band: its stage, or stem or head. */
function nameBand(name) {
  const part = name.split(".")[0];
  return part === "input" ? "stem" : part;
}

/** Bands by name, each with the y where it begins and ends, from above to below. */
function measureBands(svg) {
  const bands = new Map();
  for (const node of svg.querySelectorAll(".node")) {
    const [top, bottom] = measureBox(node.querySelector(".box"));
    const name = nameBand(node.dataset.name);
    const [first, last] = bands.get(name) || [Infinity, -Infinity];
    bands.set(name, [Math.min(first, top), Math.max(last, bottom)]);
  }
  return new Map([...bands].sort((a, b) => a[1][0] - b[1][0]));
}

function measureBox(box) {
  const number = (name) => Number(box.getAttribute(name));
  if (box.tagName === "circle") return [number("cy") - number("r"), number("cy") + number("r")];
  return [number("y"), number("y") + number("height")];
}

/** Where each band begins in all graphs: as high as its highest, with the widest gap before it. */
function placeBands(own) {
  const number = (name) => (name === "stem" ? 0 : name === "head" ? Infinity : Number(name.slice(5)));
  const names = [...new Set(own.flatMap((bands) => [...bands.keys()]))].sort((a, b) => number(a) - number(b));
  const tops = new Map();
  let end = 0;
  for (const name of names) {
    const gap = Math.max(...own.map((bands) => (bands.has(name) ? findGap(bands, name) : 0)));
    tops.set(name, end + gap);
    end += gap + Math.max(...own.map((bands) => (bands.has(name) ? bands.get(name)[1] - bands.get(name)[0] : 0)));
  }
  return tops;
}

function findGap(bands, name) {
  const names = [...bands.keys()];
  const before = names[names.indexOf(name) - 1];
  return before ? bands.get(name)[0] - bands.get(before)[1] : bands.get(name)[0];
}

function moveTo(svg, bands, tops) {
  const move = createMap(bands, tops);
  for (const node of svg.querySelectorAll(".node")) {
    const [top] = measureBox(node.querySelector(".box"));
    node.setAttribute("transform", `translate(0 ${(move(top) - top).toFixed(1)})`);
  }
  for (const edge of svg.querySelectorAll("path.edge")) {
    const d = edge.getAttribute("d").replace(/(-?[\d.]+),(-?[\d.]+)/g, (_, x, y) => `${x},${move(Number(y)).toFixed(1)}`);
    edge.setAttribute("d", d);
  }
}

/** Old y to new y: bands are shifted as they are, what lies between them is stretched. */
function createMap(bands, tops) {
  const list = [...bands].map(([name, [top, end]]) => ({ top, end, shift: tops.get(name) - top }));
  return (y) => {
    const inside = list.findLast((band) => band.top - BEFORE <= y) || list[0];
    const next = list[list.indexOf(inside) + 1];
    const gap = next ? next.top - inside.end - BEFORE - BEHIND : 0;
    if (y <= inside.end + BEHIND || gap <= 0) return y + inside.shift;
    return y + inside.shift + ((y - inside.end - BEHIND) / gap) * (next.shift - inside.shift);
  };
}
