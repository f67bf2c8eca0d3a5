// The cost table's model: what explorer/figures/rows.py sends, as groups and operations, and its columns.
import { escapeHtml, formatBytes, formatCount, formatShare, formatSi } from "./format.js";

/** An object for each group and operation; a stage's `parent` is null, an operation's is its group. */
export function readRows(data) {
  const read = (group, parent) => {
    const node = { ...group, parent, depth: parent ? 1 : 0, inner: [], ops: [] };
    node.inner = (group.groups || []).map((inner) => read(inner, node));
    node.ops = (group.rows || []).map((cells) => readOp(data.columns, cells, node));
    return node;
  };
  return data.groups.map((group) => read(group, null));
}

function readOp(columns, cells, group) {
  const op = Object.fromEntries(columns.map((name, index) => [name, cells[index]]));
  const [params, macs, kept] = op.all || [op.params, op.macs, op.kept];
  const every = { params, macs, kept };
  return { ...op, relative: op.name, name: `${group.name}.${op.name}`, group, every, repeat: group.repeat };
}

/** All groups in order, those inside others behind them. */
export function listGroups(groups) {
  return groups.flatMap((group) => [group, ...group.inner]);
}

/** All operations in order; those of a fold come once. */
export function listOps(groups) {
  return listGroups(groups).flatMap((group) => group.ops);
}

/** What a name is called in the table: a block inside a fold bears the name of the first. */
export function foldName(groups, name) {
  const [, stage, index, rest] = /^(\w+)\.(\d+)(.*)$/.exec(name) || [];
  if (index === undefined) return name;
  const inner = groups.find((group) => group.name === stage)?.inner || [];
  const fold = inner.find((group) => {
    const first = Number(group.name.slice(stage.length + 1));
    return first <= index && index < first + group.repeat;
  });
  return fold ? fold.name + rest : name;
}

const numbers = (row) => row.every || row; // of an operation: those of all blocks of its fold

function drawBar(part, whole) {
  if (!part) return "";
  const share = ((100 * part) / whole).toFixed(1);
  return `<span class="rx-bar"><span style="width:${share}%"></span></span><span class="rx-share">${formatShare(part, whole)}</span>`;
}

/** An exact number; where a fold is shown by its first block, what all of them have together on hover. */
function drawNumber(row, name, together) {
  const value = together ? numbers(row)[name] : row[name];
  return value ? `<span title="${describeFold(row, name, together)}">${formatCount(value)}</span>` : "";
}

function describeFold(row, name, together) {
  if (!row.every || row.repeat === 1) return `${formatSi(row[name]).trim()}`;
  const [one, all] = [row[name], row.every[name]].map((value) => formatSi(value).trim());
  return together ? `all ${row.repeat} blocks; the first has ${one}` : `one block; all ${row.repeat} have ${all}`;
}

/**
 * The columns behind the name. `draw(row, totals, together)` gives HTML, `value(row)` what is sorted by; `text` columns
 * are filled with words in a group's row. `off` ones are shown only when chosen.
 */
export const COLUMNS = [
  {
    id: "what", head: "Op", text: true, value: (row) => row.what,
    draw: (row) => `<i style="background:${row.colour}"></i>${escapeHtml(row.what)}`,
  },
  { id: "kernel", head: "Kernel", text: true, number: true, value: (row) => parseInt(row.kernel) || (row.kernel ? 1e9 : 0), draw: (row) => escapeHtml(row.kernel) },
  { id: "stride", head: "Stride", text: true, number: true, value: (row) => Number(row.stride), draw: (row) => escapeHtml(row.stride) },
  { id: "groups", head: "Groups", text: true, number: true, value: (row) => Number(row.groups), draw: (row) => escapeHtml(row.groups) },
  { id: "output", head: "Output", hint: "channels × height × width", number: true, value: (row) => row.output.reduce((a, b) => a * b), draw: (row) => escapeHtml(row.output.join(" × ")) },
  { id: "params", head: "Params", number: true, value: (row) => numbers(row).params, draw: (row, totals, together) => drawNumber(row, "params", together) },
  { id: "param_share", head: "Params %", hint: "of the network's parameters", off: true, number: true, value: (row) => numbers(row).params, draw: (row, totals) => drawBar(numbers(row).params, totals.params) },
  { id: "macs", head: "MACs", hint: "multiply-adds of one image", number: true, value: (row) => numbers(row).macs, draw: (row, totals, together) => drawNumber(row, "macs", together) },
  { id: "flops", head: "FLOPs", hint: "two for each MAC", off: true, number: true, value: (row) => numbers(row).macs, draw: (row, totals, together) => formatCount(2 * (together ? numbers(row) : row).macs || "") },
  { id: "share", head: "Share", hint: "of the network's MACs, all blocks of a fold", number: true, value: (row) => numbers(row).macs, draw: (row, totals) => drawBar(numbers(row).macs, totals.macs) },
  { id: "kept", head: "Kept", hint: "bytes kept for the backward pass, one image in float32", number: true, value: (row) => numbers(row).kept, draw: (row, totals, together) => ((value) => (value ? formatBytes(value) : ""))((together ? numbers(row) : row).kept) },
  { id: "field", head: "Field", hint: "side of the receptive field in pixels of the input", number: true, value: (row) => row.field ?? 1e9, draw: (row) => row.field ?? "all" },
];

export const NAME = { id: "name", head: "Name", value: (row) => row.name };

/** Sorted by a column, the order they run in where it says nothing. */
export function sortOps(ops, column, down) {
  const [compare, sign] = [new Intl.Collator("en", { numeric: true }).compare, down ? -1 : 1];
  const by = (a, b) => (typeof a === "string" ? compare(a, b) : a - b) * sign;
  return ops.map((op, index) => [column.value(op), index, op]).sort((a, b) => by(a[0], b[0]) || a[1] - b[1]).map(([, , op]) => op);
}

/** Operations whose name or kind has the words, of one kind or of any. */
export function filterOps(ops, words, kind) {
  const parts = words.toLowerCase().replace(/(\d)x(\d)/g, "$1×$2").split(/\s+/).filter(Boolean);
  const said = (op) => `${op.name} ${op.what} ${op.kernel}`.toLowerCase();
  return ops.filter((op) => (!kind || op.kind === kind) && parts.every((part) => said(op).includes(part)));
}

/** How many operations and what they cost, all blocks of a fold counted. */
export function sumOps(ops) {
  const sums = { ops: 0, params: 0, macs: 0, kept: 0 };
  for (const op of ops) {
    sums.ops += op.repeat;
    for (const name of ["params", "macs", "kept"]) sums[name] += op.every[name];
  }
  return sums;
}
