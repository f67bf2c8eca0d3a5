"""Measured comparison networks against counts and figures that others published."""

import pytest

from explorer.architecture.cost import compute_cost
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from explorer.network.reference import REFERENCES, RESNETS, list_accuracies, list_references, measure_reference
from witness import is_one_clear_sentence

COUNTED = {  # torchvision 0.29.2; convolutions and linear layers, one multiply-add each
    "alexnet": (61_100_840, 714_188_480),
    "vgg16": (138_357_544, 15_470_264_320),
    "googlenet": (6_624_904, 1_498_376_192),
}
TORCHVISION = {  # parameters, GMACs and accuracies in torchvision's own table of weights
    ("alexnet", "IMAGENET1K_V1"): (61_100_840, 0.71, 56.522, 79.066),
    ("vgg16", "IMAGENET1K_V1"): (138_357_544, 15.47, 71.592, 90.382),
    ("vgg16_bn", "IMAGENET1K_V1"): (138_365_992, 15.47, 73.360, 91.516),
    ("googlenet", "IMAGENET1K_V1"): (6_624_904, 1.50, 69.778, 89.530),
    ("densenet121", "IMAGENET1K_V1"): (7_978_856, 2.83, 74.434, 91.972),
    ("densenet161", "IMAGENET1K_V1"): (28_681_000, 7.73, 77.138, 93.560),
    ("densenet169", "IMAGENET1K_V1"): (14_149_480, 3.36, 75.600, 92.806),
    ("densenet201", "IMAGENET1K_V1"): (20_013_928, 4.29, 76.896, 93.370),
    ("resnet18", "IMAGENET1K_V1"): (11_689_512, 1.81, 69.758, 89.078),
    ("resnet50", "IMAGENET1K_V1"): (25_557_032, 4.09, 76.130, 92.862),
    ("resnet50", "IMAGENET1K_V2"): (25_557_032, 4.09, 80.858, 95.434),
    ("resnext101_64x4d", "IMAGENET1K_V1"): (83_455_272, 15.46, 83.246, 96.454),
    ("wide_resnet101_2", "IMAGENET1K_V2"): (126_886_696, 22.75, 82.510, 96.020),
}


@pytest.mark.parametrize("name", COUNTED)
def test_counts(name):
    measured = measure_reference(name)
    assert (measured.params, measured.macs) == COUNTED[name]


@pytest.mark.parametrize("name", [name for name in REFERENCES if name.startswith("densenet")])
def test_densenets_are_ours(name):
    measured, cost = measure_reference(name), compute_cost(expand_plan(parse_variant(name)))
    assert (measured.params, measured.macs) == (cost.params, cost.macs)


def test_norms_add_parameters_alone():
    """Two for each of VGG-16's 4,224 convolution channels."""
    plain, normed = measure_reference("vgg16"), measure_reference("vgg16_bn")
    assert (normed.params - plain.params, normed.macs - plain.macs) == (2 * 4224, 0)


def test_accuracies_are_torchvisions():
    rows = {(row.name, row.weights): row for row in list_accuracies()}
    for key, (params, macs, top1, top5) in TORCHVISION.items():
        row = rows[key]
        assert row.params == params and round(row.macs / 1e9, 2) == macs
        assert (row.top1, row.top5) == pytest.approx((top1 / 100, top5 / 100), abs=1e-9)


def test_every_network_has_its_accuracy():
    rows = list_accuracies()
    assert {row.name for row in rows} == {*RESNETS, *REFERENCES}
    assert all(0.5 < row.top1 < row.top5 < 1 and row.protocol and row.recipe for row in rows)
    assert sum(row.name == "vgg16" for row in rows) == 1  # not the weights without a classifier


def test_errors_say_how_they_were_measured():
    networks = {network.name: network for network in list_references()}
    assert list(networks) == list(REFERENCES)
    for network in networks.values():
        assert network.errors and all("crop" in error.protocol and error.source for error in network.errors)
    errors = {(error.top1, error.top5) for error in networks["vgg16"].errors}
    assert (28.07, 9.33) in errors  # He et al. 2015, table 3
    assert (28.408, 9.618) in errors  # 100 - torchvision's accuracies
    assert {25.02, 23.61} < {error.top1 for error in networks["densenet121"].errors}  # Huang et al. 2017, table 3


def test_an_unknown_name():
    with pytest.raises(VariantError) as refusal:
        measure_reference("vgg99")
    assert is_one_clear_sentence(str(refusal.value))
