"""Named variants, each with its paper and what was published about it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache

from explorer.architecture.config import Activation, Architecture, Attention, Block, Connect, Stem
from explorer.architecture.names import DENSE, IMAGENET, count_stage_blocks, is_cifar_depth, resolve_name
from explorer.architecture.rules import MAX_BLOCKS_PER_STAGE
from explorer.errors import VariantError

HE_2015 = "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385"
HE_2016 = "He, Zhang, Ren, Sun: Identity Mappings in Deep Residual Networks, 2016, arXiv:1603.05027"
WRN = "Zagoruyko, Komodakis: Wide Residual Networks, 2016, arXiv:1605.07146"
RESNEXT = "Xie, Girshick, Dollár, Tu, He: Aggregated Residual Transformations, 2017, arXiv:1611.05431"
SENET = "Hu, Shen, Albanie, Sun, Wu: Squeeze-and-Excitation Networks, 2018, arXiv:1709.01507"
DENSENET = "Huang, Liu, van der Maaten, Weinberger: Densely Connected Convolutional Networks, 2017, arXiv:1608.06993"
TRICKS = "He, Zhang, Zhang, Zhang, Xie, Li: Bag of Tricks for Image Classification, 2019, arXiv:1812.01187"
ECANET = "Wang, Wu, Zhu, Li, Zuo, Hu: ECA-Net, 2020, arXiv:1910.03151"
BLUR = "Zhang: Making Convolutional Networks Shift-Invariant Again, 2019, arXiv:1904.11486"
GROUP_NORM = "Wu, He: Group Normalization, 2018, arXiv:1803.08494"
TIMM = "named and shaped as in timm; not in the paper"


@dataclass(frozen=True, slots=True)
class Figures:
    """What a source prints about a network; None where it prints nothing.

    `macs` is its own count of multiply-adds (papers write FLOPs) and `params` of parameters; `top1_error` is ImageNet
    validation, one 224x224 crop, in percent; `error` CIFAR-10 test with crops and flips, in percent. `source` says
    where.
    """

    source: str
    macs: float | None = None
    params: float | None = None
    top1_error: float | None = None
    error: float | None = None


@dataclass(frozen=True, slots=True)
class Preset:
    """A named architecture, where it comes from, and the figures that were published about it."""

    name: str
    architecture: Architecture
    source: str
    figures: Figures | None = None


_T1, _CIFAR = f"{HE_2015}, table 1", f"{HE_2015}, table 6"
FIGURES: dict[str, Figures] = {
    "resnet18": Figures(_T1, macs=1.8e9),
    "resnet34": Figures(_T1, macs=3.6e9),
    "resnet50": Figures(f"{_T1}; KaimingHe/deep-residual-networks", macs=3.8e9, top1_error=24.7),
    "resnet101": Figures(f"{_T1}; KaimingHe/deep-residual-networks", macs=7.6e9, top1_error=23.6),
    "resnet152": Figures(f"{_T1}; KaimingHe/deep-residual-networks", macs=11.3e9, top1_error=23.0),
    "resnet20": Figures(_CIFAR, params=0.27e6, error=8.75),
    "resnet32": Figures(_CIFAR, params=0.46e6, error=7.51),
    "resnet44": Figures(_CIFAR, params=0.66e6, error=7.17),
    "resnet56": Figures(_CIFAR, params=0.85e6, error=6.97),
    "resnet110": Figures(f"{_CIFAR}, best of five", params=1.7e6, error=6.43),
    "resnet1202": Figures(_CIFAR, params=19.4e6, error=7.93),
    "resnet164bn": Figures(f"{HE_2016}, table 2", error=5.93),
    "resnet1001": Figures(f"{HE_2016}, table 3", error=7.61),
    "preresnet110": Figures(f"{HE_2016}, table 2", error=6.37),
    "preresnet164bn": Figures(f"{HE_2016}, table 2", params=1.7e6, error=5.46),
    "preresnet1001": Figures(f"{HE_2016}, table 3", params=10.2e6, error=4.92),
    "resnetv2_200": Figures(f"{WRN}, table 8", params=64.7e6, top1_error=21.66),
    "wide_resnet50_2": Figures(f"{WRN}, table 8", params=68.9e6, top1_error=21.9),
    "wrn40_4": Figures(f"{WRN}, tables 4 and 5", params=8.9e6, error=4.53),
    "wrn16_8": Figures(f"{WRN}, tables 4 and 5", params=11.0e6, error=4.27),
    "wrn28_10": Figures(f"{WRN}, tables 4 and 5", params=36.5e6, error=4.00),
    "resnext50_32x4d": Figures(f"{RESNEXT}, tables 1 and 3", macs=4.2e9, params=25.0e6, top1_error=22.2),
    "resnext101_32x4d": Figures(f"{RESNEXT}, table 3", top1_error=21.2),
    "resnext101_64x4d": Figures(f"{RESNEXT}, table 4", top1_error=20.4),
    "resnext29_8x64d": Figures(f"{RESNEXT}, table 7, mean of ten", params=34.4e6, error=3.65),
    "resnext29_16x64d": Figures(f"{RESNEXT}, table 7, mean of ten", params=68.1e6, error=3.58),
    "seresnet50": Figures(f"{SENET}, table 2", macs=3.87e9, top1_error=23.29),
    "seresnet101": Figures(f"{SENET}, table 2", macs=7.60e9, top1_error=22.38),
    "seresnet152": Figures(f"{SENET}, table 2", macs=11.32e9, top1_error=21.57),
    "seresnext50_32x4d": Figures(f"{SENET}, table 2", macs=4.25e9, top1_error=21.10),
    "seresnext101_32x4d": Figures(f"{SENET}, table 2", macs=8.00e9, top1_error=20.70),
    "sepreresnet110": Figures(f"{SENET}, table 4", error=5.21),
    "sepreresnet164bn": Figures(f"{SENET}, table 4", error=4.39),
    "resnet50c": Figures(f"{TRICKS}, table 5", macs=4.3e9, top1_error=23.13),
    "resnet50d": Figures(f"{TRICKS}, table 5", macs=4.3e9, top1_error=22.84),
    "densenet121": Figures(f"{DENSENET}, table 3", top1_error=25.02),
    "densenet169": Figures(f"{DENSENET}, table 3", top1_error=23.80),
    "densenet201": Figures(f"{DENSENET}, table 3", top1_error=22.58),
    "densenet264": Figures(f"{DENSENET}, table 3", top1_error=22.15),
    "densenet40_k12_paper": Figures(f"{DENSENET}, table 2", params=1.0e6, error=5.24),
    "densenet100_k12_paper": Figures(f"{DENSENET}, table 2", params=7.0e6, error=4.10),
    "densenet100_k24_paper": Figures(f"{DENSENET}, table 2", params=27.2e6, error=3.74),
    "densenet100_k12_bc": Figures(f"{DENSENET}, table 2", params=0.8e6, error=4.51),
    "densenet250_k24_bc": Figures(f"{DENSENET}, table 2", params=15.3e6, error=3.62),
    "densenet190_k40_bc": Figures(f"{DENSENET}, table 2", params=25.6e6, error=3.46),
}

IMAGENET_DEPTHS = (10, 14, 18, 26, 34, 50, 101, 152, 200)
CIFAR_DEPTHS = (20, 32, 44, 56, 110)  # the ones in menus; every other 6n+2 resolves too
_MAX_CIFAR_DEPTH = 6 * MAX_BLOCKS_PER_STAGE + 2
NAMES = (
    *(f"resnet{depth}" for depth in IMAGENET_DEPTHS),
    *(f"resnet50{trick}" for trick in "cdst"),
    *(f"resnetv2_{depth}" for depth in (18, 34, 50, 101, 152, 200)), "resnetv2_50d",
    "resnext50_32x4d", "resnext101_32x4d", "resnext101_32x8d", "resnext101_64x4d",
    "wide_resnet50_2", "wide_resnet101_2",
    *(f"seresnet{depth}" for depth in (18, 34, 50, 101, 152)), "seresnext50_32x4d", "seresnext101_32x4d",
    "ecaresnet50d", "resnetaa50d", "resnetblur50", "resnet50_gn",
    *(f"densenet{depth}" for depth in DENSE), "plain18", "plain34",
    *(f"resnet{depth}" for depth in (*CIFAR_DEPTHS, 1202)), "resnet164bn", "resnet1001",
    *(f"preresnet{depth}" for depth in (*CIFAR_DEPTHS, 1202)), "preresnet164bn", "preresnet1001",
    "wrn16_8", "wrn28_10", "wrn40_2", "wrn40_4", "wrn40_8",
    "resnext29_32x4d", "resnext29_8x64d", "resnext29_16x64d",
    "seresnet20", "seresnet56", "seresnet110", "seresnet164bn", "sepreresnet20", "sepreresnet110", "sepreresnet164bn",
    "densenet40_k12", "densenet100_k12", "densenet40_k12_paper", "densenet100_k12_paper", "densenet100_k24_paper",
    "densenet40_k12_bc", "densenet100_k12_bc", "densenet250_k24_bc", "densenet190_k40_bc",
    *(f"plain{depth}" for depth in (*CIFAR_DEPTHS,)),
)  # fmt: skip


def list_presets() -> list[Preset]:
    """Return the presets that lists and menus show, ImageNet's first; the patterns know many more."""
    return [find_preset(name) for name in NAMES]


