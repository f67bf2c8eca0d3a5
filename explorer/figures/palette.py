"""One meaning a colour, on every view. Okabe and Ito's colour-blind safe set first, then two of its neighbours."""

from __future__ import annotations

from explorer.architecture.plan import Kind, Path

KIND_COLOURS: dict[Kind, str] = {
    Kind.CONV: "#0072b2",
    Kind.NORM: "#56b4e9",
    Kind.ACT: "#e69f00",
    Kind.POOL: "#009e73",
    Kind.LINEAR: "#cc79a7",
    Kind.ADD: "#6b7280",
    Kind.CONCAT: "#6b7280",
    Kind.SE: "#c0392b",
    Kind.ECA: "#c0392b",
    Kind.BLUR: "#009e73",
    Kind.DROPOUT: "#9ca3af",
    Kind.DROP_PATH: "#9ca3af",
    Kind.PAD: "#a58a00",
    Kind.FLATTEN: "#9ca3af",
}
KIND_NAMES: dict[Kind, str] = {
    Kind.CONV: "convolution",
    Kind.NORM: "norm",
    Kind.ACT: "activation",
    Kind.POOL: "pooling",
    Kind.LINEAR: "linear",
    Kind.ADD: "addition",
    Kind.CONCAT: "concatenation",
    Kind.SE: "squeeze-excitation",
    Kind.ECA: "channel attention",
    Kind.BLUR: "blur",
    Kind.DROPOUT: "dropout",
    Kind.DROP_PATH: "drop path",
    Kind.PAD: "zero padding",
    Kind.FLATTEN: "flatten",
}
MODE_NAMES: dict[str, str] = {
    "batch": "batch norm",
    "group": "group norm",
    "layer": "layer norm",
    "relu": "ReLU",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "gelu": "GELU",
    "silu": "SiLU",
    "mish": "Mish",
    "hardswish": "hard-swish",
    "tanh": "tanh",
    "max": "max-pooling",
    "avg": "average pooling",
    "avg_ceil": "average pooling",
    "global": "global average pooling",
    "element": "dropout",
    "channel": "channel dropout",
}
# never the colour alone: each kind of shortcut has its dash and its word too
PATH_COLOURS: dict[Path, str] = {
    Path.IDENTITY: "#d55e00",
    Path.PAD: "#a58a00",
    Path.PROJECTION: "#8250c4",
    Path.POOLED: "#0f8a5f",
    Path.DENSE: "#d55e00",
    Path.NONE: "#9ca3af",
}
PATH_DASHES: dict[Path, str] = {
    Path.IDENTITY: "",
    Path.PAD: "7 4",
    Path.PROJECTION: "",
    Path.POOLED: "2 3",
    Path.DENSE: "10 3",
    Path.NONE: "",
}
PATH_NAMES: dict[Path, str] = {
    Path.IDENTITY: "identity",
    Path.PAD: "A: subsample, pad",
    Path.PROJECTION: "1×1 projection",
    Path.POOLED: "D: average pool, 1×1",
    Path.DENSE: "dense: concatenated",
    Path.NONE: "no shortcut",
}
TRAIN, HELD_OUT = "#0072b2", "#d55e00"
# kinds of variants, by what is rarest about their blocks: plain convolutions, 1x1 projections and attention have the
# colours that they have in the graph, dense a yellow, since the graph's orange is too near to red; all have markers too
BLOCK_COLOURS: dict[str, str] = {
    "basic": KIND_COLOURS[Kind.CONV],
    "bottleneck": PATH_COLOURS[Path.PROJECTION],
    "grouped": "#009e73",
    "attention": KIND_COLOURS[Kind.SE],
    "dense": "#e69f00",
}
BLOCK_NAMES: dict[str, str] = {
    "basic": "basic",
    "bottleneck": "bottleneck",
    "grouped": "grouped",
    "attention": "SE or ECA",
    "dense": "dense",
}
MACS, FORWARD = "#9ca3af", "#009e73"  # what was counted, grey, beside what was measured; a training step is TRAIN
# Variants 1 to 4 of a comparison: each has its number, marker and dash too. Neither of train's and held-out's colours.
VARIANT_COLOURS = ("#009e73", "#cc79a7", "#e69f00", "#56b4e9")
VARIANT_MARKERS = ("circle", "square", "diamond", "triangle-up")
VARIANT_DASHES = ("solid", "dash", "dot", "dashdot")


def node_colour(style: str) -> str:
    """The colour of a node's kind; neutral for what holds several kinds."""
    return _NODE_COLOURS.get(style, "#6b7280")


_NODE_COLOURS = {kind.value: colour for kind, colour in KIND_COLOURS.items()} | {
    f"path-{path.name.lower()}": colour for path, colour in PATH_COLOURS.items()
}
