"""The design space: what a variant may be made of, and drawing one at random.

A *design* is everything but the depths. It is drawn once and tried with several lists of depths, whose totals then
need sums alone. Options that change no count (activation function, dropout, zero-init, ...) are left at their
defaults, and so is the plain network, which costs what option A does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Any

from explorer.architecture.config import (
    Activation,
    Architecture,
    Attention,
    Block,
    Connect,
    Ends,
    Shortcut,
    Stem,
    StrideOn,
)
from explorer.architecture.rules import MAX_BLOCKS_PER_STAGE
from explorer.architecture.totals import count_totals
from explorer.errors import VariantError

DEPTHS_PER_DESIGN = 32
MAX_BLOCKS = 72  # in a network, where no depth is asked for
SHARE_OF_DENSE = 0.15
BRANCHES: dict[Block, tuple[tuple[int, ...], ...]] = {  # with the ones of Zagoruyko & Komodakis 2016, table 2
    Block.BASIC: ((3, 3), (3, 3), (3, 1), (1, 3), (3, 1, 1), (3, 1, 3), (1, 3, 1), (3, 3, 3)),
    Block.BOTTLENECK: ((1, 3, 1), (1, 3, 1), (1, 3, 1), (1, 5, 1), (1, 3, 3, 1)),
}
WIDTHS = (8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 112, 128, 160)
GROUPS = (1, 1, 2, 4, 8, 16, 32, 64)
BASE_WIDTHS = (2, 4, 8, 16, 32, 64, 96, 128)
GROWTHS = (8, 12, 16, 24, 32, 40, 48)


class Family(StrEnum):
    """Networks of one input size: ImageNet's 224x224, or CIFAR's 32x32."""

    IMAGENET = "imagenet"
    CIFAR = "cifar"


@dataclass(frozen=True, slots=True)
class Habits:
    """What the networks of a family have in common."""

    stems: tuple[Stem, ...]
    stages: tuple[int, ...]
    widens: tuple[float, ...]
    ends: Ends
    classes: int
    input: tuple[int, int, int]


HABITS: dict[Family, Habits] = {
    Family.IMAGENET: Habits(
        (Stem.IMAGENET, Stem.DEEP, Stem.TIERED), (3, 4, 4, 4, 5), (1.0, 1.0, 1.5, 2.0), Ends.BOTH, 1000, (3, 224, 224)
    ),
    Family.CIFAR: Habits((Stem.CIFAR,), (2, 3, 3, 3, 4), (1.0, 1.0, 2.0, 4.0, 8.0, 10.0), Ends.HEAD, 10, (3, 32, 32)),
}


@dataclass(frozen=True, slots=True)
class Space:
    """Where to search. `depths` is the fewest and the most weighted layers; None stands for a family's own value."""

    families: tuple[Family, ...] = (Family.IMAGENET,)
    input: tuple[int, int, int] | None = None
    classes: int | None = None
    depths: tuple[int, int] | None = None


def draw_designs(space: Space, random: Random) -> Iterator[Architecture]:
    """Yield valid designs without end, some more than once; each stage has one block.

    Ends after 1,000 draws in a row of which none has a depth inside the space, or fits its input.
    """
    failed = 0
    while failed < 1000:
        family = random.choice(space.families)
        stages = random.choice(HABITS[family].stages)
        failed += 1
        with suppress(VariantError):  # such as a base width that leaves a block without channels
            design = Architecture(depths=(1,) * stages, **_draw_design(space, family, random))
            least, most = _count_blocks(space, design)
            if least > most:
                continue
            count_totals(design)  # a map may be too small to be halved
            failed = 0
            yield design


def draw_depths(space: Space, design: Architecture, random: Random) -> Iterator[tuple[int, ...]]:
    """Yield a few lists of depths for a design, each as valid as its own; small networks as often as large ones."""
    stages = len(design.depths)
    least, most = _count_blocks(space, design)
    for _ in range(DEPTHS_PER_DESIGN):
        total = round(least * (most / least) ** random.random())
        cuts = sorted(random.sample(range(1, total), stages - 1))
        yield tuple(b - a for a, b in zip((0, *cuts), (*cuts, total), strict=True))


def _count_blocks(space: Space, design: Architecture) -> tuple[int, int]:
    """Fewest and most blocks with which the design has a depth inside the space; each stage has at least one."""
    stages, layers = len(design.depths), len(design.kernels)
    if space.depths is None:
        return stages, MAX_BLOCKS
    others = design.depth - stages * layers
    least, most = space.depths
    return max(stages, -(-(least - others) // layers)), min((most - others) // layers, MAX_BLOCKS_PER_STAGE)


def _draw_design(space: Space, family: Family, random: Random) -> dict[str, Any]:
    habits = HABITS[family]
    options: dict[str, Any] = {
        "stem": random.choice(habits.stems),
        "classes": space.classes or habits.classes,
        "input": space.input or habits.input,
        "attention": random.choice((Attention.NONE, Attention.NONE, Attention.SE, Attention.ECA)),
    }
    if options["attention"] is Attention.SE:
        options["se_reduction"] = random.choice((4, 8, 16))
    dense = random.random() < SHARE_OF_DENSE
    return options | (_draw_dense(habits, random) if dense else _draw_residual(habits, random))


def _draw_residual(habits: Habits, random: Random) -> dict[str, Any]:
    block = random.choice(tuple(Block))
    branch = random.choice(BRANCHES[block])
    options: dict[str, Any] = {
        "block": block,
        "branch": branch,
        "activation": random.choice((Activation.POST, Activation.PRE)),
        "shortcut": random.choice((Shortcut.A, Shortcut.B, Shortcut.C, Shortcut.D)),
        "width": random.choice(WIDTHS),
        "widen": random.choice(habits.widens),
        "stride_on": random.choice(tuple(StrideOn)) if 1 in branch else StrideOn.CONV3X3,
    }
    if any(kernel > 1 for kernel in branch[1:-1]):
        options |= _draw_groups(random)
    return options


def _draw_groups(random: Random) -> dict[str, int]:
    groups = random.choice(GROUPS)
    return {"groups": groups, "base_width": random.choice(BASE_WIDTHS[:-4] if groups > 8 else BASE_WIDTHS)}


def _draw_dense(habits: Habits, random: Random) -> dict[str, Any]:
    block, growth = random.choice(tuple(Block)), random.choice(GROWTHS)
    return {
        "connect": Connect.DENSE,
        "block": block,
        "activation": Activation.PRE,
        "ends": habits.ends,
        "growth": growth,
        "width": random.choice((growth, 2 * growth)),
        "bn_size": random.choice((2, 4)) if block is Block.BOTTLENECK else 4,
        "compression": random.choice((0.5, 0.5, 1.0)),
    }
