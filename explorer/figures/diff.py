"""A comparison of networks in words: text for a terminal, Markdown, and plain data for JSON."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from explorer.architecture.align import Change, OpDiff, Status, Value
from explorer.architecture.cost import CONVENTION, Cost
from explorer.architecture.diff import GroupDiff, PlanDiff
from explorer.architecture.ops import Kind, Op
from explorer.architecture.variant import format_variant
from explorer.figures.format import align_rows, format_bytes
from explorer.figures.palette import KIND_NAMES
from explorer.figures.scene import Level

MARKS = {Status.CHANGED: "~", Status.ADDED: "+", Status.REMOVED: "-", Status.SAME: " "}
WORDS = ("changed", "added", "removed", "renamed")
RENAMED = "="  # the same operation: what stands beside it gave it another number
HEADINGS = ("Where", "What", "Params", "MACs", "Saved", "Field")
NOTES = (
    f"{CONVENTION}.",
    "Saved: bytes that autograd keeps for each image. Field: side of the receptive field in pixels of the input.",
    "Bytes are of one float32 image, those of the training step with SGD and momentum.",
)
FIELD_NAMES = {"zero": "starts at zero", "mode": "kind", "hidden": "channels inside"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the comparison. `level` says what it is about; the numbers of an operation are of one block."""

    level: Level
    mark: str
    name: str
    what: str
    cost: Cost
    saved: str = ""
    field: str = ""


def list_lines(diff: PlanDiff, level: Level) -> list[Line]:
    """What differs, stage by stage, block by block, or these with their operations."""
    if level is Level.STAGE:
        return [sum_stage(stage, tuple(groups)) for stage, groups in groupby(diff.groups, lambda group: group.stage)]
    lines: list[Line] = []
    for group in diff.groups:
        lines.append(describe_group(group))
        if level is Level.OP:
            lines += [describe_op_diff(op) for op in group.ops]
    return lines


def sum_stage(stage: str, groups: tuple[GroupDiff, ...]) -> Line:
    """All that differs in a stage as one line."""
    cost = sum((group.cost for group in groups), Cost())
    statuses = {group.status for group in groups}
    status = statuses.pop() if len(statuses) == 1 else Status.CHANGED
    words = []
    for kind in (Status.CHANGED, Status.ADDED, Status.REMOVED):
        number = sum(group.repeat for group in groups if group.status is kind)
        words += [f"{number} {'part' if number == 1 else 'parts'} {kind}"] if number else []
    saved = _sign_bytes(sum(group.saved for group in groups))
    return Line(Level.STAGE, MARKS[status], stage, ", ".join(words), cost, saved, _describe_fields(_list_ends(groups)))


def describe_group(group: GroupDiff) -> Line:
    """Blocks in a row with the same differences as one line."""
    each = " each" if group.repeat > 1 else ""
    counts = Counter("renamed" if is_renamed(op) else op.status.value for op in group.ops)
    words = f"{len(group.ops)} operation{'s' if len(group.ops) != 1 else ''}{each}"
    if group.status is Status.CHANGED:
        changed = ", ".join(f"{counts[word]} {word}" for word in WORDS if counts[word])
        words = f"operations: {changed}{' in' if each else ''}{each}"
    elif group.status is Status.SAME:
        words = "the same operations"
    times = f"×{group.repeat} " if group.repeat > 1 else ""
    name = format_title(group)
    saved = _sign_bytes(group.saved)
    return Line(
        Level.BLOCK, MARKS[group.status], name, times + words, group.cost, saved, _describe_fields(group.fields)
    )


def is_renamed(diff: OpDiff) -> bool:
    """Whether nothing but an operation's name differs."""
    return diff.status is Status.CHANGED and all(change.name == "name" for change in diff.changes)


def format_title(group: GroupDiff) -> str:
    """``layer1.1`` or ``layer1.1–3``."""
    if group.repeat == 1:
        return group.name
    stage, _, first = group.name.rpartition(".")
    return f"{stage}.{first}–{int(first) + group.repeat - 1}"


