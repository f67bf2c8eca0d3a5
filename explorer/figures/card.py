"""The detail card of a node: what it is, its shapes, and its cost with the numbers put in."""

from __future__ import annotations

from html import escape

from explorer.architecture.config import Shortcut
from explorer.architecture.cost import Cost, compute_block_cost, compute_cost, compute_op_cost, compute_ops_cost
from explorer.architecture.plan import Kind, Op, Path, Plan, ResidualBlock
from explorer.figures.format import describe_op, format_count, format_shape, format_share

PAPER: dict[str, str] = {
    "conv": "Each output value is a weighted sum over a small window of all input channels.",
    "norm": "Batch normalisation right after each convolution and before activation (He et al. 2015, section 3.4).",
    "act": "ReLU keeps what is positive. Behind the sum it is the block's own nonlinearity (He et al. 2015, figure 2).",
    "pool": "Pooling shrinks the map; it learns nothing.",
    "pad": "Option A: the identity is subsampled, and new channels are zeros. It has no parameters (section 4.1).",
    "add": "y = F(x) + x, element by element. It adds no parameters (He et al. 2015, equation 1).",
    "flatten": "From (C, 1, 1) to a vector of C numbers.",
    "linear": "The classifier: one score for every class.",
    "basic": "Two 3×3 convolutions form F(x) (He et al. 2015, figure 5 left).",
    "bottleneck": "1×1 narrows, 3×3 works, 1×1 widens by 4 (He et al. 2015, figure 5 right).",
    "identity": "x is added unchanged (He et al. 2015, equation 1): the gradient has a way past F, whatever F does.",
    "projection": "A 1×1 convolution matches the shape, Wₛx (He et al. 2015, equation 2).",
    "C": "Option C: a projection in every block; the paper found it only marginally better than B (table 3).",
    "none": "A plain network: what F computes is all that goes on. Deeper ones train worse (He et al. 2015, figure 1).",
    "stem": "What happens before the first block.",
    "head": "Global average pooling and one linear layer.",
    "input": "What the network reads. The batch dimension is left out everywhere.",
}


def draw_card(plan: Plan, name: str) -> str:
    """The card of a node or row, by its name; an empty text for a name the plan does not have."""
    total = compute_cost(plan)
    if name == "input":
        return _card("input", "input image", [("Shape", format_shape(plan.architecture.input))], PAPER["input"])
    if name in ("stem", "head"):
        ops = plan.stem if name == "stem" else plan.head
        shapes = f"{format_shape(ops[0].input)} → {format_shape(ops[-1].output)}"
        return _card(name, name, [("Shape", shapes), *_cost_lines(compute_ops_cost(ops), total)], PAPER[name])
    for path, op in plan.ops():
        if path == name:
            return _draw_op(path, op, total)
    for path, block in plan.blocks():
        if name == path:
            return _draw_block(plan, path, block, total)
        if name == f"{path}.shortcut" and block.path is not Path.NONE:
            return _draw_shortcut(plan, path, block, total)
    return _draw_stage(plan, name, total)


def _draw_op(path: str, op: Op, total: Cost) -> str:
    lines = [("Shape", f"{format_shape(op.input)} → {format_shape(op.output)}")]
    cost = compute_op_cost(op)
    if cost.params:
        lines.append(("Parameters", f"{_params_formula(op)} = {format_count(cost.params)}"))
    if cost.macs:
        lines.append(("MACs", f"{_macs_formula(op)} = {format_count(cost.macs)}"))
        lines.append(("Share", f"{format_share(cost.macs, total.macs)} of the network's MACs"))
    return _card(path, describe_op(op), lines, PAPER[op.kind.value], maps=True)


def _params_formula(op: Op) -> str:
    if op.kind is Kind.NORM:
        return f"scale and shift: 2 · {op.output[0]}"
    if op.kind is Kind.LINEAR:
        return f"{op.input[0]} · {op.output[0]}" + (f" + {op.output[0]}" if op.bias else "")
    return f"{op.kernel}·{op.kernel}·{op.input[0] // op.groups}·{op.output[0]}"


