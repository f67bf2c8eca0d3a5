"""One residual block, operation by operation: ``y = after( merge( shortcut(u or x), branch(u) ) )``, ``u = before(x)``.

A block is expanded once per distinct style, input shape and width, with names relative to it, and cached: plan, cost,
graph, diff and search use that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import lru_cache

from explorer.architecture.config import (
    Activation,
    Antialias,
    Attention,
    Block,
    BlockStyle,
    Connect,
    Place,
    Shape,
    Shortcut,
    StrideOn,
)
from explorer.architecture.ops import (
    Kind,
    Op,
    act_op,
    antialias_op,
    attention_op,
    average_pool,
    conv,
    dropout_op,
    norm_ops,
)
from explorer.errors import VariantError


class Path(StrEnum):
    """What one block's shortcut really is."""

    IDENTITY = "identity"
    PAD = "A"
    PROJECTION = "projection"
    POOLED = "D"
    DENSE = "dense"
    NONE = "none"

    @property
    def projects(self) -> bool:
        """Whether it has weights; a projection reads u, an identity x (He et al. 2016, section 4.1)."""
        return self in (Path.PROJECTION, Path.POOLED)


@dataclass(frozen=True, slots=True)
class ResidualBlock:
    """One block's operations in the order they run. `merge` is empty in a plain network."""

    kind: Block
    path: Path
    input: Shape
    output: Shape
    before: tuple[Op, ...]
    branch: tuple[Op, ...]
    shortcut: tuple[Op, ...]
    merge: tuple[Op, ...]
    after: tuple[Op, ...]

    @property
    def ops(self) -> tuple[Op, ...]:
        """All operations in the order they run."""
        return self.before + self.branch + self.shortcut + self.merge + self.after


@lru_cache(maxsize=1 << 16)
def expand_block(style: BlockStyle, shape: Shape, planes: int, stride: int, drop: float = 0.0) -> ResidualBlock:
    """Expand one residual block that reads (N, *shape), names relative to it.

    `planes` is its width before expansion, `drop` the share of images whose branch is dropped in training. Raises
    `VariantError` where branch and shortcut end in different shapes, which odd maps and pooling can cause.
    """
    if style.connect is Connect.DENSE:
        return _expand_dense(style, shape)
    before = _expand_before(style, shape)
    branch = _expand_branch(style, shape, planes, stride)
    output = branch[-1].output if branch else shape
    path = _choose_path(style.shortcut, output != shape or stride > 1, stride)
    shortcut = _expand_shortcut(style, path, shape, output, stride)
    if drop:
        branch += (Op("branch.drop_path", Kind.DROP_PATH, output, output, rate=drop),)
    reached = shortcut[-1].output if shortcut else shape
    if path is not Path.NONE and reached != output:
        raise VariantError(_describe_mismatch(shape, output, reached))
    merge = () if path is Path.NONE else (Op("merge", Kind.ADD, output, output),)
    after = _expand_after(style, output)
    return ResidualBlock(style.block, path, shape, output, before, branch, shortcut, merge, after)


def _describe_mismatch(shape: Shape, output: Shape, reached: Shape) -> str:
    came, branch, shortcut = ("×".join(map(str, side)) for side in (shape, output, reached))
    return (
        f"A map of {came} can't be halved alike by branch ({branch}) and shortcut ({shortcut}): "
        "give an input whose sides are multiples of 32, or leave antialias out."
    )


def _expand_before(style: BlockStyle, shape: Shape) -> tuple[Op, ...]:
    if style.activation is Activation.PRE:
        return (*norm_ops("before", "1", shape, style.norm), act_op("before", "1", shape, style.act))
    return (act_op("before", "1", shape, style.act),) if style.activation is Activation.RELU_PRE else ()


def _expand_branch(style: BlockStyle, shape: Shape, planes: int, stride: int) -> tuple[Op, ...]:
    """The residual function F."""
    ops: list[Op] = []
    place = style.attention is not Attention.NONE and style.se_place
    if place == Place.PRE:
        ops.append(attention_op("branch.se", shape, style))
    for index, channels, step, groups in _list_convs(style, planes, stride):
        last = index == len(style.kernels) - 1
        ops += _expand_conv(style, ops[-1].output if ops else shape, index, channels, step, groups)
        if last and style.zero_init:
            weighted = next(i for i in reversed(range(len(ops))) if ops[i].kind in (Kind.CONV, Kind.NORM))
            ops[weighted] = replace(ops[weighted], zero=True)
    if place == Place.STANDARD:
        ops.append(attention_op("branch.se", ops[-1].output, style))
    return tuple(ops)


def _list_convs(style: BlockStyle, planes: int, stride: int) -> Iterator[tuple[int, int, int, int]]:
    """Yield index, output channels, stride and groups of each convolution."""
    kernels, last = style.kernels, len(style.kernels) - 1
    strided = next(i for i, kernel in enumerate(kernels) if (kernel == 1) is (style.stride_on is StrideOn.CONV1X1))
    inner = int(planes * style.base_width / 64) * style.groups if last > 1 else planes
    for index, kernel in enumerate(kernels):
        channels = planes * style.block.expansion if index == last else inner
        groups = style.groups if 0 < index < last and kernel > 1 else 1
        yield index, channels, stride if index == strided else 1, groups


