"""Imports point down only, and what needs no torch loads none."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import explorer

PACKAGE = Path(explorer.__file__).parent
LEVELS = {  # a room imports from lower levels, and from itself
    "errors": 0,
    "files": 0,
    "memory": 0,
    "resources": 0,
    "architecture": 1,
    "records": 2,
    "data": 3,
    "network": 4,  # pretrained weights carry their preprocessing
    "figures": 5,
    "training": 5,
    "inspection": 5,
    "exports": 6,  # training meets figures
    "ui": 7,
    "api": 8,
    "cli": 8,  # its verb "serve" starts the page
    "__init__": 9,
    "__main__": 9,
}
BARRED = {"figures": {"torch", "torchvision", "gradio", "explorer.network", "explorer.data"}}
FILES = sorted(PACKAGE.rglob("*.py"))


def list_imports(path):
    """Names of the modules that a file imports, those inside functions too; ``from a import b`` gives ``a.b``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def find_room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_only(path):
    room = find_room(path)
    assert room in LEVELS, f"give {room} a level"
    for name in list_imports(path):
        top, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if top == "explorer" and other in LEVELS:
            assert other == room or LEVELS[other] < LEVELS[room], f"{room} imports {name}"
        if top == "gradio":
            assert room == "ui", f"{room} imports {name}"
        if LEVELS[room] <= LEVELS["records"]:
            assert top not in {"torch", "torchvision"}, f"{room} imports {name}"
        barred = [bar for bar in BARRED.get(room, ()) if f"{name}.".startswith(f"{bar}.")]
        assert not barred, f"{room} imports {name}"


def find_modules(room):
    names = [".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts) for path in FILES]
    return [name.removesuffix(".__init__") for name in names if name.startswith(f"explorer.{room}.")]


LIGHT = [
    "explorer",
    "explorer.errors",
    "explorer.records",
    "explorer.memory",
    "explorer.data.catalogue",
    *find_modules("architecture"),
    *find_modules("figures"),
]


@pytest.mark.parametrize("modules", [["explorer"], LIGHT], ids=["the package", "architecture and figures"])
def test_what_needs_no_torch_loads_none(modules):
    code = f"import sys, {', '.join(modules)}; print(*{{'torch', 'torchvision', 'gradio'}} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []
