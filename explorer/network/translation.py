"""A network's tensors by name and shape, ours and in any dialect. They follow from the plan: nothing is built."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from explorer.architecture.config import Architecture, Shortcut
from explorer.architecture.plan import Kind, Op, Plan
from explorer.errors import WeightsError
from explorer.network.dialects import DIALECTS, OWN, TORCHVISION, Dialect, Slot

Shape = tuple[int, ...]
COUNTER = "num_batches_tracked"


class Entry(NamedTuple):
    """One tensor of a network: our key, the slot of its module, what it is there (``weight``), and its shape."""

    key: str
    slot: Slot
    leaf: str
    shape: Shape


@dataclass(frozen=True)
class Fit:
    """How given tensors match a network's: their key for each of ours, and what does not fit, as people read it."""

    names: Mapping[str, str]  # ours -> theirs
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether every tensor is there and has its shape, and no other is."""
        return not (self.missing or self.surplus or self.wrong)

    def describe(self) -> str:
        """One sentence that lists what does not fit, a few by name and the rest by number."""
        kinds = ((self.missing, "missing"), (self.surplus, "not known"), (self.wrong, "of another shape"))
        few = 1 if all(keys for keys, _ in kinds) else 2
        parts = [_list_some(keys, what, few) for keys, what in kinds if keys]
        return f"The weights do not fit the network: {'; '.join(parts)}. Name the variant they were trained with."


def _list_some(keys: tuple[str, ...], what: str, few: int) -> str:
    more = f" and {len(keys) - few:,} more" if len(keys) > few else ""
    return f"{len(keys):,} {'is' if len(keys) == 1 else 'are'} {what} ({', '.join(keys[:few])}{more})"


def list_entries(plan: Plan) -> Iterator[Entry]:
    """Yield every tensor of the network's state dict, in its order."""
    deep = sum(op.kind is Kind.CONV for op in plan.stem) > 1
    bare = not any(op.kind is Kind.NORM for op in plan.stem)
    stem = "deep" if deep else "bare" if bare else "stem"
    pooled = plan.architecture.shortcut is Shortcut.D  # where the stride is 1 too: the pooling is an identity there
    for name, op in plan.ops():
        for part, leaf, shape in _list_tensors(op):
            module = f"{name}.{part}" if part else name
            yield Entry(f"{module}.{leaf}", _find_slot(module, stem, pooled), leaf, shape)


@lru_cache(maxsize=16384)
def _find_slot(module: str, stem: str, pooled: bool) -> Slot:
    slot = OWN.read_slot(module, is_vector=False)
    if slot is None:
        raise AssertionError(f"{module} has no slot")  # a kind of operation that the table of our names lacks
    if slot.stage == 0 and slot.role.startswith("stem."):
        return slot._replace(role=slot.role.replace("stem", stem))
    if pooled and slot.role in ("shortcut.conv", "shortcut.norm"):
        return slot._replace(role=slot.role.replace("shortcut", "pooled"))
    return slot


def _list_tensors(op: Op) -> Iterator[tuple[str, str, Shape]]:
    """Yield the submodule, name and shape of each tensor that an operation holds."""
    channels = op.output[0]
    if op.kind is Kind.CONV:
        yield "", "weight", (channels, op.input[0] // op.groups, op.kernel, op.kernel)
    if op.kind is Kind.LINEAR:
        yield "", "weight", (channels, op.input[0])
    if op.kind in (Kind.CONV, Kind.LINEAR) and op.bias:
        yield "", "bias", (channels,)
    if op.kind is Kind.NORM:
        yield from (("", leaf, (channels,)) for leaf in ("weight", "bias"))
    if op.kind is Kind.NORM and op.mode == "batch":
        yield from (("", leaf, (channels,)) for leaf in ("running_mean", "running_var"))
        yield "", COUNTER, ()
    if op.kind is Kind.ECA:
        yield "conv", "weight", (1, 1, op.kernel)
    if op.kind is Kind.SE:
        for part, rows, columns in (("fc1", op.hidden, channels), ("fc2", channels, op.hidden)):
            yield part, "weight", (rows, columns, 1, 1)
            yield part, "bias", (rows,)


def list_keys(dialect: Dialect, entry: Entry) -> list[str]:
    """What a tensor may be called, the key that is written first; our own where the dialect has none."""
    if dialect is OWN:
        return [entry.key]
    return [f"{name}.{entry.leaf}" for name in dialect.list_names(entry.slot)] or [entry.key]


def find_dialect(keys: Iterable[str]) -> Dialect:
    """The dialect that keys are in; torchvision's where none is recognised."""
    keys = list(keys)
    return next((dialect for dialect in DIALECTS if any(map(dialect.mark.match, keys))), TORCHVISION)


def choose_dialect(architecture: Architecture, library: str | None = None) -> Dialect:
    """The dialect that a network is written in: a `library`'s, or else torchvision's, timm's or our own.

    Raises `WeightsError` where the library has no such network.
    """
    for dialect in DIALECTS:
        if (library is None or library in dialect.libraries) and dialect.writes(architecture):
            return dialect
    known = sorted({name for dialect in DIALECTS for name in dialect.libraries})
    if library not in known:
        raise WeightsError(f"“{library}” gives no names to weights: choose from {', '.join(known)}.")
    raise WeightsError(f"{library} has no network of this form, so its names can't be used: choose explorer.")


def match_tensors(plan: Plan, shapes: Mapping[str, Shape]) -> Fit:
    """Match the tensors of a file, in whatever dialect, with those of a network. Old files lack the batch counters."""
    dialect = find_dialect(shapes)
    names: dict[str, str] = {}
    missing, wrong = [], []
    for entry in list_entries(plan):
        keys = list_keys(dialect, entry)
        key = next((key for key in keys if key in shapes), None)
        if key is None:
            missing += [] if entry.leaf == COUNTER else [f"{keys[0]} {spell(entry.shape)}"]
            continue
        names[entry.key] = key
        if not _is_alike(shapes[key], entry):
            wrong.append(f"{key} is {spell(shapes[key])}, not {spell(written_shape(dialect, entry))}")
    known = set(names.values())
    surplus = [f"{printable(key)} {spell(shape)}" for key, shape in shapes.items() if key not in known]
    return Fit(names, tuple(missing), tuple(surplus), tuple(wrong))


def written_shape(dialect: Dialect, entry: Entry) -> Shape:
    """A tensor's shape in a dialect: (classes, C, 1, 1) for a classifier that is a 1x1 convolution there."""
    ones = entry.slot.role in dialect.ones and entry.leaf == "weight"
    return (*entry.shape, 1, 1) if ones else entry.shape


def _is_alike(shape: Shape, entry: Entry) -> bool:
    """Equal; of a classifier or a squeeze-excitation, 1x1 convolutions and matrices are the same."""
    if shape == entry.shape or not (entry.slot.role.endswith("fc") and entry.leaf == "weight"):
        return shape == entry.shape
    return len(shape) >= 2 and shape[:2] == entry.shape[:2] and all(side == 1 for side in shape[2:])


def spell(shape: Shape) -> str:
    """``64×3×7×7``."""
    return "×".join(map(str, shape)) or "one number"


def printable(key: str) -> str:
    """What a message shows of a key from a file."""
    return "".join(character if character.isprintable() else "�" for character in key[:60])
