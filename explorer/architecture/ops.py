"""One operation of a network: its name, kind, shapes and options; without torch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from explorer.architecture.config import Act, Antialias, Attention, BlockStyle, Dropout, Norm, Shape
from explorer.errors import VariantError


class Kind(StrEnum):
    """The kinds of operation a plan knows. One row in `cost` and one in `network.build` for each."""

    CONV = "conv"
    NORM = "norm"
    ACT = "act"
    POOL = "pool"
    BLUR = "blur"  # a fixed 3x3 binomial filter
    PAD = "pad"  # option A: subsample, then pad with zero channels
    SE = "se"
    ECA = "eca"
    DROPOUT = "dropout"
    DROP_PATH = "drop_path"
    ADD = "add"
    CONCAT = "concat"
    FLATTEN = "flatten"
    LINEAR = "linear"


class Pool(StrEnum):
    """What a pooling does; kept in `Op.mode`."""

    MAX = "max"
    AVG = "avg"  # (N, C, H, W) -> (N, C, floor(H / stride), ...)
    AVG_CEIL = "avg_ceil"  # the same with ceil, a last half window averaged over what it has
    GLOBAL = "global"


@dataclass(frozen=True, slots=True)
class Op:
    """One operation: (N, *input) -> (N, *output). `name` is relative to the block, or to the network in stem and head.

    `padding` is in pixels on every side; `kernel` and `stride` hold for both sides. `mode` is the kind of norm,
    activation, pooling or dropout; `hidden` the channels inside a squeeze-excitation; `zero` says that a weight starts
    at zero. `rate` is what dropout and drop path drop: it is no part of equality, since blocks that differ in it alone
    are the same operations.
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
    mode: str = ""
    hidden: int = 0
    zero: bool = False
    rate: float = field(default=0.0, compare=False)


def conv(
    name: str, shape: Shape, channels: int, kernel: int, stride: int = 1, groups: int = 1, norm: Norm = Norm.BATCH
) -> Op:
    """A convolution padded by half its size: (N, C, H, W) -> (N, channels, ceil(H / stride), ceil(W / stride)).

    It has a bias where no norm follows that would take it away again.
    """
    output = (channels, -(-shape[1] // stride), -(-shape[2] // stride))
    return Op(name, Kind.CONV, shape, output, kernel, stride, kernel // 2, groups, bias=norm is Norm.NONE)


def norm_ops(part: str, number: str, shape: Shape, norm: Norm) -> tuple[Op, ...]:
    """The norm called ``part.bn1``, ``gn1`` or ``ln1``; nothing for `Norm.NONE`.

    Raises `VariantError` where a group would hold one number, which less its mean is always zero; torch refuses it.
    """
    if norm is Norm.NONE:
        return ()
    name = {Norm.BATCH: "bn", Norm.GROUP: "gn", Norm.LAYER: "ln"}[norm]
    groups = count_groups(shape[0]) if norm is Norm.GROUP else 1
    if norm is not Norm.BATCH and math.prod(shape) == groups:
        raise VariantError(
            f"norm={norm.value} has but one number to a group in a map of {'×'.join(map(str, shape))}, and would make "
            "each zero: give a larger input, fewer stages or a larger width, or use norm=batch."
        )
    return (Op(join(part, name + number), Kind.NORM, shape, shape, groups=groups, mode=norm.value),)


def act_op(part: str, number: str, shape: Shape, act: Act) -> Op:
    """The activation called ``part.relu1``, or as it is named."""
    return Op(join(part, act.value + number), Kind.ACT, shape, shape, mode=act.value)


def max_pool(name: str, shape: Shape, stride: int) -> Op:
    """3x3 max-pooling, padded by one."""
    output = (shape[0], -(-shape[1] // stride), -(-shape[2] // stride))
    return Op(name, Kind.POOL, shape, output, 3, stride, 1, mode=Pool.MAX)


def average_pool(name: str, shape: Shape, ceil: bool) -> Op:
    """2x2 average pooling with stride 2. Raises `VariantError` where nothing would be left."""
    if not ceil:
        _check_side(shape)
    height, width = (-(-side // 2) if ceil else side // 2 for side in shape[1:])
    return Op(name, Kind.POOL, shape, (shape[0], height, width), 2, 2, mode=Pool.AVG_CEIL if ceil else Pool.AVG)


def blur(name: str, shape: Shape) -> Op:
    """3x3 binomial filter with stride 2, the map mirrored by one pixel at its border (Zhang 2019)."""
    _check_side(shape)
    output = (shape[0], -(-shape[1] // 2), -(-shape[2] // 2))
    return Op(name, Kind.BLUR, shape, output, 3, 2, 1, groups=shape[0])


def _check_side(shape: Shape) -> None:
    if min(shape[1:]) < 2:
        raise VariantError(
            f"A map of {'×'.join(map(str, shape))} is too small to be halved: give a larger input, or fewer stages."
        )


def antialias_op(name: str, shape: Shape, antialias: Antialias) -> Op:
    """What halves the map in the place of a stride."""
    return blur(name, shape) if antialias is Antialias.BLUR else average_pool(name, shape, ceil=False)


def attention_op(name: str, shape: Shape, style: BlockStyle) -> Op:
    """Squeeze-excitation, or efficient channel attention."""
    if style.attention is Attention.ECA:
        kernel = choose_eca_kernel(shape[0])
        return Op(name, Kind.ECA, shape, shape, kernel, padding=kernel // 2)
    hidden = round_width(shape[0] / style.se_reduction, style.se_divisor)
    return Op(name, Kind.SE, shape, shape, bias=True, hidden=hidden)


def dropout_op(name: str, shape: Shape, rate: float, kind: Dropout) -> Op:
    """Dropout of elements or of channels."""
    return Op(name, Kind.DROPOUT, shape, shape, mode=kind.value, rate=rate)


def round_width(width: float, divisor: int) -> int:
    """The nearest multiple of `divisor`, at least one of it; the floor for 1 (timm's and pytorchcv's rules)."""
    if divisor == 1:
        return max(1, int(width))
    return max(divisor, int(width + divisor / 2) // divisor * divisor)


def choose_eca_kernel(channels: int) -> int:
    """Kernel of the attention over channels: odd, nearest to (log2 C + 1) / 2 (Wang et al. 2020, eq. 12), from 3 on."""
    size = int((math.log2(channels) + 1) / 2)
    return max(3, size if size % 2 else size + 1)


def count_groups(channels: int, most: int = 32) -> int:
    """Groups of a group norm: 32, or the most below that divide the channels."""
    return max(groups for groups in range(1, min(most, channels) + 1) if channels % groups == 0)


def join(part: str, name: str) -> str:
    """``branch`` and ``conv1`` make ``branch.conv1``."""
    return f"{part}.{name}" if part else name
