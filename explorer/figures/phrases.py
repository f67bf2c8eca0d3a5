"""How two networks differ, in plain words: one phrase for each option that differs, and what it costs."""

from __future__ import annotations

from collections.abc import Callable

from explorer.architecture.align import Change, Value
from explorer.architecture.config import Architecture
from explorer.architecture.diff import PlanDiff
from explorer.architecture.memory import compute_training_memory
from explorer.architecture.ops import Kind
from explorer.architecture.plan import expand_plan
from explorer.figures.format import format_bytes, format_count, format_shape, format_si
from explorer.figures.palette import MODE_NAMES

BATCH = 32  # images of the training step whose memory is shown
Phrase = Callable[[Change, Architecture, Architecture], str]


def describe_difference(diff: PlanDiff) -> list[str]:
    """Sentences that say how the second network differs from the first: its options, then what it costs."""
    if diff.is_empty:
        return ["The two are one network."]
    phrases = [phrase for change in diff.options if (phrase := describe_option(change, diff))]
    return [*(f"{phrase[0].upper()}{phrase[1:]}." for phrase in phrases), describe_costs(diff)]


def describe_option(change: Change, diff: PlanDiff) -> str:
    """What an option's change does, without a capital and a full stop; empty where another option's phrase says it.

    An option that lost its meaning did so because of another one.
    """
    if change.after is None or (change.before is None and _is_default(change, diff.after)):
        return ""
    return _PHRASES[change.name](change, diff.before, diff.after)


def _is_default(change: Change, after: Architecture) -> bool:
    return bool(getattr(after, change.name) == Architecture.__dataclass_fields__[change.name].default)


def describe_costs(diff: PlanDiff) -> str:
    """One sentence on parameters, MACs, the memory of a training step, and the receptive field."""
    before, after = diff.totals
    memory = [compute_training_memory(expand_plan(side), BATCH).total for side in (diff.before, diff.after)]
    quantities: tuple[Quantity, ...] = (
        ("parameters", before.cost.params, after.cost.params, format_count),
        ("MACs", before.cost.macs, after.cost.macs, lambda number: format_si(number).strip()),
        (f"the memory of a training step (batch {BATCH})", memory[0], memory[1], format_bytes),
        ("the receptive field behind the last stage", before.field or 0, after.field or 0, lambda side: f"{side} px"),
    )
    same = [name for name, first, second, _ in quantities if first == second]
    words = [_compare(quantity) for quantity in quantities if quantity[1] != quantity[2]]
    if same:
        stay = "stays" if len(same) == 1 and same[0].startswith("the ") else "stay"
        words.append(f"{_join(same)} {stay} the same")
    text = "; ".join(words)
    return f"{text[0].upper()}{text[1:]}."


Quantity = tuple[str, int, int, Callable[[int], str]]


def _compare(quantity: Quantity) -> str:
    """``parameters fall by 7 680 (−0.03 %)``."""
    name, before, after, write = quantity
    verb = ("grow" if after > before else "fall") + ("s" if name.startswith("the ") else "")
    return f"{name} {verb} by {write(abs(after - before))} ({format_percent(before, after)})"


def format_percent(before: float, after: float) -> str:
    """A change as ``+48 %`` or ``−0.03 %``: two significant digits, whole from ten on."""
    change = 100 * (after - before) / before
    digits = f"{abs(change):.0f}" if abs(change) >= 9.95 else f"{abs(change):.2g}"
    if "e" in digits:
        return "less than 0.001 %" if abs(change) < 0.001 else f"{'+' if change > 0 else '−'}{abs(change):.4f} %"
    return f"{'+' if change > 0 else '−'}{digits} %"


