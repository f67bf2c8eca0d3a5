// Which parts of a network are open, and where they stand: parts stacked below each other, as figures/graph.py does.

const TOP = 12, HEAD = 24, END = 14, SIDE = 14, CHARACTER = 6.4; // of the frames around what is open

/** What is open: `flipped` names parts against the level, `unfolded` folds against `fold`. A link holds it as text. */
export function readView({ level, fold, x } = {}) {
  const names = (x || "").split("~").filter(Boolean);
  return {
    level: ["stage", "block", "op"].includes(level) ? level : "block",
    fold: fold !== "0",
    flipped: new Set(names.filter((name) => !name.endsWith("*"))),
    unfolded: new Set(names.filter((name) => name.endsWith("*")).map((name) => name.slice(0, -1))),
  };
}

export function writeView({ level, fold, flipped, unfolded }) {
  const x = [...flipped, ...[...unfolded].map((name) => `${name}*`)].join("~");
  return { level: level === "block" ? "" : level, fold: fold ? "" : "0", x };
}

export const canOpen = (item) => Boolean(item.parts) || item.opened !== null;

export function isOpen(item, view) {
  const opens = view.level === "op" || (view.level === "block" && Boolean(item.parts));
  return canOpen(item) && opens !== view.flipped.has(item.name);
}

export function isFolded(item, view) {
  return item.repeat === 1 || (!item.single && !item.members) || view.fold !== view.unfolded.has(item.name);
}

/** The blocks of a fold by themselves; dense ones, which differ, come from the server when they are asked for. */
export function splitItem(item) {
  if (item.members) return item.members;
  const at = item.name.lastIndexOf(".") + 1;
  const first = Number(item.name.slice(at));
  return Array.from({ length: item.repeat }, (_, index) => {
    const name = item.name.slice(0, at) + (first + index);
    return { name, title: name, words: item.single.words, closed: item.single.closed, opened: item.opened, repeat: 1 };
  });
}

/** Names a fold's blocks go by, the first one's first. */
export function listNames(item) {
  const at = item.name.lastIndexOf(".") + 1;
  const first = Number(item.name.slice(at));
  return Array.from({ length: item.repeat }, (_, index) => item.name.slice(0, at) + (first + index));
}

/**
 * Place every part that shows: `placed` and `frames` with their heights, and how far all of it reaches. `starts` says how
 * far down some of the outermost parts begin at least.
 */
export function stackParts({ items, pieces }, view, starts = new Map()) {
  const stack = { placed: [], frames: [], height: 0, starts, tops: new Map() };
  addParts(stack, items, pieces, view, 0);
  const deepest = Math.max(-1, ...stack.frames.map(({ depth }) => depth)) + 1;
  const words = Math.max(0, ...stack.frames.map(({ item, words }) => `${item.title} ${words}`.length * CHARACTER + 60));
  let [left, right] = [0, words];
  for (const { piece } of stack.placed) [left, right] = [Math.max(left, piece.left), Math.max(right, piece.right)];
  return { ...stack, left: left + SIDE * deepest, right: right + SIDE * deepest };
}

function addParts(stack, items, pieces, view, depth) {
  for (const item of items) {
    if (!depth) {
      stack.height = Math.max(stack.height, stack.starts.get(item.name) ?? 0);
      stack.tops.set(item.name, stack.height);
    }
    if (!isFolded(item, view)) addFrame(stack, item, splitItem(item), true, pieces, view, depth);
    else if (!isOpen(item, view)) place(stack, item, pieces[item.closed], false);
    else addFrame(stack, item, item.parts, false, pieces, view, depth);
  }
}

function place(stack, item, piece, open) {
  stack.placed.push({ item, piece, open, y: stack.height });
  stack.height += piece.height;
}

function addFrame(stack, item, parts, split, pieces, view, depth) {
  const frame = { item, split, depth, top: stack.height + TOP, words: split ? `${item.repeat} alike` : item.words };
  stack.frames.push(frame);
  stack.height = frame.top + HEAD;
  if (parts) addParts(stack, parts, pieces, view, depth + 1);
  else place(stack, item, pieces[item.opened], true);
  stack.height += END;
  frame.bottom = stack.height;
}

/** Where the outermost parts of several networks begin, so that those of one name stand side by side. */
export function alignParts(networks, view) {
  const starts = new Map();
  const names = new Set(networks.flatMap(({ items }) => items.map(({ name }) => name)));
  for (const name of [...names].sort((a, b) => rank(a) - rank(b))) {
    const tops = networks.map((data) => stackParts(data, view, starts).tops.get(name) ?? 0);
    starts.set(name, Math.max(...tops));
  }
  return starts;
}

function rank(name) {
  const [stage, transition] = name.split(".");
  return { input: -2, stem: -1, head: Infinity }[name] ?? Number(stage.replace("layer", "")) - (transition ? 0.5 : 0);
}

/** Sides of a frame, for a stack that reaches so far. */
export function measureFrame(frame, { left, right }) {
  return { left: -left + SIDE * frame.depth, right: right - SIDE * frame.depth, middle: frame.top + HEAD / 2 + 2 };
}

/** Open whatever hides `name`; says whether there is such a part or operation at all. */
export function reveal(items, view, name) {
  for (const item of items) {
    const own = item.repeat > 1 ? listNames(item) : [item.name];
    const inside = own.some((one) => name === one || name.startsWith(`${one}.`)) || item.parts?.some((part) => name.startsWith(part.name));
    if (!inside) continue;
    if (own.includes(name)) return true;
    if (canOpen(item) && !isOpen(item, view)) toggle(view.flipped, item.name);
    return item.parts ? reveal(item.parts, view, name) || true : true;
  }
  return false;
}

export function toggle(set, name) {
  if (!set.delete(name)) set.add(name);
}
