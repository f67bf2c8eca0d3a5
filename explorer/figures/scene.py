"""Parts of a plan -> what is drawn of each: boxes down the main path, and the shortcut's beside it.

Nothing is placed here. Names within a part begin with ``@``, which stands for the part's own, so that equal blocks
have one drawing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from explorer.architecture.config import Shape
from explorer.architecture.cost import Cost, compute_block_cost, compute_op_cost, compute_ops_cost
from explorer.architecture.plan import Kind, Op, Path, Plan, ResidualBlock, Stage
from explorer.figures.format import describe_op, format_shape, format_si
from explorer.figures.palette import PATH_NAMES

SELF = "@"  # the name of the part that is drawn
_SHAPED = (Kind.CONV, Kind.POOL, Kind.BLUR, Kind.LINEAR, Kind.PAD)  # kinds that change a shape


class Level(StrEnum):
    """How much one box holds."""

    STAGE = "stage"
    BLOCK = "block"
    OP = "op"


@dataclass(frozen=True, slots=True)
class Node:
    """A box: `id` is the module's path, `lines` its text, `style` a kind of op, stem, stage, block, head, path-...

    `opens` says that there is more inside.
    """

    id: str
    lines: tuple[str, ...]
    style: str
    label: str
    repeat: int = 1
    opens: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """What is drawn of one part. A shortcut leaves above ``main[fork]``, passes `side`, and ends at ``main[join]``.

    `path` is the kind of the shortcut, None where there is none.
    """

    main: tuple[Node, ...]
    side: tuple[Node, ...] = ()
    fork: int = 0
    join: int = 0
    path: Path | None = None

    @property
    def nodes(self) -> tuple[Node, ...]:
        """All boxes: the main path in the order it runs, the shortcut's before the sum."""
        return self.main[: self.join] + self.side + self.main[self.join :]


@dataclass(frozen=True, slots=True)
class Fold:
    """Blocks in a row that are alike, the first called `name`.

    They are equal, but for dense blocks, each of which reads a few channels more than the one before it.
    """

    name: str
    blocks: tuple[ResidualBlock, ...]

    @property
    def block(self) -> ResidualBlock:
        """The first of them."""
        return self.blocks[0]

    @property
    def repeat(self) -> int:
        """How many they are."""
        return len(self.blocks)

    @property
    def is_dense(self) -> bool:
        """Whether they are alike, but not equal."""
        return self.block.path is Path.DENSE

    @property
    def title(self) -> str:
        """``layer1.1`` or ``layer1.1–3``."""
        return self.name + self.suffix

    @property
    def suffix(self) -> str:
        """What the title says behind the first one's name: ``–3``."""
        first = int(self.name.rpartition(".")[2])
        return "" if self.repeat == 1 else f"–{first + self.repeat - 1}"

    def split(self) -> Iterator[Fold]:
        """Each of them by itself."""
        stage, _, first = self.name.rpartition(".")
        for index, block in enumerate(self.blocks):
            yield Fold(f"{stage}.{int(first) + index}", (block,))


def fold_stage(stage: Stage, fold: bool = True) -> Iterator[Fold]:
    """Yield the stage's blocks, alike neighbours as one."""
    start = 0
    for index in range(1, len(stage.blocks) + 1):
        ends = index == len(stage.blocks) or not _are_alike(stage.blocks[index], stage.blocks[start])
        if ends or not fold:
            yield Fold(f"{stage.name}.{start}", stage.blocks[start:index])
            start = index


def _are_alike(block: ResidualBlock, other: ResidualBlock) -> bool:
    if Path.DENSE not in (block.path, other.path):
        return block is other or block == other
    return [(op.name, op.kernel) for op in block.ops] == [(op.name, op.kernel) for op in other.ops]


def count_ops(plan: Plan) -> int:
    """How many operations the whole network has."""
    return sum(len(ops) for _, ops in plan.parts())


def compose_input(shape: Shape) -> Unit:
    """The image that comes in."""
    return Unit((Node(SELF, ("input", format_shape(shape)), "input", "The input image"),))


@lru_cache(maxsize=1024)
def compose_part(title: str, ops: tuple[Op, ...]) -> Unit:
    """Stem, transition or head as one box."""
    weighted = [describe_op(op) for op in ops if op.kind in (Kind.CONV, Kind.POOL, Kind.LINEAR)]
    box = _box(SELF, weighted, compute_ops_cost(ops), ops[-1].output, title.rpartition(".")[2])
    return Unit((box,))


