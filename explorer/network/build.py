"""Plan -> nn.Module. Module paths are the plan's names: ``layer2.0.branch.conv2``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import cast

import torch
from torch import Tensor, nn
from torchvision.ops import SqueezeExcitation, StochasticDepth

from explorer.architecture.config import Architecture
from explorer.architecture.cost import compute_cost
from explorer.architecture.plan import Kind, Op, Path, Plan, Pool, ResidualBlock, Stage, expand_plan
from explorer.errors import VariantError
from explorer.network.layers import Add, Blur, ChannelAttention, Concat, Residual, ZeroPadShortcut

MAX_PARAMS = 2_000_000_000  # 8 GB of float32 weights; training needs four times that


class Network(nn.Module):
    """A network built from a plan: (N, C, H, W) -> logits (N, classes). `plan` is what it was built from."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.stem = _sequence(plan.stem)
        for stage in plan.stages:
            self.add_module(stage.name, _build_stage(stage))
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


def _initialise(network: Network) -> None:
    """He et al. 2015, "Delving deep into rectifiers"; scale 1 and shift 0 in every norm, which is torch's default.

    What the plan says starts at zero does, so that a block is the identity at first (Goyal et al. 2017, section 5.1).
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    for name, op in network.plan.ops():
        if op.zero:
            nn.init.zeros_(cast(Tensor, network.get_submodule(name).weight))


def _build_stage(stage: Stage) -> nn.Sequential:
    sequence = nn.Sequential()
    if stage.transition:
        sequence.add_module("transition", _sequence(stage.transition))
    for index, block in enumerate(stage.blocks):
        sequence.add_module(str(index), _build_block(block))
    return sequence


def _build_block(block: ResidualBlock) -> Residual:
    before = _sequence(block.before) if block.before else None
    after = _build_after(block.after)
    if block.path is Path.NONE:
        return Residual(_sequence(block.branch), None, None, after, before)
    shortcut = _sequence(block.shortcut) if block.shortcut else nn.Identity()
    merge = _build_op(block.merge[0])
    return Residual(_sequence(block.branch), shortcut, merge, after, before, block.path.projects)


def _build_after(ops: tuple[Op, ...]) -> nn.Module | None:
    """A single operation is called ``after`` itself."""
    if not ops:
        return None
    return _build_op(ops[0]) if len(ops) == 1 else _sequence(ops)


def _sequence(ops: Iterable[Op]) -> nn.Sequential:
    """Modules named by the last part of each operation's name."""
    sequence = nn.Sequential()
    for op in ops:
        sequence.add_module(op.name.rpartition(".")[2], _build_op(op))
    return sequence


def _build_conv(op: Op) -> nn.Module:
    return nn.Conv2d(op.input[0], op.output[0], op.kernel, op.stride, op.padding, groups=op.groups, bias=op.bias)


def _build_pool(op: Op) -> nn.Module:
    if op.mode == Pool.GLOBAL:
        return nn.AdaptiveAvgPool2d(1)
    if op.mode == Pool.MAX:
        return nn.MaxPool2d(op.kernel, op.stride, op.padding)
    ceil = op.mode == Pool.AVG_CEIL
    return nn.AvgPool2d(op.kernel, op.stride, ceil_mode=ceil, count_include_pad=False)


def _build_norm(op: Op) -> nn.Module:
    return nn.BatchNorm2d(op.output[0]) if op.mode == "batch" else nn.GroupNorm(op.groups, op.output[0])


# none works in place: that would overwrite what hooks and the shortcut read
_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "mish": nn.Mish,
    "hardswish": nn.Hardswish,
    "tanh": nn.Tanh,
}


_BUILDERS: dict[Kind, Callable[[Op], nn.Module]] = {
    Kind.CONV: _build_conv,
    Kind.NORM: _build_norm,
    Kind.ACT: lambda op: _ACTIVATIONS[op.mode](),
    Kind.POOL: _build_pool,
    Kind.PAD: lambda op: ZeroPadShortcut(op.input[0], op.output[0], op.stride),
    Kind.BLUR: lambda op: Blur(op.output[0]),
    Kind.SE: lambda op: SqueezeExcitation(op.output[0], op.hidden),
    Kind.ECA: lambda op: ChannelAttention(op.kernel),
    Kind.DROPOUT: lambda op: (nn.Dropout2d if op.mode == "channel" else nn.Dropout)(op.rate),
    Kind.DROP_PATH: lambda op: StochasticDepth(op.rate, "row"),
    Kind.ADD: lambda op: Add(),
    Kind.CONCAT: lambda op: Concat(),
    Kind.FLATTEN: lambda op: nn.Flatten(1),
    Kind.LINEAR: lambda op: nn.Linear(op.input[0], op.output[0], bias=op.bias),
}


def _build_op(op: Op) -> nn.Module:
    return _BUILDERS[op.kind](op)
