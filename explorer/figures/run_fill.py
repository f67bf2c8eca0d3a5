"""Fills the empty charts of a run from its records, as each trace's ``meta`` says.

assets/js/run_fill.js does the same in the browser as records arrive; a test holds the two together. What ``show`` in a
trace's meta may be:

========== ==========================================================================================================
line       a number of step or epoch records over time: `kind`, `field`; `complement` draws 1 − number
unit       one unit of a quantity over time; `unit` is first, last or chosen
heat       a quantity of every unit over time, a row a unit; `log`: by the power of ten; `over`: by another quantity
depth      a quantity of every unit at one time
alarms     marks where an alarm rang, on the line of the training loss
range      loss against learning rate: `part` is raw, smooth or mark
confusion  shares of every class's images by answer
classes    share of every class's images that was right, the worst first
========== ==========================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, log10
from typing import Any

from explorer.figures.run_rows import Row, RunRows

Figure = dict[str, Any]
MOST_POINTS, MOST_COLUMNS, MOST_CLASSES = 1000, 300, 40
SMOOTH = 0.9  # of a range test, as training/schedule.py smooths


@dataclass(frozen=True, slots=True)
class Choice:
    """What is looked at: the charts by depth show step `at` (None: the newest), lines the unit, `axis` is of time.

    `spans` gives charts of several runs one scale: ranges of y by chart, as `find_span` finds them.
    """

    at: int | None = None
    unit: str = ""
    axis: str = "step"


def fill_figure(figure: Figure, rows: RunRows, choice: Choice | None = None) -> Figure:
    """The chart with its numbers."""
    choice = choice or Choice()
    data = [{**trace, **_FILLERS[trace["meta"]["show"]](trace["meta"], rows, choice)} for trace in figure["data"]]
    return {"data": data, "layout": _fill_layout(figure["layout"], data, rows, choice)}


def _fill_layout(layout: Figure, data: Sequence[Figure], rows: RunRows, choice: Choice) -> Figure:
    meta, filled, shapes = layout["meta"], dict(layout), []
    side = meta.get("names")  # the axis that units stand on
    if side:
        names = list(dict.fromkeys(name for trace in data for name in trace[side]))
        filled[f"{side}axis"] = {**layout[f"{side}axis"], **_label_stages(names, side)}
        shapes += _separate_stages(names, side)
    if meta.get("span"):
        span = find_span(rows, meta["span"], log=layout["yaxis"].get("type") == "log")
        filled["yaxis"] = {**filled["yaxis"], **({"range": span} if span else {})}
    for letter in "xy":
        if layout[f"{letter}axis"].get("type") == "log":
            axis = filled[f"{letter}axis"]
            ends = [10**end for end in axis["range"]] if "range" in axis else _collect(data, letter)
            filled[f"{letter}axis"] = {**axis, **tick_log(ends)}
    if meta.get("cursor") and choice.at is not None:
        line = {"color": "#6b7280", "width": 1.5, "dash": "dot"}
        shapes.append(
            {"type": "line", "x0": choice.at, "x1": choice.at, "yref": "paper", "y0": 0, "y1": 1, "line": line}
        )
    return filled | ({"shapes": shapes} if shapes else {})


def _collect(data: Sequence[Figure], letter: str) -> list[float]:
    return [value for trace in data for value in trace[letter] if value is not None and value > 0]


def tick_log(values: Sequence[float], fine: bool = True) -> Figure:
    """Labels of a logarithmic axis: powers of ten over many decades, more over few; some more on each side.

    A `fine` axis over less than 0.3 of a decade, where two of them may not be in sight, is left to plotly.
    """
    low, high = (log10(min(values)), log10(max(values))) if values else (-2.0, 1.0)
    if fine and high - low < 0.3:
        return {}
    digits = _choose_digits(high - low, fine)
    size = (ceil((high - low) / 8) or 1) if len(digits) == 1 else 1
    powers = (power for power in range(floor(low) - 2, ceil(high) + 3) if power % size == 0)
    ticks = [(digit, power) for power in powers for digit in digits]
    return {
        "tickvals": [float(f"{digit}e{power}") for digit, power in ticks],
        "ticktext": [_write_tick(digit, power) for digit, power in ticks],
    }


def _choose_digits(decades: float, fine: bool) -> tuple[float, ...]:
    """What is written of each power of ten, where so many decades are in sight."""
    if decades < 0.7 and fine:
        return 1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8
    return (1, 2, 5) if decades < 2.5 else (1,)


def _write_tick(digit: float, power: int) -> str:
    if -3 <= power <= 3:
        return f"{digit * 10.0**power:.{max(0, -power + (digit % 1 > 0))}f}"
    return f"{f'{digit:g}·' if digit > 1 else ''}10<sup>{str(power).replace('-', '−')}</sup>"


def _label_stages(names: Sequence[str], side: str) -> Figure:
    """One label a stage, at its middle; a small stage whose label would touch another's has none."""
    stages = _cut_stages(names)
    middles = {stage[0]: names.index(stage[len(stage) // 2]) for stage in stages}
    apart, kept = len(names) * (0.11 if side == "x" else 0.07), list[int]()
    for stage in sorted(stages, key=len, reverse=True):
        middle = middles[stage[0]]
        if all(abs(middle - other) >= apart for other in kept):
            kept.append(middle)
    kept.sort()
    return {"tickvals": [names[at] for at in kept], "ticktext": [names[at].partition(".")[0] for at in kept]}


def _separate_stages(names: Sequence[str], side: str) -> list[Figure]:
    other, edge, shapes = "y" if side == "x" else "x", -0.5, []
    for stage in _cut_stages(names)[:-1]:
        edge += len(stage)
        ends = {f"{side}0": edge, f"{side}1": edge, f"{other}ref": "paper", f"{other}0": 0, f"{other}1": 1}
        shapes.append({"type": "line", **ends, "line": {"color": "rgba(128,128,128,0.45)", "width": 1}})
    return shapes


def _cut_stages(names: Sequence[str]) -> list[list[str]]:
    stages: dict[str, list[str]] = {}
    for name in names:
        stages.setdefault(name.partition(".")[0], []).append(name)
    return list(stages.values())


def find_span(rows: RunRows, quantities: Sequence[str], log: bool) -> list[float] | None:
    """A range that holds some quantities at all times, so that nothing jumps while time is scrubbed."""
    least, most = inf, -inf
    for quantity in quantities:
        for _, values in rows.list_values(quantity):
            for value in values:
                if value is not None and (value > 0 or not log):
                    least, most = min(least, value), max(most, value)
    if least == inf:
        return None
    if log:
        least, most = log10(least), log10(most)
    room = 0.06 * (most - least) or 0.5
    return [least - room, most + room]


def thin(values: Sequence[float | None]) -> list[int]:
    """Which of many points are drawn: of every few neighbours the lowest, the highest and the first gap."""
    count = len(values)
    if count <= MOST_POINTS:
        return list(range(count))
    size, kept = ceil(count / (MOST_POINTS // 2)), {count - 1}
    for start in range(0, count, size):
        low = high = gap = -1
        for index in range(start, min(count, start + size)):
            value = values[index]
            if value is None:
                gap = index if gap < 0 else gap
                continue
            if low < 0 or value < values[low]:  # type: ignore[operator]
                low = index
            if high < 0 or value > values[high]:  # type: ignore[operator]
                high = index
        kept |= {index for index in (low, high, gap) if index >= 0}
    return sorted(kept)


def _thin_columns(count: int) -> list[int]:
    size = ceil(count / MOST_COLUMNS) or 1
    return [index for index in range(count) if index % size == 0 or index == count - 1]


def _fill_line(meta: Figure, rows: RunRows, choice: Choice) -> Figure:
    chosen = [row for row in rows.rows[meta["kind"]] if meta["field"] in row]
    values = [row[meta["field"]] for row in chosen]
    if meta.get("complement"):
        values = [None if value is None else 1 - value for value in values]
    if meta.get("positive"):  # zero stands for "not known"
        values = [value or None for value in values]
        if not any(values):
            return {"x": [], "y": []}
    kept = thin(values)
    return {"x": [rows.place(chosen[index], choice.axis) for index in kept], "y": [values[index] for index in kept]}


def _fill_unit(meta: Figure, rows: RunRows, choice: Choice) -> Figure:
    names = rows.units.get(meta["quantity"], [])
    ends = {"first": names[:1], "last": names[-1:], "chosen": [choice.unit] if choice.unit in names else []}
    if not ends[meta["unit"]]:
        return {"x": [], "y": []}
    name = ends[meta["unit"]][0]
    held = rows.list_values(meta["quantity"])
    values = [numbers[names.index(name)] for _, numbers in held]
    kept = thin(values)
    return {"name": name, "x": [held[index][0]["step"] for index in kept], "y": [values[index] for index in kept]}


def _fill_heat(meta: Figure, rows: RunRows, choice: Choice) -> Figure:
    names, steps, columns = _read_columns(meta, rows)
    kept = _thin_columns(len(steps))
    raw = [[columns[index][row] for index in kept] for row in range(len(names))]
    if not any(value is not None for line in raw for value in line):
        return {"x": [], "y": [], "z": [], "customdata": []}
    filled = {"x": [steps[index] for index in kept], "y": names, "customdata": raw}
    if not meta.get("log"):
        return {**filled, "z": raw}
    z = [[_take_log(value) for value in line] for line in raw]
    ticks = tick_log([value for line in raw for value in line if value is not None and value > 0], fine=False)
    bar = {**meta["bar"], "tickvals": [log10(value) for value in ticks["tickvals"]], "ticktext": ticks["ticktext"]}
    return {**filled, "z": z, "colorbar": bar}


def _read_columns(meta: Figure, rows: RunRows) -> tuple[list[str], list[int], list[list[float | None]]]:
    """Names of units, steps, and for each step the numbers."""
    held = rows.list_values(meta["quantity"])
    names = rows.units.get(meta["quantity"], [])
    if meta.get("over"):
        return names, [row["step"] for row, _ in held], [_divide(row, values, meta["over"]) for row, values in held]
    if held or not meta.get("old"):
        return names, [row["step"] for row, _ in held], [values for _, values in held]
    old: list[Row] = [row for row in rows.rows["step"] if row.get(meta["old"])]  # runs of the first versions
    names = list(old[0][meta["old"]]) if old else []
    return names, [row["step"] for row in old], [[row[meta["old"]].get(name) for name in names] for row in old]


def _divide(row: Row, values: Sequence[float | None], by: str) -> list[float | None]:
    others = row["values"].get(by, [])
    if len(others) != len(values):
        return [None] * len(values)
    return [a / b if a is not None and b else None for a, b in zip(values, others, strict=True)]


def _take_log(value: float | None) -> float | None:
    return log10(value) if value is not None and value > 0 else None


def _fill_depth(meta: Figure, rows: RunRows, choice: Choice) -> Figure:
    row = rows.find("watch", choice.at)
    values = row["values"].get(meta["quantity"]) if row else None
    names = rows.units.get(meta["quantity"], [])
    if values is None or len(values) != len(names):
        return {"x": [], "y": []}
    return {"x": names, "y": [(value or None) if meta.get("log") else value for value in values]}


def _fill_alarms(meta: Figure, rows: RunRows, choice: Choice) -> Figure:
    alarms = rows.rows["alarm"]
    steps = [rows.find("step", row["step"]) or next(iter(rows.rows["step"]), {}) for row in alarms]
    return {
        "x": [row["step"] for row in alarms],
        "y": [step.get("loss") for step in steps],
        "text": [row["message"] for row in alarms],
        "showlegend": bool(alarms),
    }


def smooth_losses(losses: Sequence[float | None]) -> list[float | None]:
    """A mean in which the latest weighs most, its beginning put right; a gap stays one."""
    mean, count, smooth = 0.0, 0, []
    for loss in losses:
        if loss is not None:
            count += 1
            mean = SMOOTH * mean + (1 - SMOOTH) * loss
        smooth.append(mean / (1 - SMOOTH**count) if loss is not None else None)
    return smooth


def _fill_range(meta: Figure, rows: RunRows, choice: Choice) -> Figure:
    steps = rows.rows["step"]
    rates, losses = [row["learning_rate"] for row in steps], [row["loss"] for row in steps]
    if meta["part"] == "raw":
        kept = thin(losses)
        return {"x": [rates[index] for index in kept], "y": [losses[index] for index in kept]}
    smooth = smooth_losses(losses)
    if meta["part"] == "smooth":
        kept = thin(smooth)
        return {"x": [rates[index] for index in kept], "y": [smooth[index] for index in kept]}
    known = [(loss, rate) for loss, rate in zip(smooth, rates, strict=True) if loss is not None]
    if not known:
        return {"x": [], "y": []}
    suggested = min(known)[1] / 10  # as training/schedule.py advises
    below = [loss for loss, rate in known if rate <= suggested]
    return {"x": [suggested], "y": [below[-1] if below else known[0][0]]}


def _fill_confusion(meta: Figure, rows: RunRows, choice: Choice) -> Figure:
    answers = rows.answers
    if not answers or not answers["confusion"]:
        return {"x": [], "y": [], "z": [], "customdata": []}
    counts = answers["confusion"]
    shares = [[count / sum(line) if sum(line) else None for count in line] for line in counts]
    labels = _tell_apart(answers["classes"])
    words = {"text": counts, "texttemplate": "%{text}"} if len(labels) <= 12 else {"texttemplate": ""}
    return {"x": labels, "y": labels, "z": shares, "customdata": counts, **words}


def _fill_classes(meta: Figure, rows: RunRows, choice: Choice) -> Figure:
    answers = rows.answers
    if not answers or not answers["confusion"]:
        return {"x": [], "y": [], "text": []}
    labels = _tell_apart(answers["classes"])
    right = [
        (line[index] / sum(line), index, f"{line[index]} of {sum(line)}")
        for index, line in enumerate(answers["confusion"])
        if sum(line)
    ]
    worst = sorted(right, key=lambda entry: entry[:2])[:MOST_CLASSES]
    shares, order, texts = (list(column) for column in zip(*worst, strict=True)) if worst else ([], [], [])
    return {"x": shares, "y": [labels[index] for index in order], "text": texts}


def _tell_apart(names: Sequence[str]) -> list[str]:
    """Labels as an axis of categories takes them: two of one name would be one."""
    return [name if names.index(name) == index else f"{name} ({index})" for index, name in enumerate(names)]


_FILLERS: dict[str, Callable[[Figure, RunRows, Choice], Figure]] = {
    "line": _fill_line,
    "unit": _fill_unit,
    "heat": _fill_heat,
    "depth": _fill_depth,
    "alarms": _fill_alarms,
    "range": _fill_range,
    "confusion": _fill_confusion,
    "classes": _fill_classes,
}
