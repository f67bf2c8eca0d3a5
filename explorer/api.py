"""The public Python API: a variant, and everything that can be seen of it. Torch is loaded by what computes alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.architecture.config import Architecture
from explorer.architecture.cost import Cost, compute_cost
from explorer.architecture.plan import Plan, expand_plan
from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import VariantError

if TYPE_CHECKING:
    from explorer.architecture.diff import PlanDiff
    from explorer.network.build import Network
    from explorer.network.pretrained import Pretrained
    from explorer.records import Measurement

__all__ = ["Difference", "Drawing", "Measured", "Table", "Variant", "build", "code", "draw", "load", "plan"]


@dataclass(frozen=True, slots=True)
class Table:
    """The cost table, as text or, in a notebook, as HTML."""

    text: str = field(repr=False)
    html: str = field(repr=False)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


@dataclass(frozen=True, slots=True)
class Drawing:
    """The graph as an SVG document, which a notebook shows."""

    svg: str = field(repr=False)

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> None:
        """Write the SVG into a file. Raises `OSError`."""
        from explorer.files import write_atomically

        write_atomically(Path(path), self.svg.encode())


@dataclass(frozen=True, slots=True)
class Difference:
    """How two variants differ, as text or, in a notebook, as a table; `record` holds the numbers."""

    record: PlanDiff = field(repr=False)

    def __str__(self) -> str:
        from explorer.figures.diff import format_text
        from explorer.figures.scene import Level

        return format_text([self.record], Level.BLOCK)

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        from explorer.figures.diff import format_markdown
        from explorer.figures.scene import Level

        return format_markdown([self.record], Level.BLOCK)


@dataclass(frozen=True, slots=True)
class Measured:
    """Time and memory of a variant here, as text or, in a notebook, as tables; `record` holds the numbers."""

    record: Measurement = field(repr=False)

    def __str__(self) -> str:
        from explorer.figures.measure import format_text

        return format_text(self.record)

    def __repr__(self) -> str:
        return str(self)

    def _repr_markdown_(self) -> str:
        from explorer.figures.measure import format_markdown

        return format_markdown(self.record)


@dataclass(frozen=True, slots=True)
class Variant:
    """A network, described completely and not built yet. Equal variants are equal."""

    plan: Plan = field(repr=False)

    @property
    def architecture(self) -> Architecture:
        """Its options."""
        return self.plan.architecture

    @property
    def text(self) -> str:
        """Its canonical text, ``resnet56,shortcut=none``, which `plan` reads."""
        return format_variant(self.plan.architecture)

    def cost(self) -> Cost:
        """Parameters, MACs and activations for one image."""
        return compute_cost(self.plan)

    def table(self) -> Table:
        """The cost of every operation."""
        from explorer.figures.table import draw_table, draw_totals, format_text

        return Table(format_text(self.plan), f"<p>{draw_totals(self.plan)}</p>{draw_table(self.plan)}")

    def draw(self, level: str = "block") -> Drawing:
        """The graph, a box for every stage, block or op. Raises `VariantError` for another level."""
        from explorer.figures.export import export_graph
        from explorer.figures.scene import Level

        if level not in list(Level):
            raise VariantError(f"level={level[:40]} is not a level: level is stage, block or op.")
        return Drawing(export_graph(self.plan, Level(level), "svg").decode())

    def code(self, style: str = "module") -> str:
        """A PyTorch file of this variant alone, with classes, or of functions (style="functional")."""
        from explorer.architecture.code import parse_style, write_code

        return write_code(self.plan, parse_style(style))

    def diff(self, other: Variant | str) -> Difference:
        """How `other` differs from this one."""
        from explorer.architecture.diff import compare_plans

        return Difference(compare_plans(self.plan, plan(other).plan))

    def build(self, seed: int | None = None) -> Network:
        """The torch module, with fresh weights. Raises `VariantError` where they would not fit into memory."""
        from explorer.network.build import build_network

        return build_network(self.plan, seed)

    def measure(self, batch: int = 8, mode: str = "both", budget: float = 10.0, device: str = "auto") -> Measured:
        """Measure its forward pass and training step here, for about `budget` seconds. Raises `MeasureError`."""
        from explorer.inspection.measure import measure_plan
        from explorer.inspection.settings import MeasureSettings
        from explorer.records import Measurement

        settings = MeasureSettings(batch, mode, budget, device)
        (record,) = (each for each in measure_plan(self.plan, settings) if isinstance(each, Measurement))
        return Measured(record)

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        cost = self.cost()
        return f"<{self.text}: {cost.params:,} parameters, {cost.macs:,} MACs>"

    def _repr_html_(self) -> str:
        return f"<h4>{escape(self.text)}</h4>{self.table().html}"


def plan(variant: Variant | str) -> Variant:
    """The network that a text describes, ``NAME[,option=value]*``. Raises `VariantError`."""
    return variant if isinstance(variant, Variant) else Variant(expand_plan(parse_variant(variant)))


def build(variant: Variant | str, seed: int | None = None) -> Network:
    """The torch module of a variant, with fresh weights. Raises `VariantError`."""
    return plan(variant).build(seed)


def draw(variant: Variant | str, level: str = "block") -> Drawing:
    """The graph of a variant, a box for every stage, block or op. Raises `VariantError`."""
    return plan(variant).draw(level)


def code(variant: Variant | str, style: str = "module") -> str:
    """A PyTorch file of a variant. Raises `VariantError`."""
    return plan(variant).code(style)


def load(weights: str | Path, variant: Variant | str | None = None) -> Pretrained:
    """Weights in their network: a bundled or torchvision name, a checkpoint file, or a run's directory.

    `variant` says which network a file belongs to, where it can't be worked out. Raises `WeightsError`.
    """
    from explorer.network.pretrained import load_pretrained

    return load_pretrained(str(weights), None if variant is None else str(variant))
