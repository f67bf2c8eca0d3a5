"""What stands in the paper's architecture table (He et al. 2015, table 1): a row a stage, its block times its number.

Several variants stand side by side. Where the paper writes nothing of an option (groups, attention, pre-activation),
its successors' notation is taken: ``C=32`` (Xie et al. 2017, table 1), ``SE, [16, 256]`` (Hu et al. 2018, table 1).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from explorer.architecture.config import Act, Activation, Architecture, Connect, Norm, Shape, Shortcut
from explorer.architecture.cost import CONVENTION, compute_cost
from explorer.architecture.ops import Kind, Op, Pool
from explorer.architecture.plan import Plan, ResidualBlock, Stage
from explorer.architecture.variant import format_variant
from explorer.figures.format import format_si
from explorer.figures.palette import MODE_NAMES

NOTE = f"{CONVENTION}; the paper writes FLOPs for MACs."
SHORTCUTS: dict[Shortcut, str] = {
    Shortcut.A: "A: identity; zero padding where shapes change",
    Shortcut.B: "B: identity; 1×1 projection where shapes change",
    Shortcut.C: "C: 1×1 projection in every block",
    Shortcut.D: "D: identity; average pool and 1×1 where shapes change",
    Shortcut.NONE: "none: a plain network",
}
ACTIVATIONS: dict[Activation, str] = {
    Activation.POST: "post-activation: norm behind each convolution, the last activation behind the sum",
    Activation.BN_AFTER: "the last norm and activation behind the sum",
    Activation.RELU_BEFORE: "the last activation before the sum",
    Activation.RELU_PRE: "activation before, norm behind each convolution",
    Activation.PRE: "pre-activation: norm and activation before each convolution",
}


@dataclass(frozen=True, slots=True)
class Stack:
    """Operations above one another; a block in brackets that stands `repeat` times, without brackets for 0."""

    lines: tuple[str, ...]
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class Cell:
    """What one variant has in a row, and the ``height×width`` that it puts out; empty for a row of words."""

    stacks: tuple[Stack, ...]
    size: str = ""


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A row: the paper's label, our name (empty for words and totals), a cell a variant, None where it has nothing."""

    label: str
    name: str
    cells: tuple[Cell | None, ...]

    @property
    def size(self) -> str:
        """The output size that all share; empty where they differ."""
        sizes = {cell.size for cell in self.cells if cell}
        return sizes.pop() if len(sizes) == 1 else ""

    @property
    def whole(self) -> Cell | None:
        """The one cell that stands for all variants, where it is the same in all."""
        return self.cells[0] if len(self.cells) > 1 and len(set(self.cells)) == 1 else None


@dataclass(frozen=True, slots=True)
class PaperTable:
    """The variants' texts, and the rows in order."""

    variants: tuple[str, ...]
    rows: tuple[PaperRow, ...]


def compose_paper(plans: Sequence[Plan]) -> PaperTable:
    """Compose the table of one or more plans; a stage that a variant does not have is None."""
    found = [{(label, name): cell for label, name, cell in _list_cells(plan, _is_dense(plans))} for plan in plans]
    keys = sorted({key for cells in found for key in cells}, key=_order)
    rows = (PaperRow(label, name, tuple(cells.get((label, name)) for cells in found)) for label, name in keys)
    words = (_compare(label, [write(plan) for plan in plans]) for label, write in _WORDS.items())
    variants = tuple(format_variant(plan.architecture) for plan in plans)
    return PaperTable(variants, (*rows, *(row for row in words if row)))


def _is_dense(plans: Sequence[Plan]) -> bool:
    return all(plan.architecture.connect is Connect.DENSE for plan in plans)


def _order(key: tuple[str, str]) -> tuple[int, int, bool]:
    """Stem, pooling, stages with the transitions before them, head."""
    part, _, rest = key[1].partition(".")
    if part in ("stem", "head"):
        return (0 if part == "stem" else 2), 0, bool(rest)
    return 1, int(part.removeprefix("layer")), not rest


def _list_cells(plan: Plan, dense: bool) -> Iterator[tuple[str, str, Cell]]:
    """Label, name and cell of everything from the stem to the head."""
    convs = [op for op in plan.stem if op.kind is Kind.CONV]
    yield "conv1", "stem", Cell((Stack(tuple(map(_describe_stem_conv, convs))),), _size(convs[-1].output))
    pools = [op for op in plan.stem if op.kind in (Kind.POOL, Kind.BLUR)]
    labels = {stage.name: _label(number, dense) for number, stage in enumerate(plan.stages)}
    if pools:
        label = "pooling" if dense else labels[plan.stages[0].name]
        yield label, "stem.pool", Cell((Stack(tuple(map(_describe_pool, pools))),), _size(pools[-1].output))
    for number, stage in enumerate(plan.stages):
        if stage.transition:
            yield f"transition {number}", f"{stage.name}.transition", _describe_transition(stage.transition)
        yield labels[stage.name], stage.name, _describe_stage(stage)
    classes = plan.architecture.classes
    yield "head", "head", Cell((Stack((f"average pool, {classes}-d fc",)),), "1×1")


def _label(number: int, dense: bool) -> str:
    return f"dense block {number + 1}" if dense else f"conv{number + 2}_x"


def _size(shape: Shape) -> str:
    return "×".join(map(str, shape[1:]))


def _describe_stem_conv(op: Op) -> str:
    return _describe_conv(op) + (f", stride {op.stride}" if op.stride > 1 else "")


def _describe_conv(op: Op) -> str:
    groups = f", C={op.groups}" if op.groups > 1 else ""
    return f"{op.kernel}×{op.kernel}, {op.output[0]}{groups}"


def _describe_pool(op: Op) -> str:
    kind = "blur" if op.kind is Kind.BLUR else "max pool" if op.mode == Pool.MAX else "average pool"
    return f"{op.kernel}×{op.kernel} {kind}, stride {op.stride}"


def _describe_transition(ops: tuple[Op, ...]) -> Cell:
    convs = [_describe_conv(op) for op in ops if op.kind is Kind.CONV]
    pools = [_describe_pool(op) for op in ops if op.kind is Kind.POOL]
    return Cell((Stack((*convs, *pools)),), _size(ops[-1].output))


def _describe_stage(stage: Stage) -> Cell:
    """Equal brackets in a row are one; strides and projections are told in words below the table."""
    brackets = groupby(map(_describe_block, stage.blocks))
    stacks = tuple(Stack(lines, sum(1 for _ in equal)) for lines, equal in brackets)
    return Cell(stacks, _size(stage.blocks[-1].output))


def _describe_block(block: ResidualBlock) -> tuple[str, ...]:
    lines = []
    for op in block.ops:
        where = " on the shortcut" if op in block.shortcut else ""
        if op.kind is Kind.CONV and not where:
            lines.append(_describe_conv(op))
        elif op.kind is Kind.SE:
            lines.append(f"SE{where}, [{op.hidden}, {op.output[0]}]")
        elif op.kind is Kind.ECA:
            lines.append(f"ECA{where}, over {op.kernel}")
    return tuple(lines)


def _describe_shortcut(plan: Plan) -> str:
    a = plan.architecture
    return f"dense: {a.growth} channels appended by each" if a.connect is Connect.DENSE else SHORTCUTS[a.shortcut]


def _describe_stride(plan: Plan) -> str:
    """Which operation of a block halves the map, and in which stages; a dense network's transitions say it."""
    found: dict[str, list[str]] = {}
    for number, stage in enumerate(plan.stages):
        strided = [op for op in stage.blocks[0].branch if op.stride > 1]
        for op in strided[:1]:
            alike = sum(each.kind is op.kind and each.kernel == op.kernel for each in stage.blocks[0].branch) > 1
            kernel = f"the {'first ' if alike else ''}{op.kernel}×{op.kernel}"
            what = kernel if op.kind is Kind.CONV else f"the {_describe_pool(op).partition(',')[0]}"
            found.setdefault(what, []).append(f"conv{number + 2}_1")
    return "; ".join(f"{what} of {_join(names)}" for what, names in found.items())


def _join(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _describe_layers(plan: Plan) -> str:
    """Norm, activation and regularisation, where they are not the paper's."""
    a: Architecture = plan.architecture
    words = [
        MODE_NAMES.get(a.norm.value, "no norm, biases instead") if a.norm is not Norm.BATCH else "",
        MODE_NAMES[a.act.value] if a.act is not Act.RELU else "",
        f"dropout {a.dropout:.0%}" if a.dropout else "",
        f"drop path to {a.drop_path:.0%}" if a.drop_path else "",
    ]
    return ", ".join(filter(None, words))


def _describe_activation(plan: Plan) -> str:
    a = plan.architecture
    return ACTIVATIONS[Activation.PRE if a.connect is Connect.DENSE else a.activation]


def _count_params(plan: Plan) -> str:
    return format_si(compute_cost(plan).params).strip()


def _count_macs(plan: Plan) -> str:
    return format_si(compute_cost(plan).macs).strip()


_WORDS = {
    "shortcut": _describe_shortcut,
    "activation": _describe_activation,
    "stride 2": _describe_stride,
    "layers": _describe_layers,
    "parameters": _count_params,
    "MACs": _count_macs,
}


def _compare(label: str, words: list[str]) -> PaperRow | None:
    """A row of words; none where no variant has any, or where all are as the paper takes for granted."""
    if not any(words) or set(words) == {ACTIVATIONS[Activation.POST]}:
        return None
    return PaperRow(label, "", tuple(Cell((Stack((text,)),)) if text else None for text in words))
