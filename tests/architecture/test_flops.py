import math
import operator
from functools import reduce

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from explorer.architecture.cost import compute_cost
from explorer.architecture.flops import (
    Counted,
    compute_flops,
    compute_intensity,
    compute_training_macs,
    count_flops,
    count_traffic,
    count_training_macs,
)
from explorer.architecture.plan import Kind, Op, Pool, expand_plan
from explorer.architecture.presets import list_presets
from explorer.architecture.variant import parse_variant
from explorer.network.build import build_network
from explorer.network.layers import Blur


class Number:
    """A number that counts what is done with it."""

    done = 0

    def _count(self, *_):
        Number.done += 1
        return Number()

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __neg__ = _count
    exp = log = tanh = erf = maximum = minimum = _count


def sum_of(values):
    return reduce(operator.add, values)


def accumulate(values):
    """A sum that starts from zero, as multiply-adds do."""
    return reduce(operator.add, values, Number())


def affine(values):
    """One output of a linear layer, and its bias."""
    return accumulate(value * Number() for value in values) + Number()


def sigmoid(x):
    return 1 / (1 + (-x).exp())


ACTIVATIONS = {
    "relu": lambda x: x.maximum(0),
    "leaky_relu": lambda x: x.maximum(x * 0.01),
    "elu": lambda x: x.maximum(x.exp() - 1),
    "gelu": lambda x: (x * 0.5) * (1 + (x / math.sqrt(2)).erf()),
    "silu": lambda x: x / (1 + (-x).exp()),
    "mish": lambda x: x * (x.exp() + 1).log().tanh(),
    "hardswish": lambda x: x * ((x + 3).maximum(0).minimum(6) / 6),
    "tanh": lambda x: x.tanh(),
}


def batch_norm(values):
    a, b = Number(), Number()  # fixed in inference
    return [a * x + b for x in values]


def group_norm(values):
    """What is done for every number: the sums for mean and variance, then a x + b."""
    accumulate(values)
    accumulate(x * x for x in values)
    return batch_norm(values)


def excite(channels, hidden):
    """Squeeze-and-excitation (Hu et al. 2018, equations 2 to 4) of lists of numbers, with biases."""
    means = [sum_of(channel) / len(channel) for channel in channels]
    inside = [affine(means).maximum(0) for _ in range(hidden)]
    gates = [sigmoid(affine(inside)) for _ in channels]
    return [x * gate for channel, gate in zip(channels, gates, strict=True) for x in channel]


def attend(channels, kernel):
    """Efficient channel attention (Wang et al. 2020, equation 9), zeros beyond the first and last channel."""
    means = [sum_of(channel) / len(channel) for channel in channels]
    gates = [sigmoid(accumulate(Number() * Number() for _ in range(kernel))) for _ in means]
    return [x * gate for channel, gate in zip(channels, gates, strict=True) for x in channel]


MAP = (6, 4, 5)
HALF = (6, 2, 3)


def numbers(count):
    return [Number() for _ in range(count)]


def maps():
    return [numbers(20) for _ in range(6)]


DONE = [
    *(
        (Op("a", Kind.ACT, MAP, MAP, mode=act), lambda f=f: [f(x) for x in numbers(120)])
        for act, f in ACTIVATIONS.items()
    ),
    (Op("n", Kind.NORM, MAP, MAP, mode="batch"), lambda: batch_norm(numbers(120))),
    (Op("n", Kind.NORM, MAP, MAP, groups=3, mode="group"), lambda: [group_norm(numbers(40)) for _ in range(3)]),
    (Op("n", Kind.NORM, MAP, MAP, mode="layer"), lambda: group_norm(numbers(120))),
    (
        Op("p", Kind.POOL, MAP, HALF, 3, 2, 1, mode=Pool.MAX),
        lambda: [reduce(Number.maximum, numbers(9)) for _ in range(36)],
    ),
    (Op("p", Kind.POOL, MAP, HALF, 2, 2, mode=Pool.AVG), lambda: [sum_of(numbers(4)) / 4 for _ in range(36)]),
    (Op("p", Kind.POOL, MAP, (6, 1, 1), 0, mode=Pool.GLOBAL), lambda: [sum_of(channel) / 20 for channel in maps()]),
    (Op("m", Kind.ADD, MAP, MAP), lambda: [a + b for a, b in zip(numbers(120), numbers(120), strict=True)]),
    (Op("se", Kind.SE, MAP, MAP, bias=True, hidden=2), lambda: excite(maps(), 2)),
    (Op("se", Kind.ECA, MAP, MAP, 3, padding=1), lambda: attend(maps(), 3)),
    (Op("fc", Kind.LINEAR, (8,), (3,), bias=True), lambda: [affine(numbers(8)) for _ in range(3)]),
    (
        Op("c", Kind.CONV, MAP, (4, 2, 3), 3, 2, 1, groups=2, bias=True),
        lambda: [affine(numbers(3 * 9)) for _ in range(4 * 6)],
    ),
    *((Op("free", kind, MAP, MAP), lambda: None) for kind in (Kind.DROPOUT, Kind.DROP_PATH, Kind.FLATTEN, Kind.PAD)),
]


@pytest.mark.parametrize(
    ("op", "formula"), DONE, ids=lambda value: f"{value.kind}{value.mode}" if isinstance(value, Op) else ""
)
def test_everything_counted_is_what_the_formula_does(op, formula):
    Number.done = 0
    formula()
    assert count_flops(op, Counted.ALL) == Number.done


