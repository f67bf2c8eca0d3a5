"""The cost table as plain data: groups and operations with their numbers, which the page folds, sorts and filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from explorer.architecture.config import Shape
from explorer.architecture.cost import compute_cost, compute_part_costs
from explorer.architecture.ops import Kind
from explorer.architecture.plan import Path, Plan, Stage
from explorer.architecture.receptive import Field, find_part_fields
from explorer.architecture.saved import KeptPart, keep_parts
from explorer.architecture.wiring import Part, list_parts
from explorer.figures.format import describe_op, format_window, name_op
from explorer.figures.palette import KIND_COLOURS, KIND_NAMES, PATH_NAMES
from explorer.figures.scene import Fold, count_ops, fold_stage

Group = dict[str, Any]
COLUMNS = ("name", "kind", "what", "output", "kernel", "stride", "groups", "params", "macs", "kept", "field", "all")


class _Seen(NamedTuple):
    """A part of the network with what autograd keeps of it, and the field that it reads from."""

    part: Part
    kept: KeptPart
    start: Field

    @property
    def field(self) -> Field:
        """The receptive field behind it."""
        return self.start.then(find_part_fields(self.part)[-1])


def describe_rows(plan: Plan, fold: bool = True) -> dict[str, Any]:
    """Totals, and groups in order: stem, stages with the groups inside them, head; alike blocks are one with `fold`.

    A group's numbers are those of everything in it, its `field` and `output` where it ends. An operation is a list in
    the order of `columns`, its name relative to its group's; its numbers are those of the first of ``repeat`` blocks,
    and `all` holds parameters, MACs and bytes kept of all of them together, None where there is one. `kept` is in bytes
    of one float32 image; a field is the side in pixels of the input, None where all of it is seen.
    """
    seen = _see_parts(plan)
    groups = [_describe_part("stem", [next(seen)])]
    for stage in plan.stages:
        inner = [_describe_part(f"{stage.name}.transition", [next(seen)])] if stage.transition else []
        inner += [_describe_fold(folded, list(islice(seen, folded.repeat))) for folded in fold_stage(stage, fold)]
        groups.append(_sum_stage(stage, inner))
    groups.append(_describe_part("head", [next(seen)]))
    total = compute_cost(plan)
    kept = sum(group["kept"] for group in groups)
    totals = {"params": total.params, "macs": total.macs, "kept": kept, "ops": count_ops(plan)}
    return {"totals": totals, "columns": COLUMNS, "kinds": _name_kinds(groups), "groups": groups}


def _see_parts(plan: Plan) -> Iterator[_Seen]:
    parts, start = list_parts(plan), Field()
    for (_, part), kept in zip(parts, keep_parts(parts), strict=True):
        seen = _Seen(part, kept, start)
        yield seen
        start = seen.field


def _describe_part(name: str, parts: Sequence[_Seen], title: str = "", words: str = "") -> Group:
    """Stem, transition, head, or blocks that are alike."""
    first, last = parts[0], parts[-1]
    sums = _add_up(parts)
    params, macs, kept = (sum(numbers) for numbers in zip(*sums, strict=True))
    return {
        "name": name,
        "title": title or name,
        "words": words or _describe_ops(first.part),
        "repeat": len(parts),
        "params": params,
        "macs": macs,
        "kept": kept,
        "field": _show_field(last.field),
        "output": last.part.ops[-1].output,
        "rows": list(_list_rows(name, first, sums if len(parts) > 1 else None)),
    }


def _describe_ops(part: Part) -> str:
    shaped = (op for op in part.ops if op.kind in (Kind.CONV, Kind.POOL, Kind.BLUR, Kind.LINEAR))
    return "; ".join(map(describe_op, shaped))


def _describe_fold(fold: Fold, parts: Sequence[_Seen]) -> Group:
    path = PATH_NAMES[fold.block.path]
    words = path if fold.block.path in (Path.NONE, Path.DENSE) else f"{path} shortcut"
    kind = f"{fold.block.kind} block{'s' if fold.repeat > 1 else ''}"
    return _describe_part(fold.name, parts, fold.title, f"{kind}, {words}")


def _add_up(parts: Sequence[_Seen]) -> list[tuple[int, int, int]]:
    """Parameters, MACs and bytes kept of each operation, over all parts together."""
    counts: dict[tuple[int, int], int] = {}  # equal blocks are mostly one object
    for seen in parts:
        key = id(seen.part), id(seen.kept)
        counts[key] = counts.get(key, 0) + 1
    distinct = {(id(seen.part), id(seen.kept)): seen for seen in parts}
    sums = [(0, 0, 0)] * len(parts[0].part.ops)
    for key, seen in distinct.items():
        times, costs = counts[key], compute_part_costs(seen.part)
        sums = [
            (params + times * cost.params, macs + times * cost.macs, kept + times * keeps.count_bytes())
            for (params, macs, kept), cost, keeps in zip(sums, costs, seen.kept.each, strict=True)
        ]
    return sums


def _list_rows(name: str, seen: _Seen, sums: Sequence[tuple[int, int, int]] | None) -> Iterator[list[Any]]:
    """The operations of a group's first part, in the order of `COLUMNS`."""
    prefix = f"{name.rpartition('.')[2]}."
    costs, fields = compute_part_costs(seen.part), find_part_fields(seen.part)
    for index, op in enumerate(seen.part.ops):
        output: Shape = op.output
        yield [
            op.name.removeprefix(prefix),
            op.kind.value,
            name_op(op),
            output,
            *format_window(op),
            costs[index].params,
            costs[index].macs,
            seen.kept.each[index].count_bytes(),
            _show_field(seen.start.then(fields[index])),
            sums[index] if sums else None,
        ]


def _show_field(field: Field) -> int | None:
    return None if field.whole else field.size


def _sum_stage(stage: Stage, groups: list[Group]) -> Group:
    count, kind = len(stage.blocks), stage.blocks[-1].kind
    sums = {name: sum(group[name] for group in groups) for name in ("params", "macs", "kept")}
    words = f"{count} {kind} block{'s' if count > 1 else ''}"
    ends = {name: groups[-1][name] for name in ("field", "output")}
    return {"name": stage.name, "title": stage.name, "words": words, "repeat": 1, **sums, **ends, "groups": groups}


def _name_kinds(groups: list[Group]) -> dict[str, tuple[str, str]]:
    """Name and colour of each kind of operation that is there, in the order they come."""
    inner = [each for group in groups for each in group.get("groups", [group])]
    kinds = dict.fromkeys(row[1] for group in inner for row in group["rows"])
    return {kind: (KIND_NAMES[Kind(kind)], KIND_COLOURS[Kind(kind)]) for kind in kinds}
