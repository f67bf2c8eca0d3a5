"""Text <-> Architecture <-> link: one grammar for the command line, the page and the address bar.

``NAME[,option=value]*``, for example ``resnet56,shortcut=none``. An option that is not written has the preset's value.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, quote

from explorer.architecture.config import Architecture, Block, Shortcut, Stem, StrideOn
from explorer.architecture.presets import IMAGENET_DEPTHS, find_preset, is_cifar_depth, shorten
from explorer.errors import VariantError

DEFAULT = "resnet50"
MAX_TEXT = 400


@dataclass(frozen=True, slots=True)
class Option:
    """One option of the grammar: how its value is read, written and explained."""

    name: str
    parse: Callable[[str], Any]
    write: Callable[[Any], str]
    help: str


def _choice(name: str, kind: type[StrEnum]) -> Callable[[str], StrEnum]:
    def parse(text: str) -> StrEnum:
        for member in kind:
            if member.value.lower() == text.lower():
                return member
        raise VariantError(f"{name}={shorten(text)} is not a choice: {name} is {_either([m.value for m in kind])}.")

    return parse


def _number(name: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise VariantError(
                f"{name}={shorten(text)} is not a whole number of at most 9 digits: write something like {name}=64."
            )
        return int(text)

    return parse


def _parse_depths(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[0-9]{1,9}(-[0-9]{1,9})*", text) or len(text) > 80:
        raise VariantError(
            f"depths={shorten(text)} is not a list of blocks per stage: write something like depths=3-4-6-3."
        )
    return tuple(int(part) for part in text.split("-"))


def parse_input(text: str) -> tuple[int, int, int]:
    """Read ``3x224x224`` as (C, H, W); raises `VariantError`."""
    match = re.fullmatch(r"([0-9]{1,9})[x×]([0-9]{1,9})[x×]([0-9]{1,9})", text.strip().lower())
    if match is None:
        raise VariantError(
            f"input={shorten(text)} is not channels x height x width: write something like input=3x224x224."
        )
    return int(match[1]), int(match[2]), int(match[3])


def _write_numbers(separator: str) -> Callable[[tuple[int, ...]], str]:
    return lambda numbers: separator.join(map(str, numbers))


OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        Option("depths", _parse_depths, _write_numbers("-"), "blocks in each stage, such as 3-4-6-3"),
        Option("block", _choice("block", Block), str, "basic (3x3, 3x3) or bottleneck (1x1, 3x3, 1x1)"),
        Option("shortcut", _choice("shortcut", Shortcut), str, "A, B, C or none"),
        Option("stem", _choice("stem", Stem), str, "imagenet (7x7 and max-pool) or cifar (3x3)"),
        Option("stride_on", _choice("stride_on", StrideOn), str, "3x3 (v1.5) or 1x1 (v1), in a bottleneck"),
        Option("width", _number("width"), str, "planes of the first stage"),
        Option("classes", _number("classes"), str, "outputs of the classifier"),
        Option("input", parse_input, _write_numbers("x"), "channels x height x width, such as 3x224x224"),
    )
}


def parse_variant(text: str) -> Architecture:
    """Read a variant's text; raises `VariantError` with what came and what is allowed."""
    if len(text) > MAX_TEXT:
        raise VariantError(f"The variant has {len(text):,} characters: at most {MAX_TEXT} are allowed.")
    name, *parts = [part.strip() for part in text.strip().split(",")]
    if not name:
        raise VariantError("The variant is empty: write a name such as resnet50 or resnet56,shortcut=none.")
    preset = find_preset(name.lower())
    changes: dict[str, Any] = {}
    for part in parts:
        option, value = _parse_option(part)
        if option in changes:
            raise VariantError(f"{option} is given twice: keep one of the two.")
        changes[option] = value
    return replace(preset.architecture, **changes)


def _parse_option(part: str) -> tuple[str, Any]:
    name, equals, value = (piece.strip() for piece in part.partition("="))
    name = name.lower()
    if not equals or not value:
        raise VariantError(f"“{shorten(part)}” is no option: options look like shortcut=none.")
    if name not in OPTIONS:
        near = difflib.get_close_matches(name, OPTIONS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise VariantError(f"“{shorten(name)}” is no option: {hint}Options are {', '.join(OPTIONS)}.")
    return name, OPTIONS[name].parse(value)


def _candidates(architecture: Architecture) -> list[str]:
    """Names that could describe the architecture: all of ImageNet's, and CIFAR's of the same depths."""
    names = [f"resnet{depth}" for depth in IMAGENET_DEPTHS]
    if len(set(architecture.depths)) == 1:
        names += [f"resnet{depth}" for depth in (architecture.depths[0] * 6 + 2,) if is_cifar_depth(depth)]
    return [*names, "resnet20"]


def _changes(architecture: Architecture, name: str) -> list[str]:
    preset = find_preset(name).architecture
    return [
        f"{option.name}={option.write(getattr(architecture, option.name))}"
        for option in OPTIONS.values()
        if getattr(architecture, option.name) != getattr(preset, option.name)
    ]


def format_variant(architecture: Architecture) -> str:
    """Write the canonical text: the name that needs the fewest options, then those options in their order."""
    name = nearest_name(architecture)
    return ",".join([name, *_changes(architecture, name)])


def nearest_name(architecture: Architecture) -> str:
    """Return the preset's name that needs the fewest options to describe the architecture."""

    def distance(name: str) -> tuple[int, int]:
        preset = find_preset(name).architecture
        return len(_changes(architecture, name)), abs(preset.depth - architecture.depth)

    return min(_candidates(architecture), key=distance)


def format_query(architecture: Architecture) -> str:
    """Write the permalink's query, ``?v=resnet56,shortcut=none``."""
    return "?v=" + quote(format_variant(architecture), safe=",=")


def parse_query(query: str) -> Architecture:
    """Read the variant out of a link's query; `DEFAULT` where it has none; raises `VariantError`."""
    values = parse_qs(query.lstrip("?")[:4000], max_num_fields=50).get("v") if query.count("&") < 50 else None
    return parse_variant(values[0] if values else DEFAULT)


def _either(words: list[str]) -> str:
    return ", ".join(words[:-1]) + " or " + words[-1]
