"""The cost table: rows for the page, and the whole of it as JSON, CSV, Markdown or LaTeX."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from html import escape
from typing import Any

from explorer.architecture.cost import (
    CONVENTION,
    Cost,
    Row,
    compute_block_cost,
    compute_cost,
    compute_op_cost,
    compute_ops_cost,
    list_rows,
)
from explorer.architecture.memory import compute_training_memory
from explorer.architecture.plan import Op, Path, Plan
from explorer.architecture.presets import find_preset
from explorer.architecture.profile import profile_plan
from explorer.architecture.variant import format_variant
from explorer.figures.format import (
    align_rows,
    format_bytes,
    format_count,
    format_shape,
    format_share,
    format_si,
    format_window,
    name_op,
)
from explorer.figures.latex import LatexTable, escape_latex, write_latex
from explorer.figures.palette import KIND_COLOURS, PATH_NAMES
from explorer.figures.profile import format_field
from explorer.figures.scene import Fold, fold_stage

MORE = ("Kept", "Field")  # on the page alone
HINTS = {
    "MACs": "multiply-adds of one image",
    "Share": "of the network's MACs",
    "Kept": "bytes kept for the backward pass, one image in float32",
    "Field": "side of the receptive field in pixels of the input",
}
HEADINGS = ("Name", "Op", "Output", "Kernel", "Stride", "Groups", "Params", "MACs", "Share")


def summarise(plan: Plan) -> dict[str, Any]:
    """The whole table as plain data: variant, input, totals, and a layer an operation, whose sums are the totals."""
    total = compute_cost(plan)
    return {
        "variant": format_variant(plan.architecture),
        "input": list(plan.architecture.input),
        "params": total.params,
        "macs": total.macs,
        "flops": total.flops,
        "counted": CONVENTION,
        "layers": [
            {
                "name": row.name,
                "kind": row.op.kind.value,
                "output": list(row.output),
                "params": row.cost.params,
                "macs": row.cost.macs,
            }
            for row in list_rows(plan)
        ],
    }


def format_json(plan: Plan) -> str:
    """`summarise` as one JSON object."""
    return json.dumps(summarise(plan), indent=1, ensure_ascii=False)


def format_csv(plan: Plan) -> str:
    """One line an operation, exact numbers."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([heading.lower() for heading in HEADINGS[:-1]])
    writer.writerows(_plain_cells(row) for row in list_rows(plan))
    return out.getvalue()


def format_markdown(plan: Plan) -> str:
    """A Markdown table with totals and the counting convention."""
    total, lines = compute_cost(plan), [f"| {' | '.join(HEADINGS)} |", "|---|---|---|---|---|---|---:|---:|---:|"]
    for row in list_rows(plan):
        share = format_share(row.cost.macs, total.macs)
        lines.append(f"| {' | '.join(map(str, _plain_cells(row)))} | {share} |")
    lines.append(f"| **total** | | | | | | **{total.params}** | **{total.macs}** | |")
    return "\n".join([*lines, "", f"{CONVENTION}."])


def format_text(plan: Plan) -> str:
    """The table for a terminal, aligned, with its totals."""
    rows = [HEADINGS[:-1], *(tuple(map(str, _plain_cells(row))) for row in list_rows(plan))]
    return "\n".join([*align_rows(rows, {6, 7}), "", describe_totals(plan)])


def format_latex(plan: Plan) -> str:
    """A LaTeX table in the style of booktabs; the caption names variant, input and what was counted."""
    cells = ([escape_latex(str(cell)) for cell in _plain_cells(row)] for row in list_rows(plan))
    total = compute_cost(plan)
    foot = ["total", "", "", "", "", "", str(total.params), str(total.macs)]
    return write_latex(LatexTable(_caption(plan), "llllrrrr", list(HEADINGS[:-1]), list(cells), [foot]))


def _caption(plan: Plan) -> str:
    shape = format_shape(plan.architecture.input)
    return f"Cost of {format_variant(plan.architecture)} at {shape}. {CONVENTION}."


def describe_totals(plan: Plan) -> str:
    """Two lines: the totals, and what was counted."""
    total = compute_cost(plan)
    shape = "x".join(map(str, plan.architecture.input))
    return (
        f"{format_variant(plan.architecture)} at {shape}: {total.params:,} parameters, {total.macs:,} MACs "
        f"({total.flops:,} FLOPs)\n{CONVENTION}."
    )


def _plain_cells(row: Row) -> tuple[Any, ...]:
    op = row.op
    output = "x".join(map(str, op.output))
    return (row.name, op.kind.value, output, *format_window(op), row.cost.params, row.cost.macs)


def draw_table(plan: Plan, fold: bool = True) -> str:
    """The table as HTML: a row an operation, grouped by block; equal neighbours are folded, "×N"."""
    view = _View(plan)
    body = "".join(_draw_groups(plan, view, fold))
    head = "".join(f'<th scope="col" title="{HINTS.get(heading, "")}">{heading}</th>' for heading in (*HEADINGS, *MORE))
    foot = (
        f'<tr><th scope="row">total</th><td colspan="5"></td><td>{format_count(view.total.params)}</td>'
        f"<td>{format_count(view.total.macs)}</td><td></td><td>{format_bytes(view.kept)}</td><td></td></tr>"
    )
    return f'<table class="rx-table"><thead><tr>{head}</tr></thead>{body}<tfoot>{foot}</tfoot></table>'


class _View:
    """What the rows of a table share: totals, and what every operation keeps and sees."""

    def __init__(self, plan: Plan) -> None:
        profile = profile_plan(plan)
        self.total = profile.cost
        self.rows = {row.name: row for row in profile.rows}
        self.kept = sum(row.saved for row in profile.rows)
        self.parts: Counter[str] = Counter()
        for row in profile.rows:
            self.parts[".".join(row.name.split(".")[:2])] += row.saved

    def sum_kept(self, ops: list[tuple[str, Op]], fold: Fold | None) -> int:
        """Bytes kept by a group: all blocks of a fold, or the operations that are listed."""
        if fold is None:
            return sum(self.rows[path].saved for path, _ in ops)
        stage, _, first = fold.name.rpartition(".")
        return sum(self.parts[f"{stage}.{int(first) + index}"] for index in range(fold.repeat))


def _draw_groups(plan: Plan, view: _View, fold: bool) -> Iterator[str]:
    yield _draw_group("stem", "", compute_ops_cost(plan.stem), [(op.name, op) for op in plan.stem], view)
    for stage in plan.stages:
        if stage.transition:
            name, ops = f"{stage.name}.transition", [(f"{stage.name}.{op.name}", op) for op in stage.transition]
            yield _draw_group(name, "", compute_ops_cost(stage.transition), ops, view)
        for folded in fold_stage(stage, fold):
            ops = [(f"{folded.name}.{op.name}", op) for op in folded.block.ops]
            cost = sum(map(compute_block_cost, folded.blocks), Cost())
            yield _draw_group(folded.title, _describe_fold(folded), cost, ops, view, folded)
    yield _draw_group("head", "", compute_ops_cost(plan.head), [(op.name, op) for op in plan.head], view)


def _describe_fold(fold: Fold) -> str:
    path = PATH_NAMES[fold.block.path]
    words = path if fold.block.path in (Path.NONE, Path.DENSE) else f"{path} shortcut"
    times = f'<b class="rx-times">×{fold.repeat}</b> ' if fold.repeat > 1 else ""
    rest = "blocks, {words}; the rows below are the first of them" if fold.repeat > 1 else "block, {words}"
    return f"{times}{fold.block.kind} {rest.format(words=words)}"


def _draw_group(
    title: str, words: str, cost: Cost, ops: list[tuple[str, Op]], view: _View, fold: Fold | None = None
) -> str:
    repeat = fold.repeat if fold else 1
    name = fold.name if fold else title
    share = _draw_share(cost.macs, view.total.macs)
    kept, field = view.sum_kept(ops, fold), view.rows[ops[-1][0]].field
    head = (
        f'<tr class="rx-group" data-name="{name}" tabindex="-1"><th scope="rowgroup">{title}</th>'
        f'<td colspan="5">{words}</td><td title="all {repeat}">{format_count(cost.params)}</td>'
        f"<td>{format_count(cost.macs)}</td><td>{share}</td><td>{format_bytes(kept)}</td>"
        f"<td>{format_field(field)}</td></tr>"
    )
    macs = _sum_macs(fold) if fold else [compute_op_cost(op).macs for _, op in ops]
    rows = (_draw_row(path, op, view, part) for (path, op), part in zip(ops, macs, strict=True))
    return f"<tbody>{head}{''.join(rows)}</tbody>"


