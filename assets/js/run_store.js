// A run's records in order, as explorer/figures/run_rows.py keeps them: what its charts are filled from.

const KINDS = ["step", "epoch", "watch", "alarm"];

export class RunStore {
  constructor(id) {
    Object.assign(this, { id, offset: 0, about: null, state: "", error: "", final: null });
    this.rows = Object.fromEntries(KINDS.map((kind) => [kind, []]));
    this.units = {};
    this.film = { offset: 0, frames: [] };
    this.answers = null;
    this.answered = ""; // the stamp of `answers`
  }

  /** Take in an answer of read_runs; gives the kinds of record that came, and "state" where that changed. */
  take(answer) {
    const changed = new Set();
    this.error = answer.error || "";
    if (this.error) return changed;
    const { records, ...about } = answer;
    if (this.state !== about.state || this.about?.asked !== about.asked || this.about?.position !== about.position || this.about?.has_weights !== about.has_weights) changed.add("state");
    Object.assign(this, { about, state: about.state, offset: about.offset });
    for (const record of JSON.parse(records)) changed.add(this.keep(record));
    return changed;
  }

  /** A resumed run repeats steps: the last record of each counts. A last word counts while nothing follows it. */
  keep(record) {
    const { kind } = record;
    this.final = kind === "final" ? record : null;
    if (kind === "units") {
      this.units = record.units;
      return "watch";
    }
    if (KINDS.includes(kind)) insert(this.rows[kind], record);
    if (kind === "step") this.clock = null;
    return kind;
  }

  /** The last row of a kind up to a step; the newest where `step` is null. */
  find(kind, step = null) {
    const rows = this.rows[kind];
    return (step === null ? rows.at(-1) : rows[countUpTo(rows, step) - 1]) ?? null;
  }

  /** Watch rows that hold a quantity, with its numbers in the order of its units. */
  listValues(quantity) {
    const count = this.units[quantity]?.length ?? 0;
    return this.rows.watch.filter((row) => row.values[quantity]?.length === count).map((row) => [row, row.values[quantity]]);
  }

  /** Where a row stands on an axis: its step, its epoch, or seconds of training until then. */
  place(row, axis) {
    if (axis === "step") return row.step;
    if (axis === "epoch") return row.epoch;
    this.clock ??= this.countSeconds();
    return this.clock[countUpTo(this.rows.step, row.step) - 1] ?? 0;
  }

  countSeconds() {
    let sum = 0, before = 0;
    return this.rows.step.map((row) => {
      if (row.images_per_second) sum += ((row.step - before) * this.about.batch_size) / row.images_per_second;
      before = row.step;
      return sum;
    });
  }

  /** Steps at which there is something to look at by time. */
  listTimes(withFilm) {
    const steps = new Set(this.rows.watch.map((row) => row.step));
    if (withFilm) for (const frame of this.film.frames) steps.add(frame.step);
    return steps;
  }

  takeFrames(answer) {
    this.film.offset = answer.offset;
    for (const frame of answer.frames) if (frame.kind === "film") insert(this.film.frames, frame);
  }
}

/** How many of the sorted rows have a step up to this one. */
function countUpTo(rows, step) {
  let low = 0, high = rows.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].step <= step) low = middle + 1;
    else high = middle;
  }
  return low;
}

const name = (row) => (row.kind === "alarm" ? `${row.name} ${row.where}` : "");

/** Put a row in its place; it replaces the one of its step (of an alarm: and name). */
export function insert(rows, row) {
  const end = countUpTo(rows, row.step);
  for (let at = end - 1; at >= 0 && rows[at].step === row.step; at--)
    if (name(rows[at]) === name(row)) {
      rows[at] = row;
      return;
    }
  rows.splice(end, 0, row);
}
