"""Names and shapes tell which network weights belong to, whatever library they come from."""

from dataclasses import replace

import pytest
import torch
import torchvision
from hypothesis import given, settings

from explorer.architecture.config import Antialias, Shortcut, StrideOn
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import list_presets
from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import WeightsError
from explorer.network.build import build_network
from explorer.network.checkpoints import list_shapes
from explorer.network.inference import count_classes, infer_architecture
from explorer.network.translation import choose_dialect, list_entries, list_keys, match_tensors, written_shape
from strategies import small_architectures
from witness import is_one_clear_sentence


def write_shapes(architecture, library=None):
    """Names and shapes of a network's tensors in a library's dialect."""
    dialect = choose_dialect(architecture, library)
    entries = list_entries(expand_plan(architecture))
    return {list_keys(dialect, entry)[0]: written_shape(dialect, entry) for entry in entries}


def assume_what_weights_cannot_tell(architecture):
    """No anti-aliasing, and option A where nothing is projected."""
    plain = architecture.shortcut is Shortcut.NONE
    shortcut = Shortcut.A if plain else architecture.shortcut
    return replace(architecture, antialias=Antialias.NONE, shortcut=shortcut)


PRESETS = [preset for preset in list_presets() if preset.architecture.depth < 300]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_a_presets_weights_tell_its_architecture(preset):
    expected = assume_what_weights_cannot_tell(preset.architecture)
    assert infer_architecture(write_shapes(preset.architecture)) == expected


@pytest.mark.parametrize("library", ["explorer", "pytorchcv"])
@pytest.mark.parametrize(
    "text",
    ["resnet56,shortcut=B", "resnet164bn", "preresnet20", "preresnet164bn", "seresnet56", "sepreresnet20", "wrn16_8",
     "resnext29_16x64d", "densenet40_k12", "densenet100_k12_bc", "densenet40_k12_paper"],
)  # fmt: skip
def test_cifar_networks_are_told_in_pytorchcvs_names_and_ours(text, library):
    assert infer_architecture(write_shapes(parse_variant(text), library)) == parse_variant(text)


OPTIONS = [
    "resnet18,stem=cifar,input=3x32x32", "resnet50,shortcut=C", "resnet50,shortcut=A", "resnet10,shortcut=C",
    "resnet20,shortcut=C", "resnet50,classes=7,width=32", "resnet20,input=1x32x32", "resnet50,shortcut=D",
    "resnet20,stem=imagenet,input=3x224x224", "resnet50,stem=deep,stem_width=48", "resnet50,widths=64-96-128-256",
    "resnet50,groups=4,base_width=24", "seresnet50,se_reduction=4", "resnet20,branch=3x3-1x1-3x3", "ecaresnet50t",
    "resnet20,activation=bn_after", "resnet20,norm=none", "resnet20,norm=layer", "seresnet20,se_place=pre",
    "seresnet20,se_place=post", "seresnet20,se_place=identity", "preresnet20,ends=both", "resnetv2_50d_gn",
    "densenet121,compression=0.7", "densenet121,growth=12,bn_size=2", "resnet50,depths=1-2",
]  # fmt: skip


@pytest.mark.parametrize("text", OPTIONS)
def test_options_are_seen_in_the_weights(text):
    assert infer_architecture(write_shapes(parse_variant(text))) == parse_variant(text)


@settings(max_examples=150)
@given(small_architectures())
def test_an_inferred_network_has_exactly_these_tensors(architecture):
    """Whatever was assumed, the weights load; the module itself says what they are called."""
    with torch.device("meta"):
        shapes = list_shapes(build_network(architecture).state_dict())
    plan = expand_plan(infer_architecture(shapes))
    assert {entry.key: entry.shape for entry in list_entries(plan)} == shapes
    written = write_shapes(architecture)
    assert len(written) == len(shapes)
    assert match_tensors(expand_plan(infer_architecture(written)), written).is_exact