@lru_cache(maxsize=4096)
def find_preset(name: str) -> Preset:
    """Return the preset called `name`; raises `VariantError` naming the nearest ones."""
    architecture = resolve_name(name) if len(name) <= 60 else None
    if architecture is None:
        match = re.fullmatch(r"resnet([0-9]{1,5})", name)
        raise VariantError(_no_such_depth(int(match[1])) if match else _unknown(name))
    return Preset(name, architecture, _find_source(name, architecture), FIGURES.get(name))


def _find_source(name: str, a: Architecture) -> str:
    """The paper that brought what is special about a network."""
    if name in FIGURES:
        return FIGURES[name].source
    cifar = a.stem is Stem.CIFAR
    depth = a.depth if not cifar else None
    special = {
        DENSENET: a.connect is Connect.DENSE,
        SENET: a.attention is Attention.SE,
        ECANET: a.attention is Attention.ECA,
        BLUR: a.antialias.value != "none",
        RESNEXT: a.groups > 1,
        WRN: a.widen != 1 or a.base_width != 64,
        TRICKS: a.stem in (Stem.DEEP, Stem.TIERED),
        HE_2016: a.activation is Activation.PRE or (cifar and a.block is Block.BOTTLENECK),
        GROUP_NORM: a.norm.value == "group",
    }
    paper = next((paper for paper, applies in special.items() if applies), HE_2015)
    if paper == HE_2015 and depth in (10, 14, 26, 269):
        return f"{HE_2015}; {TIMM}"
    if paper == HE_2015 and depth == 200:
        return f"{HE_2016}, table 5 (there with pre-activation)"
    return f"{HE_2015}, section 4.2" if paper == HE_2015 and cifar else paper


