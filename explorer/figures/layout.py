"""Where the boxes of one part go, by arithmetic: the main path straight down at x = 0, the shortcut beside it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from explorer.figures.scene import SELF, Node, Unit

LINE_HEIGHT, CHARACTER = 15.0, 6.9  # at 12 px
NAME_LENGTH = 12  # characters kept for the part's name, such as layer2.10
GAP = 21.0  # between boxes, with room for an arrow
FORK = 8.0  # from a box to where the shortcut leaves behind it
ASIDE = 30.0  # from the widest box of the branch to the shortcut's
TURN = 10.0  # radius of a shortcut's corners
SUM = 26.0  # diameter of the sum


@dataclass(frozen=True, slots=True)
class Box:
    """Centre and size in pixels, y downwards."""

    x: float
    y: float
    width: float
    height: float

    @property
    def top(self) -> float:
        """Its upper edge."""
        return self.y - self.height / 2

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Layout:
    """Where a part's boxes go, y from 0 down to `height`, and how far it reaches to the left and right of x = 0.

    `fork` is the height at which the shortcut leaves the main path.
    """

    main: tuple[Box, ...]
    side: tuple[Box, ...]
    fork: float
    left: float
    right: float
    height: float


def measure_node(node: Node) -> tuple[float, float]:
    """Width and height in pixels that a node's text needs."""
    if node.lines == ("+",):
        return SUM, SUM
    longest = max(len(line) + (NAME_LENGTH - 1 if line.startswith(SELF) else 0) for line in node.lines)
    signs = 22 if node.opens else 0  # where it opens, and how often it repeats, stand on its edges
    return max(64.0, longest * CHARACTER + 26 + signs), len(node.lines) * LINE_HEIGHT + 12


@lru_cache(maxsize=4096)
def place_unit(unit: Unit) -> Layout:
    """Place a part's boxes; where the shortcut's need more height than the branch's, the sum moves down."""
    sizes, sides = [measure_node(node) for node in unit.main], [measure_node(node) for node in unit.side]
    needed = sum(height + GAP for _, height in sides) + 2 * TURN
    main: list[Box] = []
    fork = 0.0
    y = -GAP - FORK if unit.main[0].style == "input" else 0.0  # nothing leads to it
    for index, (width, height) in enumerate(sizes):
        if index == 0 or (unit.side and index == unit.fork):
            y += FORK  # room for it even where nothing leaves, so that first boxes stand side by side
            fork = y if index == unit.fork else fork
        y += GAP
        if unit.side and index == unit.join:
            y = max(y, fork + needed - height / 2)
        main.append(Box(0.0, y + height / 2, width, height))
        y += height
    side = _place_side(unit, main, sides, fork)
    right = max(box.x + box.width / 2 for box in (*main, *side))
    return Layout(tuple(main), side, fork, max(box.width for box in main) / 2, right, y)


def _place_side(unit: Unit, main: list[Box], sizes: list[tuple[float, float]], fork: float) -> tuple[Box, ...]:
    """The shortcut's boxes, in the middle between where it leaves and where it ends."""
    if not sizes:
        return ()
    reach = max(box.width for box in main[unit.fork : unit.join]) / 2
    x = reach + ASIDE + max(width for width, _ in sizes) / 2
    total = sum(height for _, height in sizes) + GAP * (len(sizes) - 1)
    y = (fork + main[unit.join].y) / 2 - total / 2
    boxes = []
    for width, height in sizes:
        boxes.append(Box(x, y + height / 2, width, height))
        y += height + GAP
    return tuple(boxes)
