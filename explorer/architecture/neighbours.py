"""The variants one idea away: plain twin, pre-activation, wide, ResNeXt, squeeze-excitation, ResNet-D."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from explorer.architecture.config import Activation, Architecture, Attention, Block, Connect, Shortcut, Stem
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import change_options, format_variant
from explorer.errors import VariantError


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One idea away: what it is called, the variant's canonical text, and the paper's point in a few words."""

    label: str
    text: str
    why: str


def list_neighbours(architecture: Architecture) -> list[Neighbour]:
    """The neighbours that can be built and differ, each idea taken back where the network has it already."""
    found = []
    for label, why, changes in _list_ideas(architecture):
        try:
            neighbour, _ = change_options(architecture, changes)
            expand_plan(neighbour)
        except VariantError:
            continue
        if neighbour != architecture:
            found.append(Neighbour(label, format_variant(neighbour), why))
    return found


def find_twin(architecture: Architecture) -> Neighbour | None:
    """The same network without shortcuts, or with them again; None where there is none, as for a dense one."""
    twins = [each for each in list_neighbours(architecture) if each.label in ("plain twin", "residual twin")]
    return twins[0] if twins else None


def _list_ideas(a: Architecture) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if a.connect is Connect.DENSE:
        if a.attention is Attention.SE:
            yield "without attention", "no gates on the channels", {"attention": Attention.NONE}
        else:
            yield "with SE", "channels scaled by gates", {"attention": Attention.SE}
        return
    yield _twin(a)
    if a.activation is Activation.POST:
        free = a.shortcut not in (Shortcut.C, Shortcut.NONE)
        why = "norm and activation first" + (": an identity carries x through untouched" if free else "")
        yield "pre-activation", why, {"activation": Activation.PRE}
    else:
        yield "post-activation", "the original order of 2015", {"activation": Activation.POST}
    yield from _list_wider(a)
    if a.attention is Attention.NONE:
        divisor = 1 if a.stem is Stem.CIFAR else 8  # as timm and pytorchcv round
        yield "with SE", "channels scaled by gates", {"attention": Attention.SE, "se_divisor": divisor}
    else:
        yield "without attention", "no gates on the channels", {"attention": Attention.NONE}
    if a.shortcut in (Shortcut.A, Shortcut.B):
        stem = {} if a.stem is Stem.CIFAR else {"stem": Stem.DEEP}
        why = "pooling before the projection" + (", three 3×3 in the stem" if stem else "")
        yield "ResNet-D", why, {"shortcut": Shortcut.D} | stem


def _twin(a: Architecture) -> tuple[str, str, dict[str, Any]]:
    if a.shortcut is Shortcut.NONE:
        back = Shortcut.A if a.stem is Stem.CIFAR and a.block is Block.BASIC else Shortcut.B
        return "residual twin", "the same with shortcuts", {"shortcut": back}
    return "plain twin", "the same without shortcuts: the paper's control", {"shortcut": Shortcut.NONE}


def _list_wider(a: Architecture) -> Iterator[tuple[str, str, dict[str, Any]]]:
    if a.block is Block.BOTTLENECK and a.stem is not Stem.CIFAR:
        if a.groups == 1 and a.base_width == 64:
            yield "wide", "inner convolutions twice as wide", {"base_width": 128}
            same = " for about the same cost" if a.kernels == (1, 3, 1) else ""
            yield "ResNeXt", f"32 groups of width 4{same}", {"groups": 32, "base_width": 4}
        elif a.groups > 1:
            yield "one group", "an ordinary convolution inside", {"groups": 1, "base_width": 64}
        else:
            yield "standard width", "inner convolutions as wide as the planes", {"base_width": 64}
    elif a.widen == 1:
        yield "wide", "every stage twice as wide", {"widen": 2.0}
