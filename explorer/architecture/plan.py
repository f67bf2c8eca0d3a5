"""Architecture -> Plan: every operation of the network with its name, shapes and options, without torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from explorer.architecture.blocks import Path, ResidualBlock, expand_block
from explorer.architecture.config import Activation, Antialias, Architecture, Connect, Ends, Shape, Stem, scale
from explorer.architecture.ops import Kind, Op, Pool, act_op, antialias_op, average_pool, conv, max_pool, norm_ops

__all__ = ["Kind", "Op", "Path", "Plan", "Pool", "ResidualBlock", "Stage", "expand_plan"]


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks of one resolution. `name` is the module's, ``layer1``; `transition` comes before them (DenseNet)."""

    name: str
    blocks: tuple[ResidualBlock, ...]
    transition: tuple[Op, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """A network, operation by operation."""

    architecture: Architecture
    stem: tuple[Op, ...]
    stages: tuple[Stage, ...]
    head: tuple[Op, ...]

    def ops(self) -> Iterator[tuple[str, Op]]:
        """Yield every operation with its full name, which is its module's path, in the order they run."""
        for prefix, ops in self.parts():
            yield from ((prefix + op.name, op) for op in ops)

    def parts(self) -> Iterator[tuple[str, tuple[Op, ...]]]:
        """Yield stem, transitions, blocks and head in the order they run, each with what its names begin with."""
        yield "", self.stem
        for stage in self.stages:
            if stage.transition:
                yield f"{stage.name}.", stage.transition
            for index, block in enumerate(stage.blocks):
                yield f"{stage.name}.{index}.", block.ops
        yield "", self.head

    def blocks(self) -> Iterator[tuple[str, ResidualBlock]]:
        """Yield every block with its name, ``layer2.0``."""
        for stage in self.stages:
            for index, block in enumerate(stage.blocks):
                yield f"{stage.name}.{index}", block


@lru_cache(maxsize=512)
def expand_plan(architecture: Architecture) -> Plan:
    """Expand an architecture into its plan. Pure, cached, and allocates no weights.

    Raises `VariantError` where the input is too small for the stages, or its odd sides can't be halved alike.
    """
    stem = expand_stem(architecture)
    shape, stages, done = stem[-1].output, [], 0
    for number, depth in enumerate(architecture.depths):
        transition = expand_transition(architecture, shape) if number else ()
        shape = transition[-1].output if transition else shape
        drops = _list_drops(architecture, done, depth)
        blocks = _expand_stage(architecture, number, shape, drops)
        stages.append(Stage(f"layer{number + 1}", blocks, transition))
        shape, done = blocks[-1].output, done + depth
    return Plan(architecture, stem, tuple(stages), expand_head(architecture, shape))


def _list_drops(architecture: Architecture, done: int, depth: int) -> list[float]:
    """Drop rates of a stage's blocks: linear from the input on (Huang et al. 2016, equation 4)."""
    total = sum(architecture.depths)
    return [architecture.drop_path * (done + index + 1) / total for index in range(depth)]


def _expand_stage(
    architecture: Architecture, number: int, shape: Shape, drops: list[float]
) -> tuple[ResidualBlock, ...]:
    style, planes = architecture.style, architecture.planes[number]
    blocks: list[ResidualBlock] = []
    for index, drop in enumerate(drops):
        if len(blocks) > 1 and blocks[-1].input == shape and blocks[-1].output == shape and not drop:
            blocks += blocks[-1:] * (len(drops) - index)  # all that follow are the same
            break
        stride = 2 if number and not index and architecture.connect is Connect.ADD else 1
        blocks.append(expand_block(style, shape, planes, stride, drop))
        shape = blocks[-1].output
    return tuple(blocks)


def expand_stem(architecture: Architecture) -> tuple[Op, ...]:
    """What comes before the first stage.

    Where the first block begins with norm and activation, the stem ends without, unless `ends` says otherwise
    (He et al. 2016, appendix).
    """
    shape: Shape = architecture.input
    convs = _list_stem_convs(architecture)
    ops: list[Op] = []
    for index, (channels, kernel, stride) in enumerate(convs):
        number, last = str(index + 1), index == len(convs) - 1
        ops.append(conv(f"stem.conv{number}", shape, channels, kernel, stride, norm=architecture.norm))
        shape = ops[-1].output
        keeps_norm, keeps_act = _end_stem(architecture) if last else (True, True)
        if keeps_norm:
            ops += norm_ops("stem", number, shape, architecture.norm)
        if keeps_act:
            ops.append(act_op("stem", number, shape, architecture.act))
    return (*ops, *_expand_stem_pool(architecture, shape))


def _end_stem(architecture: Architecture) -> tuple[bool, bool]:
    """Whether norm and activation follow the stem's last convolution."""
    if architecture.ends is not Ends.HEAD:
        return True, True
    return architecture.activation is not Activation.PRE, not architecture.activation.opens


def _list_stem_convs(architecture: Architecture) -> list[tuple[int, int, int]]:
    """Channels, kernel and stride of the stem's convolutions."""
    width = architecture.stem_channels
    if architecture.stem is Stem.CIFAR:
        return [(width, 3, 1)]
    if architecture.stem is Stem.IMAGENET:
        return [(width, 7, 2)]
    first = width // 2 if architecture.stem is Stem.DEEP else 3 * width // 8
    return [(first, 3, 2), (width // 2, 3, 1), (width, 3, 1)]


def _expand_stem_pool(architecture: Architecture, shape: Shape) -> tuple[Op, ...]:
    """3x3 max-pooling; with anti-aliasing the average takes its place, or the blur its stride (timm)."""
    if architecture.stem is Stem.CIFAR:
        return ()
    if architecture.antialias is Antialias.NONE:
        return (max_pool("stem.maxpool", shape, 2),)
    halve = antialias_op("stem.aa", shape, architecture.antialias)
    return (halve,) if architecture.antialias is Antialias.AVG else (max_pool("stem.maxpool", shape, 1), halve)


def expand_transition(architecture: Architecture, shape: Shape) -> tuple[Op, ...]:
    """What stands between the stages of a DenseNet: norm, activation, 1x1, 2x2 average pooling (Huang et al. 2017)."""
    if architecture.connect is Connect.ADD:
        return ()
    channels = max(1, scale(shape[0], architecture.compression))
    reduce = conv("transition.conv", shape, channels, 1, norm=architecture.norm)
    return (
        *norm_ops("transition", "", shape, architecture.norm),
        act_op("transition", "", shape, architecture.act),
        reduce,
        average_pool("transition.pool", reduce.output, ceil=False),
    )


def expand_head(architecture: Architecture, shape: Shape) -> tuple[Op, ...]:
    """Global average pooling and the classifier; pre-activation networks end with the norm and activation first."""
    channels = shape[0]
    ops: list[Op] = []
    opens = architecture.activation.opens and architecture.ends is not Ends.STEM
    if opens and architecture.activation is Activation.PRE:
        ops += norm_ops("head", "", shape, architecture.norm)
    if opens:
        ops.append(act_op("head", "", shape, architecture.act))
    return (
        *ops,
        Op("head.avgpool", Kind.POOL, shape, (channels, 1, 1), kernel=0, mode=Pool.GLOBAL),  # 0: the whole map
        Op("head.flatten", Kind.FLATTEN, (channels, 1, 1), (channels,)),
        Op("head.fc", Kind.LINEAR, (channels,), (architecture.classes,), bias=True),
    )
