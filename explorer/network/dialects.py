"""What libraries call the parts of a residual network: one table a dialect, read in both directions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from explorer.architecture.config import (
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
)


class Slot(NamedTuple):
    """Where a module with weights stands, whatever it is called.

    `role` is ``branch.conv``, ``shortcut.norm``, ``head.fc`` and so on; `stage` and `number` count from 1, `block`
    from 0, and all are 0 where they mean nothing.
    """

    role: str
    stage: int = 0
    block: int = 0
    number: int = 0


_FIELD = re.compile(r"<(stage|block|i)([+-]1)?>")


@dataclass(frozen=True)
class _Template:
    """A module's name with ``<stage>``, ``<block>`` and ``<i>`` for the slot's numbers; ``<block+1>`` is one more."""

    text: str

    def write(self, slot: Slot) -> str:
        numbers = {"stage": slot.stage, "block": slot.block, "i": slot.number}
        return _FIELD.sub(lambda match: str(numbers[match[1]] + int(match[2] or 0)), self.text)

    def read(self, name: str) -> dict[str, int] | None:
        """The numbers in a name; None where it is another's."""
        match = self._pattern.fullmatch(name)
        return {key: int(value) - self._shifts[key] for key, value in match.groupdict().items()} if match else None

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        seen: set[str] = set()

        def capture(field: re.Match[str]) -> str:  # a number that stands twice is captured once
            known = field[1] in seen
            seen.add(field[1])
            return f"(?P={field[1]})" if known else f"(?P<{field[1]}>[0-9]{{1,4}})"

        return re.compile(_FIELD.sub(capture, self.text.replace(".", r"\.")))

    @cached_property
    def _shifts(self) -> dict[str, int]:
        return {match[1]: int(match[2] or 0) for match in _FIELD.finditer(self.text)}


@dataclass(frozen=True, eq=False)
class Dialect:
    """How a library calls what stands in each slot.

    `names` holds names of modules by role, or by role and number; where there are several, separated by spaces, the
    first is written and all are read. `mark` finds a key that gives the dialect away, `writes` says which networks
    the `libraries` have in this form, and `ones` which roles are 1x1 convolutions there and matrices here.
    """

    libraries: tuple[str, ...]
    mark: re.Pattern[str]
    writes: Callable[[Architecture], bool]
    names: Mapping[str, str]
    ones: frozenset[str] = field(default_factory=frozenset)

    def list_names(self, slot: Slot) -> list[str]:
        """What the module in a slot may be called; the name that is written first, nothing where it has none."""
        templates = self._templates.get(f"{slot.role}{slot.number}") or self._templates.get(slot.role) or []
        return [template.write(slot) for template in templates]

    def read_slot(self, name: str, is_vector: bool) -> Slot | None:
        """The slot that a module's name stands for; None where it stands for none.

        torchvision's and timm's ``downsample.1`` is a norm or, behind a pooling, a convolution: a weight that
        `is_vector` belongs to a norm.
        """
        found = [
            (role, numbers)
            for role, templates in self._templates.items()
            for numbers in (template.read(name) for template in templates)
            if numbers is not None
        ]
        if not found:
            return None
        role, numbers = min(found, key=lambda pair: ("norm" in pair[0]) is not is_vector)
        bare = role.rstrip("0123456789")
        number = numbers.get("i", int(role[len(bare) :] or 0))
        return Slot(bare, numbers.get("stage", 0), numbers.get("block", 0), number)

    @cached_property
    def _templates(self) -> dict[str, list[_Template]]:
        return {role: [_Template(name) for name in names.split()] for role, names in self.names.items()}


def _is_torchvisions(a: Architecture) -> bool:
    """Post-activation with standard branches; option A and plain networks too, as CIFAR checkpoints have them."""
    return (
        a.connect is Connect.ADD
        and a.activation is Activation.POST
        and a.branch is None
        and a.norm in (Norm.BATCH, Norm.GROUP)
        and a.se_place == Place.STANDARD
    )


def _is_timms_preactivation(a: Architecture) -> bool:
    return (
        a.connect is Connect.ADD
        and a.activation is Activation.PRE
        and a.ends is Ends.HEAD
        and a.branch is None
        and a.norm in (Norm.BATCH, Norm.GROUP)
        and a.attention is Attention.NONE
        and a.stem is not Stem.CIFAR
        and a.shortcut in (Shortcut.B, Shortcut.D)
    )


def _is_torchvisions_dense(a: Architecture) -> bool:
    single = a.stem in (Stem.IMAGENET, Stem.CIFAR)
    return a.connect is Connect.DENSE and a.norm is Norm.BATCH and a.attention is Attention.NONE and single


