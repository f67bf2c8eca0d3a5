"""Variants that fit a budget, and those of them that no other beats.

Every variant is drawn from the space, valid, counted exactly, and seen once. What it costs is a known number; how well
it would learn is not, so its size stands in: depth and width.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import islice
from random import Random

from explorer.architecture.config import Architecture, Connect
from explorer.architecture.cost import Cost
from explorer.architecture.options import parse_input
from explorer.architecture.presets import shorten
from explorer.architecture.space import Family, Space, draw_depths, draw_designs
from explorer.architecture.totals import count_dense_channels, count_totals
from explorer.errors import VariantError

MAX_COUNT = 2_000_000  # each takes some 300 bytes, to be seen once
MAX_DEPTH = 10_000
MAX_STALE = 500  # designs in a row that bring nothing new, where a space counts as used up
OBJECTIVES = {  # which way is better: -1 for less, 1 for more
    "params": -1,
    "macs": -1,
    "activations": -1,
    "depth": 1,
    "width": 1,
}
DEFAULT_OBJECTIVES = ("params", "macs", "depth", "width")
_SUFFIXES = {"": 0, "k": 3, "m": 6, "g": 9, "b": 9, "t": 12}


@dataclass(frozen=True, slots=True)
class Point:
    """One variant and what it costs: a design whose stages have `depths` blocks."""

    design: Architecture
    depths: tuple[int, ...]
    cost: Cost

    @property
    def architecture(self) -> Architecture:
        """The variant itself."""
        return replace(self.design, depths=self.depths)

    @property
    def depth(self) -> int:
        """Weighted layers on the main path."""
        return self.design.depth + (sum(self.depths) - sum(self.design.depths)) * len(self.design.kernels)

    @property
    def width(self) -> int:
        """Channels of the widest stage: its blocks' output, or what a dense stage ends with."""
        a = self.design
        if a.connect is Connect.DENSE:
            return max(count_dense_channels(a, self.depths))
        return max(a.planes) * a.block.expansion

    def measure(self, objective: str) -> int:
        """The value of one of `OBJECTIVES`."""
        return int(getattr(self if objective in ("depth", "width") else self.cost, objective))


