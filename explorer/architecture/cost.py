"""What a network costs: pure functions of operations.

The word is MACs, one multiply-add each, of convolutions and linear layers, for one image; FLOPs are twice that.
Normalisation, activation, pooling and addition are not counted, as in torch's `FlopCounterMode`; `flops` can.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod

from explorer.architecture.config import Shape
from explorer.architecture.plan import Kind, Op, Plan, ResidualBlock
from explorer.architecture.wiring import Part, list_parts

CONVENTION = "MACs: multiply-adds of convolutions and linear layers, one image; FLOPs = 2 × MACs"


@dataclass(frozen=True, slots=True)
class Cost:
    """Totals: `params` learnable numbers (running statistics are none), `macs` and `activations` for one image."""

    params: int = 0
    macs: int = 0
    activations: int = 0

    @property
    def flops(self) -> int:
        """Two per multiply-add."""
        return 2 * self.macs

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.params + other.params, self.macs + other.macs, self.activations + other.activations)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the cost table. `name` is the module's path."""

    name: str
    op: Op
    cost: Cost

    @property
    def output(self) -> Shape:
        """(C, H, W), or (C,) behind the pooling."""
        return self.op.output


def count_params(op: Op) -> int:
    """Learnable numbers of one operation: weights, and a bias where it has one."""
    channels = op.output[0]
    if op.kind is Kind.CONV:
        return op.kernel**2 * (op.input[0] // op.groups) * channels + op.bias * channels
    if op.kind is Kind.LINEAR:
        return op.input[0] * channels + op.bias * channels
    if op.kind is Kind.SE:
        return 2 * channels * op.hidden + op.hidden + channels  # two 1x1 convolutions with biases
    if op.kind is Kind.ECA:
        return op.kernel
    return 2 * channels if op.kind is Kind.NORM else 0  # scale and shift


def count_macs(op: Op) -> int:
    """Multiply-adds of one operation for one image; the addition of a bias is none.

    A blur counts, though its filter is fixed: it runs as a convolution.
    """
    if op.kind in (Kind.CONV, Kind.BLUR):
        return op.kernel**2 * (op.input[0] // op.groups) * prod(op.output)
    if op.kind is Kind.SE:
        return 2 * op.output[0] * op.hidden
    if op.kind is Kind.ECA:
        return op.kernel * op.output[0]
    return op.input[0] * op.output[0] if op.kind is Kind.LINEAR else 0


def count_activations(op: Op) -> int:
    """Numbers in the output of a convolution or linear layer for one image (Dollár et al. 2021, section 3)."""
    return prod(op.output) if op.kind in (Kind.CONV, Kind.LINEAR) else 0


def compute_op_cost(op: Op) -> Cost:
    """Cost of one operation."""
    return Cost(count_params(op), count_macs(op), count_activations(op))


@lru_cache(maxsize=4096)
def compute_ops_cost(ops: tuple[Op, ...]) -> Cost:
    """Cost of a sequence of operations."""
    return sum(map(compute_op_cost, ops), Cost())


@lru_cache(maxsize=4096)
def compute_block_cost(block: ResidualBlock) -> Cost:
    """Cost of one residual block, branch and shortcut."""
    return compute_ops_cost(block.ops)


@lru_cache(maxsize=4096)
def compute_part_costs(part: Part) -> tuple[Cost, ...]:
    """Cost of every operation of a part."""
    return tuple(map(compute_op_cost, part.ops))


def compute_cost(plan: Plan) -> Cost:
    """Cost of the whole network; equals the sum over `list_rows`."""
    costs = [compute_ops_cost(ops) for ops in (plan.stem, *(stage.transition for stage in plan.stages), plan.head)]
    known: dict[int, Cost] = {}  # equal blocks are mostly one object; comparing them costs more than finding them
    for stage in plan.stages:
        for block in stage.blocks:
            if id(block) not in known:
                known[id(block)] = compute_block_cost(block)
            costs.append(known[id(block)])
    return _add_up(costs)


def _add_up(costs: list[Cost]) -> Cost:
    return Cost(*(sum(getattr(cost, name) for cost in costs) for name in Cost.__slots__))


def list_rows(plan: Plan) -> list[Row]:
    """The cost table, one row an operation, in the order they run."""
    return [
        Row(prefix + op.name, op, cost)
        for prefix, part in list_parts(plan)
        for op, cost in zip(part.ops, compute_part_costs(part), strict=True)
    ]
