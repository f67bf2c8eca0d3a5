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
    Kind.PAD: "#a58a00",
    Kind.FLATTEN: "#9ca3af",
}
KIND_NAMES: dict[Kind, str] = {
    Kind.CONV: "convolution",
    Kind.NORM: "batch norm",
    Kind.ACT: "ReLU",
    Kind.POOL: "pooling",
    Kind.LINEAR: "linear",
    Kind.ADD: "addition",
    Kind.PAD: "zero padding",
    Kind.FLATTEN: "flatten",
}
# never the colour alone: each kind of shortcut has its dash and its word too
PATH_COLOURS: dict[Path, str] = {
    Path.IDENTITY: "#d55e00",
    Path.PAD: "#a58a00",
    Path.PROJECTION: "#8250c4",
    Path.NONE: "#9ca3af",
}
PATH_DASHES: dict[Path, str] = {Path.IDENTITY: "", Path.PAD: "7 4", Path.PROJECTION: "", Path.NONE: ""}
PATH_NAMES: dict[Path, str] = {
    Path.IDENTITY: "identity",
    Path.PAD: "A: subsample, pad",
    Path.PROJECTION: "1×1 projection",
    Path.NONE: "no shortcut",
}
TRAIN, HELD_OUT = "#0072b2", "#d55e00"
