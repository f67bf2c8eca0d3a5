"""Plan -> a PyTorch file with classes, as a person would write them for this one variant."""

from __future__ import annotations

from collections.abc import Callable

from explorer.architecture.code.layers import write_layers
from explorer.architecture.code.template import (
    Template,
    indent,
    read_block,
    template_blocks,
    template_ops,
    template_transitions,
)
from explorer.architecture.code.words import (
    ACTIVATIONS,
    Facts,
    call_activation,
    find_facts,
    list_paths,
    name_network,
    say_equation,
)
from explorer.architecture.config import Connect
from explorer.architecture.ops import Kind, Op, Pool
from explorer.architecture.plan import Path, Plan


def write_module(plan: Plan) -> list[list[str]]:
    """The sections of the file, without docstring and imports."""
    template = template_blocks(plan)
    facts = find_facts(plan)
    block = _write_block(plan, template, facts)
    sections = [*write_layers(facts), block]
    if plan.architecture.connect is Connect.DENSE:
        transitions = template_transitions(plan)
        if transitions.cases:
            sections.append(_write_transition(transitions, facts))
        stage = _write_dense_stage(plan, template, bool(transitions.cases))
    else:
        transitions, stage = Template([]), _write_stage(plan, template)
    return [*sections, stage, _write_network(plan, template, transitions, facts)]


def _write_op(template: Template, name: str, facts: Facts) -> str:
    """One operation as the module that does it."""
    op = template.ops[name]
    channels = template.say(name, "output")
    if op.kind is Kind.CONV:
        return _write_conv(template, name)
    if op.kind is Kind.NORM:
        return _write_norm(op, channels, facts)
    if op.kind is Kind.POOL:
        return _write_pool(op)
    writers: dict[Kind, Callable[[], str]] = {
        Kind.ACT: lambda: ACTIVATIONS[op.mode],
        Kind.BLUR: lambda: f"Blur({channels})",
        Kind.PAD: lambda: f"ZeroPad({template.say(name, 'input')}, {channels}, {template.say(name, 'stride')})",
        Kind.SE: lambda: f"SqueezeExcitation({channels})",
        Kind.ECA: lambda: f"ChannelAttention({facts.eca_kernel if facts.eca_kernel.isdigit() else channels})",
        Kind.DROPOUT: lambda: f"nn.Dropout{'2d' if op.mode == 'channel' else ''}({op.rate!r})",
        Kind.DROP_PATH: lambda: "DropPath(drop)",
        Kind.FLATTEN: lambda: "nn.Flatten(1)",
        Kind.LINEAR: lambda: f"nn.Linear({template.say(name, 'input')}, {channels})",
    }
    return writers[op.kind]()


def _write_conv(template: Template, name: str) -> str:
    op, stride = template.ops[name], template.say(name, "stride")
    arguments = [template.say(name, "input"), template.say(name, "output"), str(op.kernel)]
    arguments += [stride] if stride != "1" else []
    arguments += [f"padding={op.padding}"] if op.padding else []
    arguments += [f"groups={op.groups}"] if op.groups > 1 else []
    arguments += [] if op.bias else ["bias=False"]
    return f"nn.Conv2d({', '.join(arguments)})"


def _write_norm(op: Op, channels: str, facts: Facts) -> str:
    if op.mode == "batch":
        return f"nn.BatchNorm2d({channels})"
    if op.mode == "layer":
        return f"nn.GroupNorm(1, {channels})"
    return f"group_norm({channels})" if facts.many_groups else f"nn.GroupNorm({facts.groups}, {channels})"


def _write_pool(op: Op) -> str:
    if op.mode == Pool.GLOBAL:
        return "nn.AdaptiveAvgPool2d(1)"
    if op.mode == Pool.MAX:
        return f"nn.MaxPool2d({op.kernel}, {op.stride}, padding={op.padding})"
    return f"nn.AvgPool2d({op.kernel}{', ceil_mode=True' if op.mode == Pool.AVG_CEIL else ''})"


