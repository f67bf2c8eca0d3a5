"""Names -> architectures: the patterns by which torchvision, timm and pytorchcv call their networks.

A name is prefixes, a family, a depth and suffixes: ``seresnext101d_32x8d``, ``resnetv2_50d_gn``, ``wrn40_8``. So every
combination resolves, listed anywhere or not. ImageNet depths win over CIFAR's.
"""

from __future__ import annotations

import re
from typing import Any

from explorer.architecture.config import (
    Activation,
    Antialias,
    Architecture,
    Attention,
    Block,
    Connect,
    Ends,
    Norm,
    Shortcut,
    Stem,
    scale,
)
from explorer.architecture.rules import MAX_BLOCKS_PER_STAGE

IMAGENET: dict[int, tuple[Block, tuple[int, ...]]] = {
    10: (Block.BASIC, (1, 1, 1, 1)),
    14: (Block.BOTTLENECK, (1, 1, 1, 1)),
    18: (Block.BASIC, (2, 2, 2, 2)),
    26: (Block.BOTTLENECK, (2, 2, 2, 2)),
    34: (Block.BASIC, (3, 4, 6, 3)),
    50: (Block.BOTTLENECK, (3, 4, 6, 3)),
    101: (Block.BOTTLENECK, (3, 4, 23, 3)),
    152: (Block.BOTTLENECK, (3, 8, 36, 3)),
    200: (Block.BOTTLENECK, (3, 24, 36, 3)),
    269: (Block.BOTTLENECK, (3, 30, 48, 8)),
}
DENSE: dict[int, tuple[tuple[int, ...], int]] = {  # blocks and growth rate; the stem has twice the growth
    121: ((6, 12, 24, 16), 32),
    161: ((6, 12, 36, 24), 48),
    169: ((6, 12, 32, 32), 32),
    201: ((6, 12, 48, 32), 32),
    264: ((6, 12, 64, 48), 32),
}
TRICKS: dict[str, dict[str, Any]] = {  # He et al. 2019, figure 2; s, e and t as in GluonCV and timm
    "": {},
    "b": {},
    "c": {"stem": Stem.DEEP},
    "d": {"stem": Stem.DEEP, "shortcut": Shortcut.D},
    "e": {"stem": Stem.DEEP, "stem_width": 128, "shortcut": Shortcut.D},
    "s": {"stem": Stem.DEEP, "stem_width": 128},
    "t": {"stem": Stem.TIERED, "shortcut": Shortcut.D},
}
SPECIAL: dict[str, Architecture] = {
    "ecaresnetlight": Architecture(depths=(1, 1, 11, 3), shortcut=Shortcut.D, attention=Attention.ECA),
    "seresnextaa201d_32x8d": Architecture(
        depths=(3, 24, 36, 4), stem=Stem.DEEP, stem_width=128, shortcut=Shortcut.D, groups=32, base_width=8,
        attention=Attention.SE, se_divisor=8, antialias=Antialias.AVG,
    ),
}  # fmt: skip

_ATTENTION = {"": Attention.NONE, "se": Attention.SE, "eca": Attention.ECA}
_SMOOTH = {"": Antialias.NONE, "aa": Antialias.AVG, "blur": Antialias.BLUR}
_RESNET = re.compile(
    r"(?P<attention>se|eca|)(?P<family>resnetv2_|preresnet|resnet|resnext|wide_resnet|plain)(?P<smooth>aa|blur|)"
    r"(?P<depth>[0-9]{1,5})(?P<trick>[bcdest]?)"
    r"(_(?P<groups>[0-9]{1,4})x(?P<base>[0-9]{1,4})d|_(?P<wide>[0-9]{1,3}(\.[0-9]{1,2})?))?(?P<norm>_gn|)"
)
_CIFAR = re.compile(r"(?P<attention>se|eca|)(?P<pre>pre|)resnet(?P<depth>[0-9]{1,5})(?P<bottleneck>bn|)")
_RESNEXT_CIFAR = re.compile(
    r"(?P<attention>se|eca|)resnext(?P<depth>[0-9]{1,5})_(?P<groups>[0-9]{1,4})x(?P<base>[0-9]{1,4})d"
)
_PLAIN = re.compile(r"plain(?P<depth>[0-9]{1,5})")
_WIDE = re.compile(r"(?P<attention>se|eca|)wrn(?P<depth>[0-9]{1,5})_(?P<widen>[0-9]{1,3}(\.[0-9]{1,2})?)")
_DENSE = re.compile(r"densenet(?P<depth>[0-9]{1,5})(_k(?P<growth>[0-9]{1,4})(?P<kind>_bc|_paper|))?")


def resolve_name(name: str) -> Architecture | None:
    """The architecture that a name stands for; None where it stands for none.

    Raises `VariantError` where the name is well formed and what it asks for can't be built.
    """
    if name in SPECIAL:
        return SPECIAL[name]
    for pattern, build in _PATTERNS:
        match = pattern.fullmatch(name)
        found = build({key: value or "" for key, value in match.groupdict().items()}) if match else None
        if found is not None:
            return found
    return None


def _build_imagenet(parts: dict[str, str]) -> Architecture | None:
    depth, family = int(parts["depth"]), parts["family"]
    if depth not in IMAGENET or bool(parts["groups"]) != (family == "resnext"):
        return None
    if bool(parts["wide"]) != (family == "wide_resnet") or (family == "plain" and parts["attention"]):
        return None
    block, depths = IMAGENET[depth]
    options: dict[str, Any] = {"depths": depths, "block": block, "attention": _ATTENTION[parts["attention"]]}
    options |= TRICKS[parts["trick"]] | {"antialias": _SMOOTH[parts["smooth"]]}
    if parts["attention"] == "se":
        options["se_divisor"] = 8  # timm rounds C/16 to a multiple of 8
    if family == "resnext":
        options |= {"groups": int(parts["groups"]), "base_width": int(parts["base"])}
    if family == "wide_resnet":
        options["base_width"] = scale(64, float(parts["wide"]))
    if family in ("resnetv2_", "preresnet"):
        options["activation"] = Activation.PRE
    if family == "plain":
        options["shortcut"] = Shortcut.NONE
    if parts["norm"]:
        options["norm"] = Norm.GROUP
    return Architecture(**options)


def _cifar(depths: tuple[int, ...], **options: Any) -> Architecture:
    start: dict[str, Any] = {"stem": Stem.CIFAR, "width": 16, "classes": 10, "input": (3, 32, 32)}
    return Architecture(depths=depths, **(start | options))


def count_stage_blocks(depth: int, layers: int, others: int) -> int | None:
    """Blocks in each of three stages where `depth` is 3 n `layers` + `others`; None where it is not."""
    blocks, rest = divmod(depth - others, 3 * layers)
    return blocks if rest == 0 and 1 <= blocks <= MAX_BLOCKS_PER_STAGE else None


def is_cifar_depth(depth: int) -> bool:
    """Whether ``resnet<depth>`` is a CIFAR network of basic blocks: 6n+2, unless ImageNet has that depth."""
    return depth not in IMAGENET and count_stage_blocks(depth, 2, 2) is not None


def _build_cifar(parts: dict[str, str]) -> Architecture | None:
    """6n+2 layers in three stages of n basic blocks, or 9n+2 of bottlenecks (He et al. 2015, section 4.2).

    The paper used option A for its own; the later ones have projections, as in the authors' code and pytorchcv.
    """
    depth = int(parts["depth"])
    if depth in IMAGENET and not parts["bottleneck"]:
        return None
    blocks = None if parts["bottleneck"] else count_stage_blocks(depth, 2, 2)
    block = Block.BASIC if blocks else Block.BOTTLENECK
    blocks = blocks or count_stage_blocks(depth, 3, 2)
    if blocks is None:
        return None
    own = block is Block.BASIC and not parts["pre"] and not parts["attention"]
    return _cifar(
        (blocks,) * 3,
        block=block,
        shortcut=Shortcut.A if own else Shortcut.B,
        attention=_ATTENTION[parts["attention"]],
        activation=Activation.PRE if parts["pre"] else Activation.POST,
        ends=Ends.STEM if parts["pre"] and parts["attention"] else Ends.HEAD,  # as pytorchcv's
    )


def _build_plain(parts: dict[str, str]) -> Architecture | None:
    depth = int(parts["depth"])
    blocks = count_stage_blocks(depth, 2, 2) if is_cifar_depth(depth) else None
    return _cifar((blocks,) * 3, block=Block.BASIC, shortcut=Shortcut.NONE) if blocks else None


def _build_resnext_cifar(parts: dict[str, str]) -> Architecture | None:
    """9n+2 layers, 64, 128 and 256 planes (Xie et al. 2017, section 5.3)."""
    depth = int(parts["depth"])
    blocks = count_stage_blocks(depth, 3, 2)
    if depth in IMAGENET or blocks is None:
        return None
    groups, base = int(parts["groups"]), int(parts["base"])
    attention = _ATTENTION[parts["attention"]]
    return _cifar((blocks,) * 3, width=64, groups=groups, base_width=base, attention=attention)


def _build_wide(parts: dict[str, str]) -> Architecture | None:
    """6n+4 layers, counting the projections; k times as wide (Zagoruyko & Komodakis 2016, table 1)."""
    blocks = count_stage_blocks(int(parts["depth"]), 2, 4)
    if blocks is None:
        return None
    return _cifar(
        (blocks,) * 3,
        block=Block.BASIC,
        activation=Activation.PRE,
        widen=float(parts["widen"]),
        attention=_ATTENTION[parts["attention"]],
    )


