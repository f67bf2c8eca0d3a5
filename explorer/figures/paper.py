"""The architecture table as the paper prints it (He et al. 2015, table 1), of one variant or several side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import zip_longest

from explorer.architecture.plan import Plan
from explorer.figures.format import align_rows
from explorer.figures.latex import LatexTable, escape_latex, write_latex
from explorer.figures.paper_rows import NOTE, Cell, PaperRow, PaperTable, Stack, compose_paper

EMPTY = "—"
TITLE = "Architecture in the style of He et al. 2015, table 1"


def draw_paper(plans: Sequence[Plan]) -> str:
    """The table as HTML; brackets are borders (`.rx-bracket`), a row's `data-name` is the part's name."""
    table = compose_paper(plans)
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in ("layer", "output", *table.variants))
    body = "".join(_draw_row(table.rows, index) for index in range(len(table.rows)))
    return (
        f'<table class="rx-paper"><caption>{TITLE}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
        f'<p class="rx-quiet">{NOTE}</p>'
    )


def _draw_row(rows: Sequence[PaperRow], index: int) -> str:
    row = rows[index]
    words = not row.name
    head = "" if _continues(rows, index) else _draw_head(rows, index)
    whole = row.whole
    cells = "".join(f"<td>{_draw_cell(row, cell)}</td>" for cell in row.cells)
    if whole:
        cells = f'<td colspan="{len(row.cells)}">{_draw_cell(row, whole)}</td>'
    part = row.name.removesuffix(".pool")
    attributes = ' class="rx-words"' if words else f' data-name="{escape(part)}" tabindex="-1"'
    return f"<tr{attributes}>{head}{cells}</tr>"


def _draw_head(rows: Sequence[PaperRow], index: int) -> str:
    """Label, our name and size; the pooling stands in the row of its stage, as in the paper."""
    row = rows[index]
    span = ' rowspan="2"' if _continues(rows, index + 1) else ""
    part = _name_part(rows, index)
    name = f"<small>{escape(part)}</small>" if part else ""
    if not row.name:
        return f'<th scope="row" colspan="2">{escape(row.label)}</th>'
    return f'<th scope="row"{span}>{escape(row.label)}{name}</th><td{span}>{escape(row.size)}</td>'


def _continues(rows: Sequence[PaperRow], index: int) -> bool:
    """Whether a row belongs to the one above it: the same label, and one size for both."""
    if not 0 < index < len(rows):
        return False
    above, row = rows[index - 1], rows[index]
    return bool(row.label) and (above.label, above.size) == (row.label, row.size)


def _draw_cell(row: PaperRow, cell: Cell | None) -> str:
    if cell is None:
        return f'<span class="rx-quiet">{EMPTY}</span>'
    size = f"<small>{escape(cell.size)}</small>" if cell.size and not row.size else ""
    return size + "".join(map(_draw_stack, cell.stacks))


def _draw_stack(stack: Stack) -> str:
    lines = "".join(f"<span>{escape(line)}</span>" for line in stack.lines)
    if not stack.repeat:
        return f'<span class="rx-lines">{lines}</span>'
    return f'<span class="rx-stack"><span class="rx-bracket">{lines}</span> × {stack.repeat}</span>'


def format_text(plans: Sequence[Plan]) -> str:
    """The table for a terminal, with brackets of several lines."""
    table = compose_paper(plans)
    lines: list[tuple[str, ...]] = [("layer", "output", *table.variants)]
    for index, row in enumerate(table.rows):
        label, size = _label_row(table.rows, index)
        stacked = [_stack_lines(row, cell) for cell in row.cells]
        lines += zip_longest([label], [size], *stacked, fillvalue="")
    return "\n".join([*align_rows(lines, ()), "", f"{NOTE}\n"])


def _label_row(rows: Sequence[PaperRow], index: int) -> tuple[str, str]:
    """Label with our name, and size; neither is said twice."""
    row = rows[index]
    if _continues(rows, index):
        return "", ""
    name = _name_part(rows, index)
    return f"{row.label} ({name})" if name else row.label, row.size


def _name_part(rows: Sequence[PaperRow], index: int) -> str:
    """Our name of what a row shows, where the label is another; a pooling bears that of the stage it stands with."""
    row = rows[index + 1] if _continues(rows, index + 1) else rows[index]
    return "" if row.name in (row.label, "stem.pool") else row.name


def _stack_lines(row: PaperRow, cell: Cell | None) -> list[str]:
    if cell is None:
        return [EMPTY]
    lines = [cell.size] if cell.size and not row.size else []
    for stack in cell.stacks:
        lines += _bracket(stack) if stack.repeat else stack.lines
    return lines


def _bracket(stack: Stack) -> Iterator[str]:
    """``⎡ 3×3, 64 ⎤`` and so on, the number of blocks behind the middle line."""
    width, count = max(map(len, stack.lines)), len(stack.lines)
    for index, line in enumerate(stack.lines):
        left, right = "[]" if count == 1 else "⎡⎤" if not index else "⎣⎦" if index == count - 1 else "⎢⎥"
        times = f" × {stack.repeat}" if index == (count - 1) // 2 else ""
        yield f"{left} {line:{width}} {right}{times}"


def format_markdown(plans: Sequence[Plan]) -> str:
    """A Markdown table, each cell in one line: ``[1×1, 64; 3×3, 64; 1×1, 256] × 3``."""
    table = compose_paper(plans)
    head = ["layer", "output", *(f"`{name}`" for name in table.variants)]
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for index, row in enumerate(table.rows):
        cells = [*_label_row(table.rows, index), *(write_cell(row, cell) for cell in row.cells)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", f"{NOTE}\n"])


def write_cell(row: PaperRow, cell: Cell | None) -> str:
    """A cell in one line, its size in front where the row's variants differ in it."""
    if cell is None:
        return EMPTY
    size = f"{cell.size}: " if cell.size and not row.size else ""
    stacks = [
        f"[{'; '.join(stack.lines)}] × {stack.repeat}" if stack.repeat else "; ".join(stack.lines)
        for stack in cell.stacks
    ]
    return size + "; ".join(stacks)


