import dataclasses

import pytest

from explorer.architecture.config import Architecture, Block, Shortcut, StrideOn
from explorer.errors import ExplorerError, VariantError
from witness import is_one_clear_sentence

IMPOSSIBLE = [
    ({"depths": ()}, "stages"),
    ({"depths": (1,) * 7}, "7 stages"),
    ({"depths": (2, 0, 2)}, "2-0-2"),
    ({"depths": (2, -1)}, "-1 blocks"),
    ({"depths": (1001,)}, "1,000"),
    ({"width": 0}, "width=0"),
    ({"width": 4097}, "4,096"),
    ({"classes": 0}, "classes=0"),
    ({"classes": 10**9}, "10,000,000"),
    ({"input": (0, 32, 32)}, "0x32x32"),
    ({"input": (3, 0, 32)}, "3x0x32"),
    ({"input": (3, 32, 8193)}, "8,192"),
    ({"input": (4097, 32, 32)}, "4,096"),
    ({"block": Block.BASIC, "stride_on": StrideOn.CONV1X1}, "bottleneck"),
]


@pytest.mark.parametrize(("options", "named"), IMPOSSIBLE, ids=[named for _, named in IMPOSSIBLE])
def test_what_cannot_be_built_is_refused_in_one_sentence(options, named):
    with pytest.raises(VariantError) as refusal:
        Architecture(**options)
    assert named in str(refusal.value)
    assert is_one_clear_sentence(str(refusal.value))


def test_the_default_is_resnet50():
    assert Architecture().depth == 50
    assert Architecture().planes == (64, 128, 256, 512)


@pytest.mark.parametrize(
    ("depths", "block", "depth"),
    [
        ((2, 2, 2, 2), Block.BASIC, 18),
        ((3, 4, 6, 3), Block.BASIC, 34),
        ((3, 8, 36, 3), Block.BOTTLENECK, 152),
        ((9, 9, 9), Block.BASIC, 56),
    ],
)
def test_depth_counts_the_weighted_layers_of_the_main_path(depths, block, depth):
    assert Architecture(depths=depths, block=block, shortcut=Shortcut.C).depth == depth


def test_fractions_are_kept_as_the_text_writes_them():
    assert Architecture(widen=1 / 3).widen == 0.333333
    assert Architecture(drop_path=1e-9) == Architecture()


def test_channels_are_multiplied_as_in_decimals():
    """0.29 is a little less than 29/100 in binary."""
    assert Architecture(width=100, widen=0.29).planes == (29, 58, 116, 232)


def test_an_architecture_is_frozen_and_equal_by_value():
    assert Architecture() == Architecture()
    assert len({Architecture(), Architecture(), Architecture(width=32)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        Architecture().width = 1


def test_every_refusal_is_of_the_one_tree():
    assert issubclass(VariantError, ExplorerError)
