"""Build any ResNet, see what it costs, train it, and look inside it.

>>> import explorer
>>> p = explorer.plan("resnet50,groups=32,base_width=4")
>>> p.cost().params
25028904
>>> network = explorer.build(p)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from explorer.api import Difference, Drawing, Measured, Table, Variant, build, code, draw, load, plan

__all__ = ["Difference", "Drawing", "Measured", "Table", "Variant", "build", "code", "draw", "load", "plan"]


def __getattr__(name: str) -> Any:
    """Load the API where it is first asked for: the import itself costs nothing (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from explorer import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
