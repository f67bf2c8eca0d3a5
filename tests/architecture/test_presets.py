import pytest

from explorer.architecture.config import Block, Shortcut, Stem
from explorer.architecture.cost import compute_cost
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import CIFAR_DEPTHS, IMAGENET_DEPTHS, find_preset, is_cifar_depth, list_presets
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from witness import is_one_clear_sentence

# He et al. 2015, table 1: block and blocks per stage
TABLE_1 = {
    18: (Block.BASIC, (2, 2, 2, 2)),
    34: (Block.BASIC, (3, 4, 6, 3)),
    50: (Block.BOTTLENECK, (3, 4, 6, 3)),
    101: (Block.BOTTLENECK, (3, 4, 23, 3)),
    152: (Block.BOTTLENECK, (3, 8, 36, 3)),
}


@pytest.mark.parametrize("depth", TABLE_1)
def test_imagenet_presets_are_table_1(depth):
    architecture = find_preset(f"resnet{depth}").architecture
    assert (architecture.block, architecture.depths) == TABLE_1[depth]


@pytest.mark.parametrize("depth", IMAGENET_DEPTHS)
def test_imagenet_depths_carry_imagenets_stem_classes_and_input(depth):
    architecture = find_preset(f"resnet{depth}").architecture
    assert (architecture.stem, architecture.shortcut, architecture.width) == (Stem.IMAGENET, Shortcut.B, 64)
    assert (architecture.classes, architecture.input) == (1000, (3, 224, 224))
    assert len(architecture.depths) == 4


@pytest.mark.parametrize("depth", [*CIFAR_DEPTHS, 8, 38, 164 - 2 * 3, 1202, 6002])
def test_cifar_depths_are_three_stages_of_n_basic_blocks(depth):
    architecture = find_preset(f"resnet{depth}").architecture
    assert architecture.depths == ((depth - 2) // 6,) * 3
    assert (architecture.block, architecture.planes) == (Block.BASIC, (16, 32, 64))
    assert (architecture.stem, architecture.shortcut) == (Stem.CIFAR, Shortcut.A)
    assert (architecture.classes, architecture.input) == (10, (3, 32, 32))


@pytest.mark.parametrize("depth", [14, 26, 50, 152, 200])
def test_imagenet_wins_where_a_depth_is_6n_plus_2_too(depth):
    assert depth % 6 == 2
    assert not is_cifar_depth(depth)
    assert find_preset(f"resnet{depth}").architecture.stem is Stem.IMAGENET


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_a_presets_name_is_the_depth_of_its_architecture(preset):
    assert preset.name == f"resnet{preset.architecture.depth}"
    assert preset.source


@pytest.mark.parametrize("depth", TABLE_1)
def test_macs_are_the_ones_the_paper_prints(depth):
    """Table 1 prints two digits, of bottlenecks that stride on their 1x1."""
    stride_on = ",stride_on=1x1" if TABLE_1[depth][0] is Block.BOTTLENECK else ""
    macs = compute_cost(expand_plan(parse_variant(f"resnet{depth}{stride_on}"))).macs
    assert macs == pytest.approx(find_preset(f"resnet{depth}").macs, rel=0.02)


@pytest.mark.parametrize("name", ["resnet51", "resnet0", "resnet2", "resnet7", "resnet6008", "resnet99999"])
def test_a_depth_that_does_not_exist_names_what_came_and_the_nearest(name):
    with pytest.raises(VariantError) as refusal:
        find_preset(name)
    message = str(refusal.value)
    depth = int(name.removeprefix("resnet"))
    assert f"depth {depth}" in message
    assert is_one_clear_sentence(message)
    nearest = message.rpartition("the nearest are ")[2].rstrip(".").split(", ")
    assert [find_preset(f"resnet{near}").architecture.depth for near in nearest] == [int(near) for near in nearest]


UNKNOWN = ["resnet", "resnext50", "vgg16", "", "resnet-50", "resnet5O", "resnet٥٠", "resnet500000"]


@pytest.mark.parametrize("name", UNKNOWN, ids=ascii)
def test_an_unknown_name_suggests_names_that_exist(name):
    with pytest.raises(VariantError, match="is no known network") as refusal:
        find_preset(name)
    suggestions = str(refusal.value).rpartition("try ")[2].rstrip(".").split(", ")
    assert all(find_preset(suggestion) for suggestion in suggestions)
