"""Plan -> a PyTorch file in the low-level style: functions of tensors, `F.conv2d`, batch norm spelled out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from explorer.architecture.code.calls import write_calls, write_creators
from explorer.architecture.code.create import write_create
from explorer.architecture.code.template import (
    Template,
    indent,
    read_block,
    template_blocks,
    template_ops,
    template_transitions,
)
from explorer.architecture.code.words import (
    Facts,
    call_activation,
    find_facts,
    list_paths,
    name_network,
    say_equation,
)
from explorer.architecture.ops import Kind, Op, Pool
from explorer.architecture.plan import Path, Plan

STATE = ("State = dict[str, Tensor]  # every parameter and running statistic by its name",)


class Caller(NamedTuple):
    """What a line of code is written from; `prefix` is what full names begin with in it."""

    template: Template
    facts: Facts
    prefix: str


def write_functional(plan: Plan) -> list[list[str]]:
    """The sections of the file, without docstring and imports."""
    facts = find_facts(plan)
    calls, creations, transitions = template_blocks(plan), template_blocks(plan), template_transitions(plan)
    create = write_create(plan, creations, transitions, facts)  # it decides what the table of stages says
    block = _write_block(plan, calls, facts)
    return [
        [*STATE, *_write_stages(plan, creations.list_params())],
        *write_calls(facts),
        block,
        _write_run(plan, calls, transitions, facts, bool(creations.used)),
        *write_creators(facts),
        create,
        _write_container(plan, facts),
    ]


def _call_op(caller: Caller, name: str, x: str) -> str:
    """One operation as an expression of `x`."""
    op, facts = caller.template.ops[name], caller.facts
    key = f'f"{caller.prefix}{name}"' if caller.prefix else f'"{name}"'
    training = ", training" if facts.trains else ""
    stride = caller.template.say(name, "stride")
    calls: dict[Kind, Callable[[], str]] = {
        Kind.CONV: lambda: _call_conv(op, key, x, stride),
        Kind.NORM: lambda: _call_norm(op, key, x, facts),
        Kind.ACT: lambda: call_activation(op.mode, x),
        Kind.POOL: lambda: _call_pool(op, x),
        Kind.BLUR: lambda: f"blur({x})",
        Kind.PAD: lambda: f"zero_pad({x}, y.shape[1], {stride})",
        Kind.SE: lambda: f"squeeze_excite(state, {key}, {x})",
        Kind.ECA: lambda: f"channel_attention(state, {key}, {x})",
        Kind.DROPOUT: lambda: f"{_DROPS[op.mode]}({x}, {op.rate!r}{training})",
        Kind.DROP_PATH: lambda: f"drop_path({x}, drop{training})",
        Kind.FLATTEN: lambda: f"{x}.flatten(1)",
        Kind.LINEAR: lambda: f'{x} @ state["{name}.weight"].T + state["{name}.bias"]',
    }
    return calls[op.kind]()


_DROPS = {"element": "dropout", "channel": "drop_channels"}


def _call_conv(op: Op, key: str, x: str, stride: str) -> str:
    rest = ("" if stride == "1" else f", {stride}") + (f", groups={op.groups}" if op.groups > 1 else "")
    return f"conv(state, {key}, {x}{rest})"


def _call_norm(op: Op, key: str, x: str, facts: Facts) -> str:
    if op.mode == "batch":
        return f"batch_norm(state, {key}, {x}, training)"
    groups = "1" if op.mode == "layer" else f"count_groups({x}.shape[1])" if facts.many_groups else facts.groups
    return f"group_norm(state, {key}, {x}, {groups})"


def _call_pool(op: Op, x: str) -> str:
    if op.mode == Pool.GLOBAL:
        return f"{x}.mean((2, 3), keepdim=True)"
    if op.mode == Pool.MAX:
        return f"F.max_pool2d({x}, {op.kernel}, {op.stride}, padding={op.padding})"
    return f"F.avg_pool2d({x}, {op.kernel}{', ceil_mode=True' if op.mode == Pool.AVG_CEIL else ''})"


def _call_names(caller: Caller, names: list[str], x: str, target: str) -> list[str]:
    """One line an operation: the first reads `x`, all write `target`; what halves a map may be there or not."""
    lines = []
    for name in names:
        optional = caller.template.ops[name].kind in (Kind.POOL, Kind.BLUR)
        condition = caller.template.find_condition(name) if optional else ""
        if condition and x != target:  # what follows reads the target in either case
            lines.append(f"{target} = {x}")
            x = target
        line = f"{target} = {_call_op(caller, name, x)}"
        lines += [f"if {condition}:", f"    {line}"] if condition else [line]
        x = target
    return lines


def _write_block(plan: Plan, template: Template, facts: Facts) -> list[str]:
    block = next(block for _, block in plan.blocks())
    caller, names = Caller(template, facts, "{name}."), template.list_names
    u = "u" if block.before else "x"
    body = [
        *_call_names(caller, names("before"), "x", "u"),
        *_call_names(caller, names("branch"), u, "y"),
        *_call_shortcut(plan, caller, u),
    ]
    y = {Path.NONE: "y", Path.DENSE: "torch.cat([x, y], 1)"}.get(block.path, "x + y")
    after = names("after")
    if [template.ops[name].kind for name in after] == [Kind.ACT]:
        y = call_activation(block.after[0].mode, y)
    elif after:
        body += [*([] if y == "y" else [f"y = {y}"]), *_call_names(caller, after, "y", "y")]
        y = "y"
    arguments = [
        "state: State",
        "name: str",
        "x: Tensor",
        *(f"{key}: {kind}" for key, kind in _extras(template, facts)),
    ]
    return [
        f"def block({', '.join(arguments)}) -> Tensor:",
        *indent([f'"""{say_equation(plan, template)}."""', *body, f"return {y}"]),
    ]


def _extras(template: Template, facts: Facts) -> list[tuple[str, str]]:
    """What a block must be told besides its weights."""
    stride = [("stride", "int")] if "stride" in template.used else []
    drop = [("drop", "float")] if Kind.DROP_PATH in facts.kinds else []
    return [*stride, *drop, *([("training", "bool")] if facts.trains else [])]


def _call_shortcut(plan: Plan, caller: Caller, u: str) -> list[str]:
    """The shortcut becomes x; a projection is there where its weights are."""
    names = caller.template.list_names("shortcut")
    rest = [name for name in names if caller.template.ops[name].kind in (Kind.PAD, Kind.SE, Kind.ECA)]
    lines = _call_names(caller, [name for name in names if name not in rest], u, "x")
    if lines and len({path.projects for path in list_paths(plan)}) > 1:
        lines = ['if f"{name}.shortcut.conv.weight" in state:', *indent(lines)]
    return [*lines, *_call_names(caller, rest, "x", "x")]


def _write_run(plan: Plan, block: Template, transitions: Template, facts: Facts, table: bool) -> list[str]:
    a, extras = plan.architecture, _extras(block, facts)
    inner = ["stride = 2 if number > 1 and index == 0 else 1"] if ("stride", "int") in extras else []
    if Kind.DROP_PATH in facts.kinds:
        inner += ["done += 1", f"drop = {a.drop_path!r} * done / {sum(a.depths)}"]
    arguments = ["state", 'f"layer{number}.{index}"', "x", *(name for name, _ in extras)]
    inner.append(f"x = block({', '.join(arguments)})")
    between = _call_names(Caller(transitions, facts, "layer{number}."), transitions.list_names("transition"), "x", "x")
    training = ", training: bool" if facts.trains else ""
    body = [
        *_call_names(Caller(template_ops(plan.stem), facts, ""), [op.name for op in plan.stem], "x", "x"),
        *(["done = 0"] if Kind.DROP_PATH in facts.kinds else []),
        f"for number, {'(depth, *_)' if table else 'depth'} in enumerate(STAGES, start=1):",
        *indent(["if number > 1:", *indent(between)] if between else []),
        *indent(["for index in range(depth):", *indent(inner)]),
        *_call_names(Caller(template_ops(plan.head), facts, ""), [op.name for op in plan.head], "x", "x"),
    ]
    shapes = f"(N, {', '.join(map(str, a.input))}) -> (N, {a.classes})"
    return [
        f"def run(state: State, x: Tensor{training}) -> Tensor:",
        *indent([f'"""{shapes}."""', *body[:-1], body[-1].replace("x =", "return", 1)]),
    ]


def _write_stages(plan: Plan, columns: list[str]) -> list[str]:
    """The table of stages, a row each."""
    if not columns:
        depths = [str(len(stage.blocks)) for stage in plan.stages]
        return [f"STAGES = ({', '.join(depths)}{',' if len(depths) == 1 else ''})  # blocks"]
    rows = []
    for stage in plan.stages:
        numbers = read_block(stage.blocks[0])
        rows.append(f"({', '.join(map(str, [len(stage.blocks), *(numbers[name] for name in columns)]))}),")
    return [f"STAGES = (  # blocks, {', '.join(columns)}", *indent(rows), ")"]


def _write_container(plan: Plan, facts: Facts) -> list[str]:
    """A module that only holds the tensors."""
    buffers = [
        'if last in ("running_mean", "running_var", "num_batches_tracked"):',
        "    module.register_buffer(last, tensor)",
        "else:",
        "    module.register_parameter(last, nn.Parameter(tensor))",
    ]
    batch = "batch" in facts.modes
    tensors = "dict(self.named_parameters())"
    place = [
        '*path, last = name.split(".")',
        "module: nn.Module = self",
        "for part in path:",
        "    if not hasattr(module, part):",
        "        module.add_module(part, nn.Module())",
        "    module = module.get_submodule(part)",
        *(buffers if batch else [buffers[-1].strip()]),
    ]
    return [
        f"class {name_network(plan.architecture)}(nn.Module):",
        *indent(['"""Holds the tensors under their names; what they compute is `run`."""', ""]),
        *indent(["def __init__(self) -> None:", "    super().__init__()"]),
        *indent(["for name, tensor in create_state().items():", *indent(place)], 2),
        *indent(["", "def forward(self, x: Tensor) -> Tensor:"]),
        *indent([f"state = {tensors} | dict(self.named_buffers())" if batch else f"state = {tensors}"], 2),
        *indent([f"return run(state, x{', self.training' if facts.trains else ''})"], 2),
    ]
