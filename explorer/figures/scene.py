"""Plan -> Scene: the boxes and lines of the graph at one of three levels, before anything is placed or drawn.

Repeated blocks are folded into one box, "×N". Every residual connection has a line of its own, at every level.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from explorer.architecture.config import Shape
from explorer.architecture.cost import Cost, compute_block_cost, compute_op_cost, compute_ops_cost
from explorer.architecture.plan import Kind, Op, Path, Plan, ResidualBlock, Stage
from explorer.figures.format import describe_op, format_shape, format_si
from explorer.figures.palette import PATH_NAMES

_SHAPED = (Kind.CONV, Kind.POOL, Kind.BLUR, Kind.LINEAR, Kind.PAD)  # kinds that change a shape
MAX_NODES = 700  # dot needs 0.1 s for as many, 8 s for 4,200


class Level(StrEnum):
    """How much one box holds."""

    STAGE = "stage"
    BLOCK = "block"
    OP = "op"


@dataclass(frozen=True, slots=True)
class Node:
    """A box: `id` is the module's path, `lines` its text, `style` a kind of op, stem, stage, block, head, path-..."""

    id: str
    lines: tuple[str, ...]
    style: str
    label: str
    side: bool = False
    repeat: int = 1


@dataclass(frozen=True, slots=True)
class Edge:
    """A line; `path` says which kind of shortcut it belongs to, None on the main path."""

    tail: str
    head: str
    path: Path | None = None


@dataclass
class Scene:
    """What is to be drawn, in order."""

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    last: str = ""

    def add(self, node: Node) -> None:
        """Append a box to the main path."""
        self.nodes.append(node)
        if self.last:
            self.edges.append(Edge(self.last, node.id))
        self.last = node.id


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
    def title(self) -> str:
        """``layer1.1`` or ``layer1.1-3``."""
        stage, _, first = self.name.rpartition(".")
        return self.name if self.repeat == 1 else f"{stage}.{first}–{int(first) + self.repeat - 1}"


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


def compose_scene(plan: Plan, level: Level, fold: bool = True) -> Scene:
    """Compose the boxes and lines of a plan; without `fold` every block is drawn, up to `MAX_NODES` operations."""
    scene = Scene()
    fold = fold or count_ops(plan) > MAX_NODES
    scene.add(Node("input", ("input", format_shape(plan.architecture.input)), "input", "The input image"))
    _add_part(scene, "stem", plan.stem, level)
    for stage in plan.stages:
        if stage.transition:
            _add_part(scene, f"{stage.name}.transition", stage.transition, level, f"{stage.name}.")
        if level is Level.STAGE:
            _add_stage(scene, stage)
            continue
        for folded in fold_stage(stage, fold):
            (_add_block if level is Level.BLOCK else _add_ops)(scene, folded)
    _add_part(scene, "head", plan.head, level)
    return scene


def _add_part(scene: Scene, name: str, ops: tuple[Op, ...], level: Level, prefix: str = "") -> None:
    """Stem, transition or head: one box, or a box an operation."""
    if level is Level.OP:
        for op in ops:
            scene.add(_op_node(prefix + op.name, op))
        return
    weighted = [describe_op(op) for op in ops if op.kind in (Kind.CONV, Kind.POOL, Kind.LINEAR)]
    scene.add(_box(name, name, weighted, compute_ops_cost(ops), ops[-1].output, name.rpartition(".")[2]))


def _box(id: str, title: str, lines: list[str], cost: Cost, output: Shape, style: str, repeat: int = 1) -> Node:
    size = f"{format_si(cost.params).rstrip()} params · {format_si(cost.macs)}MACs"
    text = (title, *lines, format_shape(output))
    label = f"{title}: {', '.join(lines)}; output {format_shape(output)}; {size}"
    return Node(id, text, style, label, repeat=repeat)


