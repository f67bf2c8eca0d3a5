"""The same weights give the same answers and gradients here and in the library they come from, both ways."""

import math
import re
import warnings
from typing import NamedTuple

import pytest
import torch
import torchvision

from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import list_presets
from explorer.architecture.variant import parse_variant
from explorer.errors import WeightsError
from explorer.network.build import build_network
from explorer.network.checkpoints import export_state, import_state, list_shapes, load_network
from explorer.network.translation import choose_dialect, find_dialect, list_entries, list_keys, match_tensors
from witness import assert_same_function, build_empty, draw_images, fill_with_seed, is_one_clear_sentence

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import timm
    from pytorchcv.model_provider import get_model

_OTHER = re.compile(r"pruned|resnetrs|senet154|test_resnet|_bit|_evos|_frn")  # not described by the options
TORCHVISION = [
    name for name in torchvision.models.list_models() if re.match("resnet|resnext|wide_resnet|densenet", name)
]
TIMM = [name for name in timm.list_models(module=["resnet", "resnetv2"]) if not _OTHER.search(name)]
PYTORCHCV = {  # theirs -> ours; He et al. had option A in the first, pytorchcv has projections
    "resnet20_cifar10": "resnet20,shortcut=B", "resnet56_cifar10": "resnet56,shortcut=B",
    "resnet164bn_cifar10": "resnet164bn", "preresnet20_cifar10": "preresnet20",
    "preresnet164bn_cifar10": "preresnet164bn", "wrn16_10_cifar10": "wrn16_10", "seresnet20_cifar10": "seresnet20",
    "seresnet164bn_cifar10": "seresnet164bn", "sepreresnet20_cifar10": "sepreresnet20",
    "sepreresnet164bn_cifar10": "sepreresnet164bn", "resnext29_32x4d_cifar10": "resnext29_32x4d",
    "densenet40_k12_cifar10": "densenet40_k12", "densenet40_k12_bc_cifar10": "densenet40_k12_bc",
    "densenet100_k12_cifar10": "densenet100_k12",
}  # fmt: skip
LARGE = 30_000_000  # parameters; of larger ones a single block in each stage is run


class Case(NamedTuple):
    library: str
    name: str
    text: str

    def build_theirs(self, **options):
        if self.library == "torchvision":
            return torchvision.models.get_model(self.name, **options)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # theirs, about their own choices
            return get_model(self.name) if self.library == "pytorchcv" else timm.create_model(self.name, **options)


CASES = [
    *(Case("torchvision", name, name) for name in TORCHVISION),
    *(Case("timm", name, name) for name in TIMM),
    *(Case("pytorchcv", name, text) for name, text in PYTORCHCV.items()),
]
RUN = [case for case in CASES if case.library != "timm" or case.name not in TORCHVISION]  # those are the same networks


def name_case(case):
    return f"{case.library}-{case.name}"


def test_the_libraries_have_the_networks_that_are_compared():
    """As many as in torchvision 0.29 and timm 1.0.31; what a later one adds is compared too."""
    assert len(TORCHVISION) >= 14 and len(TIMM) >= 82


def build_pair(case, seed=7):
    """Theirs, filled, and ours with their weights; both in evaluation mode, on a small input."""
    text = case.text if case.library == "pytorchcv" else f"{case.text},input=3x64x64"
    large = (
        case.library == "timm"
        and sum(math.prod(entry.shape) for entry in list_entries(expand_plan(parse_variant(text)))) > LARGE
    )
    options, text = ({"layers": (1, 1, 1, 1)}, f"{text},depths=1-1-1-1") if large else ({}, text)
    fresh = "blur" in case.name  # its filter is no part of the state dict, so it has to be made
    theirs = case.build_theirs(**options) if fresh else build_empty(lambda: case.build_theirs(**options))
    fill_with_seed(theirs, seed)
    ours = build_network(parse_variant(text)) if fresh else build_empty(build_network, parse_variant(text))
    import_state(ours, theirs.state_dict())
    return ours.eval(), theirs.eval()


@pytest.mark.parametrize("case", CASES, ids=name_case)
def test_names_and_shapes_are_theirs(case):
    """At full size, both ways: none is missing or left over."""
    with torch.device("meta"):
        theirs = list_shapes(case.build_theirs().state_dict())
    plan = expand_plan(parse_variant(case.text))
    assert match_tensors(plan, theirs).is_exact
    dialect = choose_dialect(plan.architecture, case.library)
    assert dialect is find_dialect(theirs)
    assert {list_keys(dialect, entry)[0] for entry in list_entries(plan)} == set(theirs)


@pytest.mark.parametrize("case", RUN, ids=name_case)
def test_logits_and_gradients_are_theirs_and_the_weights_come_back(case):
    ours, theirs = build_pair(case)
    assert_same_function(ours, theirs, draw_images(ours.plan.architecture.input))
    back, expected = export_state(ours, case.library), theirs.state_dict()
    assert set(back) == set(expected)
    assert all(torch.equal(back[key], expected[key]) for key in expected)
    theirs.load_state_dict(back, strict=True)


