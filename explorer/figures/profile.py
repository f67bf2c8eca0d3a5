"""Cost beyond counts, in words: FLOPs by kind, memory of a pass and of a training step, and what an operation sees."""

from __future__ import annotations

from collections.abc import Iterator

from explorer.architecture.flops import Counted, compute_flops
from explorer.architecture.memory import Optimizer, compute_forward_memory, compute_training_memory
from explorer.architecture.plan import Plan
from explorer.architecture.profile import OpProfile, Profile, profile_plan
from explorer.architecture.receptive import Field
from explorer.figures.format import format_bytes, format_count
from explorer.figures.palette import KIND_NAMES

BATCHES = (1, 32, 128)


def format_field(field: Field) -> str:
    """Side of the receptive field in pixels; ``all`` where something on the way looks at the whole map."""
    return "all" if field.whole else str(field.size)


def describe_field(field: Field) -> str:
    """``427 × 427 pixels, effective stride 32``."""
    seen = "the whole input" if field.whole else f"{field.size} × {field.size} pixels"
    return f"{seen}, effective stride {field.reduction}"


def describe_op_profile(row: OpProfile) -> list[tuple[str, str]]:
    """What a card says of an operation beyond its counts, for one image."""
    lines = [("Receptive field", describe_field(row.field))]
    if row.saved:
        lines.append(("Kept for the backward pass", f"{format_bytes(row.saved)}, one image in float32"))
    if row.traffic and row.flops:
        lines.append(("Arithmetic intensity", f"{row.intensity:.1f} FLOPs for each byte moved"))
    return lines


def format_profile(plan: Plan) -> str:
    """Cost beyond counts as text: by kind of operation, and memory by batch and optimizer."""
    profile = profile_plan(plan)
    return "\n".join([*_list_kinds(plan), "", *_list_memory(plan), "", *_list_step(plan, profile)]) + "\n"


def _list_kinds(plan: Plan) -> Iterator[str]:
    counts = {counted: compute_flops(plan, counted) for counted in Counted}
    yield "FLOPs for one image, by kind of operation"
    yield f"{'':22}{'two per MAC':>18}{'and everything else':>22}"
    for kind in counts[Counted.ALL]:
        own = counts[Counted.MACS].get(kind, 0)
        yield f"  {KIND_NAMES[kind]:20}{format_count(own):>18}{format_count(counts[Counted.ALL][kind]):>22}"
    sums = [format_count(sum(counts[counted].values())) for counted in (Counted.MACS, Counted.ALL)]
    yield f"  {'total':20}{sums[0]:>18}{sums[1]:>22}"
    yield "  Everything else: biases, norms, activations, pooling, additions; an exponential counts one."


def _list_memory(plan: Plan) -> Iterator[str]:
    yield "Memory in float32, estimated from the plan"
    yield f"  {'batch':>7}{'forward pass':>16}{'training: SGD':>16}{'momentum':>12}{'Adam':>12}{'of it kept':>14}"
    for batch in BATCHES:
        forward = format_bytes(compute_forward_memory(plan, batch).total)
        steps = [compute_training_memory(plan, batch, o) for o in (Optimizer.SGD, Optimizer.MOMENTUM, Optimizer.ADAM)]
        sgd, momentum, adam = (format_bytes(step.total) for step in steps)
        kept = format_bytes(steps[0].saved)
        yield f"  {batch:>7}{forward:>16}{sgd:>16}{momentum:>12}{adam:>12}{kept:>14}"
    peak = compute_forward_memory(plan)
    yield f"  A forward pass holds most at {peak.at}. Training: weights, gradients, the optimizer's state, and what is"
    yield "  kept for the backward pass, as torch's autograd keeps it on a CPU."


def _list_step(plan: Plan, profile: Profile) -> Iterator[str]:
    maps = [row for row in profile.rows if len(row.output) == 3]
    last = next((row for row in reversed(maps) if row.output[1:] != (1, 1)), maps[0])  # a tiny input has no larger map
    yield f"A training step takes {format_count(profile.training_macs)} MACs for each image, forward and backward."
    yield f"Arithmetic intensity of inference: {profile.intensity:.1f} FLOPs for each byte moved, one image."
    yield f"Receptive field at {last.name}: {describe_field(last.field)}."
