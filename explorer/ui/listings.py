"""What stands below the graph besides the table: texts of every kind, the paper's table, and charts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from explorer.architecture.code import parse_style, write_code
from explorer.architecture.plan import Plan, expand_plan
from explorer.architecture.variant import format_variant, parse_variant
from explorer.figures import paper, table
from explorer.figures.cost_charts import parse_grouping, plot_costs
from explorer.figures.format import name_file
from explorer.figures.profile import format_profile
from explorer.figures.reference import format_beside
from explorer.ui.events import answer
from explorer.ui.heavy import load_torch


def _write_beside(plan: Plan) -> str:
    load_torch()
    from explorer.network.reference import list_accuracies

    return format_beside(plan, list_accuracies())


def _write_summary(plan: Plan) -> str:
    load_torch()
    from explorer.network.summary import summarise_module

    return summarise_module(plan)


# kind -> what writes it, and what its file's name ends with; any other kind is a style of code
_TEXTS: dict[str, tuple[Callable[[Plan], str], str]] = {
    "table-text": (table.format_text, "_cost.txt"),
    "table-csv": (table.format_csv, "_cost.csv"),
    "table-markdown": (table.format_markdown, "_cost.md"),
    "table-latex": (table.format_latex, "_cost.tex"),
    "table-json": (table.format_json, "_cost.json"),
    "paper-text": (lambda plan: paper.format_text([plan]), "_paper.txt"),
    "paper-markdown": (lambda plan: paper.format_markdown([plan]), "_paper.md"),
    "paper-latex": (lambda plan: paper.format_latex([plan]), "_paper.tex"),
    "profile": (format_profile, "_memory.txt"),
    "others": (_write_beside, "_beside.txt"),
    "summary": (_write_summary, ".txt"),
}


@answer
def listing(question: dict[str, Any]) -> dict[str, Any]:
    """A text about a variant, and a name for its file: ``{"variant": text, "kind": a key of _TEXTS or a code style}``.

    The kind ``paper`` is the paper's table as HTML, under ``html``.
    """
    kind, plan = str(question.get("kind", "")), _read_plan(question)
    name = name_file(format_variant(plan.architecture))
    if kind == "paper":
        return {"html": paper.draw_paper([plan])}
    if kind not in _TEXTS:
        return {"text": write_code(plan, parse_style(kind)), "name": f"{name}.py"}
    write, ending = _TEXTS[kind]
    return {"text": write(plan), "name": name + ending}


@answer
def cost_charts(question: dict[str, Any]) -> dict[str, Any]:
    """Charts of a variant's cost: ``{"variant": text, "by": "stage", "block" or "kind", "fold": true}``."""
    by = parse_grouping(str(question.get("by", "stage")))
    return {"charts": plot_costs(_read_plan(question), by, bool(question.get("fold", True)))}


def _read_plan(question: dict[str, Any]) -> Plan:
    return expand_plan(parse_variant(str(question.get("variant", ""))))