DIALECTS = ["torchvision-resnet18", "torchvision-densenet121", "timm-resnetv2_18d", "timm-seresnet18",
            "pytorchcv-resnet20_cifar10", "pytorchcv-preresnet20_cifar10", "pytorchcv-densenet40_k12_cifar10",
            "pytorchcv-densenet40_k12_bc_cifar10"]  # fmt: skip


@pytest.mark.parametrize("case", [case for case in CASES if name_case(case) in DIALECTS], ids=name_case)
def test_a_permuted_branch_weight_is_noticed(case):
    """The comparison is sharp enough to see one convolution's output channels in another order."""
    ours, theirs = build_pair(case)
    images = draw_images(ours.plan.architecture.input)
    weight = ours.get_submodule("layer2.0.branch.conv1").weight
    with torch.no_grad():
        weight.copy_(weight.flip(0))
    with pytest.raises(AssertionError, match="logits"):
        assert_same_function(ours, theirs, images)


@pytest.mark.parametrize(
    "preset", [preset for preset in list_presets() if preset.architecture.depth < 300], ids=lambda preset: preset.name
)
def test_a_plans_tensors_are_the_modules(preset):
    plan = expand_plan(preset.architecture)
    with torch.device("meta"):
        state = build_network(plan).state_dict()
    assert [(entry.key, entry.shape) for entry in list_entries(plan)] == list(list_shapes(state).items())


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("resnet50d", ["conv1.0.weight", "conv1.6.weight", "bn1.bias", "layer2.0.downsample.1.weight", "fc.bias"]),
        ("seresnet18", ["conv1.weight", "layer1.0.conv1.weight", "layer1.0.se.fc2.bias"]),
        ("resnet20", ["conv1.weight", "layer3.2.bn2.running_var", "fc.weight"]),
        (
            "resnetv2_50d",
            ["stem.norm2.weight", "stages.1.blocks.0.downsample.conv.weight", "norm.bias", "head.fc.bias"],
        ),
        ("densenet121", ["features.norm0.bias", "features.transition3.conv.weight", "classifier.weight"]),
        ("preresnet20", ["stem.conv1.weight", "layer1.0.before.bn1.weight", "head.bn.weight", "head.fc.bias"]),
        ("resnet20,se_place=pre,attention=se", ["layer1.0.branch.se.fc1.weight"]),
        ("resnet20,norm=none", ["layer1.0.branch.conv1.bias"]),
    ],
)
def test_weights_are_written_with_the_names_of_who_has_the_network(text, keys):
    architecture = parse_variant(text)
    dialect = choose_dialect(architecture)
    written = {list_keys(dialect, entry)[0] for entry in list_entries(expand_plan(architecture))}
    assert set(keys) <= written


@pytest.mark.parametrize("library", ["pytorchcv", "keras"])
def test_names_of_a_library_without_the_network_are_refused(library):
    network = build_empty(build_network, parse_variant("resnet20,norm=none,width=4"))
    with pytest.raises(WeightsError) as refusal:
        export_state(network, library)
    assert is_one_clear_sentence(str(refusal.value))


ALIASES = {  # as torch users name a part -> as torchvision does
    "kuangliu/pytorch-cifar": ("resnet20,shortcut=B", {"fc.": "linear.", "downsample.": "shortcut."}),
    "cnn-finetune": ("resnet20", {"fc.": "last_linear."}),
    "another head": ("resnet20", {"fc.": "classifier."}),
    "torchvision's old files": ("densenet121,depths=2-2,classes=3", {"norm1": "norm.1", "conv2": "conv.2"}),
}


@pytest.mark.parametrize(("text", "changes"), ALIASES.values(), ids=ALIASES)
def test_other_names_for_the_same_parts_are_read(text, changes):
    network = build_empty(build_network, parse_variant(text))
    fill_with_seed(network, 3)
    state = export_state(network)
    renamed = {}
    for key, tensor in state.items():
        for name, alias in changes.items():
            key = re.sub(rf"(^|(?<=\.)){re.escape(name)}", alias, key)
        renamed[key] = tensor
    assert set(renamed) != set(state)
    read = load_network(renamed).state_dict()
    assert all(torch.equal(read[key], tensor) for key, tensor in network.state_dict().items())


def test_a_classifier_that_is_a_matrix_or_a_convolution_is_read_either_way():
    network = build_empty(build_network, parse_variant("resnetv2_18,width=4,classes=5,input=3x64x64"))
    fill_with_seed(network, 3)
    state = export_state(network)
    assert state["head.fc.weight"].shape == (5, 32, 1, 1)
    flat = state | {"head.fc.weight": state["head.fc.weight"].flatten(1)}
    assert torch.equal(load_network(flat).head.fc.weight, network.head.fc.weight)
