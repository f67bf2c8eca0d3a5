"""What was measured beside what was estimated: text, Markdown, CSV and JSON, tables for the page, and a chart."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from explorer.figures.format import align_rows, format_bytes, format_seconds, format_si
from explorer.figures.palette import FORWARD, MACS, TRAIN
from explorer.records import Environment, MeasuredPass, Measurement, PartTime, Spread, write_record

TITLES = {"forward": "Forward pass", "train": "Training step"}
OUTSIDE = {"loss": "loss", "optimizer": "optimizer"}
WITNESSES = {
    "allocator": "Memory is the peak of the GPU's allocator, scratch memory of operations included.",
    "tensors": "Memory is that of all tensors alive at once, counted where torch makes them; scratch memory inside an "
    "operation is not seen.",
}
SUMMED = (
    "The estimate of a step's peak adds up what it holds, as if all gradients came before what is kept had gone: it "
    "is mostly a little high."
)
COLUMNS = (
    "pass", "part", "macs", "macs_share", "seconds", "low_quartile", "high_quartile", "repeats", "time_share",
    "forward_seconds", "backward_seconds", "flops_per_second",
)  # fmt: skip
Figure = dict[str, Any]


def sum_pieces(measured: MeasuredPass) -> float:
    """Seconds of all pieces of a call: parts, and loss and optimizer; medians added."""
    outside = sum(each.median for each in measured.outside.values())
    return sum(part.time.median for part in measured.parts) + outside


def compute_rate(macs: int, batch: int, seconds: float) -> float:
    """FLOPs reached in a second, two for each MAC."""
    return 2 * macs * batch / seconds if seconds else 0.0


def format_error(estimated: int, measured: int) -> str:
    """How far the estimate is off: ``+1.4%``, or ``exact``."""
    return "exact" if estimated == measured else f"{estimated / measured - 1:+.1%}" if measured else ""


def describe_environment(environment: Environment) -> str:
    """One line: device, versions, settings, date."""
    load = "" if environment.load is None else f", load {environment.load:.1f}"
    threads = f", {environment.threads} threads" if environment.device == "cpu" else ""
    return (
        f"{environment.device}: {environment.name}{threads}{load}; {environment.dtype}; torch {environment.torch}, "
        f"Python {environment.python}, {environment.system}; {environment.date[:16].replace('T', ' ')} UTC"
    )


def describe_spread(spread: Spread) -> str:
    """``498–538 ms in 12 repeats``."""
    if spread.count == 1:
        return "one repeat"
    return f"{_format_range(spread)} in {spread.count} repeats"


def _format_range(spread: Spread) -> str:
    """The quartiles, their unit once where it is one: ``498–538 ms``."""
    low, high = format_seconds(spread.low), format_seconds(spread.high)
    return f"{low.split()[0]}–{high}" if low.split()[1] == high.split()[1] else f"{low}–{high}"


def describe_pieces(measured: MeasuredPass) -> str:
    """How the sum of the parts stands to a whole call, and that to a call without hooks."""
    pieces, hooked, plain = sum_pieces(measured), measured.instrumented.median, measured.total.median
    than = f"{abs(hooked / plain - 1):.1%} {'longer' if hooked >= plain else 'shorter'} than a plain one"
    words = TITLES[measured.mode].lower()
    return f"In the {words} they add up to {format_seconds(pieces)}, {pieces / hooked:.1%} of such a call, {than}."


def describe_gaps(measured: MeasuredPass, most: int = 3) -> str:
    """Name the parts whose share of the time is furthest above their share of the MACs; empty where none is."""
    pieces = sum_pieces(measured)
    gaps = [(part.time.median / pieces - _share_macs(measured, part), part) for part in measured.parts]
    chosen = [part for gap, part in sorted(gaps, key=lambda each: -each[0])[:most] if gap > 0.01]
    words = [
        f"{part.name} ({part.time.median / pieces:.1%} of the time, {_share_macs(measured, part):.1%} of the MACs)"
        for part in chosen
    ]
    return f"{TITLES[measured.mode]}: slow for their MACs are {', '.join(words)}." if words else ""


def _share_macs(measured: MeasuredPass, part: PartTime) -> float:
    return part.macs / measured.macs if measured.macs else 0.0


def list_memory(measured: MeasuredPass) -> list[tuple[str, str, str, str]]:
    """What, measured, estimate and the estimate's error, for a pass's memory."""
    memory = measured.memory
    rows = [("peak memory", memory.measured, memory.estimated)]
    if memory.kept is not None and memory.kept_estimated is not None:
        rows.append(("kept for backward", memory.kept, memory.kept_estimated))
    return [(what, format_bytes(seen), format_bytes(guess), format_error(guess, seen)) for what, seen, guess in rows]


def describe_speed(measurement: Measurement, measured: MeasuredPass) -> str:
    """``15.5 images/s, 126 GFLOP/s``."""
    seconds = measured.total.median
    rate = format_si(compute_rate(measured.macs, measurement.batch, seconds))
    images = measurement.batch / seconds
    return f"{images:,.0f} images/s, {rate}FLOP/s" if images >= 100 else f"{images:.3g} images/s, {rate}FLOP/s"


def list_notes(measurement: Measurement) -> list[str]:
    """Sentences that say how the numbers came about."""
    few = min(measured.total.count for measured in measurement.passes)
    short = f"Only {few} repeat{'s' * (few > 1)} fitted into the time: the spread says little." if few < 3 else ""
    notes = [
        *(describe_gaps(measured) for measured in measurement.passes if few >= 3),
        "Parts are timed by hooks at their borders, in calls of their own.",
        *map(describe_pieces, measurement.passes),
        short,
        _describe_load(measurement.environment),
        WITNESSES[measurement.passes[0].memory.witness],
        SUMMED if measurement.passes[-1].mode == "train" else "",
    ]
    return [note for note in notes if note]


def _describe_load(environment: Environment) -> str:
    """A word where other work will have made times longer."""
    if environment.load is None or environment.device != "cpu" or environment.load < environment.threads / 2:
        return ""
    return f"The machine was busy already, load {environment.load:.1f}: alone it would be faster."


def format_text(measurement: Measurement) -> str:
    """Totals, a table of the parts and what the numbers mean, for a terminal."""
    lines = [f"{measurement.variant}, batch {measurement.batch}", describe_environment(measurement.environment), ""]
    for measured in measurement.passes:
        lines += [
            f"{TITLES[measured.mode]}: {format_seconds(measured.total.median)} ({describe_spread(measured.total)}), "
            f"{describe_speed(measurement, measured)}",
            *(
                f"  {what}: {seen} measured, {guess} estimated ({error})"
                for what, seen, guess, error in list_memory(measured)
            ),
        ]
    head, *rows = _list_table(measurement)
    return "\n".join([*lines, "", *align_rows([head, *rows], range(1, len(head))), "", *list_notes(measurement)])


def _list_table(measurement: Measurement) -> list[list[str]]:
    """Head and rows: name, share of MACs, and for each pass time, share and speed."""
    head = ["Part", "MACs"]
    for measured in measurement.passes:
        word = "step" if measured.mode == "train" else "forward"
        head += [word, "quartiles", "share", "FLOP/s"]
    names = [part.name for part in measurement.passes[0].parts]
    rows = [head, *([name, *_list_part(measurement, index)] for index, name in enumerate(names))]
    for name, words in OUTSIDE.items():
        if any(name in measured.outside for measured in measurement.passes):
            cells = [_list_outside(measured, name) for measured in measurement.passes]
            rows.append([words, "", *(cell for each in cells for cell in each)])
    return rows


def _list_part(measurement: Measurement, index: int) -> Iterator[str]:
    first = measurement.passes[0]
    yield f"{_share_macs(first, first.parts[index]):.1%}"
    for measured in measurement.passes:
        part = measured.parts[index]
        yield from _list_time(measured, part.time)
        rate = compute_rate(part.macs, measurement.batch, part.time.median)
        yield format_si(rate).rstrip() if part.macs else ""


def _list_outside(measured: MeasuredPass, name: str) -> list[str]:
    spread = measured.outside.get(name)
    return ["", "", "", ""] if spread is None else [*_list_time(measured, spread), ""]


def _list_time(measured: MeasuredPass, spread: Spread) -> list[str]:
    return [format_seconds(spread.median), _format_range(spread), f"{spread.median / sum_pieces(measured):.1%}"]


def format_markdown(measurement: Measurement) -> str:
    """The same as Markdown."""
    lines = [
        f"**{measurement.variant}**, batch {measurement.batch}, on {describe_environment(measurement.environment)}",
        "",
        "| | measured | estimate | error |",
        "|---|---:|---:|---:|",
    ]
    for measured in measurement.passes:
        time = f"{format_seconds(measured.total.median)} ({describe_spread(measured.total)})"
        lines.append(f"| {TITLES[measured.mode]} | {time}, {describe_speed(measurement, measured)} | | |")
        lines += [f"| {TITLES[measured.mode]}, {' | '.join(row)} |" for row in list_memory(measured)]
    head, *rows = _list_table(measurement)
    lines += ["", f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join([*lines, "", " ".join(list_notes(measurement))])


def format_json(measurement: Measurement) -> str:
    """The record as one JSON object, which `records.read_measurement` reads."""
    return json.dumps(json.loads(write_record(measurement)), indent=1, ensure_ascii=False)


def format_csv(measurement: Measurement) -> str:
    """One line a part and pass, and the whole call as ``total``; seconds, and FLOPs in a second."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for measured in measurement.passes:
        writer.writerows(_list_csv(measurement, measured))
    return out.getvalue()


