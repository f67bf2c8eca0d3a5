"""What became of every box of a graph, beside another network: added, removed, changed or the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from explorer.architecture.align import Status
from explorer.architecture.blocks import Path
from explorer.architecture.diff import GroupDiff, PlanDiff
from explorer.architecture.ops import Op
from explorer.architecture.plan import Plan, Stage
from explorer.figures.diff import is_renamed
from explorer.figures.scene import Fold, Level, fold_stage

Marks = dict[str, Status]  # by the module's path


def list_marks(diff: PlanDiff, before: Plan, after: Plan, level: Level) -> tuple[Marks, Marks]:
    """The marks of the first network's graph at a level, and of the second's; every box has one.

    A box that stands for several operations or blocks is changed where anything in it differs on either side, and added
    or removed where the other network has nothing of it. An operation that only got another number is the same.
    """
    whole = before.architecture.input != after.architecture.input
    image = {"input": Status.CHANGED if whole else Status.SAME}
    (removed, added), touched = _list_differing(diff), _list_touched(diff)
    paths, others = _list_paths(before), _list_paths(after)
    first = _Side(before, Status.REMOVED, removed, touched, paths, others)
    second = _Side(after, Status.ADDED, added, touched, others, paths)
    return image | dict(first.mark(level)), image | dict(second.mark(level))


def mark_all(diff: PlanDiff, before: Plan, after: Plan) -> tuple[Marks, Marks]:
    """The marks of every box that either graph can show, whatever is open; folds as one."""
    first: Marks = {}
    second: Marks = {}
    for level in Level:
        marks = list_marks(diff, before, after, level)
        first |= marks[0]
        second |= marks[1]
    return first, second


def _list_differing(diff: PlanDiff) -> tuple[Marks, Marks]:
    """Operations that differ by their full names, in the first network and in the second."""
    sides: tuple[Marks, Marks] = ({}, {})
    for group in diff.groups:
        for op in group.ops:
            status = Status.SAME if is_renamed(op) else op.status
            for side, own in zip(sides, (op.before, op.after), strict=True):
                if own is not None:
                    side.update((prefix + own.name, status) for prefix in _list_prefixes(group))
    return sides


def _list_touched(diff: PlanDiff) -> set[str]:
    """Places in which an operation differs, and their parts: ``stem``, ``layer1.0``, ``layer1.0.shortcut``."""
    touched = set()
    for group in diff.groups:
        for own in (op.before or op.after for op in group.ops if not is_renamed(op)):
            assert own is not None
            part = own.name.partition(".")[0]
            for prefix in _list_prefixes(group):
                touched |= {prefix + part, prefix.removesuffix(".")}
    return touched


def _list_prefixes(group: GroupDiff) -> Iterator[str]:
    """What the names of a group's operations begin with: one prefix a block."""
    if group.name in ("stem", "head"):
        yield ""
    elif group.name.endswith(".transition"):
        yield f"{group.stage}."
    else:
        first = int(group.name.rpartition(".")[2])
        yield from (f"{group.stage}.{first + index}." for index in range(group.repeat))


def _list_paths(plan: Plan) -> dict[str, Path]:
    return {name: block.path for name, block in plan.blocks()}


@dataclass(frozen=True)
class _Side:
    """One of the two networks; `alone` is the status of what the other one lacks."""

    plan: Plan
    alone: Status
    differing: Marks
    touched: set[str]
    paths: dict[str, Path]
    others: dict[str, Path]

    def mark(self, level: Level) -> Iterator[tuple[str, Status]]:
        """Yield every box with its status."""
        yield from self._mark_part("stem", "", self.plan.stem, level)
        for stage in self.plan.stages:
            if stage.transition:
                yield from self._mark_part(f"{stage.name}.transition", f"{stage.name}.", stage.transition, level)
            if level is Level.STAGE:
                yield from self._mark_fold(Fold(f"{stage.name}.0", stage.blocks), stage, stage.name)
                continue
            for fold in fold_stage(stage):
                if level is Level.BLOCK:
                    yield from self._mark_fold(fold, stage, fold.name)
                else:
                    yield from self._mark_ops(fold, stage)
        yield from self._mark_part("head", "", self.plan.head, level)

    def _mark_part(self, name: str, prefix: str, ops: tuple[Op, ...], level: Level) -> Iterator[tuple[str, Status]]:
        marks = {prefix + op.name: self._find(prefix + op.name) for op in ops}
        if level is Level.OP:
            yield from marks.items()
        else:
            yield name, self._join(marks.values(), [name])

    def _find(self, name: str) -> Status:
        return self.differing.get(name, Status.SAME)

    def _mark_fold(self, fold: Fold, stage: Stage, box: str) -> Iterator[tuple[str, Status]]:
        """Blocks as one box, with their shortcut and merge as boxes of their own."""
        members = list(_list_members(fold, stage))
        names = [f"{member}.{op.name}" for member, block in zip(members, fold.blocks, strict=True) for op in block.ops]
        yield box, self._join([*map(self._find, names), *map(self._judge_path, members)], members)
        if fold.block.path is not Path.NONE:
            yield f"{box}.shortcut", self._join_shortcuts(members)
            yield f"{box}.merge", self._join(self._find(f"{member}.merge") for member in members)

    def _mark_ops(self, fold: Fold, stage: Stage) -> Iterator[tuple[str, Status]]:
        members = list(_list_members(fold, stage))
        for op in fold.block.ops:
            yield f"{fold.name}.{op.name}", self._join(self._find(f"{member}.{op.name}") for member in members)
        if fold.block.path is not Path.NONE and not fold.block.shortcut:
            yield f"{fold.name}.shortcut", self._join_shortcuts(members)

    def _join_shortcuts(self, members: list[str]) -> Status:
        """The shortcuts of blocks: of which kind they are, and their operations."""
        return self._join(map(self._judge_path, members), [f"{member}.shortcut" for member in members])

    def _join(self, statuses: Iterable[Status], places: Iterable[str] = ()) -> Status:
        """What several things are together, with the places they stand in."""
        found = set(statuses)
        if len(found) == 1 and found != {Status.SAME}:
            return found.pop()
        return Status.CHANGED if len(found) > 1 or self.touched.intersection(places) else Status.SAME

    def _judge_path(self, member: str) -> Status:
        """Whether the other network has this block's shortcut, and of the same kind."""
        own, other = self.paths[member], self.others.get(member)
        if own is other:
            return Status.SAME
        lacks = other is None or (other is Path.NONE and own is not Path.NONE)
        return self.alone if lacks else Status.CHANGED


def _list_members(fold: Fold, stage: Stage) -> Iterator[str]:
    first = int(fold.name.rpartition(".")[2])
    yield from (f"{stage.name}.{first + index}" for index in range(fold.repeat))
