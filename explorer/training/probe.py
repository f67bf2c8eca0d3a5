"""What a run's film is of: an operation of the plan, or a block. Without torch, so that it is checked early."""

from __future__ import annotations

from difflib import get_close_matches

from explorer.architecture.plan import Plan
from explorer.errors import RunError


def check_probe(plan: Plan, name: str) -> str:
    """The module path that `config.probe` means; empty is the first stage's last block. Raises `RunError`."""
    if not name:
        stage = plan.stages[0]
        return f"{stage.name}.{len(stage.blocks) - 1}"
    names = [name for name, _ in plan.ops()] + [name for name, _ in plan.blocks()]
    if name in names:
        return name
    near = get_close_matches(name[:100], names, 3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"name one of its graph, such as {names[-1]}."
    raise RunError(f"probe={name[:40]} is no operation or block of this network: {hint}")
