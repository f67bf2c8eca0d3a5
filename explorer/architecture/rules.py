"""Which values an architecture may hold, and which options go together. Every refusal is one sentence."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import fields
from functools import lru_cache
from itertools import pairwise
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeAlias

from explorer.errors import VariantError

if TYPE_CHECKING:
    from explorer.architecture.config import Architecture

    Fields: TypeAlias = Architecture | SimpleNamespace  # validated, or its values still to be

MAX_STAGES = 6
MAX_BLOCKS_PER_STAGE = 1000
MAX_WIDTH = 4096
MAX_CLASSES = 10_000_000
MAX_CHANNELS = 4096
MAX_SIDE = 8192
MAX_KERNELS = 8
KERNELS = (1, 3, 5, 7)
RANGES = {
    "width": (1, MAX_WIDTH),
    "classes": (1, MAX_CLASSES),
    "stem_width": (1, MAX_WIDTH),
    "groups": (1, 1024),
    "base_width": (1, MAX_WIDTH),
    "se_reduction": (1, 1024),
    "se_divisor": (1, 64),
    "growth": (1, 1024),
    "bn_size": (1, 64),
}
SHARES = {"dropout": "below 1", "drop_path": "below 1", "compression": "above 0, at most 1"}


@lru_cache(maxsize=1)
def _defaults() -> dict[str, Any]:
    """What every option holds where nothing else is said, and where it means nothing."""
    from explorer.architecture.config import Architecture  # which imports this module

    return {field.name: field.default for field in fields(Architecture)}


def check_architecture(a: Architecture) -> None:
    """Raise `VariantError` with one sentence where a value is out of range or two options contradict each other."""
    _check_depths(a.depths)
    for name, (least, most) in RANGES.items():
        _check_range(name, getattr(a, name), least, most)
    for name, words in SHARES.items():
        _check_share(name, getattr(a, name), words)
    if not 0.05 <= a.widen <= 100:
        raise VariantError(f"widen={a.widen:g} is out of range: widen goes from 0.05 to 100.")
    _check_input(a.input)
    _check_widths(a)
    _check_branch(a)
    _check_choices(a)
    _check_unused(a)
    _check_channels(a)


def find_unused(a: Fields) -> dict[str, str]:
    """Options that mean nothing for this network, each with the reason; the page hides them, the grammar refuses them.

    ``stride_on`` is among them where a block offers no choice.
    """
    dense = a.connect == "dense"
    unused: dict[str, str] = {}
    if dense:
        reason = "joins blocks by concatenation, with transitions between stages"
        names = ("shortcut", "branch", "widths", "widen", "groups", "base_width", "stride_on", "zero_init")
        unused |= dict.fromkeys((*names, "drop_path", "antialias", "se_place"), f"connect=dense {reason}")
        unused["stem_width"] = "in a dense network width is what the stem has, and nothing else"
    else:
        unused |= dict.fromkeys(("growth", "bn_size", "compression"), "it belongs to connect=dense")
        if not any(kernel > 1 for kernel in list_kernels(a)[1:-1]):
            reason = "the block has no inner 3x3 convolution, as block=bottleneck has"
            unused |= {"groups": reason, "base_width": reason}
        if a.shortcut == "none":
            unused |= dict.fromkeys(("drop_path", "zero_init"), "a plain network has no shortcut to fall back on")
    if dense and a.block == "basic":
        unused["bn_size"] = "a basic dense layer has no 1x1 bottleneck"
    if not a.activation.opens:
        unused["ends"] = "its blocks do not begin with an activation"
    if a.attention != "se":
        unused |= dict.fromkeys(("se_reduction", "se_divisor"), "it belongs to attention=se")
    if a.attention == "none":
        unused["se_place"] = "there is no attention to place"
    if not a.dropout:
        unused["dropout_kind"] = "dropout is 0"
    return unused


def list_kernels(a: Fields) -> tuple[int, ...]:
    """Kernel sizes of a block's convolutions."""
    if a.branch:
        return a.branch
    if a.connect == "dense":
        return (1, 3) if a.block == "bottleneck" else (3,)
    return a.block.kernels


def settle(values: dict[str, Any], keep: Collection[str] = ()) -> dict[str, str]:
    """Take options that mean nothing beside the others back to their defaults, in `values` itself.

    Returns what was taken back, each with the reason. Options named in `keep` stay, and are refused later on.
    """
    taken: dict[str, str] = {}
    defaults = _defaults()
    for _ in range(3):  # taking one back may free another
        for name, reason in find_unused(SimpleNamespace(**values)).items():
            if name not in keep and values[name] != defaults[name]:
                values[name], taken[name] = defaults[name], reason
    return taken


def _check_unused(a: Architecture) -> None:
    for name, reason in find_unused(a).items():
        if getattr(a, name) != _defaults()[name]:
            raise VariantError(refuse_unused(name, reason))


