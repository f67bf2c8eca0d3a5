"""A comparison as a tree that opens and closes: stages, their blocks, their operations; plain data for the page."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from explorer.architecture.align import Change, OpDiff
from explorer.architecture.diff import GroupDiff, PlanDiff
from explorer.architecture.options import OPTIONS
from explorer.architecture.variant import format_variant
from explorer.figures.diff import Line, describe_group, describe_op_diff, sign, sum_stage
from explorer.figures.phrases import describe_difference, describe_option

Tree = dict[str, Any]


def summarise_difference(diff: PlanDiff) -> Tree:
    """Sentences, options and the tree of what differs between two networks."""
    return {
        "before": format_variant(diff.before),
        "after": format_variant(diff.after),
        "sentences": describe_difference(diff),
        "options": [_summarise_option(change, diff) for change in diff.options],
        "same": diff.same,
        "stages": list_stages(diff),
    }


def _summarise_option(change: Change, diff: PlanDiff) -> Tree:
    phrase = describe_option(change, diff)
    return {
        "name": change.name,
        "before": change.before,
        "after": change.after,
        "help": OPTIONS[change.name].help,
        "words": phrase or "follows from the others",
    }


def list_stages(diff: PlanDiff) -> list[Tree]:
    """The tree's rows: a stage holds groups of blocks, a group the operations that differ in one of its blocks.

    ``names`` are the paths of a row in the first network and in the second, empty where it is not there.
    """
    return [_summarise_stage(stage, tuple(groups)) for stage, groups in groupby(diff.groups, lambda g: g.stage)]


def _summarise_stage(stage: str, groups: tuple[GroupDiff, ...]) -> Tree:
    row = _summarise_line(sum_stage(stage, groups), stage, stage)
    alone = len(groups) == 1 and groups[0].name == stage  # stem and head are a stage and its only part
    inside = [_summarise_op(groups[0], op) for op in groups[0].ops] if alone else [_summarise_group(g) for g in groups]
    if alone:
        row["what"] = describe_group(groups[0]).what
    return row | {"rows": inside}


def _summarise_group(group: GroupDiff) -> Tree:
    lacks = group.status.value
    before, after = ("" if lacks == "added" else group.name), ("" if lacks == "removed" else group.name)
    inside = [_summarise_op(group, op) for op in group.ops]
    return _summarise_line(describe_group(group), before, after) | {"rows": inside}


def _summarise_op(group: GroupDiff, op: OpDiff) -> Tree:
    before, after = (_path(group, own.name) if own else "" for own in (op.before, op.after))
    return _summarise_line(describe_op_diff(op), before, after)


def _path(group: GroupDiff, name: str) -> str:
    """An operation's full name in the group's first block."""
    if group.name in ("stem", "head"):
        return name
    return f"{group.stage}.{name}" if group.name.endswith(".transition") else f"{group.name}.{name}"


def _summarise_line(line: Line, before: str, after: str) -> Tree:
    return {
        "mark": line.mark,
        "title": line.name,
        "names": [before, after],
        "what": line.what,
        "params": sign(line.cost.params),
        "macs": sign(line.cost.macs),
        "saved": line.saved,
        "field": line.field,
    }
