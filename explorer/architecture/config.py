"""What a network is: a frozen, validated description of plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from explorer.errors import VariantError

Shape = tuple[int, ...]  # (C, H, W) of a feature map, (C,) of a vector; the batch is not part of it

MAX_STAGES = 6
MAX_BLOCKS_PER_STAGE = 1000
MAX_WIDTH = 4096
MAX_CLASSES = 10_000_000
MAX_CHANNELS = 4096
MAX_SIDE = 8192


class Block(StrEnum):
    """The shape of the residual branch F (He et al. 2015, figure 5)."""

    BASIC = "basic"  # 3x3, 3x3
    BOTTLENECK = "bottleneck"  # 1x1, 3x3, 1x1; the last one widens by 4

    @property
    def expansion(self) -> int:
        """Output channels of a block divided by its planes."""
        return 4 if self is Block.BOTTLENECK else 1

    @property
    def convolutions(self) -> int:
        """Weighted layers in the branch; what the depth in a name counts."""
        return 3 if self is Block.BOTTLENECK else 2


class Shortcut(StrEnum):
    """How x reaches the sum (He et al. 2015, section 4.1 and table 3)."""

    A = "A"  # identity; where the shape changes, subsample and pad with zero channels
    B = "B"  # identity; a 1x1 projection where the shape changes
    C = "C"  # a 1x1 projection in every block
    NONE = "none"  # no shortcut: the plain twin


class Stem(StrEnum):
    """What comes before the first stage."""

    IMAGENET = "imagenet"  # 7x7 stride 2, then 3x3 max-pool stride 2
    CIFAR = "cifar"  # one 3x3, stride 1


class StrideOn(StrEnum):
    """Which convolution of a bottleneck takes the stride."""

    CONV3X3 = "3x3"  # v1.5, as torchvision does
    CONV1X1 = "1x1"  # v1, as in the paper


@dataclass(frozen=True, slots=True)
class Architecture:
    """A residual network (or its plain twin), described completely.

    `depths` holds the number of blocks in each stage, `width` the planes of the first stage (each later stage doubles
    them), `input` is (C, H, W). Raises `VariantError` for anything that can't be built.
    """

    depths: tuple[int, ...] = (3, 4, 6, 3)
    block: Block = Block.BOTTLENECK
    shortcut: Shortcut = Shortcut.B
    stem: Stem = Stem.IMAGENET
    stride_on: StrideOn = StrideOn.CONV3X3
    width: int = 64
    classes: int = 1000
    input: tuple[int, int, int] = (3, 224, 224)

    def __post_init__(self) -> None:
        _check_depths(self.depths)
        _check_range("width", self.width, MAX_WIDTH)
        _check_range("classes", self.classes, MAX_CLASSES)
        _check_input(self.input)
        if self.stride_on is StrideOn.CONV1X1 and self.block is Block.BASIC:
            raise VariantError(
                "stride_on=1x1 needs a 1x1 convolution, and a basic block has none: "
                "use block=bottleneck, or leave stride_on at 3x3."
            )

    @property
    def depth(self) -> int:
        """Weighted layers on the main path: stem, branches, classifier (projections are not counted)."""
        return sum(self.depths) * self.block.convolutions + 2

    @property
    def planes(self) -> tuple[int, ...]:
        """Planes of every stage."""
        return tuple(self.width * 2**stage for stage in range(len(self.depths)))


def _check_range(name: str, value: int, most: int) -> None:
    if not 1 <= value <= most:
        raise VariantError(f"{name}={value} is out of range: {name} goes from 1 to {most:,}.")


def _check_depths(depths: tuple[int, ...]) -> None:
    text = "-".join(map(str, depths))
    if not 1 <= len(depths) <= MAX_STAGES:
        raise VariantError(
            f"depths={text} names {len(depths)} stages: between 1 and {MAX_STAGES} are allowed, such as depths=3-4-6-3."
        )
    for blocks in depths:
        if not 1 <= blocks <= MAX_BLOCKS_PER_STAGE:
            raise VariantError(
                f"depths={text} has a stage of {blocks} blocks: a stage has 1 to {MAX_BLOCKS_PER_STAGE:,} blocks."
            )


def _check_input(shape: tuple[int, int, int]) -> None:
    channels, height, width = shape
    if not (1 <= channels <= MAX_CHANNELS and 1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise VariantError(
            f"input={channels}x{height}x{width} is out of range: channels go from 1 to {MAX_CHANNELS:,}, "
            f"height and width from 1 to {MAX_SIDE:,}, such as input=3x224x224."
        )
