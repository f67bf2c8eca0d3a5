"""Plan against plan: what was added, removed and changed, aligned by stage, block and operation.

Stages meet by number, blocks by their position in the stage (so a deeper stage has more at its end), and operations by
their role (`align`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, zip_longest
from typing import NamedTuple

from explorer.architecture.align import Change, OpDiff, Status, compare_ops, subtract_cost
from explorer.architecture.config import Architecture
from explorer.architecture.cost import Cost, compute_cost
from explorer.architecture.memory import compute_forward_memory, compute_training_memory
from explorer.architecture.ops import Op
from explorer.architecture.options import OPTIONS
from explorer.architecture.plan import Plan, Stage
from explorer.architecture.receptive import compute_fields
from explorer.architecture.rules import find_unused
from explorer.architecture.saved import list_kept


@dataclass(frozen=True, slots=True)
class GroupDiff:
    """Stem, transition, head, or `repeat` blocks in a row with the same differences.

    `name` is the first one's, ``layer2.1``; `stage` is ``layer2``, or ``stem`` or ``head``. `ops` are those of one
    block that differ; `same` counts those of all blocks that don't; `cost` is the difference of all together. `fields`
    are the receptive fields behind the last of them, first and second; `saved` the difference in bytes that autograd
    keeps for each image there.
    """

    name: str
    stage: str
    status: Status
    repeat: int
    ops: tuple[OpDiff, ...]
    same: int
    cost: Cost
    fields: tuple[int | None, int | None]
    saved: int


@dataclass(frozen=True, slots=True)
class Totals:
    """A network in numbers.

    `field` is the side of the receptive field behind the last stage, `forward` and `training` the bytes of a forward
    pass and of a training step (SGD with momentum) with one image, `saved` those of them that autograd keeps.
    """

    cost: Cost
    depth: int
    field: int | None
    forward: int
    training: int
    saved: int


@dataclass(frozen=True, slots=True)
class PlanDiff:
    """How the second network differs from the first.

    `groups` are those with a difference, in the order they run; `same` counts the operations without one; `totals` are
    the first's and the second's. A group whose operations are the same may save more or less, because the one before
    it saves what both need.
    """

    before: Architecture
    after: Architecture
    options: tuple[Change, ...]
    groups: tuple[GroupDiff, ...]
    same: int
    totals: tuple[Totals, Totals]

    @property
    def cost(self) -> Cost:
        """Second minus first."""
        return subtract_cost(self.totals[1].cost, self.totals[0].cost)

    @property
    def is_empty(self) -> bool:
        """Whether the two are one network."""
        return not self.options and not self.groups


def compare_plans(before: Plan, after: Plan) -> PlanDiff:
    """Compare the second plan with the first. The other way round, added and removed change places."""
    places = _measure_places(before), _measure_places(after)
    groups = tuple(_compare_places(_list_places(before, after), places))
    return PlanDiff(
        before.architecture,
        after.architecture,
        compare_options(before.architecture, after.architecture),
        tuple(group for group in groups if group.status is not Status.SAME or group.saved),
        sum(group.same for group in groups),
        (compute_totals(before, places[0]), compute_totals(after, places[1])),
    )


def compute_totals(plan: Plan, places: dict[str, Measured]) -> Totals:
    """The network in numbers."""
    last = f"{plan.stages[-1].name}.{len(plan.stages[-1].blocks) - 1}"
    training = compute_training_memory(plan)
    return Totals(
        cost=compute_cost(plan),
        depth=plan.architecture.depth,
        field=places[last].field,
        forward=compute_forward_memory(plan).total,
        training=training.total,
        saved=training.saved,
    )


def compare_options(before: Architecture, after: Architecture) -> tuple[Change, ...]:
    """Options whose values differ, as the grammar writes them; None where an option means nothing in that network."""
    changes = []
    unused = find_unused(before), find_unused(after)
    for option in OPTIONS.values():
        if getattr(before, option.name) != getattr(after, option.name):
            values = (
                None if option.name in nothing else option.write(_resolve(architecture, option.name))
                for architecture, nothing in zip((before, after), unused, strict=True)
            )
            changes.append(Change(option.name, *values))
    return tuple(changes)


def _resolve(a: Architecture, name: str) -> object:
    """An option's value, worked out where it follows from the rest."""
    follows = {"branch": a.kernels, "stem_width": a.stem_channels, "widths": _list_widths(a)}
    return follows[name] if name in follows else getattr(a, name)


def _list_widths(a: Architecture) -> tuple[int, ...]:
    return a.widths or tuple(a.width * 2**stage for stage in range(len(a.depths)))


class Measured(NamedTuple):
    """One place of one network: the receptive field behind it, and the bytes that autograd keeps there for an image."""

    field: int | None
    saved: int


_NOTHING = Measured(None, 0)


def _measure_places(plan: Plan) -> dict[str, Measured]:
    """By name: ``stem``, ``layer1.0``, ``layer2.transition``, ``head``."""
    fields, done, places = compute_fields(plan), 0, {}
    for (prefix, ops), kept in zip(plan.parts(), list_kept(plan), strict=True):
        done += len(ops)
        part = ops[0].name.partition(".")[0]
        name = prefix + part if part in ("stem", "transition", "head") else prefix.removesuffix(".")
        places[name] = Measured(fields[done - 1].size, kept.total.count_bytes())
    return places


class _Place(NamedTuple):
    """One place of both networks, and the operations there; None where one of them has nothing."""

    name: str
    stage: str
    block: bool
    before: tuple[Op, ...] | None
    after: tuple[Op, ...] | None


def _list_places(before: Plan, after: Plan) -> Iterator[_Place]:
    yield _Place("stem", "stem", False, before.stem, after.stem)
    nothing = Stage("", ())
    for number, (mine, other) in enumerate(zip_longest(before.stages, after.stages, fillvalue=nothing), 1):
        stage = f"layer{number}"
        if mine.transition or other.transition:
            yield _Place(f"{stage}.transition", stage, False, mine.transition or None, other.transition or None)
        for index, (block, its) in enumerate(zip_longest(mine.blocks, other.blocks)):
            yield _Place(f"{stage}.{index}", stage, True, block.ops if block else None, its.ops if its else None)
    yield _Place("head", "head", False, before.head, after.head)


def _compare_places(
    places: Iterator[_Place], measured: tuple[dict[str, Measured], dict[str, Measured]]
) -> Iterator[GroupDiff]:
    """Compare place by place; neighbouring blocks with the same differences become one group."""
    compared = ((place, *compare_ops(place.before or (), place.after or ())) for place in places)
    for _, group in groupby(compared, key=lambda item: (item[0].stage, item[0].block, item[1])):
        members = list(group)
        place, ops, _ = members[0]
        same = sum(count for *_, count in members)
        status = _judge(place, ops)
        cost = _multiply(sum((op.cost for op in ops), Cost()), len(members))
        there = [[side.get(member.name, _NOTHING) for side in measured] for member, *_ in members]
        fields = there[-1][0].field, there[-1][1].field
        saved = sum(after.saved - before.saved for before, after in there)
        yield GroupDiff(place.name, place.stage, status, len(members), ops, same, cost, fields, saved)


def _judge(place: _Place, ops: tuple[OpDiff, ...]) -> Status:
    if place.before is None or place.after is None:
        return Status.ADDED if place.before is None else Status.REMOVED
    return Status.CHANGED if ops else Status.SAME


def _multiply(cost: Cost, times: int) -> Cost:
    return Cost(cost.params * times, cost.macs * times, cost.activations * times)
