"""Where the files that travel with the package lie: beside it in a checkout, inside it in a wheel."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def assets() -> Path:
    """The folder of styles, scripts, labels and bundled weights."""
    inside = _PACKAGE / "_assets"
    return inside if inside.is_dir() else _PACKAGE.parent / "assets"


def read_asset(path: str) -> str:
    """The text of a file in `assets`. Raises `OSError`."""
    return (assets() / path).read_text(encoding="utf-8")


def read_script(name: str) -> str:
    """A module of ``assets/js`` without its imports and exports, for a page in which several stand in a row."""
    return re.sub(r"^import .*\n|^export ", "", read_asset(f"js/{name}.js"), flags=re.MULTILINE)


def find_plotly() -> Path:
    """The plotly.js that the installed package carries. Raises `OSError`."""
    return find_package("plotly") / "package_data" / "plotly.min.js"


def find_package(name: str) -> Path:
    """The folder of an installed package, found without importing it. Raises `OSError`."""
    found = find_spec(name)
    for folder in (found.submodule_search_locations or ()) if found else ():
        return Path(folder)
    raise FileNotFoundError(f"{name} is not installed")
