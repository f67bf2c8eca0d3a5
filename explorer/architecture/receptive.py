"""Receptive field and reduction: which part of the input one position of a feature map can see."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from explorer.architecture.config import Shape
from explorer.architecture.ops import Kind, Op, Pool
from explorer.architecture.plan import Plan
from explorer.architecture.wiring import INPUT, Part, Parts, list_parts


@dataclass(frozen=True, slots=True)
class Field:
    """The pixels that position p of a map sees along one side: `first` + `reduction` p to `last` + `reduction` p.

    The longest way through convolutions and pooling counts; where two ways meet, both. Padding is part of it, so it
    does not depend on the input's size. `whole` says that something on the way looks at the whole map: global pooling,
    the gates of squeeze-excitation and ECA, the statistics of group and layer norm. Behind global pooling the numbers
    are those of the longer side.
    """

    first: int = 0
    last: int = 0
    reduction: int = 1
    whole: bool = False

    @property
    def size(self) -> int:
        """Side of the receptive field in pixels of the input."""
        return self.last - self.first + 1

    def share(self, output: Shape, image: Shape) -> float:
        """Share of the input, 0 to 1, that the position in the middle of a map sees; `image` is (C, H, W)."""
        if self.whole or len(output) == 1:
            return 1.0
        height, width = (
            self._see((side - 1) // 2, pixels) / pixels for side, pixels in zip(output[1:], image[1:], strict=True)
        )
        return height * width

    def _see(self, position: int, pixels: int) -> int:
        first, last = (edge + self.reduction * position for edge in (self.first, self.last))
        return max(0, min(last, pixels - 1) - max(first, 0) + 1)

    def then(self, other: Field) -> Field:
        """The field of `other`, which sees this map, on this map's input."""
        return Field(
            self.first + self.reduction * other.first,
            self.last + self.reduction * other.last,
            self.reduction * other.reduction,
            self.whole or other.whole,
        )


_POINT, _POINT_WHOLE = Field(), Field(whole=True)


def find_field(op: Op) -> Field:
    """What one position of an operation's output sees of its input.

    `kernel` pixels from -`padding` on (Araujo et al. 2019, "Computing receptive fields of convolutional neural
    networks", equations 1 and 2).
    """
    if op.mode == Pool.GLOBAL:
        side = max(op.input[1:])
        return Field(0, side - 1, side, whole=True)
    if op.kind in (Kind.SE, Kind.ECA) or (op.kind is Kind.NORM and op.mode != "batch"):
        return _POINT_WHOLE
    if op.kind in (Kind.CONV, Kind.POOL, Kind.BLUR, Kind.PAD):
        return Field(-op.padding, op.kernel - 1 - op.padding, op.stride)
    return _POINT


@lru_cache(maxsize=4096)
def find_part_fields(part: Part) -> tuple[Field, ...]:
    """What every operation of a part sees of the part's input."""
    fields: list[Field] = []
    for op, reads in zip(part.ops, part.reads, strict=True):
        ways = [_POINT if read == INPUT else fields[read] for read in reads]
        fields.append(_meet(ways).then(find_field(op)))
    return tuple(fields)


def _meet(ways: list[Field]) -> Field:
    """Everything that any of the ways sees; they come at the same reduction, since shapes meet."""
    if len(ways) == 1:
        return ways[0]
    return Field(
        min(way.first for way in ways),
        max(way.last for way in ways),
        ways[0].reduction,
        any(way.whole for way in ways),
    )


def compute_fields(plan: Plan) -> list[Field]:
    """The receptive field of every operation on the network's input, in the order of `Plan.ops`."""
    return list_fields(list_parts(plan))


def list_fields(parts: Parts) -> list[Field]:
    """The same of the parts of a whole network."""
    fields: list[Field] = []
    start = _POINT
    for _, part in parts:
        fields += [start.then(field) for field in find_part_fields(part)]
        start = fields[-1]
    return fields