def _write_part(template: Template, part: str, facts: Facts, target: str = "") -> list[str]:
    """A part as an `nn.Sequential` whose modules have the plan's names, some of them under a condition."""
    target = target or f"self.{part}"
    lines, last = [f"{target} = nn.Sequential()"], ""
    for name in template.list_names(part):
        condition = template.find_condition(name)
        if condition and condition != last:
            lines.append(f"if {condition}:")
        line = f"{target}.{name.rpartition('.')[2]} = {_write_op(template, name, facts)}"
        lines.append(f"    {line}" if condition else line)
        last = condition
    return lines


def _write_block(plan: Plan, template: Template, facts: Facts) -> list[str]:
    parts = ["branch", "shortcut"] if template.list_names("shortcut") else ["branch"]
    parts = ["before", *parts] if template.list_names("before") else parts
    body = [line for part in parts for line in _write_part(template, part, facts)]
    after = template.list_names("after")
    if after == ["after"] and template.ops["after"].kind is not Kind.ACT:
        body.append(f"self.after = {_write_op(template, 'after', facts)}")
    if len(after) > 1:
        body += _write_part(template, "after", facts)
    if _is_mixed(plan, template):
        body.append(f"self.projects = {template.find_condition('shortcut.conv')}")
    signature = ", ".join(["self", *_list_arguments(template)])
    return [
        "class Block(nn.Module):",
        *indent([f'"""{say_equation(plan, template)}."""', "", f"def __init__({signature}) -> None:"]),
        *indent(["super().__init__()", *body], 2),
        "",
        *indent(["def forward(self, x: Tensor) -> Tensor:"]),
        *indent(_write_block_forward(plan, template), 2),
    ]


def _is_mixed(plan: Plan, template: Template) -> bool:
    """Whether some shortcuts read u and others x."""
    return bool(template.list_names("before")) and len({path.projects for path in list_paths(plan)}) > 1


def _list_arguments(template: Template) -> list[str]:
    drop = ["drop: float"] if template.find_kind(Kind.DROP_PATH) else []
    return [f"{name}: int" for name in template.list_params()] + drop


def _write_block_forward(plan: Plan, template: Template) -> list[str]:
    block = next(block for _, block in plan.blocks())
    u = "u" if block.before else "x"
    shortcut = "x"
    if template.list_names("shortcut"):
        always = all(path.projects for path in list_paths(plan))
        source = "u if self.projects else x" if _is_mixed(plan, template) else u if always else "x"
        shortcut = f"self.shortcut({source})"
    y = f"self.branch({u})"
    if block.path is Path.DENSE:
        y = f"torch.cat([x, {y}], 1)"
    elif block.path is not Path.NONE:
        y = f"{shortcut} + {y}"
    if len(block.after) == 1 and block.after[0].kind is Kind.ACT:
        y = call_activation(block.after[0].mode, y)
    elif block.after:
        y = f"self.after({y})"
    return [*(["u = self.before(x)"] if block.before else []), f"return {y}"]


def _write_stage(plan: Plan, template: Template) -> list[str]:
    params = template.list_params()
    drops = bool(template.find_kind(Kind.DROP_PATH))
    moves = {"in_channels": template.say_number("channels"), "stride": "1"}
    changing = [name for name in params if name in moves]
    arguments = ["depth: int", *(f"{name}: int" for name in template.list_params())]
    if drops:
        arguments.append("done: int")
    rate, total = plan.architecture.drop_path, sum(plan.architecture.depths)
    body = [f"drop = {rate!r} * (done + index + 1) / {total}"] if drops else []
    body.append(f"stage.append(Block({', '.join([*params, 'drop'] if drops else params)}))")
    if changing:
        body.append(f"{', '.join(changing)} = {', '.join(moves[name] for name in changing)}")
    words = "; the share of dropped branches grows with each" if drops else ""
    return [
        f"def make_stage({', '.join(arguments)}) -> nn.Sequential:",
        *indent([f'"""Stack `depth` blocks{"; only the first changes the shape" if changing else ""}{words}."""']),
        *indent(["stage = nn.Sequential()", f"for {'index' if drops else '_'} in range(depth):", *indent(body)]),
        *indent(["return stage"]),
    ]