def test_what_weights_cannot_tell_is_assumed():
    inferred = infer_architecture(
        write_shapes(parse_variant("resnet50,stride_on=1x1,input=3x99x99,act=gelu,dropout=0.1"))
    )
    assert inferred == parse_variant("resnet50")
    assert (inferred.stride_on, inferred.input) == (StrideOn.CONV3X3, (3, 224, 224))


SHAPES = {"conv1.weight": (4, 3, 3, 3), "fc.weight": (2, 4), "layer1.0.conv1.weight": (4, 4, 3, 3)}
STRANGERS = {
    "nothing": {},
    "another network": list_shapes(torchvision.models.squeezenet1_0().state_dict()),
    "no classifier": {key: SHAPES[key] for key in ("conv1.weight", "layer1.0.conv1.weight")},
    "no stages": {key: SHAPES[key] for key in ("conv1.weight", "fc.weight")},
    "flat weights": {"conv1.weight": (4,), "fc.weight": (), "layer1.0.conv1.weight": (1,)},
    "empty weights": SHAPES | {"layer1.0.conv1.weight": (4, 0, 3, 3)},
    "a stage left out": SHAPES | {"layer3.0.conv1.weight": (4, 4, 3, 3)},
    "far too many classes": SHAPES | {"fc.weight": (10**9, 4)},
    "a kernel of no size that is known": SHAPES | {"layer1.0.conv1.weight": (4, 4, 2, 2)},
    "thousands of stages": SHAPES | {f"layer{stage}.0.conv1.weight": (4, 4, 3, 3) for stage in range(1, 9999)},
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_weights_of_another_network_are_refused(stranger):
    with pytest.raises(WeightsError, match="no ResNet") as refusal:
        infer_architecture(stranger)
    assert is_one_clear_sentence(str(refusal.value))


DAMAGE = {
    "a missing weight": ({"layer2.0.downsample.0.weight": None}, "layer2.0.downsample.0.weight 128×64×1×1"),
    "another shape": ({"layer4.1.bn2.bias": (7,)}, "layer4.1.bn2.bias is 7, not 512"),
    "one too many": ({"layer4.1.bn9.bias": (7,)}, "1 is not known (layer4.1.bn9.bias 7)"),
}


@pytest.mark.parametrize(("changes", "named"), DAMAGE.values(), ids=DAMAGE)
def test_what_does_not_fit_is_listed_by_key_and_shape(changes, named):
    shapes = write_shapes(parse_variant("resnet18")) | changes
    with pytest.raises(WeightsError) as refusal:
        infer_architecture({key: shape for key, shape in shapes.items() if shape is not None})
    assert named in str(refusal.value) and is_one_clear_sentence(str(refusal.value))


@pytest.mark.parametrize("text", ["resnet18", "resnetv2_18", "densenet121", "preresnet20"])
def test_classes_are_counted_in_any_dialect(text):
    assert count_classes(write_shapes(parse_variant(f"{text},classes=37"))) == 37
    assert count_classes({"fc.weight": ()}) is None


def test_shapes_come_from_tensors():
    with torch.device("meta"):
        network = build_network(parse_variant("resnet20"))
    assert list_shapes(network.state_dict())["stem.conv1.weight"] == (16, 3, 3, 3)
    assert infer_architecture(list_shapes(network.state_dict())) == parse_variant("resnet20")


@pytest.mark.parametrize(
    ("text", "inferred"),
    [
        ("resnet20,width=3,widen=2.3334", "resnet20,widths=7-14-28,stem_width=3"),
        ("densenet121,depths=40-40-40-40,growth=13,compression=0.123457", None),
    ],
)
def test_a_share_that_is_inferred_can_be_written(text, inferred):
    found = infer_architecture(write_shapes(parse_variant(text)))
    assert parse_variant(format_variant(found)) == found
    assert inferred is None or found == parse_variant(inferred)
