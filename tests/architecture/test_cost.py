from dataclasses import replace
from math import prod

import pytest
import torch
import torchvision
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from explorer.architecture.config import Antialias, Connect, Shortcut, Stem
from explorer.architecture.cost import Cost, compute_cost, compute_op_cost, list_rows
from explorer.architecture.plan import Kind, Op, expand_plan
from explorer.architecture.presets import CIFAR_DEPTHS, IMAGENET_DEPTHS, list_presets
from explorer.architecture.variant import parse_variant
from explorer.network.build import build_network
from families import FAMILIES
from witness import COUNTS, Seen, count_macs, count_params, observe_modules


def cost_of(text):
    return compute_cost(expand_plan(parse_variant(text)))


@pytest.mark.parametrize("row", COUNTS, ids=lambda row: f"{row['variant']}-{row['source'].split()[0]}")
def test_totals_are_the_reference(row):
    architecture = parse_variant(row["variant"])
    assert "x".join(map(str, architecture.input)) == row["input"]
    cost = compute_cost(expand_plan(architecture))
    assert cost.params == int(row["params"])
    if row["macs"]:
        assert (cost.macs, cost.flops) == (int(row["macs"]), 2 * int(row["macs"]))


@pytest.mark.parametrize("depth", IMAGENET_DEPTHS)
def test_totals_are_torchvisions(depth):
    blocks = {10: (BasicBlock, [1] * 4), 14: (Bottleneck, [1] * 4), 26: (Bottleneck, [2] * 4)}
    blocks[200] = (Bottleneck, [3, 24, 36, 3])
    with torch.device("meta"):
        network = ResNet(*blocks[depth]) if depth in blocks else getattr(torchvision.models, f"resnet{depth}")()
    cost = cost_of(f"resnet{depth}")
    assert (cost.params, cost.macs) == (count_params(network), count_macs(network, (3, 224, 224)))


def count_cifar_by_hand(depth, shortcut):
    """He et al. 2015, section 4.2, written out: (parameters, multiply-adds)."""
    n = (depth - 2) // 6
    weights = {32: 27 * 16 + 2 * n * 9 * 16**2}  # side of the maps -> convolution weights
    weights[16] = 9 * 16 * 32 + (2 * n - 1) * 9 * 32**2
    weights[8] = 9 * 32 * 64 + (2 * n - 1) * 9 * 64**2
    norms = 2 * 16 + 2 * n * 2 * (16 + 32 + 64)
    if shortcut in (Shortcut.B, Shortcut.C, Shortcut.D):  # D pools first; its 1x1 gives maps of the same size
        weights[16] += 16 * 32
        weights[8] += 32 * 64
        norms += 2 * 32 + 2 * 64
    if shortcut is Shortcut.C:
        weights[32] += n * 16**2
        weights[16] += (n - 1) * 32**2
        weights[8] += (n - 1) * 64**2
        norms += 2 * (n * 16 + (n - 1) * 32 + (n - 1) * 64)
    fc = 64 * 10
    params = sum(weights.values()) + norms + fc + 10
    return params, sum(side**2 * count for side, count in weights.items()) + fc


@pytest.mark.parametrize("shortcut", Shortcut)
@pytest.mark.parametrize("depth", [*CIFAR_DEPTHS, 8, 1202])
def test_totals_are_the_formula_of_section_4_2(depth, shortcut):
    cost = cost_of(f"resnet{depth},shortcut={shortcut}")
    assert (cost.params, cost.macs) == count_cifar_by_hand(depth, shortcut)


@pytest.mark.parametrize(("depth", "millions"), [(50, 11.1), (101, 16.2), (152, 22.6)])
def test_activations_are_the_published_ones(depth, millions):
    """Facebook's pycls, MODEL_ZOO.md, column "acts (M)"; as defined in Radosavovic et al. 2020."""
    assert cost_of(f"resnet{depth}").activations / 1e6 == pytest.approx(millions, abs=0.05)


DEEP, VERY_DEEP = 100, 300  # of the deep the own option is enough, the very deep repeat the blocks of the others
VARIANTS = [
    preset.name + (f",shortcut={shortcut}" if shortcut else "")
    for preset in list_presets()
    for shortcut in (None, *(Shortcut if preset.name in FAMILIES else ()))
    if preset.architecture.depth < DEEP or (not shortcut and preset.architecture.depth < VERY_DEEP)
    if not shortcut or preset.architecture.connect is Connect.ADD
]
OPTIONS = [
    "resnet26,stride_on=1x1",
    "resnet18,stem=cifar",
    "resnet20,stem=imagenet",
    "resnet50,branch=3x3-1x1,widths=8-24-16,depths=1-2-1",
    "resnet18,norm=none,act=silu",
    "resnet26,groups=4,base_width=24,width=16,norm=layer",
    "resnet18,activation=bn_after,shortcut=C,zero_init=true",
    *(f"resnet18,attention=se,se_place={place},se_reduction=4" for place in ("pre", "post", "identity")),
    "densenet40_k12,growth=5,compression=0.3,attention=eca",
    "resnet14,antialias=blur,shortcut=D,stem=tiered",
]


def choose_input(architecture):
    """Odd sides, so that rounding shows, but where anti-aliasing refuses them."""
    if architecture.antialias is not Antialias.NONE:
        return 3, 64, 96
    side = 30 if architecture.stem is Stem.CIFAR else 75
    return 3, side, side + 7


@pytest.mark.parametrize("text", [*VARIANTS, *OPTIONS])
def test_torchinfo_and_torchs_counter_agree_op_by_op(text):
    """Names, order, output shapes, parameters and MACs of the built module."""
    architecture = parse_variant(text)
    shape = choose_input(architecture)
    architecture = replace(architecture, input=shape)
    with torch.device("meta"):
        network = build_network(architecture)
    rows = list_rows(expand_plan(architecture))
    planned = {row.name: Seen(row.output, row.cost.params, row.cost.macs) for row in rows}
    seen = observe_modules(network, shape)
    assert list(planned) == list(seen)
    assert planned == seen


@pytest.mark.parametrize(
    ("op", "cost"),
    [
        (Op("conv", Kind.CONV, (8, 5, 5), (12, 3, 3), 3, 2, 1), Cost(12 * 8 * 9, 12 * 8 * 9 * 9, 108)),
        (Op("conv", Kind.CONV, (8, 5, 5), (12, 5, 5), 3, 1, 1, groups=4), Cost(12 * 2 * 9, 12 * 2 * 9 * 25, 300)),
        (Op("conv", Kind.CONV, (8, 5, 5), (4, 5, 5), bias=True), Cost(4 * 8 + 4, 4 * 8 * 25, 100)),
        (Op("fc", Kind.LINEAR, (8,), (3,), bias=True), Cost(27, 24, 3)),
        (Op("fc", Kind.LINEAR, (8,), (3,)), Cost(24, 24, 3)),
        (Op("bn", Kind.NORM, (8, 5, 5), (8, 5, 5)), Cost(16, 0, 0)),
        *((Op("free", kind, (8, 5, 5), (8, 5, 5)), Cost()) for kind in (Kind.ACT, Kind.ADD, Kind.POOL, Kind.PAD)),
    ],
)
def test_one_operation_costs_what_its_shapes_say(op, cost):
    assert compute_op_cost(op) == cost


def test_macs_grow_with_the_area_and_parameters_do_not():
    small, large = cost_of("resnet18,input=3x32x32"), cost_of("resnet18,input=3x64x128")
    assert small.params == large.params
    fc = prod((512, 1000))
    assert (large.macs - fc) == 8 * (small.macs - fc)
