"""Totals of a network without its plan: stem, first block, the others times their number, transitions and head.

Each part is expanded and counted once, then remembered, so that counting a variant whose parts are known is a few
sums; `search` lives on it. Equals ``compute_cost(expand_plan(architecture))``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

from explorer.architecture.blocks import expand_block
from explorer.architecture.config import Architecture, BlockStyle, Connect, Shape
from explorer.architecture.cost import Cost, count_activations, count_macs, count_params
from explorer.architecture.ops import Op, norm_ops
from explorer.architecture.plan import expand_head, expand_stem, expand_transition

MAX_PARTS = 1 << 13
FEW = 64  # channels, enough for any norm


class Part(NamedTuple):
    """What a part of a network costs, and the shape (C, H, W) of what leaves it."""

    params: int
    macs: int
    activations: int
    output: Shape


_parts: dict[tuple[object, ...], Part] = {}


def count_totals(architecture: Architecture, depths: tuple[int, ...] | None = None) -> Cost:
    """Cost of the whole network, or of the same with other `depths`. Raises `VariantError` where the plan would."""
    stem = _count_stem(architecture)
    dense = architecture.connect is Connect.DENSE
    body = (_count_dense if dense else _count_residual)(architecture, stem.output, depths or architecture.depths)
    head = _count_head(architecture, body.output)
    return Cost(
        stem.params + body.params + head.params,
        stem.macs + body.macs + head.macs,
        stem.activations + body.activations + head.activations,
    )


def clear_parts() -> None:
    """Forget every part, as a benchmark wants that starts cold."""
    _parts.clear()
    _count_stages.cache_clear()
    _count_dense_layers.cache_clear()


def _count_residual(a: Architecture, shape: Shape, depths: tuple[int, ...]) -> Part:
    params = macs = activations = 0
    stages = _count_stages(a.style, shape, a.planes)
    for (first, rest), depth in zip(stages, depths, strict=True):
        params += first.params + rest.params * (depth - 1)
        macs += first.macs + rest.macs * (depth - 1)
        activations += first.activations + rest.activations * (depth - 1)
    return Part(params, macs, activations, stages[-1][0].output)


@lru_cache(maxsize=MAX_PARTS)
def _count_stages(style: BlockStyle, shape: Shape, planes: tuple[int, ...]) -> tuple[tuple[Part, Part], ...]:
    """First block of every stage, and one of those that follow it, which are all the same."""
    stages = []
    for number, width in enumerate(planes):
        first = _count_block(style, shape, width, 2 if number else 1)
        shape = first.output
        stages.append((first, _count_block(style, shape, width, 1)))
    return tuple(stages)


def _count_block(style: BlockStyle, shape: Shape, planes: int, stride: int) -> Part:
    block = expand_block.__wrapped__(style, shape, planes, stride)  # a search would fill its cache with 5 KB a block
    return _count_ops(block.ops, block.output)


def _count_dense(a: Architecture, shape: Shape, depths: tuple[int, ...]) -> Part:
    params = macs = activations = 0
    for number, depth in enumerate(depths):
        parts = [_count_transition(a, shape)] if number else []
        parts.append(_count_dense_stage(a.style, parts[0].output if parts else shape, depth))
        params += sum(part.params for part in parts)
        macs += sum(part.macs for part in parts)
        activations += sum(part.activations for part in parts)
        shape = parts[-1].output
    return Part(params, macs, activations, shape)


def count_dense_channels(a: Architecture, depths: tuple[int, ...]) -> tuple[int, ...]:
    """Channels behind each stage of a dense network that has these `depths`."""
    shape, channels = _count_stem(a).output, []
    for number, depth in enumerate(depths):
        shape = _count_transition(a, shape).output if number else shape
        shape = _count_dense_stage(a.style, shape, depth).output
        channels.append(shape[0])
    return tuple(channels)


def _count_dense_stage(style: BlockStyle, shape: Shape, depth: int) -> Part:
    """A stage of dense layers, each of which reads what the ones before it added.

    A layer reads its C channels through one norm and one convolution, whose counts grow by the same with every
    channel. So two layers tell what all cost: the sum over C, C + growth, C + 2 growth, ... has a closed form.
    """
    channels, *side = shape
    least, next_ = _count_dense_layers(style, tuple(side))
    norm_ops("before", "1", shape, style.norm)  # refuses too few channels; what follows is counted with enough
    more = depth * (channels - FEW) + style.growth * (depth * (depth - 1) // 2)
    return Part(
        depth * least.params + more * (next_.params - least.params),
        depth * least.macs + more * (next_.macs - least.macs),
        depth * least.activations + more * (next_.activations - least.activations),
        (channels + depth * style.growth, *side),
    )


@lru_cache(maxsize=MAX_PARTS)
def _count_dense_layers(style: BlockStyle, side: tuple[int, ...]) -> tuple[Part, Part]:
    """Dense layers that read `FEW` channels and one more."""
    return _count_block(style, (FEW, *side), 0, 1), _count_block(style, (FEW + 1, *side), 0, 1)


def _count_stem(a: Architecture) -> Part:
    key = ("stem", a.input, a.stem, a.stem_channels, a.norm, a.activation, a.ends, a.antialias)
    return _remember(key, lambda: expand_stem(a))


def _count_transition(a: Architecture, shape: Shape) -> Part:
    return _remember(("transition", shape, a.compression, a.norm), lambda: expand_transition(a, shape))


def _count_head(a: Architecture, shape: Shape) -> Part:
    key = ("head", shape, a.classes, a.norm, a.activation, a.ends)
    return _remember(key, lambda: expand_head(a, shape))


def _remember(key: tuple[object, ...], expand: Callable[[], tuple[Op, ...]]) -> Part:
    """The part called `key`; the key holds all that its operations depend on, which `lru_cache` could not be told."""
    part = _parts.get(key)
    if part is None:
        if len(_parts) >= MAX_PARTS:
            _parts.clear()  # another thread may be about to read: it has what it needs in hand
        ops = expand()
        part = _parts[key] = _count_ops(ops, ops[-1].output)
    return part


def _count_ops(ops: tuple[Op, ...], output: Shape) -> Part:
    return Part(sum(map(count_params, ops)), sum(map(count_macs, ops)), sum(map(count_activations, ops)), output)