@lru_cache(maxsize=1024)
def compose_chain(ops: tuple[Op, ...]) -> Unit:
    """Stem, transition or head, a box an operation; their names begin with the part's last word."""
    return Unit(tuple(_op_node(op, f"{SELF}.{op.name.partition('.')[2]}") for op in ops))


def compose_stage(stage: Stage) -> Unit:
    """A stage as one box, with all its shortcuts in words beside it."""
    block, cost = stage.blocks[-1], sum((compute_block_cost(b) for b in stage.blocks), Cost())
    count = len(stage.blocks)
    words = f"{count} {block.kind} block{'s' if count > 1 else ''}"
    box = _box(SELF, [words], cost, block.output, "stage")
    paths = Counter(b.path for b in stage.blocks)
    if Path.NONE in paths:
        return Unit((box,))
    kinds = tuple(f"{number} × {PATH_NAMES[path]}" for path, number in paths.items())
    return _beside(box, kinds, next(iter(paths)))


@lru_cache(maxsize=4096)
def compose_fold(blocks: tuple[ResidualBlock, ...], suffix: str = "") -> Unit:
    """Blocks that are alike as one box, with the shortcut of the first beside it."""
    block = blocks[0]
    convs = [
        f"{op.kernel}×{op.kernel}, {op.output[0]}" + (f", /{op.stride}" if op.stride > 1 else "")
        for op in block.branch
        if op.kind is Kind.CONV
    ]
    cost = sum(map(compute_block_cost, blocks), Cost())
    box = _box(SELF, [" → ".join(convs)], cost, blocks[-1].output, "block", len(blocks), suffix)
    if block.path is Path.NONE:
        return Unit((box,))
    stride = block.shortcut[0].stride if block.shortcut else 1
    return _beside(box, (PATH_NAMES[block.path] + (f", /{stride}" if stride > 1 else ""),), block.path)


@lru_cache(maxsize=4096)
def compose_block(block: ResidualBlock) -> Unit:
    """A block, a box an operation: what comes before both ways, the branch, the shortcut beside it, the sum, after."""
    before, branch, after = (tuple(map(_op_node, ops)) for ops in (block.before, block.branch, block.after))
    if block.path is Path.NONE:
        return Unit(before + branch + after)
    main = (*before, *branch, _merge_node(block.path), *after)
    side = tuple(map(_op_node, block.shortcut)) or (_pill((PATH_NAMES[block.path],), block.path),)
    fork = len(before) if block.path.projects else 0  # a projection reads what the shared norm and activation give
    return Unit(main, side, fork, len(before) + len(branch), block.path)


def _beside(box: Node, words: tuple[str, ...], path: Path) -> Unit:
    """A box with the shortcut in words beside it, and the sum where both meet."""
    return Unit((box, _merge_node(path)), (_pill(words, path),), 0, 1, path)


def _pill(words: tuple[str, ...], path: Path) -> Node:
    return Node(f"{SELF}.shortcut", words, f"path-{path.name.lower()}", f"Shortcut of {SELF}: {', '.join(words)}")


def _merge_node(path: Path) -> Node:
    id = f"{SELF}.merge"
    if path is Path.DENSE:
        return Node(id, ("concat",), "concat", f"{id}: what the branch computes is appended to what came")
    return Node(id, ("+",), "add", f"{id}: shortcut and branch are added")


def _box(id: str, lines: list[str], cost: Cost, output: Shape, style: str, repeat: int = 1, suffix: str = "") -> Node:
    size = f"{format_si(cost.params).rstrip()} params · {format_si(cost.macs)}MACs"
    title = id + suffix
    label = f"{title}: {', '.join(lines)}; output {format_shape(output)}; {size}"
    return Node(id, (title, *lines, format_shape(output)), style, label, repeat, opens=True)


def _op_node(op: Op, id: str = "") -> Node:
    id = id or f"{SELF}.{op.name}"
    name, params = describe_op(op), compute_op_cost(op).params
    lines = (name, format_shape(op.output)) if op.kind in _SHAPED else (name,)
    size = f"; {format_si(params).rstrip()} parameters" if params else ""
    return Node(id, lines, op.kind.value, f"{id}: {name}, output {format_shape(op.output)}{size}")
