"""Two lists of operations side by side: which belong together, and what differs between them.

Operations meet by their role: the part of the block, the kind, and the how-manieth of that kind. Of roles that changed
their order the longest run in common stays together; the rest counts as removed here and added there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum

from explorer.architecture.config import Shape
from explorer.architecture.cost import Cost, compute_op_cost
from explorer.architecture.ops import Op

Value = str | int | float | bool | Shape | None
Role = tuple[str, str, int]


class Status(StrEnum):
    """What became of an operation or a group of them."""

    SAME = "same"
    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Change:
    """A field of an operation, or an option of the grammar: from what to what. None: it is not there."""

    name: str
    before: Value
    after: Value


@dataclass(frozen=True, slots=True)
class OpDiff:
    """One operation on both sides; None on the side that lacks it. `cost` is the difference, second minus first."""

    status: Status
    before: Op | None
    after: Op | None
    changes: tuple[Change, ...]
    cost: Cost


def subtract_cost(after: Cost, before: Cost) -> Cost:
    """The difference, which may be negative."""
    return Cost(after.params - before.params, after.macs - before.macs, after.activations - before.activations)


def compare_ops(before: tuple[Op, ...], after: tuple[Op, ...]) -> tuple[tuple[OpDiff, ...], int]:
    """The operations that differ, in the order they run, and how many don't."""
    if before is after:
        return (), len(before)
    pairs = list(_align(before, after))
    found = tuple(diff for diff in (_compare_op(*pair) for pair in pairs) if diff.status is not Status.SAME)
    return found, len(pairs) - len(found)


def _compare_op(before: Op | None, after: Op | None) -> OpDiff:
    if before is None or after is None:
        status = Status.ADDED if before is None else Status.REMOVED
        return OpDiff(status, before, after, (), subtract_cost(_cost(after), _cost(before)))
    changes = tuple(
        Change(field.name, getattr(before, field.name), getattr(after, field.name))
        for field in fields(Op)
        if getattr(before, field.name) != getattr(after, field.name)
    )
    status = Status.CHANGED if changes else Status.SAME
    return OpDiff(status, before, after, changes, subtract_cost(_cost(after), _cost(before)))


def _cost(op: Op | None) -> Cost:
    return compute_op_cost(op) if op else Cost()


def _align(before: tuple[Op, ...], after: tuple[Op, ...]) -> Iterator[tuple[Op | None, Op | None]]:
    """Pairs of operations with one role, and those without a partner, in the order they run."""
    mine, its = list_roles(before), list_roles(after)
    start = other = 0
    for role in find_common(mine, its):
        end, other_end = mine.index(role), its.index(role)
        yield from ((op, None) for op in before[start:end])
        yield from ((None, op) for op in after[other:other_end])
        yield before[end], after[other_end]
        start, other = end + 1, other_end + 1
    yield from ((op, None) for op in before[start:])
    yield from ((None, op) for op in after[other:])


def list_roles(ops: tuple[Op, ...]) -> list[Role]:
    """Part, kind and number of every operation: the second norm of a branch is ``("branch", "norm", 1)``."""
    seen: Counter[tuple[str, str]] = Counter()
    roles = []
    for op in ops:
        key = op.name.partition(".")[0], op.kind.value
        roles.append((*key, seen[key]))
        seen[key] += 1
    return roles


def find_common(a: list[Role], b: list[Role]) -> tuple[Role, ...]:
    """The longest run of roles that stand in both in the same order.

    Of several the first in the alphabet, so that it does not matter which list comes first (as in `difflib` it does).
    """
    if a == b:
        return tuple(a)
    empty: list[tuple[int, tuple[Role, ...]]] = [(0, ())] * (len(b) + 1)  # minus the length, and the roles
    last = empty
    for role in reversed(a):
        row = empty.copy()
        for index in reversed(range(len(b))):
            best = min(last[index], row[index + 1])
            if role == b[index]:
                length, rest = last[index + 1]
                best = min(best, (length - 1, (role, *rest)))
            row[index] = best
        last = row
    return last[0][1]
