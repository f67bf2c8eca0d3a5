"""What a visitor typed as a variant."""

from __future__ import annotations

from typing import Any

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import format_variant, parse_variant
from explorer.errors import VariantError


def read_typed(typed: str) -> dict[str, Any]:
    """Its canonical ``"text"``; where it is no network, what was typed, and why as ``"error"``."""
    try:
        architecture = parse_variant(typed)
        expand_plan(architecture)
        return {"text": format_variant(architecture)}
    except VariantError as error:
        return {"text": typed, "error": str(error)}
