import re

import pytest
import timm
import torchvision

from explorer.architecture.config import Block, Shortcut, Stem
from explorer.architecture.cost import compute_cost
from explorer.architecture.names import is_cifar_depth
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import CIFAR_DEPTHS, FIGURES, IMAGENET_DEPTHS, find_preset, list_presets
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from witness import is_one_clear_sentence


def timm_and_torchvision_names():
    """All but those with parts of their own: other norms and stems, pruned or mixed blocks, rectified ones."""
    own = re.compile(
        r"pruned|resnetrs|senet154|test_|_bit|evos|frn|resnest|tresnet|nf_|iresnet|skresne|rexnet|_cl|resnet50x|gc|halo"
    )
    plain = re.compile(r"(se|eca)?(resnet|resnext|wide_resnet|densenet|resnetv2)")
    theirs = [
        *timm.list_models(module="resnet"),
        *timm.list_models(module="resnetv2"),
        *torchvision.models.list_models(),
    ]
    return sorted({name for name in theirs if plain.match(name) and not own.search(name)})


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


@pytest.mark.parametrize("depth", [*CIFAR_DEPTHS, 8, 38, 158, 1202, 6002])
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
def test_a_presets_name_says_the_depth_of_its_architecture(preset):
    said = int(re.search(r"(?<=v2_)[0-9]+|(?<!v)[0-9]+", preset.name)[0])
    more = {"densenet264": 1}.get(preset.name, 0)  # the blocks that the paper's table 1 prints make 265
    if preset.name.startswith("wrn"):
        more = -2  # Zagoruyko & Komodakis count the three projections for the linear layer
    assert said + more == preset.architecture.depth
    assert re.search(r"arXiv:[0-9]{4}\.[0-9]{5}", preset.source)


@pytest.mark.parametrize("name", FIGURES)
def test_parameters_and_macs_are_the_ones_the_papers_print(name):
    """Two or three digits; a paper's ResNet-50 to 152 stride on their 1x1, SENet's baselines with them."""
    preset, figures = find_preset(name), FIGURES[name]
    strided = re.match(r"(se)?resnet(50|101|152)$", name)
    cost = compute_cost(expand_plan(parse_variant(f"{name},stride_on=1x1") if strided else preset.architecture))
    if figures.params:
        assert cost.params == pytest.approx(figures.params, rel=0.04)
    if figures.macs:
        assert cost.macs == pytest.approx(figures.macs, rel=0.02)


# what the names mean, from timm 1.0.31 and pytorchcv 0.0.74: options over resnet50, or over resnet56 for CIFAR's
MEANINGS = {
    "resnet101": "resnet50,depths=3-4-23-3",
    "resnet50b": "resnet50",
    "resnet50c": "resnet50,stem=deep",
    "resnet50d": "resnet50,stem=deep,shortcut=D",
    "resnet50s": "resnet50,stem=deep,stem_width=128",
    "resnet50t": "resnet50,stem=tiered,shortcut=D",
    "resnetv2_50d": "resnet50,activation=pre,stem=deep,shortcut=D",
    "resnet50_gn": "resnet50,norm=group",
    "seresnext101d_32x8d": "resnet101,attention=se,se_divisor=8,groups=32,base_width=8,stem=deep,shortcut=D",
    "ecaresnet50t": "resnet50,attention=eca,stem=tiered,shortcut=D",
    "resnetaa50d": "resnet50,antialias=avg,stem=deep,shortcut=D",
    "resnetblur50": "resnet50,antialias=blur",
    "wide_resnet50_2": "resnet50,base_width=128",
    "plain34": "resnet34,shortcut=none",
    "plain110": "resnet110,shortcut=none",
    "preresnet56": "resnet56,activation=pre,shortcut=B",
    "preresnet164bn": "resnet56,depths=18-18-18,block=bottleneck,activation=pre,shortcut=B",
    "preresnet1001": "resnet56,depths=111-111-111,block=bottleneck,activation=pre,shortcut=B",
    "seresnet56": "resnet56,attention=se,shortcut=B",
    "sepreresnet56": "resnet56,attention=se,activation=pre,ends=stem,shortcut=B",
    "wrn40_8": "resnet56,depths=6-6-6,activation=pre,shortcut=B,widen=8",
    "resnext29_8x64d": "resnet56,depths=3-3-3,block=bottleneck,shortcut=B,width=64,groups=8,base_width=64",
    "densenet121,depth=201": "densenet201",
    "resnext50_32x4d,depth=101": "resnext101_32x4d",
    "wrn40_4,depth=16": "wrn16_4",
}


@pytest.mark.parametrize("name", MEANINGS)
def test_a_name_stands_for_its_options(name):
    assert parse_variant(name) == parse_variant(MEANINGS[name])


@pytest.mark.parametrize("name", timm_and_torchvision_names())
def test_every_name_of_torchvision_and_timm_that_the_options_describe_resolves(name):
    assert find_preset(name).architecture.input == (3, 224, 224)


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
    assert nearest == sorted(nearest, key=int)


UNKNOWN = ["resnet", "resnext50", "vgg16", "", "resnet-50", "resnet5O", "resnet٥٠", "resnet500000"]


@pytest.mark.parametrize("name", UNKNOWN, ids=ascii)
def test_an_unknown_name_suggests_names_that_exist(name):
    with pytest.raises(VariantError, match="is no known network") as refusal:
        find_preset(name)
    suggestions = str(refusal.value).rpartition("try ")[2].rstrip(".").split(", ")
    assert all(find_preset(suggestion) for suggestion in suggestions)
