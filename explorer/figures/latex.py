"""Tables in LaTeX, ruled as the package booktabs does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

MAX_ROWS = 45  # of a table that one page holds; a longer one has to break across pages
_SIGNS = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "×": r"$\times$", "→": r"$\rightarrow$", "·": r"$\cdot$",
    "–": "--", "\u2009": r"\,",
}  # fmt: skip
_TABLE = str.maketrans(_SIGNS)


@dataclass(frozen=True, slots=True)
class LatexTable:
    """A table whose caption is plain text and whose cells are LaTeX already; `columns` is the letters of tabular."""

    caption: str
    columns: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    foot: Sequence[Sequence[str]] = field(default=())


def escape_latex(text: str) -> str:
    """A text as LaTeX prints it: its own signs escaped, multiplication signs and arrows in math."""
    return text.translate(_TABLE)


def write_latex(table: LatexTable) -> str:
    """``table`` around ``tabular``; ``longtable``, which breaks across pages, for more rows than one page holds."""
    long = len(table.rows) > MAX_ROWS
    packages = "booktabs and longtable" if long else "booktabs"
    body = [*map(_write_row, table.rows), *(["\\midrule"] if table.foot else []), *map(_write_row, table.foot)]
    write = _write_long if long else _write_short
    return "\n".join([f"% needs the package{'s' if long else ''} {packages}", *write(table, body)]) + "\n"


def _write_row(cells: Sequence[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _write_short(table: LatexTable, body: list[str]) -> list[str]:
    return [
        "\\begin{table}", "\\centering", f"\\caption{{{escape_latex(table.caption)}}}",
        f"\\begin{{tabular}}{{{table.columns}}}", "\\toprule", _write_row(table.head), "\\midrule",
        *body, "\\bottomrule", "\\end{tabular}", "\\end{table}",
    ]  # fmt: skip


def _write_long(table: LatexTable, body: list[str]) -> list[str]:
    head = ["\\toprule", _write_row(table.head), "\\midrule"]
    return [
        f"\\begin{{longtable}}{{{table.columns}}}", f"\\caption{{{escape_latex(table.caption)}}} \\\\",
        *head, "\\endfirsthead", *head, "\\endhead", *body, "\\bottomrule", "\\end{longtable}",
    ]  # fmt: skip
