"""Which architecture a file of weights belongs to: worked out from names and shapes, in any dialect.

Most of an architecture can be read off; where names and shapes leave a choice, the usual comes first, and the first
whose plan has exactly these tensors is taken. What weights can't show is assumed: the usual input size, ReLU, no
dropout and no anti-aliasing, a stride on the 3x3, option A where nothing is projected (a plain network has the same
weights), post-activation where norms stand behind convolutions, and, in our own and pytorchcv's names, a pooled
projection (D) behind a deep stem alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from explorer.architecture.config import (
    DECIMALS,
    Activation,
    Architecture,
    Attention,
    Block,
    Connect,
    Ends,
    Norm,
    Place,
    Shortcut,
    Stem,
    StrideOn,
    scale,
)
from explorer.architecture.ops import round_width
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import find_preset
from explorer.architecture.rules import MAX_STAGES
from explorer.errors import VariantError, WeightsError
from explorer.network.dialects import Slot
from explorer.network.translation import Fit, Shape, find_dialect, match_tensors, printable

_PLACES = {"branch": (Place.STANDARD, Place.PRE), "after": (Place.POST,), "shortcut": (Place.IDENTITY,)}


@dataclass(frozen=True)
class _Seen:
    """Weights by slot: the shapes of convolutions and classifier, and which slots have norms."""

    weights: Mapping[Slot, Shape]
    running: bool  # statistics are kept: batch norm

    def list_shapes(self, role: str, stage: int | None = None, block: int | None = None) -> list[Shape]:
        """Shapes of a role's weights in a stage or block, by their number."""
        return [
            shape
            for slot, shape in sorted(self.weights.items())
            if slot.role == role and stage in (None, slot.stage) and block in (None, slot.block)
        ]

    def has(self, role: str) -> bool:
        """Whether any slot has this role."""
        return any(slot.role == role for slot in self.weights)

    @property
    def stem(self) -> list[Shape]:
        """Shapes of the stem's convolutions."""
        return self.list_shapes("stem.conv")

    @property
    def depths(self) -> tuple[int, ...]:
        """Blocks in each stage."""
        blocks = {(slot.stage, slot.block) for slot in self.weights if slot.role == "branch.conv"}
        last = max(stage for stage, _ in blocks)
        if last > MAX_STAGES:
            raise ValueError(f"{last} stages")
        stages = range(1, last + 1)
        return tuple(sum(stage == number for stage, _ in blocks) for number in stages)

    @property
    def kernels(self) -> tuple[int, ...]:
        """Kernel sizes of the first block's branch."""
        return tuple(shape[2] for shape in self.list_shapes("branch.conv", 1, 0))

    @property
    def outputs(self) -> tuple[int, ...]:
        """Output channels of every stage's first branch."""
        return tuple(self.list_shapes("branch.conv", stage + 1, 0)[-1][0] for stage in range(len(self.depths)))


def infer_architecture(shapes: Mapping[str, Shape]) -> Architecture:
    """Work the architecture out of names and shapes.

    Raises `WeightsError`: with what does not fit where it is nearly a network, or that it is none that is known here.
    """
    closest: Fit | None = None
    try:
        for candidate in _propose(_see(shapes)):
            fit = _try(candidate, shapes)
            if fit is None:
                continue
            if fit.is_exact:
                return candidate
            if closest is None or _count_misfits(fit) < _count_misfits(closest):
                closest = fit
    except (KeyError, IndexError, ValueError, ArithmeticError):
        pass  # a part that every network has is missing, or has an impossible shape
    if closest is not None:
        raise WeightsError(closest.describe())
    key = printable(next(iter(shapes), "nothing at all"))
    raise WeightsError(
        f"The weights are of no ResNet that is known here (they begin with {key}): names as in torchvision, timm, "
        "pytorchcv and CIFAR checkpoints, or our own, are read."
    )


def _count_misfits(fit: Fit) -> int:
    return len(fit.missing) + len(fit.surplus) + len(fit.wrong)


def _try(candidate: Architecture, shapes: Mapping[str, Shape]) -> Fit | None:
    try:
        return match_tensors(expand_plan(candidate), shapes)
    except VariantError:
        return None


def count_classes(shapes: Mapping[str, Shape]) -> int | None:
    """Outputs of the classifier; None where there is none."""
    classifier = _see(shapes).list_shapes("head.fc")
    return classifier[0][0] if classifier else None


def _see(shapes: Mapping[str, Shape]) -> _Seen:
    """Sort weights by slot: stems of any kind under ``stem``, pooled projections under ``shortcut`` and ``pooled``."""
    dialect, weights = find_dialect(shapes), {}
    for key, shape in shapes.items():
        module, _, leaf = key.rpartition(".")
        slot = dialect.read_slot(module, len(shape) < 2) if leaf == "weight" and shape and 0 not in shape else None
        if slot is None:
            continue
        part, _, rest = slot.role.partition(".")
        if part in ("deep", "bare"):
            slot = slot._replace(role=f"stem.{rest}")
        if part == "pooled":
            weights[slot] = shape
            slot = slot._replace(role=f"shortcut.{rest}")
        weights[slot] = shape
    return _Seen(weights, any(key.endswith("running_mean") for key in shapes))


def _propose(seen: _Seen) -> Iterator[Architecture]:
    """Yield architectures that could have these weights, the likeliest first."""
    common = _read_common(seen)
    dense = _is_dense(seen)
    shapes = _propose_dense(seen) if dense else _propose_widths(seen)
    shortcuts = (Shortcut.B,) if dense else _propose_shortcuts(seen)
    attentions, norms = _propose_attention(seen, dense), _propose_norms(seen)
    for shape, shortcut, attention, norm, place in product(
        shapes, shortcuts, attentions, norms, _propose_activations(seen)
    ):
        try:
            yield Architecture(**common, **shape, **attention, **place, shortcut=shortcut, norm=norm)
        except VariantError:
            continue


def _read_common(seen: _Seen) -> dict[str, Any]:
    stem = _read_stem(seen.stem)
    _, height, width = find_preset("resnet20" if stem is Stem.CIFAR else "resnet18").architecture.input
    return {
        "depths": seen.depths,
        "stem": stem,
        "classes": seen.list_shapes("head.fc")[0][0],
        "input": (seen.stem[0][1], height, width),
    }


def _read_stem(convs: list[Shape]) -> Stem:
    if len(convs) == 1:
        return Stem.IMAGENET if convs[0][2] == 7 else Stem.CIFAR
    return Stem.DEEP if convs[0][0] == convs[-1][0] // 2 else Stem.TIERED


def _propose_activations(seen: _Seen) -> list[dict[str, Any]]:
    if _is_dense(seen) or seen.has("before.norm"):
        closed = len(seen.list_shapes("stem.norm")) == len(seen.stem)
        ends = (Ends.BOTH if seen.has("head.norm") else Ends.STEM) if closed else Ends.HEAD
        return [{"activation": Activation.PRE, "ends": ends}]
    likely = Activation.BN_AFTER if seen.has("after.norm") else Activation.POST
    return [
        {"activation": likely},
        {"activation": Activation.RELU_BEFORE},
    ]  # shows behind the sum, with attention there


def _is_dense(seen: _Seen) -> bool:
    """Whether there are transitions, or the classifier reads what the last branch read beside what it computed."""
    convs = seen.list_shapes("branch.conv", len(seen.depths), seen.depths[-1] - 1)
    return seen.has("transition.conv") or seen.list_shapes("head.fc")[0][1] == convs[0][1] + convs[-1][0]