def format_latex(plans: Sequence[Plan]) -> str:
    """A LaTeX table in the style of booktabs, with brackets in math."""
    table = compose_paper(plans)
    caption = f"{TITLE}: {', '.join(table.variants)}. {NOTE}"
    head = ["layer", "output", *map(escape_latex, table.variants)]
    rows = [_write_latex_row(table, index) for index in range(len(table.rows))]
    return write_latex(LatexTable(caption, "ll" + "c" * len(plans), head, rows))


def _write_latex_row(table: PaperTable, index: int) -> list[str]:
    row = table.rows[index]
    label, size = map(escape_latex, _label_row(table.rows, index))
    if row.whole:
        return [label, size, f"\\multicolumn{{{len(row.cells)}}}{{c}}{{{_write_latex_cell(row, row.whole)}}}"]
    return [label, size, *(_write_latex_cell(row, cell) for cell in row.cells)]


def _write_latex_cell(row: PaperRow, cell: Cell | None) -> str:
    if cell is None:
        return "---"
    size = f"{escape_latex(cell.size)}: " if cell.size and not row.size else ""
    return size + ", ".join(map(_write_latex_stack, cell.stacks))


def _write_latex_stack(stack: Stack) -> str:
    lines = [f"\\mbox{{{escape_latex(line)}}}" for line in stack.lines]
    if not stack.repeat:
        return ", ".join(map(escape_latex, stack.lines))
    array = "\\begin{array}{c} " + " \\\\ ".join(lines) + " \\end{array}"
    return f"$\\left[{array}\\right] \\times {stack.repeat}$"
