"""Plan -> one readable, self-contained PyTorch file; its state dict has the plan's names."""

from __future__ import annotations

from enum import StrEnum

from explorer.architecture.code.functional import write_functional
from explorer.architecture.code.module import write_module
from explorer.architecture.code.words import join_imports, write_header, write_main
from explorer.architecture.plan import Plan
from explorer.errors import VariantError

LINE = 120


class Style(StrEnum):
    """How the file is written."""

    MODULE = "module"  # classes, as a person would write them
    FUNCTIONAL = "functional"  # functions of tensors: F.conv2d, and batch norm spelled out


def parse_style(text: str) -> Style:
    """Read a style's name; raises `VariantError`."""
    if text not in list(Style):
        raise VariantError(f"style={text[:40]} is not a style: style is {' or '.join(Style)}.")
    return Style(text)


def write_code(plan: Plan, style: Style = Style.MODULE) -> str:
    """Write a Python file that needs torch alone, of no more than this variant uses.

    It computes what `explorer.network.build` builds, and its class takes the same state dict.
    """
    sections = write_module(plan) if style is Style.MODULE else write_functional(plan)
    sections = [[folded for line in section for folded in _fold(line)] for section in [*sections, write_main(plan)]]
    imports = join_imports([line for section in sections for line in section])
    head = "\n".join([*write_header(plan), "", *imports])
    gap = "\n" * (3 if sections[0][0].startswith(("class ", "def ")) else 2)  # as ruff sorts imports
    return head + gap + "\n\n\n".join("\n".join(section) for section in sections) + "\n"


def _fold(line: str) -> list[str]:
    """A signature that is too long, on three lines, as ruff would format it."""
    if len(line) <= LINE or not line.startswith("def "):
        return [line]
    opening, _, rest = line.partition("(")
    arguments, _, result = rest.rpartition(")")
    return [f"{opening}(", f"    {arguments}", f"){result}"]
