"""The network as a tree of parts that open and close: stages, folds of equal blocks, blocks, operations.

A `View` says which of them are open. `list_units` gives what is then drawn, part after part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.architecture.plan import Plan, Stage
from explorer.figures.format import format_shape
from explorer.figures.scene import (
    Fold,
    Level,
    Unit,
    compose_block,
    compose_chain,
    compose_fold,
    compose_input,
    compose_part,
    compose_stage,
    fold_stage,
)

MAX_FLIPPED = 2000  # parts in one link


@dataclass(frozen=True, slots=True)
class View:
    """What is open. A part in `flipped` is opened or closed against what the level says, one in `unfolded` against
    `fold`, which folds equal blocks into one, "×N".
    """

    level: Level = Level.BLOCK
    fold: bool = True
    flipped: frozenset[str] = frozenset()
    unfolded: frozenset[str] = frozenset()

    def is_open(self, item: Item) -> bool:
        """Whether a part shows what is in it."""
        opens = self.level is Level.OP or (self.level is Level.BLOCK and item.is_stage)
        return item.can_open and opens != (item.name in self.flipped)

    def is_folded(self, item: Item) -> bool:
        """Whether equal blocks stand as one."""
        return item.repeat == 1 or self.fold != (item.name in self.unfolded)


@dataclass(frozen=True, slots=True)
class Item:
    """A part: its drawing when closed and, where it has operations, when open; a stage has parts of its own.

    `title` and `words` stand on the frame around what is open.
    """

    name: str
    title: str
    words: str
    closed: Unit
    opened: Unit | None = None
    parts: tuple[Item, ...] = ()
    fold: Fold | None = None

    @property
    def is_stage(self) -> bool:
        """Whether it holds blocks."""
        return bool(self.parts)

    @property
    def can_open(self) -> bool:
        """Whether there is more inside than its box says."""
        return bool(self.parts) or self.opened is not None

    @property
    def repeat(self) -> int:
        """How many equal blocks it stands for."""
        return self.fold.repeat if self.fold else 1

    def split(self) -> Iterator[Item]:
        """Each of its blocks by itself."""
        if self.fold:
            yield from map(_describe_fold, self.fold.split())


def outline_plan(plan: Plan) -> tuple[Item, ...]:
    """The parts of a plan, in the order they run."""
    shape = plan.architecture.input
    return (
        Item("input", "input", format_shape(shape), compose_input(shape)),
        Item("stem", "stem", "", compose_part("stem", plan.stem), compose_chain(plan.stem)),
        *(item for stage in plan.stages for item in _describe_stage(stage)),
        Item("head", "head", "", compose_part("head", plan.head), compose_chain(plan.head)),
    )


def _describe_stage(stage: Stage) -> Iterator[Item]:
    """A stage, and before it the transition that it may open with."""
    parts = tuple(_describe_fold(fold) for fold in fold_stage(stage))
    if stage.transition:
        name, ops = f"{stage.name}.transition", stage.transition
        yield Item(name, name, "", compose_part("transition", ops), compose_chain(ops))
    block, count = stage.blocks[-1], len(stage.blocks)
    number = stage.name.removeprefix("layer")
    words = f"stage {number}: {count} {block.kind} block{'s' if count > 1 else ''}, {format_shape(block.output)}"
    yield Item(stage.name, stage.name, words, compose_stage(stage), parts=parts)


def _describe_fold(fold: Fold) -> Item:
    words = f"{fold.block.kind} block" + ("" if fold.repeat == 1 else f", the first of {fold.repeat} alike")
    closed = compose_fold(fold.blocks, fold.suffix)
    return Item(fold.name, fold.name, words, closed, compose_block(fold.block), fold=fold)


def list_units(items: tuple[Item, ...], view: View) -> Iterator[tuple[str, Unit]]:
    """What is drawn, part after part: names, and their drawings."""
    for item in items:
        if not view.is_folded(item):
            yield from list_units(tuple(item.split()), view)
        elif not view.is_open(item):
            yield item.name, item.closed
        elif item.opened is None:
            yield from list_units(item.parts, view)
        else:
            yield item.name, item.opened


def parse_view(level: str, fold: bool, changed: str) -> View:
    """Read a view as a link holds it: names that differ, ``layer2.0~layer3.1*``, with a star behind what is unfolded.

    What makes no sense is left out: a link of another network opens all the same.
    """
    names = changed.split("~")[:MAX_FLIPPED] if changed else []
    return View(
        Level(level) if level in list(Level) else Level.BLOCK,
        fold,
        frozenset(name for name in names if not name.endswith("*")),
        frozenset(name.removesuffix("*") for name in names if name.endswith("*")),
    )


def format_view(view: View) -> dict[str, str]:
    """A view as a link holds it; what is as ever is empty."""
    level = "" if view.level is Level.BLOCK else view.level.value
    changed = [*sorted(view.flipped), *(f"{name}*" for name in sorted(view.unfolded))]
    return {"level": level, "fold": "" if view.fold else "0", "x": "~".join(changed)}