def _sum_macs(fold: Fold) -> list[int]:
    """MACs of each operation in all blocks of a fold together."""
    if fold.block.path is not Path.DENSE:
        return [compute_op_cost(op).macs * fold.repeat for op in fold.block.ops]
    return [sum(compute_op_cost(op).macs for op in ops) for ops in zip(*(b.ops for b in fold.blocks), strict=True)]


def _draw_row(path: str, op: Op, view: _View, part: int) -> str:
    cost, row = compute_op_cost(op), view.rows[path]
    colour, kind = KIND_COLOURS[op.kind], name_op(op)
    cells = "".join(f"<td>{cell}</td>" for cell in (format_shape(op.output), *format_window(op)))
    params, macs = (format_count(value) if value else "" for value in (cost.params, cost.macs))
    return (
        f'<tr data-name="{escape(path)}" tabindex="-1"><th scope="row">{escape(path)}</th>'
        f'<td><i style="background:{colour}"></i>{kind}</td>{cells}<td>{params}</td><td>{macs}</td>'
        f"<td>{_draw_share(part, view.total.macs)}</td><td>{format_bytes(row.saved) if row.saved else ''}</td>"
        f"<td>{format_field(row.field)}</td></tr>"
    )


def _draw_share(part: int, whole: int) -> str:
    if not part:
        return ""
    return f'<span class="rx-bar"><span style="width:{part / whole:.1%}"></span></span>{format_share(part, whole)}'


def draw_totals(plan: Plan) -> str:
    """The totals that stay in sight, exact values on hover, with what is counted."""
    total, memory = compute_cost(plan), compute_training_memory(plan, 32).total
    shape = format_shape(plan.architecture.input)
    return (
        f'<span><b title="{format_count(total.params)}">{format_si(total.params)}</b> params</span> '
        f'<b title="{format_count(total.macs)}">{format_si(total.macs)}MACs</b> '
        f'<span title="{format_count(total.flops)}">({format_si(total.flops)}FLOPs)</span> '
        f'<span title="weights, gradients, momentum, and what the backward pass needs">{format_bytes(memory)} to '
        "train, batch 32</span> "
        f"<span>depth {plan.architecture.depth}</span> <span>input {shape}</span> "
        f'<span class="rx-quiet rx-convention">{CONVENTION}</span>{_draw_published(plan)}'
    )


def format_change(before: Plan, after: Plan) -> str:
    """Totals against another network's: ``−0.5 M params (−2.1%), +0.14 G MACs (+3.4%) against resnet50``."""
    pairs = zip(("params", "macs"), ("params", "MACs"), strict=True)
    costs = compute_cost(before), compute_cost(after)
    words = [_format_step(getattr(costs[0], name), getattr(costs[1], name), unit) for name, unit in pairs]
    return f"{', '.join(words)} against {format_variant(before.architecture)}"


def _format_step(before: int, after: int, unit: str) -> str:
    step = after - before
    if not step:
        return f"as many {unit}"
    sign = "+" if step > 0 else "−"
    return f"{sign}{format_si(abs(step)).rstrip()} {unit} ({_format_ratio(sign, abs(step) / max(before, 1))})"


def _format_ratio(sign: str, part: float) -> str:
    return f"{sign}{part:.1%}" if part >= 0.0005 else f"less than {sign}0.1%"


def _draw_published(plan: Plan) -> str:
    """What its paper prints about a known network; nothing about others."""
    name = format_variant(plan.architecture)
    preset = find_preset(name) if "," not in name else None
    if preset is None or preset.figures is None:
        return ""
    figures = preset.figures
    parts = [
        f"{figures.top1_error:g}% top-1 error on ImageNet" if figures.top1_error else "",
        f"{figures.error:g}% error on CIFAR-10" if figures.error else "",
        f"{format_si(figures.macs)}MACs" if figures.macs else "",
        f"{format_si(figures.params).rstrip()} parameters" if figures.params else "",
    ]
    words = ", ".join(part for part in parts if part)
    return f' <span class="rx-quiet" title="{escape(figures.source)}">Published: {words}</span>'
