"""The function that draws fresh weights, for generated code in the functional style."""

from __future__ import annotations

from explorer.architecture.code.template import Template, indent, template_ops
from explorer.architecture.code.words import Facts
from explorer.architecture.config import Connect
from explorer.architecture.ops import Kind
from explorer.architecture.plan import Plan


def write_create(plan: Plan, block: Template, transitions: Template, facts: Facts) -> list[str]:
    """Fill a dictionary of tensors: the numbers that differ come from the table ``STAGES``."""
    stem, head, dense = template_ops(plan.stem), template_ops(plan.head), plan.architecture.connect is Connect.DENSE
    inner = _create_names(block, list(block.ops), "{name}.", facts)
    if facts.zero:
        inner.append(f'state[f"{{name}}.{facts.zero}.weight"].zero_()  # a block is the identity at first')
    inner += _move_on(plan, block, dense)
    between = _create_names(transitions, list(transitions.ops), "layer{number}.", facts)
    tracked = "channels" in transitions.used
    columns = block.list_params()
    row = f"(depth, {', '.join(columns)})" if columns else "depth"
    body = [
        "state: State = {}",
        *_create_names(stem, list(stem.ops), "", facts),
        *([f"channels = {plan.stages[0].blocks[0].input[0]}"] if tracked else []),
        f"for number, {row} in enumerate(STAGES, start=1):",
        *indent(["if number > 1:", *indent(between)] if between else []),
        *indent(["for index in range(depth):", '    name = f"layer{number}.{index}"', *indent(inner)]),
        *indent(["channels = in_channels"] if tracked else []),
        *_create_names(head, list(head.ops), "", facts),
        "return state",
    ]
    return ["def create_state() -> State:", *indent(['"""Fresh weights and running statistics by name."""', *body])]


def _move_on(plan: Plan, block: Template, dense: bool) -> list[str]:
    """What the next block begins with."""
    if dense:
        return [f"in_channels += {plan.architecture.growth}"] if "in_channels" in block.used else []
    moves = {"in_channels": block.say_number("channels"), "stride": "1"}
    changing = [name for name in block.list_params() if name in moves]
    return [f"{', '.join(changing)} = {', '.join(moves[name] for name in changing)}"] if changing else []


def _create_names(template: Template, names: list[str], prefix: str, facts: Facts) -> list[str]:
    """Lines for every operation that has weights, some of them under a condition."""
    lines, last = [], ""
    for name in names:
        key = f'f"{prefix}{name}"' if prefix else f'"{name}"'
        created = _create_op(template, name, key, facts)
        condition = template.find_condition(name) if created else last
        lines += [f"if {condition}:"] if condition and condition != last else []
        lines += indent(created) if condition else created
        last = condition
    return lines


def _create_op(template: Template, name: str, key: str, facts: Facts) -> list[str]:
    op = template.ops[name]
    if op.kind is Kind.CONV:
        bias = ", bias=True" if op.bias and facts.unbiased else ""
        rest = (f", groups={op.groups}" if op.groups > 1 else "") + bias
        channels = f"{template.say(name, 'input')}, {template.say(name, 'output')}"
        return [f"create_conv(state, {key}, {channels}, {op.kernel}{rest})"]
    if op.kind is Kind.LINEAR:
        bound, shape = f"{op.input[0]}**-0.5", f"{op.output[0]}, {op.input[0]}"
        return [
            f"bound = {bound}",
            f'state["{name}.weight"] = torch.empty({shape}).uniform_(-bound, bound)',
            f'state["{name}.bias"] = torch.empty({op.output[0]}).uniform_(-bound, bound)',
        ]
    if op.kind is Kind.NORM:
        return [f"create_norm(state, {key}, {template.say(name, 'output')})"]
    if op.kind is Kind.SE:
        return [f"create_squeeze_excite(state, {key}, {template.say(name, 'output')})"]
    if op.kind is Kind.ECA:
        channels = "" if facts.eca_kernel.isdigit() else f", {template.say(name, 'output')}"
        return [f"create_channel_attention(state, {key}{channels})"]
    return []
