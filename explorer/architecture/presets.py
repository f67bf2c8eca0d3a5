"""Named variants as data, each with its paper and what was published about it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from explorer.architecture.config import MAX_BLOCKS_PER_STAGE, Architecture, Block, Shortcut, Stem
from explorer.errors import VariantError

HE_2015 = "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385"
HE_2016 = "He, Zhang, Ren, Sun: Identity Mappings in Deep Residual Networks, 2016, arXiv:1603.05027"
TIMM = "named and shaped as in timm; not in the paper"


@dataclass(frozen=True, slots=True)
class Preset:
    """A named architecture, where it comes from, and the figures its source prints.

    `macs` is the paper's own count of multiply-adds (it writes FLOPs), `top1_error` ImageNet validation, one
    224x224 crop, in percent (the authors' repository), `error` CIFAR-10 test, in percent (table 6).
    """

    name: str
    architecture: Architecture
    source: str
    macs: float | None = None
    top1_error: float | None = None
    error: float | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    block: Block
    depths: tuple[int, ...]
    source: str = f"{HE_2015}, table 1"
    macs: float | None = None
    top1_error: float | None = None


_BASIC, _BOTTLENECK = Block.BASIC, Block.BOTTLENECK
_IMAGENET: dict[int, _Row] = {
    10: _Row(_BASIC, (1, 1, 1, 1), TIMM),
    14: _Row(_BOTTLENECK, (1, 1, 1, 1), TIMM),
    18: _Row(_BASIC, (2, 2, 2, 2), macs=1.8e9),
    26: _Row(_BOTTLENECK, (2, 2, 2, 2), TIMM),
    34: _Row(_BASIC, (3, 4, 6, 3), macs=3.6e9),
    50: _Row(_BOTTLENECK, (3, 4, 6, 3), macs=3.8e9, top1_error=24.7),
    101: _Row(_BOTTLENECK, (3, 4, 23, 3), macs=7.6e9, top1_error=23.6),
    152: _Row(_BOTTLENECK, (3, 8, 36, 3), macs=11.3e9, top1_error=23.0),
    200: _Row(_BOTTLENECK, (3, 24, 36, 3), f"{HE_2016}, table 5 (there with pre-activation)"),
}
_CIFAR_ERRORS = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97, 110: 6.43, 1202: 7.93}

IMAGENET_DEPTHS = tuple(_IMAGENET)
CIFAR_DEPTHS = (20, 32, 44, 56, 110)  # the ones in lists; every other 6n+2 resolves too
_MAX_CIFAR_DEPTH = 6 * MAX_BLOCKS_PER_STAGE + 2


def list_presets() -> list[Preset]:
    """Return the presets that lists and menus show, ImageNet first."""
    return [find_preset(f"resnet{depth}") for depth in (*IMAGENET_DEPTHS, *CIFAR_DEPTHS)]


def is_cifar_depth(depth: int) -> bool:
    """Whether `resnet<depth>` is a CIFAR network: 6n+2, unless ImageNet has that depth."""
    return depth not in _IMAGENET and depth % 6 == 2 and 8 <= depth <= _MAX_CIFAR_DEPTH


@lru_cache(maxsize=256)
def find_preset(name: str) -> Preset:
    """Return the preset called `name`; raises `VariantError` naming the nearest ones."""
    match = re.fullmatch(r"resnet([0-9]{1,5})", name)
    if match is None:
        raise VariantError(_unknown(name))
    depth = int(match[1])
    if depth in _IMAGENET:
        return _imagenet(depth)
    if is_cifar_depth(depth):
        return _cifar(depth)
    raise VariantError(_no_such_depth(depth))


def _imagenet(depth: int) -> Preset:
    row = _IMAGENET[depth]
    architecture = Architecture(depths=row.depths, block=row.block)
    return Preset(f"resnet{depth}", architecture, row.source, row.macs, row.top1_error)


def _cifar(depth: int) -> Preset:
    """6n+2 layers in three stages of n basic blocks, 16, 32 and 64 planes, option A (He et al. 2015, section 4.2)."""
    architecture = Architecture(
        depths=((depth - 2) // 6,) * 3,
        block=Block.BASIC,
        shortcut=Shortcut.A,
        stem=Stem.CIFAR,
        width=16,
        classes=10,
        input=(3, 32, 32),
    )
    return Preset(f"resnet{depth}", architecture, f"{HE_2015}, section 4.2", error=_CIFAR_ERRORS.get(depth))


def shorten(text: str) -> str:
    """Return what a message shows of text from outside: its first 40 characters, unprintable ones replaced."""
    return "".join(character if character.isprintable() else "�" for character in text[:40])


def _unknown(name: str) -> str:
    known = [f"resnet{depth}" for depth in (*IMAGENET_DEPTHS, *CIFAR_DEPTHS)]
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or ["resnet18", "resnet50", "resnet56"]
    return f"“{shorten(name)}” is no known network: try {', '.join(near)}."


def _no_such_depth(depth: int) -> str:
    known = sorted({*IMAGENET_DEPTHS, *range(8, min(depth, _MAX_CIFAR_DEPTH) + 12, 6)})
    usable = [d for d in known if d in _IMAGENET or is_cifar_depth(d)]
    near = sorted(sorted(usable, key=lambda d: abs(d - depth))[:3])
    return (
        f"No ResNet has depth {depth}: ImageNet networks have {', '.join(map(str, IMAGENET_DEPTHS))} layers, "
        f"CIFAR networks 6n+2 up to {_MAX_CIFAR_DEPTH:,}; the nearest are {', '.join(map(str, near))}."
    )
