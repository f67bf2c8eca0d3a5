"""The cloud of a search: what the page needs to know of variants, in columns, and of the networks beside them.

Thousands of variants travel as columns of little-endian numbers in base64, which a browser reads as typed arrays: JSON
would be read, and written, number by number.
"""

from __future__ import annotations

import sys
from array import array
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from explorer.architecture.config import Architecture, Attention, Block, Connect, Stem
from explorer.architecture.memory import compute_training_memory
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import list_presets
from explorer.architecture.search import OBJECTIVES, Point
from explorer.architecture.space import Family
from explorer.architecture.totals import count_totals
from explorer.architecture.variant import format_variant, write_from
from explorer.figures.palette import BLOCK_COLOURS, BLOCK_NAMES

BATCH = 32  # images of the training step whose memory a card tells
KINDS = tuple(BLOCK_NAMES)
_STARTS = {  # presets whose options are the defaults wherever a design's may be, so that what differs says all
    (Family.IMAGENET, Block.BASIC): "resnet18",
    (Family.IMAGENET, Block.BOTTLENECK): "resnet50",
    (Family.CIFAR, Block.BASIC): "resnet20",
    (Family.CIFAR, Block.BOTTLENECK): "resnet164bn",
}
_DENSE_STARTS = {Family.IMAGENET: "densenet121", Family.CIFAR: "densenet100_k12_bc"}


@dataclass(frozen=True, slots=True)
class Axis:
    """Something that a point is measured by, over which the sliders go; `better` is -1 for less and 1 for more."""

    name: str
    label: str
    more: str
    less: str
    low: float
    high: float

    @property
    def better(self) -> int:
        """Which way is better, as in a search."""
        return OBJECTIVES[self.name]


AXES = (
    Axis("params", "Parameters", "has more parameters", "has fewer parameters", 1e4, 1e10),
    Axis("macs", "MACs", "has more MACs", "has fewer MACs", 1e6, 1e13),
    Axis("activations", "Activations", "keeps more activations", "keeps fewer activations", 1e4, 1e9),
    Axis("depth", "Depth", "is deeper", "is less deep", 4, 400),
    Axis("width", "Width", "is wider", "is less wide", 8, 20_000),
)


def find_kind(a: Architecture) -> str:
    """One of `KINDS`, by what is rarest about the blocks: dense, channel attention, groups, and then which block."""
    if a.connect is Connect.DENSE:
        return "dense"
    if a.attention is not Attention.NONE:
        return "attention"
    return "grouped" if a.groups > 1 else a.block.value


def describe_axes() -> list[dict[str, Any]]:
    """The axes as the page reads them."""
    return [asdict(axis) | {"better": axis.better} for axis in AXES]


def describe_kinds() -> list[dict[str, str]]:
    """The kinds of variants: name, label and colour; each has its marker in the browser."""
    return [{"name": name, "label": label, "colour": BLOCK_COLOURS[name]} for name, label in BLOCK_NAMES.items()]


def find_family(a: Architecture) -> Family:
    """CIFAR's networks begin with one 3x3."""
    return Family.CIFAR if a.stem is Stem.CIFAR else Family.IMAGENET


def write_design(design: Architecture) -> str:
    """A design as text that ``depths=...`` behind it makes a variant of; quick, and not canonical."""
    family = find_family(design)
    dense = design.connect is Connect.DENSE
    text = write_from(design, _DENSE_STARTS[family] if dense else _STARTS[family, design.block])
    return ",".join(part for part in text.split(",") if not part.startswith("depths="))


def pack_points(points: Iterable[Point]) -> dict[str, Any]:
    """Points as columns.

    ``params``, ``macs`` and ``activations`` are 64-bit floats, which hold them exactly; ``depth`` and ``width`` 32-bit,
    ``design`` (its place in ``designs``) and ``depths`` (of every stage, one point behind the other) 16-bit and
    ``kind`` (its place in `KINDS`) 8-bit numbers. ``stages`` says how many depths a design's points have.
    """
    costs: dict[str, array[float]] = {name: array("d") for name in ("params", "macs", "activations")}
    depth, width, design, depths, kind = array("I"), array("I"), array("H"), array("H"), array("B")
    places: dict[int, int] = {}
    designs: list[Architecture] = []
    kinds: list[int] = []
    for point in points:
        place = places.get(id(point.design))
        if place is None:
            place = places[id(point.design)] = len(designs)
            designs.append(point.design)
            kinds.append(KINDS.index(find_kind(point.design)))
        for name, column in costs.items():
            column.append(getattr(point.cost, name))
        depth.append(point.depth)
        width.append(point.width)
        design.append(place)
        depths.extend(point.depths)
        kind.append(kinds[place])
    columns: dict[str, array[Any]] = {**costs, "depth": depth, "width": width, "design": design, "depths": depths}
    return {
        "count": len(depth),
        "designs": [write_design(each) for each in designs],
        "stages": [len(each.depths) for each in designs],
        **{name: _encode(column) for name, column in (columns | {"kind": kind}).items()},
    }


def _encode(column: array[Any]) -> str:
    if sys.byteorder == "big":
        column.byteswap()
    return b64encode(column.tobytes()).decode("ascii")


def list_known(family: Family) -> list[dict[str, Any]]:
    """The named networks of a family with their exact numbers."""
    presets = [preset for preset in list_presets() if find_family(preset.architecture) is family]
    return [_measure(preset.architecture) | {"variant": preset.name} for preset in presets]


def describe_point(architecture: Architecture) -> dict[str, Any]:
    """What a card says: canonical text, exact numbers, and the memory of a training step of `BATCH` images."""
    memory = compute_training_memory(expand_plan(architecture), BATCH)
    family = find_family(architecture).value
    return _measure(architecture) | {
        "variant": format_variant(architecture),
        "family": family,
        "memory": memory.total,
        "batch": BATCH,
    }


def _measure(architecture: Architecture) -> dict[str, Any]:
    design = replace(architecture, depths=(1,) * len(architecture.depths))
    point = Point(design, architecture.depths, count_totals(architecture))
    return {axis.name: point.measure(axis.name) for axis in AXES} | {"kind": KINDS.index(find_kind(architecture))}
