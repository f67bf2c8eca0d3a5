"""What a network is: a frozen, validated description of plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from explorer.architecture.rules import check_architecture, list_kernels

DECIMALS = 6  # of a share or factor
Shape = tuple[int, ...]  # (C, H, W) of a feature map, (C,) of a vector; the batch is not part of it


class Block(StrEnum):
    """The shape of the residual branch F (He et al. 2015, figure 5)."""

    BASIC = "basic"  # 3x3, 3x3
    BOTTLENECK = "bottleneck"  # 1x1, 3x3, 1x1; the last one widens by 4

    @property
    def expansion(self) -> int:
        """Output channels of a block divided by its planes."""
        return 4 if self is Block.BOTTLENECK else 1

    @property
    def kernels(self) -> tuple[int, ...]:
        """Kernel sizes of the branch's convolutions, where it is not spelled out."""
        return (1, 3, 1) if self is Block.BOTTLENECK else (3, 3)


class Activation(StrEnum):
    """Where norm and activation stand (He et al. 2016, figure 4 and table 2)."""

    POST = "post"  # (a) original: after each convolution, the last activation after the addition
    BN_AFTER = "bn_after"  # (b) the last norm behind the addition too
    RELU_BEFORE = "relu_before"  # (c) the last activation before the addition
    RELU_PRE = "relu_pre"  # (d) activation before, norm behind each convolution
    PRE = "pre"  # (e) norm and activation before each convolution

    @property
    def opens(self) -> bool:
        """Whether a block begins with an activation that branch and projection share."""
        return self in (Activation.PRE, Activation.RELU_PRE)


class Ends(StrEnum):
    """Which ends of a pre-activation network have a norm and activation of their own, outside the blocks."""

    HEAD = "head"  # behind the last block (He et al. 2016, appendix; timm)
    STEM = "stem"  # behind the first convolution (pytorchcv's SE-PreResNet)
    BOTH = "both"  # both (torchvision's DenseNet)


class Shortcut(StrEnum):
    """How x reaches the sum (He et al. 2015, section 4.1 and table 3; D: He et al. 2019, figure 2c)."""

    A = "A"  # identity; where the shape changes, subsample and pad with zero channels
    B = "B"  # identity; a 1x1 projection where the shape changes
    C = "C"  # a 1x1 projection in every block
    D = "D"  # as B, but average pooling takes the stride before the 1x1
    NONE = "none"  # no shortcut: the plain twin


class Stem(StrEnum):
    """What comes before the first stage."""

    IMAGENET = "imagenet"  # 7x7 stride 2, then 3x3 max-pool stride 2
    DEEP = "deep"  # three 3x3, the first with stride 2, w/2, w/2 and w channels; then the max-pool (He et al. 2019)
    TIERED = "tiered"  # as deep, with 3w/8, w/2 and w channels (timm's t)
    CIFAR = "cifar"  # one 3x3, stride 1


class StrideOn(StrEnum):
    """Which convolution of a block takes the stride."""

    CONV3X3 = "3x3"  # the first larger than 1x1: v1.5, as torchvision does
    CONV1X1 = "1x1"  # the first 1x1: v1, as in the paper


class Attention(StrEnum):
    """Channel attention in the block."""

    NONE = "none"
    SE = "se"  # squeeze-and-excitation (Hu et al. 2018)
    ECA = "eca"  # efficient channel attention: one 1-d convolution over the channels (Wang et al. 2020)


class Place(StrEnum):
    """Where the attention stands (Hu et al., journal version, figure 5 and table 14)."""

    STANDARD = "standard"  # at the end of the branch
    PRE = "pre"  # at the start of the branch
    POST = "post"  # behind the addition
    IDENTITY = "identity"  # on the shortcut


class Dropout(StrEnum):
    """What dropout drops."""

    ELEMENT = "element"
    CHANNEL = "channel"


class Norm(StrEnum):
    """Normalisation layers."""

    BATCH = "batch"
    GROUP = "group"  # 32 groups, or the most below that divide the channels (Wu & He 2018)
    LAYER = "layer"  # over C, H and W: one group
    NONE = "none"  # convolutions have a bias instead


class Act(StrEnum):
    """Activation functions."""

    RELU = "relu"
    LEAKY_RELU = "leaky_relu"
    ELU = "elu"
    GELU = "gelu"
    SILU = "silu"
    MISH = "mish"
    HARDSWISH = "hardswish"
    TANH = "tanh"


class Connect(StrEnum):
    """How branch and shortcut meet."""

    ADD = "add"
    DENSE = "dense"  # concatenation (Huang et al. 2017)