@pytest.mark.parametrize("text", ["resnet50", "seresnext50_32x4d", "densenet121", "resnetblur50", "resnet20,norm=none"])
def test_totals_are_sums_of_the_rows_by_kind(text):
    plan = expand_plan(parse_variant(text))
    for counted in Counted:
        kinds = compute_flops(plan, counted)
        for kind, flops in kinds.items():
            assert flops == sum(count_flops(op, counted) for _, op in plan.ops() if op.kind is kind) > 0
        assert sum(kinds.values()) == sum(count_flops(op, counted) for _, op in plan.ops())
    assert sum(compute_flops(plan).values()) == compute_cost(plan).flops
    assert {Kind.NORM, Kind.ACT, Kind.POOL}.isdisjoint(compute_flops(plan))


def test_the_elementwise_part_of_resnet18_written_out():
    """Numbers in its maps (He et al. 2015, table 1): stem 64 x 112², then 64, 128, 256, 512 at 56, 28, 14, 7."""
    maps = [64 * 56**2, 128 * 28**2, 256 * 14**2, 512 * 7**2]
    kinds = compute_flops(expand_plan(parse_variant("resnet18")), Counted.ALL)
    stem = 64 * 112**2
    assert kinds[Kind.ACT] == stem + 4 * sum(maps)
    assert kinds[Kind.ADD] == 2 * sum(maps)
    assert kinds[Kind.NORM] == 2 * (stem + 4 * sum(maps) + sum(maps[1:]))
    assert kinds[Kind.POOL] == 8 * maps[0] + maps[3]


def ungroup(network):
    """The same multiply-adds without groups, which torch's counter counts right in the backward pass too."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Conv2d) and child.groups > 1:
                setattr(module, name, Split(child))
            if isinstance(child, Blur):
                setattr(module, name, Apart())


class Split(nn.Module):
    """A grouped convolution as one convolution a group."""

    def __init__(self, conv):
        super().__init__()
        self.groups = conv.groups
        sizes = conv.in_channels // conv.groups, conv.out_channels // conv.groups
        options = {"stride": conv.stride, "padding": conv.padding, "bias": False, "device": conv.weight.device}
        self.convs = nn.ModuleList(nn.Conv2d(*sizes, conv.kernel_size, **options) for _ in range(conv.groups))

    def forward(self, x):
        return torch.cat([conv(part) for conv, part in zip(self.convs, x.chunk(self.groups, 1), strict=True)], 1)


class Apart(nn.Module):
    """A blur with each channel as an image of its own."""

    def forward(self, x):
        apart = nn.functional.pad(x.flatten(0, 1).unsqueeze(1), (1, 1, 1, 1), mode="reflect")
        apart = nn.functional.conv2d(apart, torch.ones(1, 1, 3, 3, device=x.device), stride=2)
        return apart.view(*x.shape[:2], *apart.shape[2:])


def count_step(network, shape, batch):
    with FlopCounterMode(display=False) as counter:
        network(torch.empty(batch, *shape, device="meta")).sum().backward()
    return counter.get_total_flops() // 2


STEPS = [
    *(f"{preset.name}" for preset in list_presets() if preset.architecture.depth <= 60),
    "densenet121",
    "resnet18,dropout=0.1,drop_path=0.1,shortcut=A",
    "resnet50,groups=8,base_width=16,stride_on=1x1,norm=none,stem=tiered",
]


@pytest.mark.parametrize("text", STEPS)
def test_a_training_step_is_torchs_count_forward_and_backward(text):
    """Groups taken apart, since torch's counter counts the backward pass of grouped ones too high (pytorch#183405)."""
    architecture = parse_variant(text)
    plan = expand_plan(architecture)
    with torch.device("meta"):
        network = build_network(architecture)
    ungroup(network)
    assert compute_training_macs(plan) == count_step(network, architecture.input, 1)


def test_the_first_convolution_has_no_gradient_for_the_images():
    op = Op("conv", Kind.CONV, (4, 7, 7), (6, 4, 4), 3, 2, 1, groups=2)
    forward = 6 * 4 * 4 * 2 * 9
    assert (count_training_macs(op), count_training_macs(op, first=True)) == (3 * forward, 2 * forward)


@pytest.mark.parametrize(
    ("op", "values", "weights"),
    [
        (Op("c", Kind.CONV, (4, 7, 7), (6, 4, 4), 3, 2, 1, groups=2, bias=True), 4 * 49 + 6 * 16, 6 * 2 * 9 + 6),
        (Op("n", Kind.NORM, MAP, MAP, mode="batch"), 240, 4 * 6),
        (Op("n", Kind.NORM, MAP, MAP, mode="group"), 240, 2 * 6),
        (Op("m", Kind.ADD, MAP, MAP), 360, 0),
        (Op("m", Kind.CONCAT, (2, 4, 5), MAP), 240, 0),
        (Op("p", Kind.PAD, MAP, (12, 2, 3), stride=2), 36 + 72, 0),
        (Op("f", Kind.FLATTEN, (6, 1, 1), (6,)), 0, 0),
        (Op("d", Kind.DROPOUT, MAP, MAP), 0, 0),
        (Op("fc", Kind.LINEAR, (8,), (3,), bias=True), 11, 27),
    ],
)
def test_bytes_moved_are_inputs_weights_and_outputs(op, values, weights):
    assert count_traffic(op) == 4 * (values + weights)
    assert count_traffic(op, batch=16, bytes_per_value=2) == 2 * (16 * values + weights)


def test_intensity_is_flops_over_bytes():
    """A 1x1 convolution is a matrix product: 2 m n k over the three matrices (Williams et al. 2009)."""
    m, n, k = 14 * 14 * 8, 64, 32
    op = Op("conv", Kind.CONV, (k, 14, 14), (n, 14, 14))
    flops, traffic = 8 * count_flops(op), count_traffic(op, batch=8)
    assert compute_intensity(flops, traffic) == pytest.approx(2 * m * n * k / (4 * (m * k + k * n + m * n)))
    assert compute_intensity(5, 0) == 0