def _join(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _instead(value: Value) -> str:
    return "" if value is None else f" in place of {value}"


def _times(text: Value) -> str:
    """``1x1-3x3`` as ``1×1, 3×3``; ``3x224x224`` as ``3 × 224 × 224``."""
    return str(text).replace("-", ", ").replace("x", "×")


def _kernels(a: Architecture) -> str:
    return ", ".join(f"{kernel}×{kernel}" for kernel in a.kernels)


def _describe_depths(change: Change, before: Architecture, after: Architecture) -> str:
    if len(before.depths) != len(after.depths):
        now, was = (f"{len(a.depths)} stages ({'-'.join(map(str, a.depths))} blocks)" for a in (after, before))
        return f"{now} take the place of {was}"
    pairs = [(k, a, b) for k, (a, b) in enumerate(zip(before.depths, after.depths, strict=True), 1) if a != b]
    return _join([f"stage {k} has {b} {'block' if b == 1 else 'blocks'} in place of {a}" for k, a, b in pairs])


def _describe_block(change: Change, before: Architecture, after: Architecture) -> str:
    kinds = {"bottleneck": "bottlenecks", "basic": "basic"}
    now, was = kinds[str(change.after)], kinds["basic" if change.after == "bottleneck" else "bottleneck"]
    if after.connect.value == "dense":
        return f"layers are {now} ({_kernels(after)}) in place of {was} ({_kernels(before)})"
    wide = "that widen to four times the planes" if change.after == "bottleneck" else "and as wide as the planes"
    return f"blocks are {now} ({_kernels(after)}) {wide}, in place of {was} ({_kernels(before)})"


def _describe_activation(change: Change, before: Architecture, after: Architecture) -> str:
    """Where norm and activation stand now; which ends have them; and whether x runs through untouched."""
    normed = after.norm.value != "none"
    both, do = ("norm and activation", "") if normed else ("the activation", "s")
    move = f"stand{do}" if before.activation.opens else f"move{do}"
    words = {
        "post": f"{both} stand{do} behind each convolution, the last activation behind the addition",
        "bn_after": f"{both} stand{do} behind each convolution, the last of them behind the addition",
        "relu_before": f"{both} stand{do} behind each convolution, the last activation in front of the addition",
        "relu_pre": "the activation stands in front of each convolution" + (", the norm behind it" if normed else ""),
        "pre": f"{both} {move} in front of each convolution",
    }[str(change.after)]
    return words + _describe_free_shortcut(after) + _describe_moved_ends(before, after)


def _describe_free_shortcut(after: Architecture) -> str:
    """Said where nothing stands on the way from sum to sum (He et al. 2016, equation 3)."""
    touched = after.attention.value != "none" and after.se_place.value in ("post", "identity")
    none = after.shortcut.value in ("C", "none") or after.connect.value == "dense"
    if after.activation.value in ("post", "bn_after") or touched or none:
        return ""
    return "; nothing follows the addition, so an identity shortcut carries x on unchanged"


def _describe_moved_ends(before: Architecture, after: Architecture) -> str:
    if before.activation.opens or not after.activation.opens or after.ends.value != "head":
        return ""
    both = after.activation.value == "pre" and after.norm.value != "none"
    what = "norm and activation" if both else "activation"
    return f"; the stem loses its {what}, and the head gets {'them' if both else 'one'}"


def _describe_ends(change: Change, before: Architecture, after: Architecture) -> str:
    places = {"head": "behind the last block", "stem": "behind the stem", "both": "behind the stem and the last block"}
    return f"outside the blocks, norm and activation stand {places[str(change.after)]}"


_SHORTCUTS = {
    "A": "where the shape changes, the shortcut subsamples and pads with zero channels",
    "B": "where the shape changes, the shortcut is a 1×1 projection",
    "C": "every shortcut is a 1×1 projection, where the shape stays too",
    "D": "where the map halves, the shortcut averages 2×2 in front of its 1×1 projection, which then has no stride",
    "none": "there are no shortcuts: a block gives its branch alone",
}
_BEFORE_SHORTCUTS = {
    "A": "zero padding",
    "B": "a projection with the stride",
    "C": "a projection in every block",
    "D": "average and projection",
}


def _describe_shortcut(change: Change, before: Architecture, after: Architecture) -> str:
    words = _SHORTCUTS[str(change.after)]
    if change.before == "none":
        return f"shortcuts are added to the branches; {words}"
    if change.after == "none" or change.before is None:
        return words
    return f"{words}, in place of {_BEFORE_SHORTCUTS[str(change.before)]}"


def _describe_stem(change: Change, before: Architecture, after: Architecture) -> str:
    channels = _join([str(op.output[0]) for op in expand_plan(after).stem if op.kind is Kind.CONV])
    words = {
        "imagenet": f"the stem is one 7×7 convolution with stride 2 and {channels} channels in front of a pool",
        "deep": f"the stem has three 3×3 convolutions with {channels} channels in front of its pool",
        "tiered": f"the stem has three 3×3 convolutions with {channels} channels in front of its pool",
        "cifar": f"the stem is one 3×3 convolution with {channels} channels, neither stride nor pool",
    }
    was = {"imagenet": "one 7×7", "deep": "three 3×3", "tiered": "three 3×3", "cifar": "one 3×3 without a pool"}
    return f"{words[str(change.after)]},{_instead(was[str(change.before)])}"


def _describe_attention(change: Change, before: Architecture, after: Architecture) -> str:
    names = {"se": "squeeze-excitation", "eca": "efficient channel attention"}
    if change.after == "none":
        return f"the {names[str(change.before)]} goes: no gate scales the channels"
    places = {
        "standard": "at the end of each branch",
        "pre": "at the start of each branch",
        "post": "behind each addition",
        "identity": "on each shortcut",
    }
    article = "an" if change.after == "eca" else "a"
    return f"{article} {names[str(change.after)]} {places[after.se_place.value]} scales the channels" + _instead(
        names.get(str(change.before))
    )


def _describe_place(change: Change, before: Architecture, after: Architecture) -> str:
    places = {
        "standard": "at the end of the branch",
        "pre": "at the start of the branch",
        "post": "behind the addition",
        "identity": "on the shortcut",
    }
    return f"the attention stands {places[str(change.after)]}" + _instead(places.get(str(change.before)))


def _describe_groups(change: Change, before: Architecture, after: Architecture) -> str:
    def side(a: Architecture) -> str:
        return f"{a.groups} {'group' if a.groups == 1 else 'groups'} of width {a.base_width}"

    was = "" if change.before is None else f" in place of {side(before)}"
    return f"at 64 planes the inner convolution has {side(after)}{was}"


def _describe_base_width(change: Change, before: Architecture, after: Architecture) -> str:
    return "" if before.groups != after.groups else _describe_groups(change, before, after)


def _describe_norm(change: Change, before: Architecture, after: Architecture) -> str:
    if change.after == "none":
        return "there are no norms: each convolution has a bias"
    name = MODE_NAMES[str(change.after)]
    if change.before == "none":
        return f"a {name} takes the place of each convolution's bias"
    return f"{name} takes the place of {MODE_NAMES[str(change.before)]}"


def _describe_connect(change: Change, before: Architecture, after: Architecture) -> str:
    if change.after == "dense":
        return (
            f"what a layer computes, {after.growth} channels, is appended to what came in place of being added, "
            "and a 1×1 with pooling stands between stages"
        )
    return "branch and shortcut are added in place of being concatenated, and no transition stands between stages"


def _describe_width(change: Change, before: Architecture, after: Architecture) -> str:
    if change.name == "widths" and before.width != after.width:
        return ""  # the width's own phrase holds every stage
    if after.connect.value == "dense":
        return f"the stem has {after.width} channels in place of {before.width}"
    was, now = (", ".join(map(str, a.planes)) for a in (before, after))
    return f"the stages have {now} planes in place of {was}"


def _describe_widen(change: Change, before: Architecture, after: Architecture) -> str:
    same = (before.width, before.widths, len(before.depths)) == (after.width, after.widths, len(after.depths))
    planes = f": {', '.join(map(str, after.planes))}" if same else ""
    return f"every stage's planes are multiplied by {change.after}{_instead(change.before)}{planes}"


def _describe_antialias(change: Change, before: Architecture, after: Architecture) -> str:
    where = "in the branches" if after.stem.value == "cifar" else "in the branches and the stem's pool"
    means = {"none": "strides", "avg": "2×2 averages", "blur": "3×3 blurs"}
    return f"{where}, {means[str(change.after)]} halve the maps{_instead(means.get(str(change.before)))}"


def _describe_zero_init(change: Change, before: Architecture, after: Architecture) -> str:
    return f"the last weight of each branch starts {'at zero' if change.after == 'yes' else 'as any other'}"


def _describe_dropout(change: Change, before: Architecture, after: Architecture) -> str:
    if not after.dropout:
        return "training drops nothing in the branches"
    now, old = ("channels" if a.dropout_kind.value == "channel" else "values" for a in (after, before))
    was = f" in place of {_rate(before.dropout)}" + (f" of the {old}" if old != now else "") if before.dropout else ""
    return f"training drops {_rate(after.dropout)} of the {now}{was} at each branch's last convolution"


def _rate(value: float) -> str:
    """Without an exponent."""
    return f"{value:.4g}" if value >= 0.0001 else f"{value:.7f}".rstrip("0")


def _describe_drop_path(change: Change, before: Architecture, after: Architecture) -> str:
    if not after.drop_path:
        return "no image skips a branch in training"
    was = f" in place of {_rate(before.drop_path)}" if before.drop_path else ""
    return (
        f"in training {_rate(after.drop_path)}{was} of the images skip the last block's branch, fewer the earlier ones'"
    )


def _say(words: str, was: str = "{before}") -> Phrase:
    """A phrase that puts the new value, and behind it the old one where there was one."""

    def phrase(change: Change, before: Architecture, after: Architecture) -> str:
        if change.before is not None and _times(change.before) == _times(change.after):
            return ""  # another option says the same
        old = "" if change.before is None else f" in place of {was.format(before=_times(change.before))}"
        return words.format(after=_times(change.after)) + old

    return phrase


_PHRASES: dict[str, Phrase] = {
    "depths": _describe_depths,
    "block": _describe_block,
    "branch": _say("a block's branch is {after}"),
    "activation": _describe_activation,
    "ends": _describe_ends,
    "shortcut": _describe_shortcut,
    "stem": _describe_stem,
    "stem_width": _say("the stem has {after} channels"),
    "stride_on": _say("where the map halves, the stride is on the block's {after}", "its {before}"),
    "width": _describe_width,
    "widths": _describe_width,
    "widen": _describe_widen,
    "groups": _describe_groups,
    "base_width": _describe_base_width,
    "attention": _describe_attention,
    "se_reduction": _say("a gate has 1/{after} of the channels inside", "1/{before}"),
    "se_divisor": _say("the channels inside a gate are a multiple of {after}"),
    "se_place": _describe_place,
    "dropout": _describe_dropout,
    "dropout_kind": _say("dropout drops each {after}", "each {before}"),
    "drop_path": _describe_drop_path,
    "zero_init": _describe_zero_init,
    "norm": _describe_norm,
    "act": lambda change, before, after: (
        f"{MODE_NAMES[str(change.after)]} takes the place of {MODE_NAMES[str(change.before)]}"
    ),
    "connect": _describe_connect,
    "growth": _say("each layer adds {after} channels"),
    "bn_size": _say("the 1×1 of a layer is {after} growths wide"),
    "compression": _say("a transition keeps {after} of the channels"),
    "antialias": _describe_antialias,
    "classes": lambda change, before, after: (
        f"the classifier has {format_count(after.classes)} outputs in place of {format_count(before.classes)}"
    ),
    "input": lambda change, before, after: (
        f"the input is {format_shape(after.input)} in place of {format_shape(before.input)}"
    ),
}
