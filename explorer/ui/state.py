"""The controls of Build, and how they and an architecture say the same."""

from __future__ import annotations

from typing import Any

from explorer.architecture.config import Architecture, Block, Connect, Stem
from explorer.architecture.names import DENSE, IMAGENET
from explorer.architecture.options import OPTIONS
from explorer.architecture.presets import CIFAR_DEPTHS, NAMES, find_preset
from explorer.architecture.rules import find_unused
from explorer.architecture.variant import change_options, format_variant, nearest_name, parse_variant
from explorer.errors import VariantError

FAMILIES = ("ImageNet", "CIFAR")
FIRST = {"ImageNet": "resnet50", "CIFAR": "resnet56"}
KNOWN = tuple(name for name in NAMES if not name.startswith("plain"))  # a plain network is its twin without shortcuts
Controls = dict[str, Any]  # by name, as the page holds them: text, numbers, and True or False


def read_controls(architecture: Architecture) -> Controls:
    """Where every control has to stand for an architecture; depth and known are None where none fits."""
    text = format_variant(architecture)
    depths = list_depths(architecture)
    depth = next((depth for depth, changes in depths.items() if _has(architecture, changes)), None)
    start = {"known": text if text in KNOWN else None, "family": find_family(architecture), "depth": depth}
    return start | {name: _show(name, architecture) for name in OPTIONS}


def _has(architecture: Architecture, changes: dict[str, Any]) -> bool:
    return all(getattr(architecture, name) == value for name, value in changes.items())


def _show(name: str, architecture: Architecture) -> Any:
    """The value of an option as its control holds it; what follows from others is filled in."""
    a = architecture
    doubled = tuple(a.width * 2**stage for stage in range(len(a.depths)))
    filled = {"stem_width": a.stem_channels, "branch": a.kernels, "widths": a.widths or doubled}
    value = filled.get(name, getattr(a, name))
    plain = isinstance(value, bool | int | float) and not OPTIONS[name].choices
    return value if plain or isinstance(value, bool) else OPTIONS[name].write(value)


def find_family(architecture: Architecture) -> str:
    """CIFAR's networks begin small; what was changed beyond that counts as its base name does."""
    base = find_preset(nearest_name(architecture)).architecture
    return "CIFAR" if base.stem is Stem.CIFAR else "ImageNet"


def list_depths(architecture: Architecture) -> dict[str, dict[str, Any]]:
    """The depths that the network's family defines, each with what it changes."""
    a, cifar = architecture, find_family(architecture) == "CIFAR"
    if a.connect is Connect.DENSE:
        if not cifar:
            return {str(d): {"depths": row, "growth": k, "width": 2 * k} for d, (row, k) in DENSE.items()}
        layers = 2 if a.block is Block.BOTTLENECK else 1
        return _list_thirds((40, 100, 190, 250), layers, 4)
    if not cifar:
        return {str(d): {"depths": IMAGENET[d][1], "block": IMAGENET[d][0]} for d in (18, 34, 50, 101, 152)}
    if a.widen != 1:
        return _list_thirds((16, 22, 28, 40), 2, 4)
    if a.block is Block.BOTTLENECK:
        return _list_thirds((29, 56, 110, 164, 1001), 3, 2)
    return _list_thirds(CIFAR_DEPTHS, 2, 2)


def _list_thirds(depths: tuple[int, ...], layers: int, others: int) -> dict[str, dict[str, Any]]:
    """Depths of three equal stages, where they come out even."""
    counts = {depth: divmod(depth - others, 3 * layers) for depth in depths}
    return {str(depth): {"depths": (blocks,) * 3} for depth, (blocks, rest) in counts.items() if not rest}


def list_hidden(architecture: Architecture) -> set[str]:
    """Controls that mean nothing for the network."""
    hidden, kernels = set(find_unused(architecture)), architecture.kernels
    if architecture.connect is Connect.DENSE:
        hidden |= {"activation"}  # always before the convolution
    return hidden if 1 in kernels and max(kernels) > 1 else hidden | {"stride_on"}


def apply_controls(before: str, now: Controls) -> tuple[Architecture, dict[str, str]]:
    """Change the architecture of the text `before` by whatever control was moved. Raises `VariantError`.

    Returns it with the options that lost their meaning, each with the reason. A new depth keeps every option that was
    chosen; a new family starts from that family's own network.
    """
    architecture = parse_variant(before)
    was = read_controls(architecture)
    moved = [name for name, value in now.items() if value != was[name]]
    if "known" in moved and now["known"]:
        return parse_variant(str(now["known"])), {}
    if "family" in moved:
        if now["family"] not in FAMILIES:
            raise VariantError(f"“{str(now['family'])[:40]}” is no family: choose from {' and '.join(FAMILIES)}.")
        return parse_variant(FIRST[now["family"]]), {}
    if "connect" in moved and architecture.connect is Connect.DENSE:
        return _leave_dense(architecture)
    changes: dict[str, Any] = {}
    if "depth" in moved and now["depth"]:
        changes = dict(list_depths(architecture).get(str(now["depth"]), {}))
    for name in moved:
        if name in OPTIONS and name not in changes:
            changes[name] = OPTIONS[name].parse(_write(name, now[name]))
    return change_options(architecture, changes)


def apply_changes(before: str, changes: dict[str, Any]) -> tuple[Architecture, dict[str, str]]:
    """`apply_controls` for the controls in `changes` alone; names that are none are left out. Raises `VariantError`."""
    now = read_controls(parse_variant(before))
    return apply_controls(before, now | {name: value for name, value in changes.items() if name in now})


def _leave_dense(architecture: Architecture) -> tuple[Architecture, dict[str, str]]:
    """The family's residual network, with what a dense one chose and both know."""
    shared = ("depths", "block", "stem", "attention", "norm", "act", "dropout", "classes", "input")
    start = parse_variant(FIRST[find_family(architecture)])
    return change_options(start, {name: getattr(architecture, name) for name in shared})


def _write(name: str, value: Any) -> str:
    if value is None or value == "":
        raise VariantError(f"{name} is empty: give {OPTIONS[name].help}.")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value).strip()
