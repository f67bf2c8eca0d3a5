"""Plan -> nn.Module. Module paths are the plan's names: ``layer2.0.branch.conv2``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import torch
from torch import Tensor, nn

from explorer.architecture.config import Architecture
from explorer.architecture.cost import compute_cost
from explorer.architecture.plan import Kind, Op, Path, Plan, ResidualBlock, expand_plan
from explorer.errors import VariantError
from explorer.network.layers import Add, Residual, ZeroPadShortcut

MAX_PARAMS = 2_000_000_000  # 8 GB of float32 weights; training needs four times that


class Network(nn.Module):
    """A network built from a plan: (N, C, H, W) -> logits (N, classes). `plan` is what it was built from."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.stem = _sequence(plan.stem)
        for stage in plan.stages:
            self.add_module(stage.name, nn.Sequential(*map(_build_block, stage.blocks)))
        self.head = _sequence(plan.head)

    def forward(self, x: Tensor) -> Tensor:
        """Compute the logits."""
        x = self.stem(x)
        for stage in self.plan.stages:
            x = self.get_submodule(stage.name)(x)
        return cast(Tensor, self.head(x))


def build_network(source: Plan | Architecture, seed: int | None = None) -> Network:
    """Build the network with fresh weights, drawn from `seed` where one is given.

    Raises `VariantError` where its weights would not fit into memory.
    """
    plan = source if isinstance(source, Plan) else expand_plan(source)
    params = compute_cost(plan).params
    if params > MAX_PARAMS:
        raise VariantError(
            f"This network has {params:,} parameters, {params * 4 / 1e9:,.0f} GB in float32: networks up to "
            f"{MAX_PARAMS:,} are built. Its table needs no building; make it narrower to build it."
        )
    with torch.random.fork_rng(enabled=seed is not None, devices=[]):
        if seed is not None:
            torch.manual_seed(seed)
        network = Network(plan)
        _initialise(network)
    return network


def _initialise(network: nn.Module) -> None:
    """He et al. 2015, "Delving deep into rectifiers"; scale 1 and shift 0 in every norm, which is torch's default."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _build_block(block: ResidualBlock) -> Residual:
    if block.path is Path.NONE:
        return Residual(_sequence(block.branch), None, None, _build_op(block.after[0]))
    shortcut = _sequence(block.shortcut) if block.shortcut else nn.Identity()
    return Residual(_sequence(block.branch), shortcut, Add(), _build_op(block.after[0]))


def _sequence(ops: Iterable[Op]) -> nn.Sequential:
    """Modules named by the last part of each operation's name."""
    sequence = nn.Sequential()
    for op in ops:
        sequence.add_module(op.name.rpartition(".")[2], _build_op(op))
    return sequence


def _build_conv(op: Op) -> nn.Module:
    return nn.Conv2d(op.input[0], op.output[0], op.kernel, op.stride, op.padding, groups=op.groups, bias=op.bias)


def _build_pool(op: Op) -> nn.Module:
    return nn.MaxPool2d(op.kernel, op.stride, op.padding) if op.kernel else nn.AdaptiveAvgPool2d(1)


_BUILDERS: dict[Kind, Callable[[Op], nn.Module]] = {
    Kind.CONV: _build_conv,
    Kind.NORM: lambda op: nn.BatchNorm2d(op.output[0]),
    Kind.ACT: lambda op: nn.ReLU(inplace=False),  # in place it would overwrite what hooks and the shortcut read
    Kind.POOL: _build_pool,
    Kind.PAD: lambda op: ZeroPadShortcut(op.input[0], op.output[0], op.stride),
    Kind.ADD: lambda op: Add(),
    Kind.FLATTEN: lambda op: nn.Flatten(1),
    Kind.LINEAR: lambda op: nn.Linear(op.input[0], op.output[0], bias=op.bias),
}


def _build_op(op: Op) -> nn.Module:
    return _BUILDERS[op.kind](op)
