"""Which control stands for which option, where it stands, and its words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from explorer.architecture.config import Architecture
from explorer.architecture.options import OPTIONS
from explorer.ui.state import FAMILIES, KNOWN, list_depths, list_hidden, read_controls

Choices = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Control:
    """One control: the option's name, its label, what kind it is, a hint, and the words of its choices."""

    name: str
    label: str
    kind: str = "radio"  # radio, dropdown, number, decimal, text, check
    info: str = ""
    choices: Choices | None = None


SECTIONS: dict[str, tuple[Control, ...]] = {
    "": (
        Control("known", "Known networks", "dropdown", "From the papers. Type to search."),
        Control("family", "Family", info="ImageNet: 224×224 pictures, four stages. CIFAR: 32×32, three stages."),
        Control("depth", "Depth", info="Weighted layers on the main path."),
        Control(
            "shortcut", "Shortcut",
            info="How x reaches the sum. A pads with zeros, B projects where shapes change, C everywhere.",
            choices=[
                ("A · zero padding", "A"), ("B · projection where needed", "B"), ("C · projection everywhere", "C"),
                ("D · pooled projection (ResNet-D)", "D"), ("none · plain network", "none"),
            ],
        ),
        Control(
            "activation", "Norm and activation", info="Behind each convolution as in 2015, or before it as in 2016.",
            choices=[
                ("post-activation (v1)", "post"), ("pre-activation (v2)", "pre"), ("norm after the sum", "bn_after"),
                ("ReLU before the sum", "relu_before"), ("ReLU-only pre-activation", "relu_pre"),
            ],
        ),
        Control(
            "attention", "Attention", info="Squeeze-excitation (SE) scales channels by what the whole map shows.",
            choices=[("none", "none"), ("squeeze-excitation (SE)", "se"), ("efficient (ECA)", "eca")],
        ),
        Control("block", "Block", info="The residual function F: 3×3, 3×3, or 1×1, 3×3, 1×1."),
        Control(
            "stem", "Stem", info="7×7 or three 3×3, then max-pooling, for large pictures; one 3×3 for small ones.",
            choices=[
                ("imagenet (7×7)", "imagenet"), ("deep (ResNet-C, D)", "deep"), ("tiered", "tiered"),
                ("cifar (3×3)", "cifar"),
            ],
        ),
        Control(
            "stride_on", "Stride on",
            info="Which convolution of a bottleneck halves the map: v1.5 as in torchvision, v1 as in the paper.",
            choices=[("3×3 (v1.5)", "3x3"), ("1×1 (v1)", "1x1")],
        ),
    ),
    "Groups and width (ResNeXt, Wide)": (
        Control("groups", "Groups", "number", "Cardinality of the inner 3×3; ResNeXt-50 has 32."),
        Control("base_width", "Base width", "number", "Width of a group at 64 planes; ResNeXt-50 has 4."),
        Control("widen", "Widen", "decimal", "Factor on every stage, as in Wide ResNet."),
    ),
    "Dense connections": (
        Control(
            "connect", "Connection", info="Add is residual; concatenation makes a DenseNet.",
            choices=[("add", "add"), ("concatenate (DenseNet)", "dense")],
        ),
        Control("growth", "Growth rate", "number", "Channels that each layer adds."),
        Control("bn_size", "Bottleneck", "number", "Width of a layer's 1×1, in growth rates."),
        Control("compression", "Compression", "decimal", "Share of channels that a transition keeps."),
    ),
    "Attention details": (
        Control("se_reduction", "Reduction", "number", "Channels divided by those inside; the paper takes 16."),
        Control("se_divisor", "Rounded to", "number", "timm rounds the inside to a multiple of 8."),
        Control("se_place", "Place", "dropdown", "At the end of the branch is standard."),
    ),
    "Norm, activation, sampling": (
        Control("norm", "Norm", "dropdown"),
        Control("act", "Activation", "dropdown"),
        Control("ends", "Ends", "dropdown", "Where norm and activation stand outside pre-activation blocks."),
        Control("antialias", "Anti-aliasing", "dropdown", "What halves a map in the place of a stride."),
        Control("branch", "Branch", "text", "Kernels of F spelled out, such as 3x3-1x1."),
    ),
    "Regularisation": (
        Control("dropout", "Dropout", "decimal", "Share dropped before the last convolution of F."),
        Control("dropout_kind", "Dropped", "dropdown"),
        Control("drop_path", "Drop path", "decimal", "Stochastic depth: rate of the last block, rising from 0."),
        Control("zero_init", "Start as identity", "check", "The last weight of every F starts at zero."),
    ),
    "Sizes": (
        Control("depths", "Depths", "text", "Blocks in each stage, such as 3-4-6-3."),
        Control("width", "Width", "number", "Planes of the first stage; each stage doubles them."),
        Control("widths", "Widths", "text", "Or the planes of every stage."),
        Control("stem_width", "Stem width", "number", "Channels behind the stem."),
        Control("classes", "Classes", "number"),
        Control("input", "Input", "text", "Channels × height × width."),
    ),
}  # fmt: skip
CONTROLS = tuple(control for section in SECTIONS.values() for control in section)


def describe_sections() -> list[dict[str, Any]]:
    """Sections and controls as the page draws them, once."""
    return [
        {"title": title, "controls": [asdict(control) | {"choices": list_choices(control)} for control in section]}
        for title, section in SECTIONS.items()
    ]


def list_choices(control: Control) -> Choices:
    """What a control offers, as pairs of words and value; the depths come with each network."""
    if control.choices:
        return control.choices
    own = {"known": KNOWN, "family": FAMILIES, "depth": ()}
    words = own[control.name] if control.name in own else OPTIONS[control.name].choices
    return [(word, word) for word in words]


def describe_state(architecture: Architecture) -> dict[str, Any]:
    """Where every control has to stand for a network, which mean nothing in it, and the depths its family has."""
    return {
        "values": read_controls(architecture),
        "hidden": sorted(list_hidden(architecture)),
        "depths": list(list_depths(architecture)),
    }