def _list_ends(groups: tuple[GroupDiff, ...]) -> tuple[int | None, int | None]:
    """The receptive fields where each of the two leaves the last group that it has."""
    before = [group.fields[0] for group in groups if group.fields[0] is not None]
    after = [group.fields[1] for group in groups if group.fields[1] is not None]
    return before[-1] if before else None, after[-1] if after else None


def _describe_fields(fields: tuple[int | None, int | None]) -> str:
    before, after = fields
    return str(after or before) if before == after or None in fields else f"{before} → {after}"


def describe_op_diff(diff: OpDiff) -> Line:
    """One operation of a group as one line."""
    before, after = diff.before, diff.after
    names = [op.name for op in (before, after) if op]
    what = (
        describe_changes(diff.changes)
        if before and after
        else "".join(map(_describe_op, filter(None, (before, after))))
    )
    mark = RENAMED if is_renamed(diff) else MARKS[diff.status]
    return Line(Level.OP, mark, " → ".join(dict.fromkeys(names)), what, diff.cost)


def describe_changes(changes: tuple[Change, ...]) -> str:
    """``kernel 7 → 3, stride 2 → 1``; a new name stands elsewhere."""
    shown = [change for change in changes if change.name != "name"]
    same = {change.name: (change.before, change.after) for change in shown}
    if "input" in same and same["input"] == same.get("output"):  # an operation that keeps the shape
        shown = [change for change in shown if change.name != "input"]
    words = (f"{FIELD_NAMES.get(c.name, c.name)} {_write(c.before)} → {_write(c.after)}" for c in shown)
    return ", ".join(words) or "another name"


def _describe_op(op: Op) -> str:
    kind = f"{op.mode.replace('_', ' ')} {KIND_NAMES[op.kind]}" if op.mode else KIND_NAMES[op.kind]
    windowed = op.kind in (Kind.CONV, Kind.POOL, Kind.BLUR, Kind.ECA) and op.kernel
    words = [f"{op.kernel}×{op.kernel} {kind}" if windowed and op.kind is not Kind.ECA else kind]
    words += [f"stride {op.stride}"] if op.stride > 1 else []
    words += [f"{op.groups} groups"] if op.kind is Kind.CONV and op.groups > 1 else []
    words += [f"{op.hidden} channels inside"] if op.hidden else []
    shape = _write(op.output) if op.input == op.output else f"{_write(op.input)} → {_write(op.output)}"
    return ", ".join([*words, shape])


def _write(value: Value) -> str:
    if isinstance(value, tuple):
        return "×".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "—" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _describe_same(diff: PlanDiff) -> str:
    return "1 operation is the same." if diff.same == 1 else f"{diff.same:,} operations are the same."


def _describe_options(diff: PlanDiff) -> str:
    return ", ".join(f"{c.name} {_write(c.before)} → {_write(c.after)}" for c in diff.options) or "none"


def _list_totals(diff: PlanDiff) -> Iterator[tuple[str, int, int]]:
    before, after = diff.totals
    yield "parameters", before.cost.params, after.cost.params
    yield "MACs", before.cost.macs, after.cost.macs
    yield "activations", before.cost.activations, after.cost.activations
    yield "depth", before.depth, after.depth
    yield "receptive field behind the last stage", before.field or 0, after.field or 0
    yield "bytes of a forward pass", before.forward, after.forward
    yield "bytes of a training step", before.training, after.training


def format_text(diffs: Sequence[PlanDiff], level: Level) -> str:
    """Every comparison for a terminal, aligned."""
    return "\n\n".join(_format_one(diff, level) for diff in diffs)


def _format_one(diff: PlanDiff, level: Level) -> str:
    title = f"{format_variant(diff.before)} → {format_variant(diff.after)}"
    if diff.is_empty:
        return f"{title}\nNo difference."
    totals = [("", "first", "second", "difference"), *_total_cells(diff)]
    lines = [HEADINGS, *map(_line_cells, list_lines(diff, level))]
    blocks = [
        f"{title}\noptions: {_describe_options(diff)}",
        "\n".join(align_rows(totals, {1, 2, 3})),
        "\n".join(align_rows(lines, {2, 3, 4})) if diff.groups else "Every operation is the same.",
        "\n".join([_describe_same(diff), *NOTES]),
    ]
    return "\n\n".join(blocks)


