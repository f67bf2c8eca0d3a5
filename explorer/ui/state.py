"""The controls of Build, and how they and an architecture say the same."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from explorer.architecture.config import Architecture, Block, Stem
from explorer.architecture.presets import CIFAR_DEPTHS, IMAGENET_DEPTHS, find_preset
from explorer.architecture.variant import OPTIONS, format_variant, nearest_name, parse_variant
from explorer.errors import VariantError

FAMILIES = ("ImageNet", "CIFAR")
DEPTHS = {"ImageNet": [d for d in IMAGENET_DEPTHS if d not in (10, 14, 26, 200)], "CIFAR": list(CIFAR_DEPTHS)}
FIRST = {"ImageNet": 50, "CIFAR": 56}


@dataclass(frozen=True, slots=True)
class Controls:
    """The values of the controls, as the page holds them: text, and numbers where a number field is."""

    family: str
    depth: str | None
    block: str
    shortcut: str
    stem: str
    stride_on: str
    depths: str
    width: int
    classes: int
    input: str


def read_controls(architecture: Architecture) -> Controls:
    """Where every control has to stand for an architecture; depth is None where no button has it."""
    family = find_family(architecture)
    base = find_preset(nearest_name(architecture)).architecture
    same = base.depths == architecture.depths and base.block == architecture.block
    depth = architecture.depth if same and architecture.depth in DEPTHS[family] else None
    return Controls(
        family=family,
        depth=str(depth) if depth else None,
        block=architecture.block.value,
        shortcut=architecture.shortcut.value,
        stem=architecture.stem.value,
        stride_on=architecture.stride_on.value,
        depths="-".join(map(str, architecture.depths)),
        width=architecture.width,
        classes=architecture.classes,
        input="x".join(map(str, architecture.input)),
    )


def find_family(architecture: Architecture) -> str:
    """CIFAR's networks have three stages; what was changed beyond that counts as its base name does."""
    base = find_preset(nearest_name(architecture)).architecture
    return "CIFAR" if base.stem is Stem.CIFAR else "ImageNet"


def apply_controls(before: str, now: Controls) -> Architecture:
    """Change the architecture of the text `before` by whatever control was moved. Raises `VariantError`.

    A new depth keeps every option that was chosen; a new family starts from that family's own network.
    """
    architecture = parse_variant(before)
    was = read_controls(architecture)
    moved = {field.name for field in fields(Controls) if getattr(now, field.name) != getattr(was, field.name)}
    if "family" in moved:
        return _preset(FIRST[now.family])
    if "depth" in moved and now.depth:
        architecture, moved = _change_depth(architecture, int(now.depth)), moved - {"block", "depths", "depth"}
    changes = {name: OPTIONS[name].parse(_text(name, getattr(now, name))) for name in moved - {"family", "depth"}}
    if changes.get("block") is Block.BASIC and "stride_on" not in changes:
        changes["stride_on"] = Architecture().stride_on  # a basic block has one place for the stride
    return replace(architecture, **changes)


def _text(name: str, value: Any) -> str:
    if value is None or value == "":
        raise VariantError(f"{name} is empty: give {OPTIONS[name].help}.")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value).strip()


def _preset(depth: int) -> Architecture:
    return find_preset(f"resnet{depth}").architecture


def _change_depth(architecture: Architecture, depth: int) -> Architecture:
    """The network of another depth, with the options that were chosen for this one."""
    target = _preset(depth)
    _, *options = format_variant(architecture).split(",")
    kept = [option for option in options if not option.startswith(("depths=", "block="))]
    if target.block is Block.BASIC:
        kept = [option for option in kept if not option.startswith("stride_on=")]
    return parse_variant(",".join([f"resnet{depth}", *kept]))