def _op_node(id: str, op: Op, side: bool = False, repeat: int = 1) -> Node:
    cost = compute_op_cost(op)
    name = describe_op(op)
    lines = (name, format_shape(op.output)) if op.kind in _SHAPED else (name,)
    size = f"; {format_si(cost.params).rstrip()} parameters" if cost.params else ""
    return Node(id, lines, op.kind.value, f"{id}: {name}, output {format_shape(op.output)}{size}", side, repeat)


def _add_stage(scene: Scene, stage: Stage) -> None:
    block, cost = stage.blocks[-1], sum((compute_block_cost(b) for b in stage.blocks), Cost())
    count = len(stage.blocks)
    words = f"{count} {block.kind} block{'s' if count > 1 else ''}"
    paths = Counter(b.path for b in stage.blocks)
    before = scene.last
    scene.add(_box(stage.name, stage.name, [words], cost, block.output, "stage"))
    if Path.NONE not in paths:
        kinds = [f"{number} × {PATH_NAMES[path]}" for path, number in paths.items()]
        _add_shortcut(scene, before, stage.name, tuple(kinds), next(iter(paths)))


def _add_block(scene: Scene, fold: Fold) -> None:
    block, before = fold.block, scene.last
    convs = [
        f"{op.kernel}×{op.kernel}, {op.output[0]}" + (f", /{op.stride}" if op.stride > 1 else "")
        for op in block.branch
        if op.kind is Kind.CONV
    ]
    cost = sum(map(compute_block_cost, fold.blocks), Cost())
    output = fold.blocks[-1].output
    scene.add(_box(fold.name, fold.title, [" → ".join(convs)], cost, output, "block", fold.repeat))
    if block.path is not Path.NONE:
        stride = block.shortcut[0].stride if block.shortcut else 1
        words = PATH_NAMES[block.path] + (f", /{stride}" if stride > 1 else "")
        _add_shortcut(scene, before, fold.name, (words,), block.path)


def _add_shortcut(scene: Scene, before: str, name: str, words: tuple[str, ...], path: Path) -> None:
    """The line beside a box, its label, and the sum where both meet."""
    merge, shortcut = f"{name}.merge", f"{name}.shortcut"
    label = f"Shortcut of {name}: {', '.join(words)}"
    scene.nodes.append(Node(shortcut, words, f"path-{path.name.lower()}", label, side=True))
    scene.add(_merge_node(merge, path))
    scene.edges += [Edge(before, shortcut, path), Edge(shortcut, merge, path)]


def _add_ops(scene: Scene, fold: Fold) -> None:
    block, before = fold.block, scene.last
    for index, op in enumerate(block.before + block.branch):
        scene.add(_op_node(f"{fold.name}.{op.name}", op, repeat=fold.repeat if index == 0 else 1))
        if block.path.projects and index + 1 == len(block.before):
            before = scene.last  # a projection reads what the shared norm and activation give
    if block.path is not Path.NONE:
        _add_op_shortcut(scene, before, fold)
        scene.add(_merge_node(f"{fold.name}.merge", block.path))
        tail = scene.nodes[-2].id
        scene.edges.append(Edge(tail, scene.last, block.path))
    for op in block.after:
        scene.add(_op_node(f"{fold.name}.{op.name}", op))


def _merge_node(id: str, path: Path) -> Node:
    if path is Path.DENSE:
        return Node(id, ("concat",), "concat", f"{id}: what the branch computes is appended to what came")
    return Node(id, ("+",), "add", f"{id}: shortcut and branch are added")


def _add_op_shortcut(scene: Scene, before: str, fold: Fold) -> None:
    block = fold.block
    if not block.shortcut:
        words = PATH_NAMES[block.path]
        style, label = f"path-{block.path.name.lower()}", f"Shortcut of {fold.name}: {words}"
        scene.nodes.append(Node(f"{fold.name}.shortcut", (words,), style, label, side=True))
        scene.edges.append(Edge(before, f"{fold.name}.shortcut", block.path))
        return
    for op in block.shortcut:
        name = f"{fold.name}.{op.name}"
        scene.nodes.append(_op_node(name, op, side=True))
        scene.edges.append(Edge(before, name, block.path))
        before = name
