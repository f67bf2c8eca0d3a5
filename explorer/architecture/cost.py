"""What a network costs: pure functions of operations.

The word is MACs, one multiply-add each, of convolutions and linear layers, for one image; FLOPs are twice that.
Normalisation, activation, pooling and addition are not counted, as in torch's `FlopCounterMode`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import prod

from explorer.architecture.config import Shape
from explorer.architecture.plan import Kind, Op, Plan, ResidualBlock

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
    return 2 * channels if op.kind is Kind.NORM else 0  # scale and shift


def count_macs(op: Op) -> int:
    """Multiply-adds of one operation for one image; the addition of a bias is none."""
    if op.kind is Kind.CONV:
        return op.kernel**2 * (op.input[0] // op.groups) * prod(op.output)
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


def compute_cost(plan: Plan) -> Cost:
    """Cost of the whole network; equals the sum over `list_rows`."""
    blocks = sum((compute_block_cost(block) for _, block in plan.blocks()), Cost())
    return compute_ops_cost(plan.stem) + blocks + compute_ops_cost(plan.head)


def list_rows(plan: Plan) -> list[Row]:
    """The cost table, one row an operation, in the order they run."""
    return [Row(name, op, compute_op_cost(op)) for name, op in plan.ops()]