def _propose_dense(seen: _Seen) -> Iterator[dict[str, Any]]:
    convs = seen.list_shapes("branch.conv", 1, 0)
    growth, deep = convs[-1][0], len(convs) == 2
    options: dict[str, Any] = {"connect": Connect.DENSE, "width": seen.stem[-1][0], "growth": growth}
    options |= {"block": Block.BOTTLENECK, "bn_size": convs[0][0] // growth} if deep else {"block": Block.BASIC}
    for compression in _propose_compression(seen.list_shapes("transition.conv")):
        yield options | {"compression": compression}


def _propose_compression(transitions: list[Shape]) -> Iterator[float]:
    """Shares that explain the transitions, the shortest number first."""
    ratios = [(shape[1], shape[0]) for shape in transitions]
    least = max((after / before for before, after in ratios), default=0.5)
    rounded = (math.ceil(least * 10**digits) / 10**digits for digits in range(1, DECIMALS + 1))
    for share in (0.5, 1.0, *rounded):
        if all(max(1, scale(before, share)) == after for before, after in ratios):
            yield share
            return


def _propose_widths(seen: _Seen) -> Iterator[dict[str, Any]]:
    """Block and planes of every stage, then groups and base width of what lies between the branch's ends."""
    kernels, outputs = seen.kernels, seen.outputs
    stride_on = StrideOn.CONV3X3 if max(kernels) > 1 else StrideOn.CONV1X1
    blocks = sorted(Block, key=lambda block: (block.kernels != kernels, block.value))
    for block in blocks:
        planes = tuple(width // block.expansion for width in outputs)
        if 0 in planes:
            continue
        style = {"block": block, "branch": kernels, "stride_on": stride_on} | _read_groups(seen, planes)
        for widths in _propose_planes(seen, planes):
            yield style | widths


def _propose_planes(seen: _Seen, planes: tuple[int, ...]) -> Iterator[dict[str, Any]]:
    """The stem's width times a factor, where CIFAR's networks are so (Wide ResNet); the planes themselves."""
    width = seen.stem[-1][0]
    widen = round(planes[0] / width, DECIMALS)
    if len(seen.stem) == 1 and widen != 1 and planes == tuple(scale(width * 2**i, widen) for i in range(len(planes))):
        yield {"width": width, "widen": widen}
    yield {"widths": planes, "stem_width": width}


def _read_groups(seen: _Seen, planes: Sequence[int]) -> dict[str, int]:
    """Cardinality and base width, from the inner convolutions of the first block in each stage."""
    kernels = seen.kernels
    spatial = [index for index in range(1, len(kernels) - 1) if kernels[index] > 1]
    if not spatial:
        return {}
    firsts = [seen.list_shapes("branch.conv", stage + 1, 0) for stage in range(len(planes))]
    groups = firsts[0][spatial[0] - 1][0] // firsts[0][spatial[0]][1]
    inner = [convs[0][0] // groups for convs in firsts]
    least = max(-(-64 * width // plane) for width, plane in zip(inner, planes, strict=True))
    return {"groups": groups, "base_width": least}


def _propose_shortcuts(seen: _Seen) -> tuple[Shortcut, ...]:
    if seen.has("pooled.conv"):
        return (Shortcut.D,)
    if not seen.has("shortcut.conv"):
        return Shortcut.A, Shortcut.B, Shortcut.NONE
    if len(seen.stem) > 1:
        return Shortcut.D, Shortcut.B, Shortcut.C
    return Shortcut.B, Shortcut.D, Shortcut.C


def _propose_norms(seen: _Seen) -> tuple[Norm, ...]:
    if seen.running:
        return (Norm.BATCH,)
    normed = any(slot.role.endswith("norm") for slot in seen.weights)
    return (Norm.GROUP, Norm.LAYER) if normed else (Norm.NONE,)


def _propose_attention(seen: _Seen, dense: bool) -> list[dict[str, Any]]:
    parts = [part for part in _PLACES if seen.has(f"{part}.se.fc") or seen.has(f"{part}.se.conv")]
    if not parts:
        return [{}]
    places = (Place.STANDARD,) if dense else _PLACES[parts[0]]
    if seen.has(f"{parts[0]}.se.conv"):
        return [{"attention": Attention.ECA, "se_place": place} for place in places]
    squeezes = {
        shape[:2] for slot, shape in seen.weights.items() if slot.role == f"{parts[0]}.se.fc" and slot.number == 1
    }
    reduction, divisor = _find_reduction(squeezes, cifar=seen.stem[0][2] == 3 and len(seen.stem) == 1)
    se = {"attention": Attention.SE, "se_reduction": reduction, "se_divisor": divisor}
    return [se | {"se_place": place} for place in places]


def _find_reduction(squeezes: set[tuple[int, ...]], cifar: bool) -> tuple[int, int]:
    """Reduction and divisor that explain all (hidden, channels): 16 and timm's 8 or pytorchcv's 1 first."""
    divisors = (1, 8) if cifar else (8, 1)
    for divisor in (*divisors, *range(2, 65)):
        for reduction in (16, *range(1, 1025)):
            if all(round_width(channels / reduction, divisor) == hidden for hidden, channels in squeezes):
                return reduction, divisor
    raise ValueError("no reduction explains the squeeze-excitation")