def _write_dense_stage(plan: Plan, template: Template, follows: bool) -> list[str]:
    params = template.list_params()
    arguments = ["depth: int", *(f"{name}: int" for name in params)]
    arguments += ["transition: nn.Module | None = None"] if follows else []
    opening = ["if transition is not None:", "    stage.transition = transition"] if follows else []
    growth = f"in_channels += {plan.architecture.growth}"
    return [
        f"def make_stage({', '.join(arguments)}) -> nn.Sequential:",
        *indent(['"""Stack `depth` layers, each of which adds its channels to what came."""']),
        *indent(["stage = nn.Sequential()", *opening, "for index in range(depth):"]),
        *indent([f"stage.add_module(str(index), Block({', '.join(params)}))", *([growth] if params else [])], 2),
        *indent(["return stage"]),
    ]


def _write_transition(template: Template, facts: Facts) -> list[str]:
    body = _write_part(template, "transition", facts, "transition")
    arguments = [f"{name}: int" for name in ("channels", "in_channels") if name in template.used]
    return [
        f"def make_transition({', '.join(arguments)}) -> nn.Sequential:",
        *indent(['"""Narrow and halve the map between two stages."""', *body, "return transition"]),
    ]


def _write_network(plan: Plan, template: Template, transitions: Template, facts: Facts) -> list[str]:
    stages = [_call_stage(plan, index, template, transitions) for index in range(len(plan.stages))]
    body = [
        "super().__init__()",
        *_write_part(template_ops(plan.stem), "stem", facts),
        *stages,
        *_write_part(template_ops(plan.head), "head", facts),
        *_write_init(facts),
    ]
    channels, height, width = plan.architecture.input
    shapes = f"(N, {channels}, {height}, {width}) -> (N, {plan.architecture.classes})"
    return [
        f"class {name_network(plan.architecture)}(nn.Module):",
        *indent([f'"""{shapes}."""', "", "def __init__(self) -> None:", *indent(body), ""]),
        *indent(["def forward(self, x: Tensor) -> Tensor:", *indent(_write_forward(plan))]),
    ]


def _call_stage(plan: Plan, index: int, template: Template, transitions: Template) -> str:
    stage = plan.stages[index]
    numbers = read_block(stage.blocks[0])
    arguments = [len(stage.blocks), *(numbers[name] for name in template.list_params())]
    if template.find_kind(Kind.DROP_PATH):
        arguments.append(sum(plan.architecture.depths[:index]))
    words = list(map(str, arguments))
    if stage.transition:
        given = {"channels": stage.transition[0].input[0], "in_channels": stage.blocks[0].input[0]}
        values = ", ".join(str(given[name]) for name in ("channels", "in_channels") if name in transitions.used)
        words.append(f"make_transition({values})")
    return f"self.{stage.name} = make_stage({', '.join(words)})"


def _write_init(facts: Facts) -> list[str]:
    """He's initialisation; what the plan says starts at zero does."""
    lines = [
        "for module in self.modules():",
        "    if isinstance(module, nn.Conv2d):",
        '        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")',
    ]
    if facts.biased:
        lines += ["        if module.bias is not None:", "            nn.init.zeros_(module.bias)"]
    if facts.zero:
        lines += ["for module in self.modules():", "    if isinstance(module, Block):"]
        lines.append(f"        nn.init.zeros_(module.{facts.zero}.weight)  # a block is the identity at first")
    return lines


def _write_forward(plan: Plan) -> list[str]:
    outputs = {"stem": plan.stem[-1].output} | {stage.name: stage.blocks[-1].output for stage in plan.stages}
    shapes = [f"x = self.{name}(x)  # (N, {', '.join(map(str, shape))})" for name, shape in outputs.items()]
    return [*shapes, "return self.head(x)"]