def refuse_unused(name: str, reason: str) -> str:
    """Say why an option can't be given here."""
    return f"{name} has no meaning here: {reason}. Leave {name} out, or change that."


def _check_choices(a: Architecture) -> None:
    if a.connect == "dense":
        if a.activation != "pre":
            raise VariantError(
                f"connect=dense is pre-activation, and activation={a.activation} is not: write "
                "connect=dense,activation=pre, or start from densenet121."
            )
        return
    if a.stride_on == "1x1" and 1 not in a.kernels:
        raise VariantError(
            f"stride_on=1x1 needs a 1x1 convolution, and a {_spell(a)} has none: "
            "use block=bottleneck, or leave stride_on at 3x3."
        )
    if a.stride_on == "3x3" and not any(kernel > 1 for kernel in a.kernels):
        raise VariantError(
            f"stride_on=3x3 needs a convolution larger than 1x1, and a {_spell(a)} has none: write stride_on=1x1."
        )
    if a.zero_init and a.activation == "relu_before" and a.act == "relu":
        raise VariantError(
            "zero_init=yes with activation=relu_before never learns: a ReLU that reads zeros passes no gradient on, so "
            "every branch would stay at zero. Leave zero_init out, or use activation=post."
        )
    if a.shortcut == "none" and a.se_place == "identity":
        raise VariantError("se_place=identity needs a shortcut, and shortcut=none has none: use se_place=standard.")


def _spell(a: Architecture) -> str:
    if a.branch is None:
        return f"{a.block} block"
    return "branch of " + "-".join(f"{kernel}x{kernel}" for kernel in a.branch)


def _check_channels(a: Architecture) -> None:
    """Widths that come out of several options: none may vanish, and zero padding can't take channels away."""
    if a.stem in ("deep", "tiered") and a.stem_channels < 3:
        raise VariantError(f"stem={a.stem} splits its width, and {a.stem_channels} is too narrow: give stem_width=64.")
    if min(a.planes) < 1:
        raise VariantError(f"widen={a.widen:g} leaves a stage without channels: make widen or width larger.")
    if min(a.planes) * a.base_width < 64:
        raise VariantError(
            f"base_width={a.base_width} leaves a block without channels: make base_width or width larger."
        )
    outputs = (a.stem_channels, *(planes * a.block.expansion for planes in a.planes))
    if a.shortcut == "A" and any(after < before for before, after in pairwise(outputs)):
        raise VariantError(
            f"shortcut=A adds zero channels and can't take any away, and {'-'.join(map(str, outputs))} gets narrower: "
            "use shortcut=B."
        )


def _check_range(name: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise VariantError(f"{name}={value} is out of range: {name} goes from {least} to {most:,}.")


def _check_share(name: str, value: float, words: str) -> None:
    inside = 0 < value <= 1 if name == "compression" else 0 <= value < 1
    if not (math.isfinite(value) and inside):
        raise VariantError(f"{name}={value:g} is out of range: {name} is a share, {words}.")


def _check_widths(a: Architecture) -> None:
    if a.widths is None:
        return
    text = "-".join(map(str, a.widths))[:40]
    if len(a.widths) != len(a.depths):
        raise VariantError(
            f"widths={text} names {len(a.widths)} stages and depths has {len(a.depths)}: give one width for each stage."
        )
    if not all(1 <= width <= MAX_WIDTH * 32 for width in a.widths):
        raise VariantError(f"widths={text} is out of range: a stage has 1 to {MAX_WIDTH * 32:,} planes.")


def _check_branch(a: Architecture) -> None:
    if a.branch is None:
        return
    if not 1 <= len(a.branch) <= MAX_KERNELS or any(kernel not in KERNELS for kernel in a.branch):
        raise VariantError(
            f"{_spell(a)[:60]} can't be built: a branch has 1 to {MAX_KERNELS} convolutions of 1x1, 3x3, 5x5 or 7x7, "
            "such as branch=1x1-3x3-1x1."
        )


def _check_depths(depths: tuple[int, ...]) -> None:
    text = "-".join(map(str, depths))
    if not 1 <= len(depths) <= MAX_STAGES:
        raise VariantError(
            f"depths={text} names {len(depths)} stages: between 1 and {MAX_STAGES} are allowed, such as depths=3-4-6-3."
        )
    for blocks in depths:
        if not 1 <= blocks <= MAX_BLOCKS_PER_STAGE:
            raise VariantError(
                f"depths={text} has a stage of {blocks} blocks: a stage has 1 to {MAX_BLOCKS_PER_STAGE:,} blocks."
            )


def _check_input(shape: tuple[int, int, int]) -> None:
    channels, height, width = shape
    if not (1 <= channels <= MAX_CHANNELS and 1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise VariantError(
            f"input={channels}x{height}x{width} is out of range: channels go from 1 to {MAX_CHANNELS:,}, "
            f"height and width from 1 to {MAX_SIDE:,}, such as input=3x224x224."
        )