def _expand_conv(style: BlockStyle, shape: Shape, index: int, channels: int, stride: int, groups: int) -> list[Op]:
    """One convolution with the norm, activation and dropout that stand around it."""
    number, last = str(index + 1), index == len(style.kernels) - 1
    smooth = stride > 1 and style.antialias is not Antialias.NONE
    ops: list[Op] = []
    if style.activation is Activation.PRE and index > 0:
        ops += [*norm_ops("branch", number, shape, style.norm), act_op("branch", number, shape, style.act)]
    if style.activation is Activation.RELU_PRE and index > 0:
        ops.append(act_op("branch", number, shape, style.act))
    if style.dropout and last and index > 0:  # before the last convolution (Zagoruyko & Komodakis 2016, section 2.4)
        ops.append(dropout_op("branch.dropout", shape, style.dropout, style.dropout_kind))
    normed = style.activation is not Activation.PRE and not (last and style.activation is Activation.BN_AFTER)
    ops.append(
        conv(f"branch.conv{number}", shape, channels, style.kernels[index], 1 if smooth else stride, groups, style.norm)
    )
    output = ops[-1].output
    if normed:
        ops += norm_ops("branch", number, output, style.norm)
    if _acts_behind(style.activation, last):
        ops.append(act_op("branch", number, output, style.act))
    if style.dropout and last and index == 0:
        ops.append(dropout_op("branch.dropout", output, style.dropout, style.dropout_kind))
    if smooth:
        ops.append(antialias_op("branch.aa", output, style.antialias))
    return ops


def _acts_behind(activation: Activation, last: bool) -> bool:
    if activation in (Activation.POST, Activation.BN_AFTER):
        return not last
    return activation is Activation.RELU_BEFORE


def _choose_path(shortcut: Shortcut, changed: bool, stride: int) -> Path:
    if shortcut is Shortcut.NONE:
        return Path.NONE
    if shortcut is Shortcut.C:
        return Path.PROJECTION
    if not changed:
        return Path.IDENTITY
    if shortcut is Shortcut.A:
        return Path.PAD
    return Path.POOLED if shortcut is Shortcut.D and stride > 1 else Path.PROJECTION


def _expand_shortcut(style: BlockStyle, path: Path, shape: Shape, output: Shape, stride: int) -> tuple[Op, ...]:
    ops: list[Op] = []
    if path is Path.PAD:
        ops.append(Op("shortcut.pad", Kind.PAD, shape, _stride(output[0], shape, stride), stride=stride))
    if path.projects:
        if path is Path.POOLED:
            ops.append(average_pool("shortcut.pool", shape, ceil=True))
            stride = 1
        before = ops[-1].output if ops else shape
        ops.append(conv("shortcut.conv", before, output[0], 1, stride, norm=style.norm))
        if style.activation not in (Activation.PRE, Activation.BN_AFTER):
            ops += norm_ops("shortcut", "", ops[-1].output, style.norm)
    if style.attention is not Attention.NONE and style.se_place is Place.IDENTITY:
        ops.append(attention_op("shortcut.se", ops[-1].output if ops else shape, style))
    return tuple(ops)


def _stride(channels: int, shape: Shape, stride: int) -> Shape:
    return (channels, -(-shape[1] // stride), -(-shape[2] // stride))


def _expand_after(style: BlockStyle, shape: Shape) -> tuple[Op, ...]:
    """What follows the sum; a single operation is called ``after`` itself."""
    ops: list[Op] = []
    if style.activation is Activation.BN_AFTER:
        ops += norm_ops("after", "", shape, style.norm)
    if style.activation in (Activation.POST, Activation.BN_AFTER):
        ops.append(act_op("after", "", shape, style.act))
    if style.attention is not Attention.NONE and style.se_place is Place.POST:
        ops.append(attention_op("after.se", shape, style))
    return (replace(ops[0], name="after"),) if len(ops) == 1 else tuple(ops)


def _expand_dense(style: BlockStyle, shape: Shape) -> ResidualBlock:
    """A dense layer: what it computes is appended to what came (Huang et al. 2017, section 3)."""
    narrow = shape
    branch: list[Op] = []
    for index, kernel in enumerate(style.kernels):
        number, last = str(index + 1), index == len(style.kernels) - 1
        if index:
            branch += [*norm_ops("branch", number, narrow, style.norm), act_op("branch", number, narrow, style.act)]
        channels = style.growth if last else style.growth * style.bn_size
        branch.append(conv(f"branch.conv{number}", narrow, channels, kernel, norm=style.norm))
        narrow = branch[-1].output
    if style.attention is not Attention.NONE:
        branch.append(attention_op("branch.se", narrow, style))
    if style.dropout:
        branch.append(dropout_op("branch.dropout", narrow, style.dropout, style.dropout_kind))
    output = (shape[0] + style.growth, *shape[1:])
    merge = (Op("merge", Kind.CONCAT, narrow, output),)
    before = _expand_before(style, shape)
    return ResidualBlock(style.block, Path.DENSE, shape, output, before, tuple(branch), (), merge, ())