def _build_dense(parts: dict[str, str]) -> Architecture | None:
    """DenseNets: ImageNet's by depth; CIFAR's by depth and growth rate, L = 3n+4 or, with bottlenecks, 6n+4.

    ``_bc`` has bottlenecks and compresses; without it pytorchcv's network compresses too. The paper's own without
    bottlenecks does not compress and begins with 16 channels (Huang et al. 2017, section 3): ``_paper``.
    """
    depth = int(parts["depth"])
    dense: dict[str, Any] = {"connect": Connect.DENSE, "activation": Activation.PRE}
    if not parts["growth"]:
        if depth not in DENSE:
            return None
        depths, growth = DENSE[depth]
        return Architecture(depths=depths, growth=growth, width=2 * growth, ends=Ends.BOTH, **dense)
    growth, deep = int(parts["growth"]), parts["kind"] == "_bc"
    blocks = count_stage_blocks(depth, 2 if deep else 1, 4)
    if blocks is None:
        return None
    block = Block.BOTTLENECK if deep else Block.BASIC
    own = {"width": 16, "compression": 1.0} if parts["kind"] == "_paper" else {"width": 2 * growth}
    return _cifar((blocks,) * 3, block=block, growth=growth, **dense, **own)


_PATTERNS = (
    (_RESNET, _build_imagenet),
    (_CIFAR, _build_cifar),
    (_RESNEXT_CIFAR, _build_resnext_cifar),
    (_PLAIN, _build_plain),
    (_WIDE, _build_wide),
    (_DENSE, _build_dense),
)


def list_names(architecture: Architecture) -> list[str]:
    """Names that could describe the architecture, with a few options more; the likeliest first."""
    if architecture.connect is Connect.DENSE:
        return _list_dense_names(architecture)
    return [*_list_imagenet_names(architecture), *_list_cifar_names(architecture)]


def _list_imagenet_names(a: Architecture) -> list[str]:
    attention = "" if a.attention is Attention.NONE else a.attention.value
    smooth = {value: key for key, value in _SMOOTH.items()}[a.antialias]
    family = "resnetv2_" if a.activation is Activation.PRE else "resnet"
    norm = "_gn" if a.norm is Norm.GROUP else ""
    depths = [str(depth) for depth, (block, _) in IMAGENET.items() if block is a.block] or list(map(str, IMAGENET))
    matching = [str(depth) for depth, row in IMAGENET.items() if row == (a.block, a.depths)] or depths
    suffix = [f"_{a.groups}x{a.base_width}d"] if a.groups > 1 else []
    names = []
    for depth in matching:
        for trick in ("", "c", "d", "e", "s", "t"):
            names += [f"{family}{depth}{trick}", f"{attention}{family}{smooth}{depth}{trick}{norm}"]
            if a.activation is not Activation.PRE:
                names += [f"{attention}resnext{smooth}{depth}{trick}{part}{norm}" for part in suffix]
                if a.groups == 1 and a.base_width > 64 and a.base_width % 64 == 0:
                    names.append(f"{attention}wide_resnet{smooth}{depth}{trick}_{a.base_width // 64}{norm}")
    return names + list(SPECIAL)


def _list_cifar_names(a: Architecture) -> list[str]:
    attention = "" if a.attention is Attention.NONE else a.attention.value
    pre = "pre" if a.activation is Activation.PRE else ""
    blocks = a.depths[0] if len(set(a.depths)) == 1 else 9
    names = []
    if is_cifar_depth(6 * blocks + 2):
        names += [f"{attention}{pre}resnet{6 * blocks + 2}", f"{pre}resnet{6 * blocks + 2}"]
    if count_stage_blocks(9 * blocks + 2, 2, 2) is None:
        names.append(f"{attention}{pre}resnet{9 * blocks + 2}")
    names += [f"{attention}{pre}resnet{9 * blocks + 2}bn", f"{pre}resnet{9 * blocks + 2}bn", f"{pre}resnet20"]
    if a.groups > 1:
        names.append(f"{attention}resnext{9 * blocks + 2}_{a.groups}x{a.base_width}d")
    if a.widen != 1 and f"{a.widen:.2f}".rstrip("0").rstrip(".") == f"{a.widen:g}":
        names += [f"{attention}wrn{6 * blocks + 4}_{a.widen:g}", f"wrn{6 * blocks + 4}_{a.widen:g}"]
    return names


def _list_dense_names(a: Architecture) -> list[str]:
    names = [f"densenet{depth}" for depth in DENSE]
    blocks = a.depths[0]
    deep = a.block is Block.BOTTLENECK
    depth = (6 if deep else 3) * blocks + 4
    names += [f"densenet{depth}_k{a.growth}{kind}" for kind in (("_bc",) if deep else ("", "_paper"))]
    return names


def replace_depth(name: str, depth: int) -> str:
    """The name with another depth: ``resnext50_32x4d`` and 101 make ``resnext101_32x4d``; empty where it has none."""
    other, found = re.subn(r"^([a-z_]*?(?:v2_)?)[0-9]{1,5}", lambda match: f"{match[1]}{depth}", name)
    return other if found else ""
