"""The detail card of a node: what it is, its shapes, and its cost with the numbers put in."""

from __future__ import annotations

from html import escape

from explorer.architecture.config import Shortcut
from explorer.architecture.cost import Cost, compute_block_cost, compute_cost, compute_op_cost, compute_ops_cost
from explorer.architecture.plan import Kind, Op, Path, Plan, ResidualBlock
from explorer.architecture.profile import OpProfile, profile_plan
from explorer.figures.format import describe_op, format_count, format_shape, format_share
from explorer.figures.palette import MODE_NAMES
from explorer.figures.profile import describe_op_profile

PAPER: dict[str, str] = {
    "conv": "Each output value is a weighted sum over a small window of all input channels.",
    "norm": "It gives each channel mean 0 and spread 1, then a learned scale and shift (Ioffe & Szegedy 2015).",
    "act": "It bends each value by itself; ReLU keeps what is positive. Behind the sum it is the block's own.",
    "blur": "A fixed filter smooths before every other pixel is dropped, against aliasing (Zhang 2019).",
    "se": "It looks at the mean of every channel and scales each by a learned gate (Hu et al. 2018, section 3).",
    "eca": "As squeeze-excitation, but each gate looks at a few neighbouring channels only (Wang et al. 2020).",
    "dropout": "In training it sets a share of the values to zero.",
    "drop_path": "In training it drops the whole branch for some images; x goes on alone (Huang et al. 2016).",
    "concat": "What the branch computes is appended to x, and nothing is overwritten (Huang et al. 2017, equation 2).",
    "transition": "Between dense stages: 1×1 compresses the channels, pooling halves the map (Huang et al. 2017).",
    "D": "ResNet-D: average pooling takes the stride, so that the 1×1 sees every value (He et al. 2019, figure 2c).",
    "pre": "What comes first stands on the branch alone, so that a shortcut can carry x itself on (He et al. 2016).",
    "pool": "Pooling shrinks the map; it learns nothing.",
    "pad": "Option A: the identity is subsampled, and new channels are zeros. It has no parameters (section 4.1).",
    "add": "y = F(x) + x, element by element. It adds no parameters (He et al. 2015, equation 1).",
    "flatten": "From (C, 1, 1) to a vector of C numbers.",
    "linear": "The classifier: one score for every class.",
    "basic": "Convolutions as wide as the block form F(x): two 3×3 in the paper (He et al. 2015, figure 5 left).",
    "bottleneck": "A 1×1 narrows for the 3×3; in a residual block another 1×1 widens (He et al. 2015, figure 5 right).",
    "identity": "x is added unchanged (He et al. 2015, equation 1): the gradient has a way past F, whatever F does.",
    "projection": "A 1×1 convolution matches the shape, Wₛx (He et al. 2015, equation 2).",
    "C": "Option C: a projection in every block; the paper found it only marginally better than B (table 3).",
    "none": "A plain network: what F computes is all that goes on. Deeper ones train worse (He et al. 2015, figure 1).",
    "stem": "What happens before the first block.",
    "head": "What happens behind the last block: the whole map's average, and one linear layer.",
    "input": "What the network reads. The batch dimension is left out everywhere.",
}


def draw_card(plan: Plan, name: str) -> str:
    """The card of a node or row, by its name; an empty text for a name the plan does not have."""
    total = compute_cost(plan)
    if name == "input":
        return _card("input", "input image", [("Shape", format_shape(plan.architecture.input))], PAPER["input"])
    parts = {"stem": plan.stem, "head": plan.head}
    parts |= {f"{stage.name}.transition": stage.transition for stage in plan.stages if stage.transition}
    if name in parts:
        ops, kind = parts[name], name.rpartition(".")[2]
        shapes = f"{format_shape(ops[0].input)} → {format_shape(ops[-1].output)}"
        return _card(name, kind, [("Shape", shapes), *_cost_lines(compute_ops_cost(ops), total)], PAPER[kind])
    for row in profile_plan(plan).rows:
        if row.name == name:
            return _draw_op(row, total)
    for path, block in plan.blocks():
        if name == path:
            return _draw_block(plan, path, block, total)
        if name == f"{path}.shortcut" and block.path is not Path.NONE:
            return _draw_shortcut(plan, path, block, total)
    return _draw_stage(plan, name, total)


