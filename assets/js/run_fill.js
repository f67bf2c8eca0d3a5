// Fills the empty charts of a run from its records, as each trace's `meta` says: explorer/figures/run_fill.py in the
// browser, where the words are explained. A test holds the two together.

const MOST_POINTS = 1000, MOST_COLUMNS = 300, MOST_CLASSES = 40, SMOOTH = 0.9;

/** The chart with its numbers. `choice`: {at: step or null, unit, axis: step | epoch | seconds}. */
export function fillFigure(figure, run, choice = {}) {
  choice = { at: null, unit: "", axis: "step", ...choice };
  const data = figure.data.map((trace) => ({ ...trace, ...FILLERS[trace.meta.show](trace.meta, run, choice) }));
  return { data, layout: fillLayout(figure.layout, data, run, choice) };
}

function fillLayout(layout, data, run, choice) {
  const { names: side, span, cursor } = layout.meta;
  const filled = { ...layout, xaxis: { ...layout.xaxis }, yaxis: { ...layout.yaxis } }, shapes = [];
  if (side) {
    const names = [...new Set(data.flatMap((trace) => trace[side]))];
    Object.assign(filled[`${side}axis`], labelStages(names, side));
    shapes.push(...separateStages(names, side));
  }
  if (span) {
    const range = choice.range ?? findSpan(run, span, layout.yaxis.type === "log");
    if (range) filled.yaxis.range = range;
  }
  for (const letter of "xy")
    if (layout[`${letter}axis`].type === "log") {
      const axis = filled[`${letter}axis`];
      Object.assign(axis, tickLog(axis.range ? axis.range.map((end) => 10 ** end) : data.flatMap((trace) => trace[letter]).filter((value) => value > 0)));
    }
  if (cursor && choice.at !== null)
    shapes.push({ type: "line", x0: choice.at, x1: choice.at, yref: "paper", y0: 0, y1: 1, line: { color: "#6b7280", width: 1.5, dash: "dot" } });
  if (shapes.length) filled.shapes = shapes;
  return filled;
}

/** Labels of a logarithmic axis: powers of ten over many decades, more over few; some more on each side. */
function tickLog(values, fine = true) {
  let [low, high] = values.length ? [Infinity, -Infinity] : [0.01, 10];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  [low, high] = [Math.log10(low), Math.log10(high)];
  const decades = high - low, ticks = [];
  if (fine && decades < 0.3) return {}; // two of them may not be in sight: plotly finds others
  const digits = decades < 0.7 && fine ? [1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8] : decades < 2.5 ? [1, 2, 5] : [1];
  const size = (digits.length === 1 && Math.ceil(decades / 8)) || 1;
  for (let power = Math.floor(low) - 2; power < Math.ceil(high) + 3; power++)
    if (power % size === 0) for (const digit of digits) ticks.push([digit, power]);
  return { tickvals: ticks.map(([digit, power]) => Number(`${digit}e${power}`)), ticktext: ticks.map(writeTick) };
}

function writeTick([digit, power]) {
  if (power >= -3 && power <= 3) return (digit * 10 ** power).toFixed(Math.max(0, -power + (digit % 1 > 0)));
  return `${digit > 1 ? `${digit}·` : ""}10<sup>${String(power).replace("-", "−")}</sup>`;
}

function cutStages(names) {
  const stages = new Map();
  for (const name of names) {
    const stage = name.split(".")[0];
    if (!stages.has(stage)) stages.set(stage, []);
    stages.get(stage).push(name);
  }
  return [...stages.values()];
}

/** One label a stage, at its middle; a small stage whose label would touch another's has none. */
function labelStages(names, side) {
  const apart = names.length * (side === "x" ? 0.11 : 0.07), kept = [];
  const stages = cutStages(names).sort((a, b) => b.length - a.length);
  for (const stage of stages) {
    const middle = names.indexOf(stage[stage.length >> 1]);
    if (kept.every((other) => Math.abs(middle - other) >= apart)) kept.push(middle);
  }
  kept.sort((a, b) => a - b);
  return { tickvals: kept.map((at) => names[at]), ticktext: kept.map((at) => names[at].split(".")[0]) };
}

function separateStages(names, side) {
  const other = side === "x" ? "y" : "x";
  let edge = -0.5;
  return cutStages(names).slice(0, -1).map((stage) => {
    edge += stage.length;
    const ends = { [`${side}0`]: edge, [`${side}1`]: edge, [`${other}ref`]: "paper", [`${other}0`]: 0, [`${other}1`]: 1 };
    return { type: "line", ...ends, line: { color: "rgba(128,128,128,0.45)", width: 1 } };
  });
}

