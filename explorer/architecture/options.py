"""The options of the grammar: how each value is read, written and explained."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from explorer.architecture.config import (
    DECIMALS,
    Act,
    Activation,
    Antialias,
    Attention,
    Block,
    Connect,
    Dropout,
    Ends,
    Norm,
    Place,
    Shortcut,
    Stem,
    StrideOn,
)
from explorer.architecture.presets import shorten
from explorer.errors import VariantError


@dataclass(frozen=True, slots=True)
class Option:
    """One option of the grammar: how its value is read, written and explained. `choices` is empty where any goes."""

    name: str
    parse: Callable[[str], Any]
    write: Callable[[Any], str]
    help: str
    choices: tuple[str, ...] = ()


def _choice(name: str, kind: type[StrEnum], help: str) -> Option:
    def parse(text: str) -> StrEnum:
        for member in kind:
            if member.value.lower() == text.lower():
                return member
        raise VariantError(f"{name}={shorten(text)} is not a choice: {name} is {either([m.value for m in kind])}.")

    return Option(name, parse, str, help, tuple(member.value for member in kind))


def _number(name: str, help: str, example: int = 64) -> Option:
    def parse(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
            raise VariantError(
                f"{name}={shorten(text)} is not a whole number of at most 9 digits: write something like "
                f"{name}={example}."
            )
        return int(text)

    return Option(name, parse, str, help)


def _decimal(name: str, help: str, example: str) -> Option:
    def parse(text: str) -> float:
        if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?|\.[0-9]{1,6}", text, re.ASCII):
            raise VariantError(f"{name}={shorten(text)} is not a number: write something like {name}={example}.")
        return float(text)

    return Option(name, parse, lambda value: f"{value:.{DECIMALS}f}".rstrip("0").rstrip("."), help)


def _flag(name: str, help: str) -> Option:
    words = {"yes": True, "true": True, "on": True, "1": True, "no": False, "false": False, "off": False, "0": False}

    def parse(text: str) -> bool:
        if text.lower() not in words:
            raise VariantError(f"{name}={shorten(text)} is not a choice: {name} is yes or no.")
        return words[text.lower()]

    return Option(name, parse, lambda value: "yes" if value else "no", help, ("yes", "no"))


def _list(name: str, help: str, what: str, example: str) -> Option:
    def parse(text: str) -> tuple[int, ...]:
        if not re.fullmatch(r"[0-9]{1,9}(-[0-9]{1,9})*", text, re.ASCII) or len(text) > 80:
            raise VariantError(
                f"{name}={shorten(text)} is not a list of {what}: write something like {name}={example}."
            )
        return tuple(int(part) for part in text.split("-"))

    return Option(name, parse, lambda numbers: "-".join(map(str, numbers)), help)


def _parse_branch(text: str) -> tuple[int, ...]:
    parts = re.split(r"-", text.lower().replace("×", "x"))
    if len(parts) > 20 or not all(re.fullmatch(r"([0-9]{1,2})x\1", part, re.ASCII) for part in parts):
        raise VariantError(f"branch={shorten(text)} is not a list of kernels: write something like branch=1x1-3x3-1x1.")
    return tuple(int(part.split("x")[0]) for part in parts)


def parse_input(text: str) -> tuple[int, int, int]:
    """Read ``3x224x224`` as (C, H, W); raises `VariantError`."""
    match = re.fullmatch(r"([0-9]{1,9})[x×]([0-9]{1,9})[x×]([0-9]{1,9})", text.strip().lower(), re.ASCII)
    if match is None:
        raise VariantError(
            f"input={shorten(text)} is not channels x height x width: write something like input=3x224x224."
        )
    return int(match[1]), int(match[2]), int(match[3])


def either(words: list[str]) -> str:
    """``A, B or C``."""
    return ", ".join(words[:-1]) + " or " + words[-1]


OPTIONS: dict[str, Option] = {
    option.name: option
    for option in (
        _list("depths", "blocks in each stage, such as 3-4-6-3", "blocks per stage", "3-4-6-3"),
        _choice("block", Block, "basic (3x3, 3x3) or bottleneck (1x1, 3x3, 1x1; four times as wide behind it)"),
        Option(
            "branch", _parse_branch, lambda kernels: "-".join(f"{k}x{k}" for k in kernels),
            "the branch's convolutions spelled out, such as 3x3-1x1",
        ),
        _choice("activation", Activation, "where norm and activation stand (He et al. 2016, table 2)"),
        _choice("ends", Ends, "where a pre-activation network has norm and activation outside its blocks"),
        _choice("shortcut", Shortcut, "A (zero padding), B (projected where needed), C (always), D (pooled) or none"),
        _choice("stem", Stem, "imagenet (7x7 and max-pool), deep or tiered (three 3x3 and max-pool), cifar (3x3)"),
        _number("stem_width", "channels behind the stem, where not the width"),
        _choice("stride_on", StrideOn, "3x3 (v1.5) or 1x1 (v1), in a bottleneck"),
        _number("width", "planes of the first stage; each later one doubles them"),
        _list("widths", "planes of every stage, such as 64-128-256-512", "widths", "64-128-256-512"),
        _decimal("widen", "factor on the planes of every stage (Wide ResNet)", "2"),
        _number("groups", "cardinality: groups of the inner 3x3 (ResNeXt)", 32),
        _number("base_width", "width of one group at 64 planes (ResNeXt)", 4),
        _choice("attention", Attention, "none, se (squeeze-excitation) or eca (efficient channel attention)"),
        _number("se_reduction", "channels divided by those inside the squeeze-excitation", 16),
        _number("se_divisor", "what those are rounded to a multiple of (timm: 8)", 8),
        _choice("se_place", Place, "where the attention stands (Hu et al., figure 5)"),
        _decimal("dropout", "share dropped before the branch's last convolution", "0.3"),
        _choice("dropout_kind", Dropout, "whether dropout drops elements or channels"),
        _decimal("drop_path", "share of images whose last branch is dropped, rising from 0 (stochastic depth)", "0.2"),
        _flag("zero_init", "whether the branch's last weight starts at zero"),
        _choice("norm", Norm, "batch, group (32), layer (one group) or none"),
        _choice("act", Act, "the activation function"),
        _choice("connect", Connect, "add (residual) or dense (concatenation)"),
        _number("growth", "channels that each dense layer adds", 32),
        _number("bn_size", "width of a dense layer's 1x1, in growths", 4),
        _decimal("compression", "share of channels that a transition keeps", "0.5"),
        _choice("antialias", Antialias, "what halves a map in the place of a stride: none, avg or blur"),
        _number("classes", "outputs of the classifier", 10),
        Option(
            "input", parse_input, lambda shape: "x".join(map(str, shape)),
            "channels x height x width, such as 3x224x224",
        ),
    )
}  # fmt: skip
ALIASES: dict[str, Option] = {
    option.name: option
    for option in (
        _number("depth", "total depth, where the family defines it", 101),
        _number("in_channels", "channels of the input", 3),
    )
}