@dataclass(frozen=True, slots=True)
class Budget:
    """What a variant may cost, both ends included; None is no limit."""

    max_params: int | None = None
    max_macs: int | None = None
    min_params: int | None = None
    min_macs: int | None = None

    def __post_init__(self) -> None:
        for what, least, most in (
            ("params", self.min_params, self.max_params),
            ("macs", self.min_macs, self.max_macs),
        ):
            if least is not None and most is not None and least > most:
                raise VariantError(
                    f"min_{what}={least:,} is more than max_{what}={most:,}: give a range that holds something."
                )

    def allows(self, cost: Cost) -> bool:
        """Whether the cost lies within."""
        return _is_within(cost.params, self.min_params, self.max_params) and _is_within(
            cost.macs, self.min_macs, self.max_macs
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to. `counted` variants, those that fit, and those of them that none of the others beats."""

    counted: int
    fits: tuple[Point, ...]
    pareto: tuple[Point, ...]
    objectives: tuple[str, ...]


def sample_space(space: Space, count: int, seed: int = 0, designs: int | None = None) -> Iterator[Point]:
    """Yield up to `count` different variants of the space, each counted exactly.

    The same seed yields the same ones in the same order. Ends early where the space seems to have no more, and behind
    `designs` designs: in a space of few depths each brings so few variants that `count` alone bounds no time.
    """
    random = Random(seed)
    seen: set[tuple[Architecture, tuple[int, ...]]] = set()
    stale = 0
    for design in islice(draw_designs(space, random), designs):
        before = len(seen)
        for depths in draw_depths(space, design, random):
            if len(seen) == count:
                return
            if (design, depths) not in seen:
                seen.add((design, depths))
                yield Point(design, depths, count_totals(design, depths))
        stale = 0 if len(seen) > before else stale + 1
        if stale == MAX_STALE:
            return


def search_space(
    space: Space, budget: Budget, count: int, seed: int = 0, objectives: Sequence[str] = DEFAULT_OBJECTIVES
) -> Found:
    """Count `count` variants, keep those within the budget, and find the Pareto set among these."""
    if not 1 <= count <= MAX_COUNT:
        raise VariantError(f"count={count} is out of range: count goes from 1 to {MAX_COUNT:,}.")
    counted, fits = 0, []
    for point in sample_space(space, count, seed):
        counted += 1
        if budget.allows(point.cost):
            fits.append(point)
    return Found(counted, tuple(fits), tuple(find_pareto(fits, objectives)), tuple(objectives))


def find_pareto(points: Iterable[Point], objectives: Sequence[str] = DEFAULT_OBJECTIVES) -> list[Point]:
    """The points that no other beats, by parameters and then MACs.

    One beats another where it is as good in every objective and better in one: no more parameters and MACs, at least
    as deep and as wide. Points that are equal in all of them stay together.
    """
    scored = [(tuple(-OBJECTIVES[name] * point.measure(name) for name in objectives), point) for point in points]
    scored.sort(key=lambda pair: pair[0])  # whatever beats a point comes before it
    front: list[tuple[int, ...]] = []
    kept: list[Point] = []
    for score, point in scored:
        if _is_beaten(score, front):
            continue
        front.append(score)
        kept.append(point)
    return sorted(kept, key=lambda point: (point.cost.params, point.cost.macs))


def _is_beaten(score: tuple[int, ...], front: list[tuple[int, ...]]) -> bool:
    """Whether one of the front beats the score; that one moves forward, for it will beat others too."""
    for place, other in enumerate(front):
        if other != score and all(map(int.__le__, other, score)):
            front.insert(place // 2, front.pop(place))
            return True
    return False


def parse_amount(name: str, text: str) -> int:
    """Read ``5M``, ``4.1G``, ``600k`` or ``2_000_000`` as a whole number; raises `VariantError`."""
    match = re.fullmatch(r"([0-9][0-9_,]{0,23}(?:\.[0-9]{1,12})?)\s?([kmgbt]?)", text.strip().lower(), re.ASCII)
    if match is None:
        raise VariantError(
            f"{name}={shorten(text)} is not an amount: write a number, if you like with k, M, G or T behind it, "
            "such as 5M or 4.1G."
        )
    return int(Decimal(re.sub("[_,]", "", match[1])).scaleb(_SUFFIXES[match[2]]))


def parse_depths(text: str) -> tuple[int, int]:
    """Read ``50`` or ``20-60`` as the fewest and most layers; raises `VariantError`."""
    match = re.fullmatch(r"([0-9]{1,6})(?:\s?[-–]\s?([0-9]{1,6}))?", text.strip(), re.ASCII)
    least, most = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
    if not 1 <= least <= most <= MAX_DEPTH:
        raise VariantError(
            f"depth={shorten(text)} is no depth: write a number of layers up to {MAX_DEPTH:,}, such as 50, or two, "
            "such as 20-60."
        )
    return least, most


def create_space(family: str, input: str | None, classes: int | None, depth: str | None) -> Space:
    """Read where to search; `family` is imagenet, cifar or all. Raises `VariantError`."""
    if family not in (*Family, "all"):
        raise VariantError(f"family={shorten(family)} is no family: choose from {', '.join(Family)} and all.")
    space = Space(
        families=tuple(Family) if family == "all" else (Family(family),),
        input=None if input is None else parse_input(input),
        classes=classes,
        depths=None if depth is None else parse_depths(depth),
    )
    Architecture(input=space.input or (3, 224, 224), classes=1000 if classes is None else classes)  # may refuse
    return space


def parse_objectives(text: str) -> tuple[str, ...]:
    """Read ``params,macs,depth``; raises `VariantError`."""
    names = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",")))
    for name in names:
        if name not in OBJECTIVES:
            raise VariantError(f"“{shorten(name)}” is no objective: choose from {', '.join(OBJECTIVES)}.")
    return names


def _is_within(value: int, least: int | None, most: int | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)
