// The variants that were drawn, in columns: a hundred thousand objects would be too slow to sift.

const FLOATS = ["params", "macs", "activations"];
export const HIDDEN = 0, OUTSIDE = 1, INSIDE = 2; // the state of a point

const TYPES = { params: Float64Array, macs: Float64Array, activations: Float64Array, depth: Uint32Array, width: Uint32Array, kind: Uint8Array, state: Uint8Array, design: Uint32Array, start: Uint32Array };

export class Cloud {
  constructor() {
    this.clear();
  }

  clear() {
    this.size = 0;
    this.designs = []; // texts, each with the number of its stages and a hash
    this.depths = new Uint16Array(1 << 13); // of every stage, one point behind the other
    this.used = 0;
    this.seen = new Set();
    for (const [name, type] of Object.entries(TYPES)) this[name] = new type(1 << 11);
  }

  /** Take in one answer of the server, but for variants that are there already; how many were new. */
  add(chunk) {
    const columns = decode(chunk);
    const first = this.designs.length, before = this.size;
    chunk.designs.forEach((text, place) => this.designs.push({ text, stages: chunk.stages[place], hash: hashText(text) }));
    for (let index = 0, at = 0; index < chunk.count; index++) {
      const design = this.designs[first + columns.design[index]];
      const depths = columns.depths.subarray(at, (at += design.stages));
      const key = mix(design.hash, depths);
      if (this.seen.has(key)) continue;
      this.seen.add(key);
      this.append(columns, index, first + columns.design[index], depths);
    }
    return this.size - before;
  }

  append(columns, index, design, depths) {
    if (this.size === this.params.length) for (const name of Object.keys(TYPES)) this[name] = grow(this[name]);
    if (this.used + depths.length > this.depths.length) this.depths = grow(this.depths);
    for (const name of [...FLOATS, "depth", "width", "kind"]) this[name][this.size] = columns[name][index];
    this.design[this.size] = design;
    this.start[this.size] = this.used;
    this.depths.set(depths, this.used);
    this.used += depths.length;
    this.size++;
  }

  /** A text that stands for a point, in the grammar of variants; not the shortest. */
  write(index) {
    const { text, stages } = this.designs[this.design[index]];
    const start = this.start[index];
    return `${text},depths=${this.depths.subarray(start, start + stages).join("-")}`;
  }

  /** Say anew which points are within the budget, and which are of a kind that is not shown; how many are within. */
  sift(budget, hidden) {
    const limits = Object.entries(budget).map(([name, [least, most]]) => [this[name], least ?? 0, most ?? Infinity]);
    let inside = 0;
    for (let index = 0; index < this.size; index++) {
      let state = hidden.has(this.kind[index]) ? HIDDEN : INSIDE;
      if (state) for (const [column, least, most] of limits) if (column[index] < least || column[index] > most) state = OUTSIDE;
      this.state[index] = state;
      if (state === INSIDE) inside++;
    }
    return inside;
  }
}

function grow(column) {
  const larger = new column.constructor(column.length * 2);
  larger.set(column);
  return larger;
}

function decode(chunk) {
  const read = (name, type) => new type(Uint8Array.from(atob(chunk[name]), (sign) => sign.charCodeAt(0)).buffer);
  const columns = Object.fromEntries(FLOATS.map((name) => [name, read(name, Float64Array)]));
  for (const name of ["depth", "width"]) columns[name] = read(name, Uint32Array);
  for (const name of ["design", "depths"]) columns[name] = read(name, Uint16Array);
  return { ...columns, kind: read("kind", Uint8Array) };
}

function hashText(text) {
  let first = 0x811c9dc5, second = 7;
  for (let place = 0; place < text.length; place++) {
    first = Math.imul(first ^ text.charCodeAt(place), 0x01000193);
    second = Math.imul(second, 31) + text.charCodeAt(place) * 0x9e3779b1;
  }
  return [first, second | 0];
}

/** 53 bits of a design and its depths: among 200,000 variants two meet by chance once in 450,000 clouds. */
function mix([first, second], depths) {
  for (const depth of depths) {
    first = Math.imul(first ^ depth, 0x85ebca6b);
    first ^= first >>> 13;
    second = Math.imul(second + depth, 0xc2b2ae35);
    second ^= second >>> 16;
  }
  return (first >>> 0) * 2 ** 21 + (second >>> 11);
}
