"""Architecture -> Plan: every operation of the network with its name, shapes and options, without torch.

A residual block is ``y = after( merge( shortcut(x), branch(x) ) )`` (He et al. 2015, equation 1 and figure 2). It is
expanded once per distinct block and input shape, with names relative to it, and cached: plan, cost and graph use that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from explorer.architecture.config import Architecture, Block, Shape, Shortcut, Stem, StrideOn


class Kind(StrEnum):
    """The kinds of operation a plan knows. One row in `cost` and one in `network.build` for each."""

    CONV = "conv"
    NORM = "norm"
    ACT = "act"
    POOL = "pool"
    PAD = "pad"  # option A: subsample, then pad with zero channels
    ADD = "add"
    FLATTEN = "flatten"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class Op:
    """One operation: (N, *input) -> (N, *output). `name` is relative to the block, or to the network in stem and head.

    `padding` is in pixels on every side; `kernel` and `stride` hold for both sides.
    """

    name: str
    kind: Kind
    input: Shape
    output: Shape
    kernel: int = 1
    stride: int = 1
    padding: int = 0
    groups: int = 1
    bias: bool = False


class Path(StrEnum):
    """What one block's shortcut really is."""

    IDENTITY = "identity"
    PAD = "A"
    PROJECTION = "projection"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ResidualBlock:
    """One block's operations in the order they run. `merge` is empty in a plain network."""

    kind: Block
    path: Path
    input: Shape
    output: Shape
    branch: tuple[Op, ...]
    shortcut: tuple[Op, ...]
    merge: tuple[Op, ...]
    after: tuple[Op, ...]

    @property
    def ops(self) -> tuple[Op, ...]:
        """All operations in the order they run."""
        return self.branch + self.shortcut + self.merge + self.after


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks of one resolution. `name` is the module's, ``layer1``."""

    name: str
    blocks: tuple[ResidualBlock, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A network, operation by operation."""

    architecture: Architecture
    stem: tuple[Op, ...]
    stages: tuple[Stage, ...]
    head: tuple[Op, ...]

    def ops(self) -> Iterator[tuple[str, Op]]:
        """Yield every operation with its full name, which is its module's path, in the order they run."""
        yield from ((op.name, op) for op in self.stem)
        for name, block in self.blocks():
            yield from ((f"{name}.{op.name}", op) for op in block.ops)
        yield from ((op.name, op) for op in self.head)

    def blocks(self) -> Iterator[tuple[str, ResidualBlock]]:
        """Yield every block with its name, ``layer2.0``."""
        for stage in self.stages:
            for index, block in enumerate(stage.blocks):
                yield f"{stage.name}.{index}", block


@lru_cache(maxsize=512)
def expand_plan(architecture: Architecture) -> Plan:
    """Expand an architecture into its plan. Pure, cached, and allocates no weights."""
    stem = _expand_stem(architecture)
    shape = stem[-1].output
    stages = []
    for number, (planes, depth) in enumerate(zip(architecture.planes, architecture.depths, strict=True)):
        blocks = []
        for index in range(depth):
            stride = 2 if number > 0 and index == 0 else 1
            block = expand_block(
                architecture.block, architecture.shortcut, architecture.stride_on, shape, planes, stride
            )
            blocks.append(block)
            shape = block.output
        stages.append(Stage(f"layer{number + 1}", tuple(blocks)))
    return Plan(architecture, stem, tuple(stages), _expand_head(shape, architecture.classes))


@lru_cache(maxsize=4096)
def expand_block(
    kind: Block, shortcut: Shortcut, stride_on: StrideOn, shape: Shape, planes: int, stride: int
) -> ResidualBlock:
    """Expand one residual block that reads (N, *shape), names relative to it."""
    branch = _expand_branch(kind, stride_on, shape, planes, stride)
    output = branch[-1].output
    path = _choose_path(shortcut, changed=output != shape)
    ops = _expand_shortcut(path, shape, output, stride)
    merge = () if path is Path.NONE else (Op("merge", Kind.ADD, output, output),)
    after = (Op("after", Kind.ACT, output, output),)
    return ResidualBlock(kind, path, shape, output, branch, ops, merge, after)


def _expand_stem(architecture: Architecture) -> tuple[Op, ...]:
    width = architecture.width
    if architecture.stem is Stem.CIFAR:
        return tuple(_conv_norm_act("stem", 1, architecture.input, width, kernel=3, stride=1))
    ops = _conv_norm_act("stem", 1, architecture.input, width, kernel=7, stride=2)
    pool = _window("stem.maxpool", Kind.POOL, ops[-1].output, width, kernel=3, stride=2)
    return (*ops, pool)


def _expand_branch(kind: Block, stride_on: StrideOn, shape: Shape, planes: int, stride: int) -> tuple[Op, ...]:
    """The residual function F. Its last convolution is followed by a norm alone: the ReLU comes after the sum."""
    if kind is Block.BASIC:
        first = _conv_norm_act("branch", 1, shape, planes, 3, stride)
        last = _conv_norm_act("branch", 2, first[-1].output, planes, 3, 1)[:-1]
        return (*first, *last)
    on_1x1 = stride_on is StrideOn.CONV1X1
    reduce = _conv_norm_act("branch", 1, shape, planes, 1, stride if on_1x1 else 1)
    middle = _conv_norm_act("branch", 2, reduce[-1].output, planes, 3, 1 if on_1x1 else stride)
    widen = _conv_norm_act("branch", 3, middle[-1].output, planes * kind.expansion, 1, 1)[:-1]
    return (*reduce, *middle, *widen)


def _choose_path(shortcut: Shortcut, changed: bool) -> Path:
    if shortcut is Shortcut.NONE:
        return Path.NONE
    if shortcut is Shortcut.C:
        return Path.PROJECTION
    if not changed:
        return Path.IDENTITY
    return Path.PAD if shortcut is Shortcut.A else Path.PROJECTION


def _expand_shortcut(path: Path, shape: Shape, output: Shape, stride: int) -> tuple[Op, ...]:
    if path is Path.PAD:
        return (Op("shortcut.pad", Kind.PAD, shape, output, stride=stride),)
    if path is Path.PROJECTION:
        conv = _window("shortcut.conv", Kind.CONV, shape, output[0], kernel=1, stride=stride)
        return (conv, Op("shortcut.bn", Kind.NORM, output, output))
    return ()


def _expand_head(shape: Shape, classes: int) -> tuple[Op, ...]:
    channels = shape[0]
    return (
        Op("head.avgpool", Kind.POOL, shape, (channels, 1, 1), kernel=0),  # 0: the whole map
        Op("head.flatten", Kind.FLATTEN, (channels, 1, 1), (channels,)),
        Op("head.fc", Kind.LINEAR, (channels,), (classes,), bias=True),
    )


def _conv_norm_act(part: str, number: int, shape: Shape, channels: int, kernel: int, stride: int) -> list[Op]:
    conv = _window(f"{part}.conv{number}", Kind.CONV, shape, channels, kernel, stride)
    norm = Op(f"{part}.bn{number}", Kind.NORM, conv.output, conv.output)
    return [conv, norm, Op(f"{part}.relu{number}", Kind.ACT, conv.output, conv.output)]


def _window(name: str, kind: Kind, shape: Shape, channels: int, kernel: int, stride: int) -> Op:
    """A sliding window padded by half its size: (N, C, H, W) -> (N, channels, ceil(H / stride), ceil(W / stride))."""
    output = (channels, -(-shape[1] // stride), -(-shape[2] // stride))
    return Op(name, kind, shape, output, kernel, stride, padding=kernel // 2)
