"""Random architectures: any that is valid, or small ones that can be built and run."""

from hypothesis import strategies as st

from explorer.architecture.config import (
    MAX_BLOCKS_PER_STAGE,
    MAX_CHANNELS,
    MAX_CLASSES,
    MAX_SIDE,
    MAX_STAGES,
    MAX_WIDTH,
    Architecture,
    Block,
    Shortcut,
    Stem,
    StrideOn,
)


@st.composite
def architectures(
    draw,
    max_stages=MAX_STAGES,
    max_blocks=MAX_BLOCKS_PER_STAGE,
    max_width=MAX_WIDTH,
    max_classes=MAX_CLASSES,
    max_channels=MAX_CHANNELS,
    max_side=MAX_SIDE,
):
    block = draw(st.sampled_from(Block))
    side = st.integers(1, max_side)
    number_of_blocks = st.integers(1, max_blocks) | st.integers(1, min(9, max_blocks))
    return Architecture(
        depths=tuple(draw(st.lists(number_of_blocks, min_size=1, max_size=max_stages))),
        block=block,
        shortcut=draw(st.sampled_from(Shortcut)),
        stem=draw(st.sampled_from(Stem)),
        stride_on=draw(st.sampled_from(StrideOn)) if block is Block.BOTTLENECK else StrideOn.CONV3X3,
        width=draw(st.sampled_from([w for w in (16, 64) if w <= max_width] or [1]) | st.integers(1, max_width)),
        classes=draw(st.integers(1, max_classes)),
        input=(draw(st.integers(1, max_channels)), draw(side), draw(side)),
    )


def small_architectures():
    return architectures(max_stages=3, max_blocks=2, max_width=9, max_classes=7, max_channels=4, max_side=24)