def _is_pytorchcvs(a: Architecture, activation: Activation) -> bool:
    single = a.stem is Stem.CIFAR or (a.stem is Stem.IMAGENET and activation is Activation.PRE)
    standard = a.branch is None and a.norm is Norm.BATCH and a.se_place == Place.STANDARD and single
    eca = a.attention is Attention.ECA
    return standard and a.connect is Connect.ADD and a.activation is activation and a.ends is not Ends.BOTH and not eca


def _is_pytorchcvs_dense(a: Architecture, block: Block) -> bool:
    return _is_torchvisions_dense(a) and a.block is block


# a role begins with "stem" for one convolution with its norm, "bare" without it, and "deep" for three; a shortcut
# with "pooled" where an average-pool comes first
TORCHVISION = Dialect(
    ("torchvision", "timm"),
    re.compile(r"^layer1\.0\.conv1\."),
    _is_torchvisions,
    {
        "stem.conv": "conv1", "stem.norm": "bn1",
        "deep.conv1": "conv1.0", "deep.norm1": "conv1.1", "deep.conv2": "conv1.3", "deep.norm2": "conv1.4",
        "deep.conv3": "conv1.6", "deep.norm3": "bn1",
        "branch.conv": "layer<stage>.<block>.conv<i>", "branch.norm": "layer<stage>.<block>.bn<i>",
        "branch.se.fc": "layer<stage>.<block>.se.fc<i>", "branch.se.conv": "layer<stage>.<block>.se.conv",
        "shortcut.conv": "layer<stage>.<block>.downsample.0 layer<stage>.<block>.shortcut.0",  # the latter: kuangliu's
        "shortcut.norm": "layer<stage>.<block>.downsample.1 layer<stage>.<block>.shortcut.1",
        "pooled.conv": "layer<stage>.<block>.downsample.1", "pooled.norm": "layer<stage>.<block>.downsample.2",
        "head.fc": "fc linear classifier last_linear head.fc head",
    },
)  # fmt: skip

_LAYER = "features.denseblock<stage>.denselayer<block+1>"
DENSENET = Dialect(
    ("torchvision", "timm"),
    re.compile(r"^features\.denseblock1\.denselayer1\."),
    _is_torchvisions_dense,
    {  # torchvision's published files are older than its names: norm.1 is norm1 there
        "stem.conv": "features.conv0", "stem.norm": "features.norm0", "bare.conv": "features.conv0",
        "before.norm1": f"{_LAYER}.norm1 {_LAYER}.norm.1",
        "branch.conv": f"{_LAYER}.conv<i> {_LAYER}.conv.<i>", "branch.norm": f"{_LAYER}.norm<i> {_LAYER}.norm.<i>",
        "transition.norm": "features.transition<stage-1>.norm", "transition.conv": "features.transition<stage-1>.conv",
        "head.norm": "features.norm5", "head.fc": "classifier fc linear",
    },
)  # fmt: skip

_BLOCK = "stages.<stage-1>.blocks.<block>"
RESNETV2 = Dialect(
    ("timm",),
    re.compile(r"^stages\.0\.blocks\.0\."),
    _is_timms_preactivation,
    {
        "bare.conv": "stem.conv", "deep.conv": "stem.conv<i>", "deep.norm": "stem.norm<i>",
        "before.norm1": f"{_BLOCK}.norm1", "branch.conv": f"{_BLOCK}.conv<i>", "branch.norm": f"{_BLOCK}.norm<i>",
        "shortcut.conv": f"{_BLOCK}.downsample.conv", "pooled.conv": f"{_BLOCK}.downsample.conv",
        "head.norm": "norm", "head.fc": "head.fc",
    },
    frozenset({"head.fc"}),
)  # fmt: skip

