from math import prod

import pytest
import torch
import torchvision
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from explorer.architecture.config import Shortcut
from explorer.architecture.cost import Cost, compute_cost, compute_op_cost, list_rows
from explorer.architecture.plan import Kind, Op, expand_plan
from explorer.architecture.presets import CIFAR_DEPTHS, IMAGENET_DEPTHS, list_presets
from explorer.architecture.variant import parse_variant
from explorer.network.build import build_network
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
    if shortcut in (Shortcut.B, Shortcut.C):
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


DEEP = 100  # of those the own option is enough
VARIANTS = [
    f"{preset.name},shortcut={shortcut}"
    for preset in list_presets()
    for shortcut in Shortcut
    if preset.architecture.depth < DEEP or shortcut is preset.architecture.shortcut
]


@pytest.mark.parametrize("text", [*VARIANTS, "resnet26,stride_on=1x1", "resnet18,stem=cifar", "resnet20,stem=imagenet"])
def test_torchinfo_and_torchs_counter_agree_op_by_op(text):
    """Names, order, output shapes, parameters and MACs of the built module; odd sides, so that rounding shows."""
    side = 30 if "cifar" in text or parse_variant(text).width == 16 else 75
    shape = (3, side, side + 7)
    architecture = parse_variant(f"{text},input={'x'.join(map(str, shape))}")
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