def _total_cells(diff: PlanDiff) -> Iterator[tuple[str, ...]]:
    for name, before, after in _list_totals(diff):
        yield name, f"{before:,}", f"{after:,}", sign(after - before)


def _line_cells(line: Line) -> tuple[str, ...]:
    indent = "    " if line.level is Level.OP else ""
    return f"{indent}{line.mark} {line.name}", line.what, *_number_cells(line)


def _number_cells(line: Line) -> tuple[str, str, str, str]:
    return sign(line.cost.params), sign(line.cost.macs), line.saved, line.field


def sign(number: int) -> str:
    """``+1,024``; 0 is ``0``."""
    return f"{number:+,}" if number else "0"


def _sign_bytes(number: int) -> str:
    """``+3.21 MB``; 0 is ``0``."""
    return f"{'+' if number > 0 else ''}{format_bytes(number)}" if number else "0"


def format_markdown(diffs: Sequence[PlanDiff], level: Level) -> str:
    """Every comparison as a section with two tables."""
    return "\n\n".join("\n".join(_write_section(diff, level)) for diff in diffs)


def _write_section(diff: PlanDiff, level: Level) -> Iterator[str]:
    names = format_variant(diff.before), format_variant(diff.after)
    yield f"### `{names[0]}` → `{names[1]}`"
    yield ""
    if diff.is_empty:
        yield "No difference."
        return
    yield f"Options: {_describe_options(diff)}"
    yield ""
    yield f"| | `{names[0]}` | `{names[1]}` | difference |"
    yield "|---|---:|---:|---:|"
    yield from (f"| {' | '.join(cells)} |" for cells in _total_cells(diff))
    yield ""
    yield f"| | {' | '.join(HEADINGS)} |"
    yield "|---|---|---|---:|---:|---:|---|"
    for line in list_lines(diff, level):
        name = line.name if line.level is Level.OP else f"**{line.name}**"
        yield f"| {' | '.join((line.mark, name, line.what, *_number_cells(line)))} |"
    yield ""
    yield " ".join([_describe_same(diff), *NOTES])


def format_json(diffs: Sequence[PlanDiff], level: Level) -> str:
    """Every comparison as one JSON object."""
    return json.dumps({"diffs": [summarise(diff, level) for diff in diffs]}, indent=1, ensure_ascii=False)


def summarise(diff: PlanDiff, level: Level) -> dict[str, Any]:
    """A comparison as plain data, with operations at their level.

    Differences are second minus first; lists of two are first and second.
    """
    before, after = (asdict(totals) | asdict(totals.cost) for totals in diff.totals)
    return {
        "before": format_variant(diff.before),
        "after": format_variant(diff.after),
        "options": {change.name: [change.before, change.after] for change in diff.options},
        "totals": {name: [before[name], after[name]] for name in before if name != "cost"},
        "same": diff.same,
        "notes": list(NOTES),
        "groups": [_summarise_group(group, level) for group in diff.groups],
    }


def _summarise_group(group: GroupDiff, level: Level) -> dict[str, Any]:
    data: dict[str, Any] = {
        "name": group.name,
        "stage": group.stage,
        "status": group.status.value,
        "repeat": group.repeat,
        "params": group.cost.params,
        "macs": group.cost.macs,
        "activations": group.cost.activations,
        "saved": group.saved,
        "field": list(group.fields),
    }
    return data | {"ops": [_summarise_op(op) for op in group.ops]} if level is Level.OP else data


def _summarise_op(diff: OpDiff) -> dict[str, Any]:
    op = diff.before or diff.after
    assert op is not None
    return {
        "name": op.name,
        "kind": op.kind.value,
        "status": diff.status.value,
        "changes": {change.name: [change.before, change.after] for change in diff.changes},
        "params": diff.cost.params,
        "macs": diff.cost.macs,
        "activations": diff.cost.activations,
    }
