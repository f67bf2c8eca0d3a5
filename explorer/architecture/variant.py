"""Text <-> Architecture <-> link: one grammar for the command line, the page and the address bar.

``NAME[,option=value]*``, for example ``resnet56,shortcut=none``. An option that is not written has the preset's value.
"""

from __future__ import annotations

import difflib
from dataclasses import fields, replace
from functools import lru_cache
from operator import attrgetter
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, quote

from explorer.architecture.config import Activation, Architecture, Ends, Stem, StrideOn
from explorer.architecture.names import list_names, replace_depth, resolve_name
from explorer.architecture.options import ALIASES, OPTIONS, parse_input
from explorer.architecture.presets import NAMES, find_preset, shorten
from explorer.architecture.rules import find_unused, list_kernels, refuse_unused, settle
from explorer.errors import VariantError

__all__ = ["DEFAULT", "OPTIONS", "format_query", "format_variant", "nearest_name", "parse_input", "parse_query"]
DEFAULT = "resnet50"
MAX_TEXT = 600
_read_options = attrgetter(*(option.name for option in OPTIONS.values()))


def parse_variant(text: str) -> Architecture:
    """Read a variant's text; raises `VariantError` with what came and what is allowed."""
    if len(text) > MAX_TEXT:
        raise VariantError(f"The variant has {len(text):,} characters: at most {MAX_TEXT} are allowed.")
    name, *parts = [part.strip() for part in text.strip().removesuffix(",").split(",")]
    if not name:
        raise VariantError("The variant is empty: write a name such as resnet50 or resnet56,shortcut=none.")
    changes: dict[str, Any] = {}
    for part in parts:
        option, value = _parse_option(part)
        if option in changes:
            raise VariantError(f"{option} is given twice: keep one of the two.")
        changes[option] = value
    name = name.lower()
    if "depth" in changes:
        name = _change_depth(name, changes)
    return apply_options(find_preset(name).architecture, changes)


def apply_options(architecture: Architecture, changes: dict[str, Any]) -> Architecture:
    """The architecture with options changed; refuses those that mean nothing in it. Raises `VariantError`."""
    changes = dict(changes)
    if "in_channels" in changes:
        if "input" in changes:
            raise VariantError("input and in_channels both give the channels: keep one of the two.")
        changes["input"] = (changes.pop("in_channels"), *architecture.input[1:])
    if "widths" in changes and changes.get("width", changes["widths"][0]) != changes["widths"][0]:
        raise VariantError("width and widths disagree about the first stage: keep one of the two.")
    if "width" in changes and "widths" not in changes:
        changes["widths"] = None
    changed = replace(architecture, **changes)
    unused = find_unused(changed)
    for name in changes:
        if name in unused and changes[name] is not None:
            raise VariantError(refuse_unused(name, unused[name]))
    return changed


def change_options(architecture: Architecture, changes: dict[str, Any]) -> tuple[Architecture, dict[str, str]]:
    """The architecture after a person changed some options, and what had to be taken back, each with the reason.

    Unlike `apply_options`, other options follow: those that lose their meaning go back to their defaults. Raises
    `VariantError`.
    """
    values = {field.name: getattr(architecture, field.name) for field in fields(architecture)} | changes
    if changes.get("connect") == "dense":
        values |= {"activation": Activation.PRE, "ends": Ends.BOTH}
    if "width" in changes or len(values["widths"] or values["depths"]) != len(values["depths"]):
        values["widths"] = changes.get("widths")
    kernels = list_kernels(SimpleNamespace(**values))
    if "stride_on" not in changes and not any((k == 1) is (values["stride_on"] == "1x1") for k in kernels):
        values["stride_on"] = next(choice for choice in StrideOn if choice != values["stride_on"])
    taken = settle(values, changes)
    return Architecture(**values), taken