def _draw_op(row: OpProfile, total: Cost) -> str:
    op = row.op
    lines = [("Shape", f"{format_shape(op.input)} → {format_shape(op.output)}")]
    cost = compute_op_cost(op)
    if cost.params:
        lines.append(("Parameters", f"{_params_formula(op)} = {format_count(cost.params)}"))
    if cost.macs:
        lines.append(("MACs", f"{_macs_formula(op)} = {format_count(cost.macs)}"))
        lines.append(("Share", f"{format_share(cost.macs, total.macs)} of the network's MACs"))
    lines += describe_op_profile(row)
    return _card(row.name, describe_op(op), lines, PAPER[op.kind.value], maps=True)


def _params_formula(op: Op) -> str:
    if op.kind is Kind.NORM:
        return f"scale and shift: 2 · {op.output[0]}"
    if op.kind is Kind.SE:
        return f"2 · {op.output[0]} · {op.hidden} + {op.hidden} + {op.output[0]}"
    if op.kind is Kind.ECA:
        return "one weight a neighbour"
    bias = f" + {op.output[0]}" if op.bias else ""
    if op.kind is Kind.LINEAR:
        return f"{op.input[0]} · {op.output[0]}{bias}"
    return f"{op.kernel}·{op.kernel}·{op.input[0] // op.groups}·{op.output[0]}{bias}"


def _macs_formula(op: Op) -> str:
    if op.kind is Kind.LINEAR:
        return f"{op.input[0]} · {op.output[0]}"
    if op.kind is Kind.SE:
        return f"2 · {op.output[0]} · {op.hidden}"
    if op.kind is Kind.ECA:
        return f"{op.kernel} · {op.output[0]}"
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
    text = PAPER["pre"] if plan.architecture.activation.opens else PAPER[block.kind.value]
    return _card(path, f"{block.kind} block, {_write_equation(plan, block)}", lines, text)


def _write_equation(plan: Plan, block: ResidualBlock) -> str:
    """What the block computes, as the papers write it."""
    a = plan.architecture
    x = "u" if a.activation.opens else "x"
    side = x if block.path.projects else "x"
    joined = {Path.NONE: f"F({x})", Path.DENSE: f"[x, F({x})]"}.get(block.path, f"F({x}) + shortcut({side})")
    for op in block.after:
        joined = f"{MODE_NAMES.get(op.mode, op.kind.value)}({joined})"
    opening = ", ".join(MODE_NAMES.get(op.mode, op.kind.value) for op in block.before)
    return f"y = {joined}" + (f" with u = {opening} of x" if opening else "")


def _name_shortcut(plan: Plan, block: ResidualBlock) -> str:
    option = plan.architecture.shortcut
    names = {
        Path.IDENTITY: "identity: x goes on unchanged",
        Path.PAD: "option A: subsample, pad with zero channels",
        Path.PROJECTION: f"option {option}: 1×1 projection",
        Path.POOLED: "option D: average pooling where the map is halved, then a 1×1 projection",
        Path.DENSE: "dense: x is kept, and what F computes is appended",
        Path.NONE: "none: a plain block",
    }
    return names[block.path]


def _name_stride(block: ResidualBlock) -> str:
    stride = max((op.stride for op in block.shortcut), default=1)
    return f", stride {stride}" if stride > 1 else ""


def _draw_shortcut(plan: Plan, path: str, block: ResidualBlock, total: Cost) -> str:
    cost = compute_ops_cost(block.shortcut)
    lines = [
        ("Kind", _name_shortcut(plan, block) + _name_stride(block)),
        ("Shape", f"{format_shape(block.input)} → {format_shape(block.output)}"),
        *(_cost_lines(cost, total) if cost.params else [("Parameters", "0: nothing is learned here")]),
    ]
    words = {
        Path.IDENTITY: "identity",
        Path.PAD: "pad",
        Path.PROJECTION: "projection",
        Path.POOLED: "D",
        Path.DENSE: "concat",
        Path.NONE: "none",
    }
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