def shorten(text: str) -> str:
    """Return what a message shows of text from outside: its first 40 characters, unprintable ones replaced."""
    return "".join(character if character.isprintable() else "�" for character in text[:40])


def _unknown(name: str) -> str:
    near = _find_near(name)
    return f"“{shorten(name)}” is no known network: try {', '.join(near)}."


def _find_near(name: str) -> list[str]:
    """Known names that look alike; what only differs in its digits counts as far."""
    letters = re.sub(r"[0-9]+", "", name[:60])
    like = [known for known in NAMES if re.sub(r"[0-9]+", "", known) == letters]
    return (
        difflib.get_close_matches(name[:60], like, n=3, cutoff=0)
        or difflib.get_close_matches(name[:60], NAMES, n=3, cutoff=0.5)
        or ["resnet18", "resnet50", "resnet56"]
    )


def _no_such_depth(depth: int) -> str:
    known = sorted({*IMAGENET, *range(8, min(depth, _MAX_CIFAR_DEPTH) + 12, 6)})
    usable = [d for d in known if d in IMAGENET or is_cifar_depth(d) or count_stage_blocks(d, 3, 2)]
    near = sorted(sorted(usable, key=lambda d: abs(d - depth))[:3])
    return (
        f"No ResNet has depth {depth}: ImageNet networks have {', '.join(map(str, IMAGENET))} layers, "
        f"CIFAR networks 6n+2 up to {_MAX_CIFAR_DEPTH:,}, or 9n+2 with bottlenecks; the nearest are "
        f"{', '.join(map(str, near))}."
    )
