"""The commands diff and search."""

import csv
import io
import json
import subprocess
import sys

import pytest

from explorer.architecture.variant import parse_variant
from explorer.cli import main
from witness import is_one_clear_sentence


@pytest.fixture
def run(capsys):
    def call(*arguments, code=0):
        assert main([str(argument) for argument in arguments]) == code
        captured = capsys.readouterr()
        return captured.err.strip() if code else captured.out

    return call


def test_diff(run):
    text = run("diff", "resnet50", "resnet50d")
    assert "+19,232" in text and "stem.conv3" in text
    assert "stem.conv3" not in run("diff", "resnet50", "resnet50d", "--level", "block")
    assert "| stem.conv1 |" in run("diff", "resnet50", "resnet50d", "--format", "markdown")
    assert "No difference." in run("diff", "resnet50", "resnet50,depths=3-4-6-3")


def test_diff_of_three_as_json(run):
    content = json.loads(run("diff", "resnet18", "resnet34", "resnet50", "--format", "json", "--input", "3x64x64"))
    assert {each["before"] for each in content["diffs"]} == {"resnet18,input=3x64x64"}
    assert [each["after"] for each in content["diffs"]] == ["resnet34,input=3x64x64", "resnet50,input=3x64x64"]
    assert [each["totals"]["params"] for each in content["diffs"]] == [
        [11_689_512, 21_797_672], [11_689_512, 25_557_032]]  # fmt: skip


def test_search(run):
    rows = list(csv.DictReader(io.StringIO(
        run("search", "--max-params", "5M", "--max-macs", "600M", "--count", "2000", "--format", "csv")
    )))  # fmt: skip
    assert rows
    for row in rows[::5]:
        assert int(row["params"]) <= 5_000_000 and int(row["macs"]) <= 600_000_000
        summary = json.loads(run("summary", row["variant"], "--json"))
        assert (summary["params"], summary["macs"]) == (int(row["params"]), int(row["macs"]))


def test_search_narrowed(run):
    arguments = (
        "--family",
        "cifar",
        "--classes",
        "100",
        "--input",
        "1x28x28",
        "--depth",
        "20-30",
        "--min-params",
        "10k",
    )
    content = json.loads(run("search", *arguments, "--count", "300", "--all", "--limit", "5", "--format", "json"))
    assert content["counted"] == 300 and len(content["variants"]) == 5
    for row in content["variants"]:
        architecture = parse_variant(row["variant"])
        assert (architecture.input, architecture.classes) == ((1, 28, 28), 100)
        assert 20 <= architecture.depth <= 30 and row["params"] >= 10_000


def test_search_follows_its_seed(run):
    same = [run("search", "--count", "200", "--seed", "7") for _ in range(2)]
    assert same[0] == same[1] != run("search", "--count", "200", "--seed", "8")
    assert "less params" in same[0] and "depth" in run("search", "--count", "50", "--objectives", "macs,depth")


@pytest.mark.parametrize(
    "arguments",
    [
        ("diff", "resnet50"), ("diff", "resnet50", "resnet51"), ("diff", "resnet50", "resnet18", "--level", "atom"),
        ("diff", "resnet50", "resnet18", "--format", "pdf"), ("diff", "resnet50", "resnet18", "--input", "3"),
        ("search", "--max-params", "many"), ("search", "--min-macs", "-1"), ("search", "--depth", "0"),
        ("search", "--family", "mnist"), ("search", "--input", "x"), ("search", "--classes", "0"),
        ("search", "--count", "0"), ("search", "--limit", "0"), ("search", "--objectives", "beauty"),
        ("search", "--format", "xml"), ("search", "--max-macs", "1M", "--min-macs", "2M"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_bad_input_is_one_sentence(run, arguments):
    assert is_one_clear_sentence(run(*arguments, code=2))


def test_neither_needs_torch():
    code = (
        "import sys; from explorer.cli import main; main(['diff', 'resnet50', 'resnet50d']); "
        "main(['search', '--count', '100']); print({'torch', 'torchvision', 'gradio', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
