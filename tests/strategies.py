"""Random architectures: any that is valid, small ones that can be built and run, or any options at all."""

from types import SimpleNamespace

from hypothesis import assume
from hypothesis import strategies as st

from explorer.architecture.config import (
    Act,
    Activation,
    Antialias,
    Architecture,
    Attention,
    Block,
    Connect,
    Dropout,
    Ends,
    Norm,
    Place,
    Shortcut,
    Stem,
    StrideOn,
)
from explorer.architecture.plan import expand_plan
from explorer.architecture.rules import (
    KERNELS,
    MAX_BLOCKS_PER_STAGE,
    MAX_CHANNELS,
    MAX_CLASSES,
    MAX_SIDE,
    MAX_STAGES,
    MAX_WIDTH,
    list_kernels,
    settle,
)
from explorer.errors import VariantError


@st.composite
def options(
    draw,
    max_stages=MAX_STAGES,
    max_blocks=MAX_BLOCKS_PER_STAGE,
    max_width=MAX_WIDTH,
    max_classes=MAX_CLASSES,
    max_channels=MAX_CHANNELS,
    max_side=MAX_SIDE,
):
    """Values for every field, some of which contradict each other."""
    side = st.integers(1, max_side)
    number_of_blocks = st.integers(1, max_blocks) | st.integers(1, min(9, max_blocks))
    depths = tuple(draw(st.lists(number_of_blocks, min_size=1, max_size=max_stages)))
    widths = st.tuples(*[st.integers(1, max_width)] * len(depths))
    share = st.floats(0, 0.9).map(lambda value: round(value, 3))
    dense = draw(st.sampled_from([Connect.ADD] * 4 + [Connect.DENSE]))
    return {
        "depths": depths,
        "block": draw(st.sampled_from(Block)),
        "branch": draw(st.none() | st.lists(st.sampled_from(KERNELS), min_size=1, max_size=4).map(tuple)),
        "activation": Activation.PRE if dense is Connect.DENSE else draw(st.sampled_from(Activation)),
        "ends": draw(st.sampled_from(Ends)),
        "shortcut": draw(st.sampled_from(Shortcut)),
        "stem": draw(st.sampled_from(Stem)),
        "stem_width": draw(st.none() | st.integers(1, max_width)),
        "stride_on": draw(st.sampled_from(StrideOn)),
        "width": draw(st.sampled_from([w for w in (16, 64) if w <= max_width] or [1]) | st.integers(1, max_width)),
        "widths": draw(st.none() | widths),
        "widen": draw(st.sampled_from([1.0, 1.0, 0.5, 1.5, 2.0])),
        "groups": draw(st.sampled_from([1, 2, 3])),
        "base_width": draw(st.sampled_from([64, 64, 32, 128])),
        "attention": draw(st.sampled_from(Attention)),
        "se_reduction": draw(st.sampled_from([16, 2, 1])),
        "se_divisor": draw(st.sampled_from([1, 8])),
        "se_place": draw(st.sampled_from(Place)),
        "dropout": draw(st.just(0.0) | share),
        "dropout_kind": draw(st.sampled_from(Dropout)),
        "drop_path": draw(st.just(0.0) | share),
        "zero_init": draw(st.booleans()),
        "norm": draw(st.sampled_from(Norm)),
        "act": draw(st.sampled_from(Act)),
        "connect": dense,
        "growth": draw(st.integers(1, min(24, max_width))),
        "bn_size": draw(st.integers(1, 4)),
        "compression": draw(st.sampled_from([0.5, 1.0, 0.3])),
        "antialias": draw(st.sampled_from([Antialias.NONE, *Antialias])),
        "classes": draw(st.integers(1, max_classes)),
        "input": (draw(st.integers(1, max_channels)), draw(side), draw(side)),
    }


def make_valid(values):
    """The architecture of the values, with those that mean nothing beside the others taken back."""
    kernels = list_kernels(SimpleNamespace(**values))
    if not any((kernel == 1) is (values["stride_on"] == "1x1") for kernel in kernels):
        values["stride_on"] = next(choice for choice in StrideOn if choice != values["stride_on"])
    settle(values)
    return Architecture(**values)


@st.composite
def architectures(draw, **limits):
    """Valid ones whose plan exists."""
    try:
        architecture = make_valid(draw(options(**limits)))
        expand_plan(architecture)
    except VariantError:
        assume(False)
    return architecture


SMALL = {"max_stages": 3, "max_blocks": 2, "max_width": 9, "max_classes": 7, "max_channels": 4, "max_side": 24}


def small_architectures():
    return architectures(**SMALL)
