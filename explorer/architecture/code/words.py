"""Words and expressions that both styles of generated code share."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

from explorer.architecture.blocks import Path
from explorer.architecture.code.template import Template
from explorer.architecture.config import Architecture, Connect, Shortcut
from explorer.architecture.cost import compute_cost
from explorer.architecture.ops import Kind, Op, choose_eca_kernel, round_width
from explorer.architecture.plan import Plan
from explorer.architecture.presets import find_preset
from explorer.architecture.variant import format_variant, nearest_name

WIDTH = 110  # of the lines of a docstring
ACTIVATIONS = {
    "relu": "nn.ReLU()",
    "leaky_relu": "nn.LeakyReLU()",
    "elu": "nn.ELU()",
    "gelu": "nn.GELU()",
    "silu": "nn.SiLU()",
    "mish": "nn.Mish()",
    "hardswish": "nn.Hardswish()",
    "tanh": "nn.Tanh()",
}


def call_activation(mode: str, text: str) -> str:
    """An activation as a function of an expression."""
    return f"torch.tanh({text})" if mode == "tanh" else f"F.{mode}({text})"


def write_header(plan: Plan) -> list[str]:
    """The file's docstring: the variant, what it costs, and the paper."""
    a, cost = plan.architecture, compute_cost(plan)
    shape = "x".join(map(str, a.input))
    text = format_variant(a).replace(",", ", ")
    about = f"{text}: {cost.params:,} parameters, {cost.macs:,} MACs for one image of {shape}."
    paragraphs = [about, find_preset(nearest_name(a)).source + "."]
    wrapped = ["\n".join(textwrap.wrap(words, WIDTH, break_on_hyphens=False)) for words in paragraphs]
    return ['"""' + "\n\n".join(wrapped), '"""']


def name_network(a: Architecture) -> str:
    """What a person would call the class."""
    if a.connect is Connect.DENSE:
        return "DenseNet"
    return "PlainNet" if a.shortcut is Shortcut.NONE else "ResNet"


def join_imports(body: list[str]) -> list[str]:
    """The imports that the body needs."""
    text = "\n".join(body)
    lines = ["import math", ""] if "math." in text else []
    if "Iterator[" in text:
        lines = ["from collections.abc import Iterator", ""]
    lines += ["import torch", "from torch import Tensor, nn"]
    return lines + (["from torch.nn import functional as F"] if "F." in text else [])


def write_main(plan: Plan) -> list[str]:
    """What happens when the file is run: the output's shape and the number of parameters."""
    a = plan.architecture
    shape = ", ".join(map(str, a.input))
    return [
        'if __name__ == "__main__":',
        f"    network = {name_network(a)}().eval()",
        "    with torch.no_grad():",
        f"        logits = network(torch.randn(1, {shape}))",
        '    print(tuple(logits.shape), f"{sum(p.numel() for p in network.parameters()):,} parameters")',
    ]


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds for a whole network: expressions of ``channels``, where the numbers differ.

    `groups` is empty without group norm, and where its groups differ, which `many_groups` tells.
    """

    kinds: frozenset[Kind]
    groups: str
    many_groups: bool
    hidden: str
    eca_kernel: str
    modes: frozenset[str]
    trains: bool
    strided: bool
    grouped: bool
    biased: bool
    unbiased: bool
    zero: str


def find_facts(plan: Plan) -> Facts:
    """Look through all operations once."""
    ops = list_all_ops(plan)
    groups = {str(op.groups) for op in ops if op.mode == "group"}
    convs = [op for op in ops if op.kind in (Kind.CONV, Kind.SE)]
    random = any(op.kind in (Kind.DROPOUT, Kind.DROP_PATH) for op in ops)
    return Facts(
        kinds=frozenset(op.kind for op in ops),
        groups=groups.pop() if len(groups) == 1 else "",
        many_groups=len(groups) > 1,
        hidden=_find_hidden(plan, [op for op in ops if op.kind is Kind.SE]),
        eca_kernel=_find_eca_kernel([op for op in ops if op.kind is Kind.ECA]),
        modes=frozenset(op.mode for op in ops),
        trains=random or any(op.mode == "batch" for op in ops),
        strided=any(op.stride > 1 for op in convs),
        grouped=any(op.groups > 1 for op in convs),
        biased=any(op.bias for op in convs),
        unbiased=not all(op.bias for op in convs),
        zero=next((op.name for op in ops if op.zero), ""),
    )


def _find_hidden(plan: Plan, ops: list[Op]) -> str:
    """The width inside a squeeze-excitation."""
    a = plan.architecture
    reduction, divisor = a.se_reduction, a.se_divisor
    nearest = f"max({divisor}, int(channels / {reduction} + {divisor / 2:g}) // {divisor} * {divisor})"
    return _find_fitting(
        [
            (f"channels // {reduction}", lambda channels: channels // reduction),
            (f"max(1, channels // {reduction})", lambda channels: max(1, channels // reduction)),
            (nearest, lambda channels: round_width(channels / reduction, divisor)),
        ],
        {(op.output[0], op.hidden) for op in ops},
    )


def _find_eca_kernel(ops: list[Op]) -> str:
    """The kernel of the attention over channels."""
    kernels = {op.kernel for op in ops}
    if len(kernels) < 2:
        return "".join(map(str, kernels)) or "0"
    formula = "max(3, int((math.log2(channels) + 1) / 2) | 1)"  # | 1: the next odd number
    return _find_fitting([(formula, choose_eca_kernel)], {(op.output[0], op.kernel) for op in ops})


def _find_fitting(candidates: list[tuple[str, Callable[[int], int]]], pairs: set[tuple[int, int]]) -> str:
    """The first expression of ``channels`` that gives every pair's second number for its first."""
    return next(text for text, compute in candidates if all(compute(channels) == value for channels, value in pairs))


def list_all_ops(plan: Plan) -> list[Op]:
    """Every distinct operation of the plan."""
    return list(dict.fromkeys(op for ops in dict.fromkeys(ops for _, ops in plan.parts()) for op in ops))


def list_paths(plan: Plan) -> set[Path]:
    """What the blocks' shortcuts are."""
    return {block.path for _, block in plan.blocks()}


def say_equation(plan: Plan, template: Template) -> str:
    """The block's equation as the paper writes it."""
    block = next(block for _, block in plan.blocks())
    u = "u" if block.before else "x"
    paths = list_paths(plan)
    branch, shortcut = f"branch({u})", "x"
    if template.list_names("shortcut"):
        mixed = f"{u} or x" if u == "u" and len({path.projects for path in paths}) > 1 else "x"
        shortcut = f"shortcut({u if all(path.projects for path in paths) else mixed})"
    y = {Path.NONE: branch, Path.DENSE: f"concat({shortcut}, {branch})"}.get(block.path, f"{shortcut} + {branch}")
    for op in block.after:
        y = f"{op.mode or op.kind.value}({y})"
    return f"y = {y}" + (", u = before(x)" if block.before else "")