/** A range that holds some quantities at all times, so that nothing jumps while time is scrubbed; null without any. */
export function findSpan(run, quantities, log) {
  let least = Infinity, most = -Infinity;
  for (const quantity of quantities)
    for (const [, values] of run.listValues(quantity))
      for (const value of values)
        if (value !== null && (value > 0 || !log)) {
          if (value < least) least = value;
          if (value > most) most = value;
        }
  if (least === Infinity) return null;
  if (log) [least, most] = [Math.log10(least), Math.log10(most)];
  const room = 0.06 * (most - least) || 0.5;
  return [least - room, most + room];
}

/** Which of many points are drawn: of every few neighbours the lowest, the highest and the first gap. */
export function thin(values) {
  const count = values.length;
  if (count <= MOST_POINTS) return values.map((_, index) => index);
  const size = Math.ceil(count / (MOST_POINTS >> 1)), kept = new Set([count - 1]);
  for (let start = 0; start < count; start += size) {
    let low = -1, high = -1, gap = -1;
    for (let index = start; index < Math.min(count, start + size); index++) {
      const value = values[index];
      if (value === null) {
        if (gap < 0) gap = index;
        continue;
      }
      if (low < 0 || value < values[low]) low = index;
      if (high < 0 || value > values[high]) high = index;
    }
    for (const index of [low, high, gap]) if (index >= 0) kept.add(index);
  }
  return [...kept].sort((a, b) => a - b);
}

function thinColumns(count) {
  const size = Math.ceil(count / MOST_COLUMNS) || 1;
  return Array.from({ length: count }, (_, index) => index).filter((index) => index % size === 0 || index === count - 1);
}

const NOTHING = { x: [], y: [] };

function fillLine(meta, run, choice) {
  const chosen = run.rows[meta.kind].filter((row) => meta.field in row);
  let values = chosen.map((row) => row[meta.field]);
  if (meta.complement) values = values.map((value) => (value === null ? null : 1 - value));
  if (meta.positive) {
    values = values.map((value) => value || null); // zero stands for "not known"
    if (!values.some(Boolean)) return NOTHING;
  }
  const kept = thin(values);
  return { x: kept.map((index) => run.place(chosen[index], choice.axis)), y: kept.map((index) => values[index]) };
}

function fillUnit(meta, run, choice) {
  const names = run.units[meta.quantity] ?? [];
  const name = { first: names[0], last: names.at(-1), chosen: names.includes(choice.unit) ? choice.unit : undefined }[meta.unit];
  if (name === undefined) return NOTHING;
  const held = run.listValues(meta.quantity), at = names.indexOf(name);
  const values = held.map(([, numbers]) => numbers[at]);
  const kept = thin(values);
  return { name, x: kept.map((index) => held[index][0].step), y: kept.map((index) => values[index]) };
}

function fillHeat(meta, run) {
  const [names, steps, columns] = readColumns(meta, run);
  const kept = thinColumns(steps.length);
  const raw = names.map((_, row) => kept.map((index) => columns[index][row] ?? null));
  if (!raw.some((line) => line.some((value) => value !== null))) return { ...NOTHING, z: [], customdata: [] };
  const filled = { x: kept.map((index) => steps[index]), y: names, customdata: raw };
  if (!meta.log) return { ...filled, z: raw };
  const z = raw.map((line) => line.map((value) => (value > 0 ? Math.log10(value) : null)));
  const { tickvals, ticktext } = tickLog(raw.flat().filter((value) => value > 0), false);
  return { ...filled, z, colorbar: { ...meta.bar, tickvals: tickvals.map(Math.log10), ticktext } };
}

/** Names of units, steps, and for each step the numbers. */
function readColumns(meta, run) {
  const held = run.listValues(meta.quantity), names = run.units[meta.quantity] ?? [];
  if (meta.over) return [names, held.map(([row]) => row.step), held.map(([row, values]) => divide(row, values, meta.over))];
  if (held.length || !meta.old) return [names, held.map(([row]) => row.step), held.map(([, values]) => values)];
  const old = run.rows.step.filter((row) => Object.keys(row[meta.old] ?? {}).length); // runs of the first versions
  const units = old.length ? Object.keys(old[0][meta.old]) : [];
  return [units, old.map((row) => row.step), old.map((row) => units.map((name) => row[meta.old][name] ?? null))];
}

function divide(row, values, by) {
  const others = row.values[by] ?? [];
  return values.map((value, index) => (others.length === values.length && value !== null && others[index] ? value / others[index] : null));
}

function fillDepth(meta, run, choice) {
  const values = run.find("watch", choice.at)?.values[meta.quantity], names = run.units[meta.quantity] ?? [];
  if (values?.length !== names.length || !names.length) return NOTHING;
  return { x: names, y: meta.log ? values.map((value) => value || null) : values };
}