def _list_csv(measurement: Measurement, measured: MeasuredPass) -> Iterator[list[Any]]:
    pieces = sum_pieces(measured)
    for part in measured.parts:
        macs = [part.macs, _share_macs(measured, part)]
        rate = compute_rate(part.macs, measurement.batch, part.time.median)
        yield [measured.mode, part.name, *macs, *_list_spread(part.time, pieces), part.forward, part.backward, rate]
    for name, spread in measured.outside.items():
        yield [measured.mode, name, 0, 0, *_list_spread(spread, pieces), "", "", ""]
    rate = compute_rate(measured.macs, measurement.batch, measured.total.median)
    total = _list_spread(measured.total, measured.total.median)
    yield [measured.mode, "total", measured.macs, 1, *total, "", "", rate]


def _list_spread(spread: Spread, whole: float) -> list[float]:
    return [spread.median, spread.low, spread.high, spread.count, spread.median / whole]


FORMATS = {"text": format_text, "markdown": format_markdown, "json": format_json, "csv": format_csv}


def draw_totals(measurement: Measurement) -> str:
    """Totals of each pass as HTML: time, speed, and memory beside its estimate."""
    return "".join(_draw_pass(measurement, measured) for measured in measurement.passes)


def _draw_pass(measurement: Measurement, measured: MeasuredPass) -> str:
    rows = "".join(
        f'<tr><th scope="row">{what}</th><td>{seen}</td><td>{guess}</td><td>{error}</td></tr>'
        for what, seen, guess, error in list_memory(measured)
    )
    head = "".join(f'<th scope="col">{word}</th>' for word in ("", "measured", "estimate", "error"))
    return (
        f"<section><h4>{TITLES[measured.mode]}, batch {measurement.batch}</h4>"
        f"<p><b>{format_seconds(measured.total.median)}</b> {describe_spread(measured.total)}<br>"
        f"{describe_speed(measurement, measured)}</p>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def draw_parts(measurement: Measurement, folds: dict[str, str] | None = None) -> str:
    """The parts as an HTML table, a row each, with bars; `folds` says which block stands for another in the graph."""
    groups = "".join(f'<th scope="colgroup" colspan="4">{TITLES[each.mode]}</th>' for each in measurement.passes)
    titles = ("Part", "MACs", *("time", "quartiles", "share", "FLOP/s") * len(measurement.passes))
    head = "".join(f'<th scope="col">{title}</th>' for title in titles)
    folds = {part.name: part.name for part in measurement.passes[0].parts} | (folds or {})
    rows = _list_table(measurement)[1:]
    longest = max(float(cell[:-1]) for row in rows for cell in row if cell.endswith("%"))
    body = "".join(_draw_row(cells, folds, longest) for cells in rows)
    top = f'<thead><tr><td colspan="2"></td>{groups}</tr><tr>{head}</tr></thead>'
    return f'<table class="rx-table rx-measured-table">{top}<tbody>{body}</tbody></table>'


def _draw_row(cells: Sequence[str], folds: dict[str, str], longest: float) -> str:
    name, *rest = cells
    link = ""
    if name in folds:
        link = f' data-name="{escape(name)}" data-fold="{escape(folds[name])}" tabindex="-1"'
    drawn = "".join(f"<td>{_draw_cell(cell, longest)}</td>" for cell in rest)
    return f'<tr{link}><th scope="row">{escape(name)}</th>{drawn}</tr>'


def _draw_cell(cell: str, longest: float) -> str:
    """A cell; a share with a bar, of which the `longest` percentage fills all."""
    if not cell.endswith("%"):
        return cell
    width = float(cell[:-1]) / longest if longest else 0
    return f'<span class="rx-bar"><span style="width:{width:.0%}"></span></span>{cell}'


def plot_shares(measurement: Measurement | None = None) -> Figure:
    """Share of the time beside share of the MACs, part by part; without a measurement empty, with axes and a word."""
    passes = measurement.passes if measurement else ()
    traces = [_plot_macs(passes), *map(_plot_times, passes)]
    layout = {
        "title": {"text": "Share of time and of MACs", "x": 0.02, "xanchor": "left", "y": 0.97, "yanchor": "top"},
        "barmode": "group",
        "bargap": 0.25,
        "xaxis": {"title": {"text": ""}, "type": "category", "tickangle": -45, "automargin": True},
        "yaxis": {"title": {"text": "share"}, "tickformat": ".0%", "rangemode": "tozero"},
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        "margin": {"t": 76},  # title and legend, which takes two lines on a narrow screen
        "meta": {"empty": "Nothing measured yet."},
    }
    return {"data": traces, "layout": layout}


def _plot_macs(passes: Sequence[MeasuredPass]) -> Figure:
    first = passes[0] if passes else None
    parts = first.parts if first else ()
    shares = [_share_macs(first, part) for part in parts] if first else []
    return _plot_bars("MACs", [part.name for part in parts], shares, MACS, "/")


def _plot_times(measured: MeasuredPass) -> Figure:
    pieces, training = sum_pieces(measured), measured.mode == "train"
    shares = [part.time.median / pieces for part in measured.parts]
    name, colour, pattern = ("time, training step", TRAIN, ".") if training else ("time, forward", FORWARD, "")
    return _plot_bars(name, [part.name for part in measured.parts], shares, colour, pattern)


def _plot_bars(name: str, x: list[str], y: list[float], colour: str, pattern: str) -> Figure:
    return {
        "type": "bar",
        "name": name,
        "x": x,
        "y": y,
        "marker": {"color": colour, "pattern": {"shape": pattern, "size": 5}},
        "hovertemplate": f"%{{x}}<br>{name} %{{y:.1%}}<extra></extra>",
    }
