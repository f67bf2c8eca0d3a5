"""The built wheel, installed into a fresh environment outside the checkout."""

import ast
import json
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PATHS = ("/", "/explorer-assets/any/js/build.js", "/explorer-assets/any/plotly.min.js")


def call(*command, **options):
    ended = subprocess.run([*map(str, command)], capture_output=True, text=True, timeout=200, **options)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    call(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """An environment with the wheel; it finds this one's other packages, but not its editable install."""
    folder = tmp_path_factory.mktemp("fresh") / "environment"
    call(sys.executable, "-m", "venv", "--without-pip", folder)
    program = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    call(sys.executable, "-m", "pip", "--python", program, "install", "--no-deps", "--no-index", "--quiet", wheel)
    site = Path(call(program, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").strip())
    lines = {sysconfig.get_paths()[kind] for kind in ("purelib", "platlib")}  # .pth files in them are not followed
    (site / "dependencies.pth").write_text("\n".join(sorted(lines)) + "\n")
    return program


@pytest.fixture
def environment(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    own = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    own |= {"EXPLORER_HOME": str(tmp_path / "home"), "TORCH_HOME": str(tmp_path / "torch")}
    return {"env": own, "cwd": tmp_path / "elsewhere"}


def test_the_wheel_carries_every_asset_and_no_test(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assets = {path.relative_to(ROOT / "assets").as_posix() for path in (ROOT / "assets").rglob("*") if path.is_file()}
    assert assets and {f"explorer/_assets/{name}" for name in assets} <= names
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "explorer").rglob("*.py")}
    assert sources <= names
    assert all(name.startswith(("explorer/", "resnet_explorer-")) for name in names)


def test_the_package_lies_in_the_fresh_environment(python, environment):
    place = call(python, "-c", "import explorer; print(explorer.__file__)", **environment).strip()
    assert Path(place).is_relative_to(python.parents[1]) and not Path(place).is_relative_to(ROOT)


def test_the_command_works_from_elsewhere(python, environment):
    content = json.loads(call(python, "-m", "explorer", "summary", "resnet18", "--json", **environment))
    assert (content["params"], content["macs"]) == (11_689_512, 1_814_073_344)  # torchvision's own counts
    script = python.with_name("explorer.exe" if os.name == "nt" else "explorer")
    assert "11,689,512" in call(script, "summary", "resnet18", **environment)


def fetch(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.status, answer.read()


def wait_for(url, process):
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and process.poll() is None:
        try:
            return fetch(url)
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("the server did not answer")


def test_the_page_is_served_from_the_wheel(python, environment, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(python), "-m", "explorer", "--port", str(port), "--no-browser"]
    with open(tmp_path / "server.log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, **environment)
    try:
        wait_for(f"http://127.0.0.1:{port}/", process)
        for path in PATHS:
            status, content = fetch(f"http://127.0.0.1:{port}{path}")
            assert status == 200 and len(content) > 1000, path
        build = fetch(f"http://127.0.0.1:{port}/explorer-assets/any/js/build.js")[1]
        assert build == (ROOT / "assets" / "js" / "build.js").read_bytes()
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


PACKAGES = {"PIL": "pillow", "sklearn": "scikit-learn"}  # where the index has another name


def test_what_is_imported_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = [
        *project["dependencies"],
        *(one for name in ("onnx", "tensorboard") for one in project["optional-dependencies"][name]),
    ]
    names = {re.match("[a-z0-9-]+", line)[0] for line in declared}
    nodes = [node for path in (ROOT / "explorer").rglob("*.py") for node in ast.walk(ast.parse(path.read_bytes()))]
    imported = {node.module.split(".")[0] for node in nodes if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    foreign = imported - sys.stdlib_module_names - {"explorer"}
    assert {PACKAGES.get(name, name) for name in foreign} <= names | {"starlette", "fastapi"}  # gradio's own