class Antialias(StrEnum):
    """What halves a map behind a convolution that is then left at stride 1 (Zhang 2019; timm)."""

    NONE = "none"
    AVG = "avg"  # 2x2 average pooling
    BLUR = "blur"  # 3x3 binomial filter


def scale(channels: int, factor: float) -> int:
    """Channels times a factor of `DECIMALS`, without what is beyond the point: 100 times 0.29 is 29, not 28."""
    return int(round(channels * factor, DECIMALS))


class BlockStyle(NamedTuple):
    """What all blocks of a network share."""

    block: Block
    kernels: tuple[int, ...]
    activation: Activation
    shortcut: Shortcut
    stride_on: StrideOn
    groups: int
    base_width: int
    attention: Attention
    se_reduction: int
    se_divisor: int
    se_place: Place
    dropout: float
    dropout_kind: Dropout
    zero_init: bool
    norm: Norm
    act: Act
    connect: Connect
    growth: int
    bn_size: int
    antialias: Antialias


@dataclass(frozen=True, slots=True)
class Architecture:
    """A residual network, its plain twin or a densely connected one, described completely.

    `depths` holds the number of blocks in each stage; `width` the planes of the first (later ones double them), or
    `widths` those of every stage; `widen` multiplies them; `branch` the kernel sizes of a block's convolutions;
    `stem_width` the channels behind the stem; `input` is (C, H, W). None stands for what follows from the rest, and a
    value that only repeats it becomes None, so that equal networks are equal; fractions are kept to the `DECIMALS` that
    the text form writes. Raises `VariantError` for anything that can't be built.
    """

    depths: tuple[int, ...] = (3, 4, 6, 3)
    block: Block = Block.BOTTLENECK
    branch: tuple[int, ...] | None = None
    activation: Activation = Activation.POST
    ends: Ends = Ends.HEAD
    shortcut: Shortcut = Shortcut.B
    stem: Stem = Stem.IMAGENET
    stem_width: int | None = None
    stride_on: StrideOn = StrideOn.CONV3X3
    width: int = 64
    widths: tuple[int, ...] | None = None
    widen: float = 1.0
    groups: int = 1
    base_width: int = 64
    attention: Attention = Attention.NONE
    se_reduction: int = 16
    se_divisor: int = 1
    se_place: Place = Place.STANDARD
    dropout: float = 0.0
    dropout_kind: Dropout = Dropout.ELEMENT
    drop_path: float = 0.0
    zero_init: bool = False
    norm: Norm = Norm.BATCH
    act: Act = Act.RELU
    connect: Connect = Connect.ADD
    growth: int = 32
    bn_size: int = 4
    compression: float = 0.5
    antialias: Antialias = Antialias.NONE
    classes: int = 1000
    input: tuple[int, int, int] = (3, 224, 224)

    def __post_init__(self) -> None:
        for name in ("widen", "dropout", "drop_path", "compression"):
            object.__setattr__(self, name, round(getattr(self, name), DECIMALS))
        if self.branch == self.block.kernels:
            object.__setattr__(self, "branch", None)
        if self.widths:
            object.__setattr__(self, "width", self.widths[0])
            if self.widths == self._doubled():
                object.__setattr__(self, "widths", None)
        if self.stem_width == self.width:
            object.__setattr__(self, "stem_width", None)
        check_architecture(self)

    def _doubled(self) -> tuple[int, ...]:
        return tuple(self.width * 2**stage for stage in range(len(self.depths)))

    @property
    def kernels(self) -> tuple[int, ...]:
        """Kernel sizes of a block's convolutions."""
        return list_kernels(self)

    @property
    def depth(self) -> int:
        """Weighted layers on the main path: stem, branches, transitions, classifier (projections are not counted)."""
        transitions = len(self.depths) - 1 if self.connect is Connect.DENSE else 0
        return sum(self.depths) * len(self.kernels) + transitions + 2

    @property
    def planes(self) -> tuple[int, ...]:
        """Planes of every stage."""
        return tuple(scale(width, self.widen) for width in self.widths or self._doubled())

    @property
    def stem_channels(self) -> int:
        """Channels behind the stem."""
        return self.stem_width or self.width

    @property
    def style(self) -> BlockStyle:
        """What all its blocks share."""
        return BlockStyle(
            self.block, self.kernels, self.activation, self.shortcut, self.stride_on, self.groups, self.base_width,
            self.attention, self.se_reduction, self.se_divisor, self.se_place, self.dropout, self.dropout_kind,
            self.zero_init, self.norm, self.act, self.connect, self.growth, self.bn_size, self.antialias,
        )  # fmt: skip