_LEVEL = "layer<stage>.<block>"
OWN = Dialect(  # for reading: what is written is what the plan says
    ("explorer",),
    re.compile(r"^layer1\.0\.branch\."),
    lambda architecture: True,
    {
        "stem.conv": "stem.conv<i>", "stem.norm": "stem.bn<i> stem.gn<i> stem.ln<i>",
        "before.norm": f"{_LEVEL}.before.bn<i> {_LEVEL}.before.gn<i> {_LEVEL}.before.ln<i>",
        "branch.conv": f"{_LEVEL}.branch.conv<i>",
        "branch.norm": f"{_LEVEL}.branch.bn<i> {_LEVEL}.branch.gn<i> {_LEVEL}.branch.ln<i>",
        "branch.se.fc": f"{_LEVEL}.branch.se.fc<i>", "branch.se.conv": f"{_LEVEL}.branch.se.conv",
        "shortcut.conv": f"{_LEVEL}.shortcut.conv",
        "shortcut.norm": f"{_LEVEL}.shortcut.bn {_LEVEL}.shortcut.gn {_LEVEL}.shortcut.ln",
        "shortcut.se.fc": f"{_LEVEL}.shortcut.se.fc<i>", "shortcut.se.conv": f"{_LEVEL}.shortcut.se.conv",
        "after.norm": f"{_LEVEL}.after.bn {_LEVEL}.after.gn {_LEVEL}.after.ln",
        "after.se.fc": f"{_LEVEL}.after.se.fc<i> {_LEVEL}.after.fc<i>",
        "after.se.conv": f"{_LEVEL}.after.se.conv {_LEVEL}.after.conv",
        "transition.norm": "layer<stage>.transition.bn layer<stage>.transition.gn layer<stage>.transition.ln",
        "transition.conv": "layer<stage>.transition.conv",
        "head.norm": "head.bn head.gn head.ln", "head.fc": "head.fc",
    },
)  # fmt: skip

_UNIT = "features.stage<stage>.unit<block+1>"
_PYTORCHCV = {
    "stem.conv": "features.init_block.conv", "stem.norm": "features.init_block.bn",
    "branch.conv": f"{_UNIT}.body.conv<i>.conv", "branch.norm": f"{_UNIT}.body.conv<i>.bn",
    "branch.se.fc": f"{_UNIT}.se.conv<i>",
    "head.norm": "features.post_activ.bn", "head.fc": "output",
}  # fmt: skip
_PYTORCHCV_PRE = {
    "bare.conv": "features.init_block", "before.norm1": f"{_UNIT}.body.conv1.bn",
    "shortcut.conv": f"{_UNIT}.identity_conv",
}  # fmt: skip
_PYTORCHCV_POST = {
    "stem.conv": "features.init_block.conv features.init_block.conv.conv",  # the latter: ImageNet's
    "stem.norm": "features.init_block.bn features.init_block.conv.bn",
    "shortcut.conv": f"{_UNIT}.identity_conv.conv", "shortcut.norm": f"{_UNIT}.identity_conv.bn",
}  # fmt: skip
_PYTORCHCV_DENSE = {
    "bare.conv": "features.init_block",
    "transition.norm": "features.stage<stage>.trans<stage>.conv.bn",
    "transition.conv": "features.stage<stage>.trans<stage>.conv.conv",
    "before.norm1": f"{_UNIT}.conv1.bn", "branch.norm": f"{_UNIT}.conv<i>.bn", "branch.conv": f"{_UNIT}.conv<i>.conv",
}  # fmt: skip
_PYTORCHCV_SIMPLE = {"before.norm1": f"{_UNIT}.conv.bn", "branch.conv1": f"{_UNIT}.conv.conv"}


def _pytorchcv(mark: str, writes: Callable[[Architecture], bool], *names: Mapping[str, str]) -> Dialect:
    """A form of pytorchcv's: what a table says wins over those behind it, and is looked for first."""
    table: dict[str, str] = {}
    for part in (*names, _PYTORCHCV):
        table = {**table, **{role: name for role, name in part.items() if role not in table}}
    return Dialect(("pytorchcv",), re.compile(mark), writes, table)


DIALECTS = (  # the first that writes a network is its default; the order matters for the marks, too
    TORCHVISION,
    DENSENET,
    RESNETV2,
    OWN,
    _pytorchcv(
        r"^features\.stage\d+\.unit\d+\.conv\.conv\.",
        lambda a: _is_pytorchcvs_dense(a, Block.BASIC),
        _PYTORCHCV_SIMPLE,
        _PYTORCHCV_DENSE,
    ),
    _pytorchcv(
        r"^features\.stage\d+\.unit\d+\.conv1\.conv\.",
        lambda a: _is_pytorchcvs_dense(a, Block.BOTTLENECK),
        _PYTORCHCV_DENSE,
    ),
    _pytorchcv(
        r"^features\.(post_activ\.|stage\d+\.unit1\.identity_conv\.weight)",
        lambda a: _is_pytorchcvs(a, Activation.PRE),
        _PYTORCHCV_PRE,
    ),
    _pytorchcv(
        r"^features\.stage\d+\.unit\d+\.body\.",
        lambda a: _is_pytorchcvs(a, Activation.POST),
        _PYTORCHCV_POST,
    ),
)  # fmt: skip
