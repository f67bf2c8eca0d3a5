"""FLOPs by kind of operation, of a training step, and for each byte moved: pure functions of operations."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from math import prod

from explorer.architecture.cost import count_macs, count_params
from explorer.architecture.ops import Kind, Op, Pool
from explorer.architecture.plan import Plan
from explorer.architecture.wiring import Part, list_parts


class Counted(StrEnum):
    """Which operations FLOPs are counted of."""

    MACS = "macs"  # convolutions and linear layers, two per multiply-add
    ALL = "all"  # and biases, norms, activations, pooling, additions


# comparisons, additions, multiplications, divisions and exp, log, tanh and erf count one each
_ACT_FLOPS = {
    "relu": 1,  # max(x, 0)
    "leaky_relu": 2,  # max(x, s x)
    "elu": 3,  # compare; exp(x) - 1
    "gelu": 5,  # 0.5 x (1 + erf(x / sqrt 2))
    "silu": 4,  # x / (1 + exp(-x))
    "mish": 5,  # x tanh(log(1 + exp(x)))
    "hardswish": 5,  # x min(max(x + 3, 0), 6) / 6
    "tanh": 1,
}
_SIGMOID_FLOPS = 4  # 1 / (1 + exp(-x))


def count_flops(op: Op, counted: Counted = Counted.MACS) -> int:
    """Floating-point operations of one operation in inference for one image: two per multiply-add.

    With `Counted.ALL` also, for each number: a bias 1; batch norm 2, since with fixed statistics it is a x + b; group
    and layer norm 5, namely sum, square, sum of squares, and a x + b; an activation what its formula has, where exp,
    log, tanh and erf count one each; max-pooling k² - 1 comparisons; average pooling k² - 1 additions and a division,
    windows at the border as whole ones; an addition 1; of squeeze-excitation and ECA the pooling, the gate and the
    scaling. Padding, concatenation, flattening and dropout (which inference leaves out) count nothing.
    """
    flops = 2 * count_macs(op)
    return flops + _count_elementwise(op) if counted is Counted.ALL else flops


def _count_elementwise(op: Op) -> int:
    outputs, channels = prod(op.output), op.output[0]
    if op.kind in (Kind.CONV, Kind.LINEAR):
        return op.bias * outputs
    if op.kind is Kind.NORM:
        return (2 if op.mode == "batch" else 5) * outputs
    if op.kind is Kind.ACT:
        return _ACT_FLOPS[op.mode] * outputs
    if op.kind is Kind.POOL:
        return _count_pooling(op)
    if op.kind is Kind.SE:  # two biases and a ReLU inside
        return 2 * outputs + 2 * op.hidden + (1 + _SIGMOID_FLOPS) * channels
    if op.kind is Kind.ECA:
        return 2 * outputs + _SIGMOID_FLOPS * channels
    return outputs if op.kind is Kind.ADD else 0


def _count_pooling(op: Op) -> int:
    if op.mode == Pool.GLOBAL:
        return prod(op.input)
    window = op.kernel**2
    return (window - 1 if op.mode == Pool.MAX else window) * prod(op.output)


def compute_flops(plan: Plan, counted: Counted = Counted.MACS) -> dict[Kind, int]:
    """FLOPs by kind of operation for one image, kinds without any left out; they add up to the network's."""
    totals = dict.fromkeys(Kind, 0)
    for _, part in list_parts(plan):
        for kind, flops in _sum_part_flops(part, counted):
            totals[kind] += flops
    return {kind: flops for kind, flops in totals.items() if flops}


@lru_cache(maxsize=4096)
def _sum_part_flops(part: Part, counted: Counted) -> tuple[tuple[Kind, int], ...]:
    return tuple((op.kind, count_flops(op, counted)) for op in part.ops)


def count_training_macs(op: Op, first: bool = False) -> int:
    """Multiply-adds of one operation for one image of a training step, forward and backward.

    The gradient of the weights and that of the input take as many as the forward pass each: every weight meets every
    output position once more, whatever the stride and the groups. (torch's `FlopCounterMode` counts grouped ones too
    high, pytorch#183405.) The images need no gradient, so the `first` operation has one less; a blur has no weights.
    """
    passes = 2 if op.kind is Kind.BLUR else 3
    return (passes - first) * count_macs(op)


def compute_training_macs(plan: Plan) -> int:
    """Multiply-adds of a training step for one image; the optimizer's own arithmetic is not counted."""
    macs = sum(sum(_count_part_training(part)) for _, part in list_parts(plan))
    return macs - count_macs(plan.stem[0])


@lru_cache(maxsize=4096)
def _count_part_training(part: Part) -> tuple[int, ...]:
    return tuple(count_training_macs(op) for op in part.ops)


def count_buffers(op: Op) -> int:
    """Numbers an operation keeps that are not learned: running mean and variance, or the filter of a blur."""
    if op.kind is Kind.NORM and op.mode == "batch":
        return 2 * op.output[0]
    return op.kernel**2 * op.output[0] if op.kind is Kind.BLUR else 0


def count_traffic(op: Op, batch: int = 1, bytes_per_value: int = 4) -> int:
    """Bytes that one operation moves in inference if it reads its inputs and weights once and writes its output once.

    An addition reads two maps, a concatenation all that it writes, option A only the pixels it keeps. Flattening,
    dropout and drop path move nothing.
    """
    if op.kind in (Kind.FLATTEN, Kind.DROPOUT, Kind.DROP_PATH):
        return 0
    outputs, inputs = prod(op.output), prod(op.input)
    if op.kind is Kind.ADD:
        inputs *= 2
    elif op.kind is Kind.CONCAT:
        inputs = outputs
    elif op.kind is Kind.PAD:
        inputs = op.input[0] * prod(op.output[1:])
    return bytes_per_value * (batch * (inputs + outputs) + count_params(op) + count_buffers(op))


def compute_intensity(flops: int, traffic: int) -> float:
    """Arithmetic intensity: FLOPs for each byte moved (Williams et al. 2009, "Roofline"); 0 where nothing moves."""
    return flops / traffic if traffic else 0.0