function fillAlarms(meta, run) {
  const alarms = run.rows.alarm;
  const steps = alarms.map((row) => run.find("step", row.step) ?? run.rows.step[0]);
  return { x: alarms.map((row) => row.step), y: steps.map((row) => row?.loss ?? null), text: alarms.map((row) => row.message), showlegend: alarms.length > 0 };
}

function smoothLosses(losses) {
  let mean = 0, count = 0;
  return losses.map((loss) => {
    if (loss === null) return null;
    count += 1;
    mean = SMOOTH * mean + (1 - SMOOTH) * loss;
    return mean / (1 - SMOOTH ** count);
  });
}

function fillRange(meta, run) {
  const rates = run.rows.step.map((row) => row.learning_rate), losses = run.rows.step.map((row) => row.loss);
  const smooth = smoothLosses(losses);
  if (meta.part !== "mark") {
    const values = meta.part === "raw" ? losses : smooth, kept = thin(values);
    return { x: kept.map((index) => rates[index]), y: kept.map((index) => values[index]) };
  }
  const known = smooth.map((loss, index) => [loss, rates[index]]).filter(([loss]) => loss !== null);
  if (!known.length) return NOTHING;
  const suggested = known.reduce((best, each) => (each[0] < best[0] ? each : best))[1] / 10; // as training/schedule.py advises
  return { x: [suggested], y: [(known.filter(([, rate]) => rate <= suggested).at(-1) ?? known[0])[0]] };
}

const sum = (line) => line.reduce((total, count) => total + count, 0);

/** Labels as an axis of categories takes them: two of one name would be one. */
const tellApart = (names) => names.map((name, index) => (names.indexOf(name) === index ? name : `${name} (${index})`));

function fillConfusion(meta, run) {
  const { answers } = run;
  if (!answers?.confusion.length) return { ...NOTHING, z: [], customdata: [] };
  const counts = answers.confusion, labels = tellApart(answers.classes);
  const z = counts.map((line) => line.map((count) => (sum(line) ? count / sum(line) : null)));
  const words = labels.length <= 12 ? { text: counts, texttemplate: "%{text}" } : { texttemplate: "" };
  return { x: labels, y: labels, z, customdata: counts, ...words };
}

function fillClasses(meta, run) {
  const { answers } = run;
  if (!answers?.confusion.length) return { ...NOTHING, text: [] };
  const labels = tellApart(answers.classes);
  const right = answers.confusion.map((line, index) => ({ index, right: line[index], all: sum(line) })).filter(({ all }) => all);
  const worst = right.sort((a, b) => a.right / a.all - b.right / b.all || a.index - b.index).slice(0, MOST_CLASSES);
  return { x: worst.map((each) => each.right / each.all), y: worst.map((each) => labels[each.index]), text: worst.map((each) => `${each.right} of ${each.all}`) };
}

const FILLERS = { line: fillLine, unit: fillUnit, heat: fillHeat, depth: fillDepth, alarms: fillAlarms, range: fillRange, confusion: fillConfusion, classes: fillClasses };

/** A sentence about a filled chart for who does not see it: the last or the outermost numbers. */
export function describeChart({ data, layout }) {
  const parts = data.map(describeTrace).filter(Boolean);
  return `${layout.title.text}: ${parts.join("; ") || layout.meta.empty}`;
}

const short = (value) => (value === null || value === undefined ? "not a number" : Number.isInteger(value) ? String(value) : String(+value.toPrecision(3)));

function describeTrace({ type, name, x, y, z, customdata, meta }) {
  if (!x.length) return "";
  const places = meta.show === "depth" || meta.show === "classes";
  if (type === "heatmap") return describeHeat(x, y, customdata, meta);
  if (meta.show === "classes") return `worst ${y[0]}, ${Math.round(100 * x[0])} %; best ${y.at(-1)}, ${Math.round(100 * x.at(-1))} %`;
  if (meta.show === "alarms") return `${x.length} alarms`;
  if (places) return `${name} from ${short(y[0])} at ${x[0]} to ${short(y.at(-1))} at ${x.at(-1)}`;
  return `${name} ${short(y.at(-1))} at ${meta.show === "range" ? "a rate of" : "step"} ${short(x.at(-1))}`;
}

function describeHeat(x, y, raw, meta) {
  if (meta.show === "confusion") return `${sum(raw.map((line, index) => line[index]))} of ${sum(raw.map(sum))} images right`;
  const last = raw.map((line) => line.at(-1));
  return `${y.length} rows; at step ${x.at(-1)} from ${short(last[0])} in ${y[0]} to ${short(last.at(-1))} in ${y.at(-1)}`;
}