def _change_depth(name: str, changes: dict[str, Any]) -> str:
    """The family's network of the total depth that was asked for."""
    depth = changes.pop("depth")
    if "depths" in changes:
        raise VariantError("depth and depths both say how deep the network is: keep one of the two.")
    start = find_preset(name).architecture  # an unknown name is refused as such
    other = replace_depth(name, depth)
    found = resolve_name(other)
    if found is None or (found.stem is Stem.CIFAR) is not (start.stem is Stem.CIFAR):
        raise VariantError(
            f"depth={depth} is no depth of {shorten(name)}'s family: give one that it defines, such as resnet101, "
            "or the blocks of each stage, such as depths=3-4-6-3."
        )
    return other


def _parse_option(part: str) -> tuple[str, Any]:
    name, equals, value = (piece.strip() for piece in part.partition("="))
    name = name.lower()
    if not equals or not value:
        raise VariantError(f"“{shorten(part)}” is no option: options look like shortcut=none.")
    known = OPTIONS | ALIASES
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise VariantError(f"“{shorten(name)}” is no option: {hint}Options are {', '.join(known)}.")
    return name, known[name].parse(value)


def _changes(architecture: Architecture, name: str) -> list[str]:
    preset = find_preset(name).architecture
    return [
        f"{option.name}={option.write(getattr(architecture, option.name))}"
        for option in OPTIONS.values()
        if getattr(architecture, option.name) not in (getattr(preset, option.name), None)
    ]


@lru_cache(maxsize=2048)
def format_variant(architecture: Architecture) -> str:
    """Write the canonical text: the name that needs the fewest options, then those options in their order."""
    return write_from(architecture, nearest_name(architecture))


@lru_cache(maxsize=2048)
def nearest_name(architecture: Architecture) -> str:
    """Return the preset's name that needs the fewest options to describe the architecture.

    A plain network is called by its residual twin's name, and ``shortcut=none``.
    """

    values = _read_options(architecture)

    def distance(name: str) -> tuple[int, int]:
        known, depth = _read_preset(name)
        changes = sum(map(_differs, values, known))
        return changes, abs(depth - architecture.depth)

    likely = [name for name in list_names(architecture) if _resolves(name)]
    names = dict.fromkeys([*likely, *(name for name in NAMES if not name.startswith("plain"))])
    return next(name for name in sorted(names, key=distance) if _describes(architecture, name))


def _differs(value: Any, own: Any) -> bool:
    return value is not own and value != own and value is not None


@lru_cache(maxsize=4096)
def _read_preset(name: str) -> tuple[tuple[Any, ...], int]:
    """A preset's options and depth: every variant is held against a hundred of them before it has a name."""
    preset = find_preset(name).architecture
    return _read_options(preset), preset.depth


def write_from(architecture: Architecture, name: str) -> str:
    """Write a variant as a preset and what differs from it; quick, and canonical only by chance."""
    return ",".join([name, *_changes(architecture, name)])


@lru_cache(maxsize=4096)
def _resolves(name: str) -> bool:
    try:
        return resolve_name(name) is not None
    except VariantError:  # the pattern fits, and asks for what can't be built
        return False


def _describes(architecture: Architecture, name: str) -> bool:
    """Whether the name and the options that differ lead back to the architecture.

    They may not: a preset's own stem width, say, can't be taken back by leaving an option out.
    """
    try:
        return parse_variant(write_from(architecture, name)) == architecture
    except VariantError:
        return False


def format_query(architecture: Architecture) -> str:
    """Write the permalink's query, ``?v=resnet56,shortcut=none``."""
    return "?v=" + quote(format_variant(architecture), safe=",=")


def parse_query(query: str) -> Architecture:
    """Read the variant out of a link's query; `DEFAULT` where it has none; raises `VariantError`."""
    values = parse_qs(query.lstrip("?")[:4000], max_num_fields=50).get("v") if query.count("&") < 50 else None
    return parse_variant(values[0] if values else DEFAULT)
