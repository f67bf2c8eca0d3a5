"""Which operation reads which: what a block's shortcut makes of a list of operations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from explorer.architecture.blocks import ResidualBlock
from explorer.architecture.ops import Op
from explorer.architecture.plan import Plan

INPUT = -1  # what a part reads from outside, in the place of an operation's index


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Stem, transition, block or head: operations in the order they run, and the indices of those that each reads.

    Only a merge reads two, shortcut and branch. Parts are the same only as objects, so that what is computed for one
    is found again without comparing its operations.
    """

    ops: tuple[Op, ...]
    reads: tuple[tuple[int, ...], ...]


@lru_cache(maxsize=4096)
def wire_chain(ops: tuple[Op, ...]) -> Part:
    """Operations of which each reads the one before."""
    return Part(ops, tuple((index - 1,) for index in range(len(ops))))


def wire_block(block: ResidualBlock) -> Part:
    """A residual block: branch and projections read u = before(x), other shortcuts x."""
    return _wire_block(block, tuple(op.rate for op in block.ops))


@lru_cache(maxsize=4096)
def _wire_block(block: ResidualBlock, rates: tuple[float, ...]) -> Part:
    """Remembered by `rates` too: blocks are equal where they differ in what is dropped alone, and a table shows it."""
    reads: list[tuple[int, ...]] = []

    def chain(ops: tuple[Op, ...], start: int) -> int:
        for _ in ops:
            reads.append((start,))
            start = len(reads) - 1
        return start

    u = chain(block.before, INPUT)
    branch = chain(block.branch, u)
    shortcut = chain(block.shortcut, u if block.path.projects else INPUT)
    reads += [(shortcut, branch) for _ in block.merge]
    chain(block.after, len(reads) - 1 if block.merge else branch)
    return Part(block.ops, tuple(reads))


Parts = list[tuple[str, Part]]  # each with what its names begin with


def list_parts(plan: Plan) -> Parts:
    """Stem, transitions, blocks and head in the order they run, each with what its names begin with."""
    parts: Parts = [("", wire_chain(plan.stem))]
    wired: dict[int, Part] = {}  # equal blocks are mostly one object; comparing them costs more than finding them
    for stage in plan.stages:
        if stage.transition:
            parts.append((f"{stage.name}.", wire_chain(stage.transition)))
        for index, block in enumerate(stage.blocks):
            part = wired.get(id(block)) or wired.setdefault(id(block), wire_block(block))
            parts.append((f"{stage.name}.{index}.", part))
    parts.append(("", wire_chain(plan.head)))
    return parts