def _macs_formula(op: Op) -> str:
    if op.kind is Kind.LINEAR:
        return f"{op.input[0]} · {op.output[0]}"
    return f"{op.kernel}·{op.kernel}·{op.input[0] // op.groups} · {'·'.join(map(str, op.output))}"


def _cost_lines(cost: Cost, total: Cost) -> list[tuple[str, str]]:
    return [
        ("Parameters", f"{format_count(cost.params)} ({format_share(cost.params, total.params) or '0%'})"),
        ("MACs", f"{format_count(cost.macs)} ({format_share(cost.macs, total.macs) or '0%'})"),
    ]


def _draw_block(plan: Plan, path: str, block: ResidualBlock, total: Cost) -> str:
    branch = " → ".join(describe_op(op) for op in block.branch if op.kind is Kind.CONV)
    lines = [
        ("Shape", f"{format_shape(block.input)} → {format_shape(block.output)}"),
        ("Branch F", branch),
        ("Shortcut", _name_shortcut(plan, block)),
        *_cost_lines(compute_block_cost(block), total),
    ]
    equation = "y = relu(F(x))" if block.path is Path.NONE else "y = relu(F(x) + shortcut(x))"
    return _card(path, f"{block.kind} block, {equation}", lines, PAPER[block.kind.value])


def _name_shortcut(plan: Plan, block: ResidualBlock) -> str:
    option = plan.architecture.shortcut
    names = {
        Path.IDENTITY: "identity: x goes on unchanged",
        Path.PAD: "option A: subsample, pad with zero channels",
        Path.PROJECTION: f"option {option}: 1×1 projection, then batch norm",
        Path.NONE: "none: a plain block",
    }
    return names[block.path]


def _draw_shortcut(plan: Plan, path: str, block: ResidualBlock, total: Cost) -> str:
    cost = compute_ops_cost(block.shortcut)
    lines = [
        ("Kind", _name_shortcut(plan, block)),
        ("Shape", f"{format_shape(block.input)} → {format_shape(block.output)}"),
        *(_cost_lines(cost, total) if cost.params else [("Parameters", "0: nothing is learned here")]),
    ]
    words = {Path.IDENTITY: "identity", Path.PAD: "pad", Path.PROJECTION: "projection", Path.NONE: "none"}
    text = PAPER["C"] if plan.architecture.shortcut is Shortcut.C else PAPER[words[block.path]]
    return _card(f"{path}.shortcut", "shortcut", lines, text)


def _draw_stage(plan: Plan, name: str, total: Cost) -> str:
    """A stage, or its sum or shortcut in the graph's coarsest view; an empty text for any other name."""
    for stage in plan.stages:
        parts = () if stage.blocks[0].path is Path.NONE else (f"{stage.name}.shortcut", f"{stage.name}.merge")
        if name in (stage.name, *parts):
            cost = sum(map(compute_block_cost, stage.blocks), Cost())
            first, last = stage.blocks[0], stage.blocks[-1]
            lines = [
                ("Shape", f"{format_shape(first.input)} → {format_shape(last.output)}"),
                ("Blocks", f"{len(stage.blocks)} × {last.kind}"),
                ("Shortcuts", f"first: {_name_shortcut(plan, first)}; last: {_name_shortcut(plan, last)}"),
                *_cost_lines(cost, total),
            ]
            return _card(stage.name, "stage: blocks of one resolution", lines, PAPER[last.kind.value])
    return ""


def _card(name: str, title: str, lines: list[tuple[str, str]], text: str, maps: bool = False) -> str:
    rows = "".join(f"<dt>{escape(term)}</dt><dd>{escape(value)}</dd>" for term, value in lines)
    link = f'<button type="button" class="rx-maps" data-maps="{escape(name)}">Feature maps →</button>' if maps else ""
    return (
        f'<h3>{escape(name)}</h3><p class="rx-card-title">{escape(title)}</p><dl>{rows}</dl>'
        f'<p class="rx-quiet">{escape(text)}</p>{link}'
    )
