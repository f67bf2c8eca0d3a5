"""The command measure, and the same from Python."""

import csv
import io
import json

import pytest
import torch
from filelock import FileLock

import explorer
from explorer.cli import main
from explorer.errors import MeasureError
from explorer.records import Measurement, read_measurement
from witness import is_one_clear_sentence

QUICK = ("resnet20", "--batch", "2", "--budget", "1")
PARTS = ["stem", *(f"layer{stage}.{block}" for stage in (1, 2, 3) for block in (0, 1, 2)), "head"]


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def run(capsys):
    def call(*arguments, code=0):
        assert main(["measure", *map(str, arguments)]) == code
        captured = capsys.readouterr()
        return captured.err.strip() if code else captured.out

    return call


def test_text_names_device_parts_and_errors(run):
    text = run(*QUICK)
    assert text.startswith("resnet20, batch 2\ncpu: ")
    assert f"torch {torch.__version__}" in text
    assert [line.split()[0] for line in text.splitlines() if line.startswith(("stem", "layer", "head"))] == PARTS
    assert "kept for backward: 3.05 MB measured, 3.05 MB estimated (exact)" in text


def test_json_alone_is_one_object_and_with_progress_one_a_line(run):
    measured = read_measurement(json.loads(run(*QUICK, "--format", "json", "--mode", "forward")))
    assert [each.mode for each in measured.passes] == ["forward"] and measured.batch == 2
    lines = run(*QUICK, "--format", "json", "--mode", "forward", "--progress").splitlines()
    records = [json.loads(line) for line in lines]
    assert {record["kind"] for record in records[:-1]} == {"progress"}
    assert read_measurement(records[-1]).variant == "resnet20"


def test_csv_and_markdown(run):
    rows = list(csv.DictReader(io.StringIO(run(*QUICK, "--format", "csv", "--mode", "train"))))
    assert [row["part"] for row in rows] == [*PARTS, "loss", "optimizer", "total"]
    assert "| Forward pass, peak memory |" in run(*QUICK, "--format", "markdown", "--mode", "forward")


def test_another_input(run):
    measured = json.loads(run(*QUICK, "--input", "3x16x16", "--format", "json", "--mode", "forward"))
    assert measured["variant"] == "resnet20,input=3x16x16"


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("resnet20", "--batch", "0"), "batch=0 is out of range"),
        (("resnet20", "--budget", "121"), "budget goes from 1 to 120"),
        (("resnet20", "--mode", "backward"), "mode is forward, train, both"),
        (("resnet20", "--format", "xml"), "choose from text, markdown, json, csv"),
        (("resnet20", "--device", "tpu"), "no device"),
        (("resnet152", "--batch", "1024", "--input", "3x4096x4096"), "GB are free"),
        (("resent",), "no known network"),
    ],
)
def test_refusals_are_one_sentence(run, arguments, part):
    sentence = run(*arguments, code=2)
    assert part in sentence and is_one_clear_sentence(sentence)


def test_one_waits_for_the_other(run, home, monkeypatch):
    """While another holds the lock it is told so; here the other lets go as soon as it is."""
    import explorer.inspection.machine as machine

    other = FileLock(home / "measure.lock")
    other.acquire()
    held = FileLock.acquire

    def acquire(lock, *arguments, **keywords):
        if keywords.get("timeout") is None:
            other.release()
        return held(lock, *arguments, **keywords)

    monkeypatch.setattr(machine.FileLock, "acquire", acquire)
    lines = run(*QUICK, "--format", "json", "--mode", "forward", "--progress").splitlines()
    assert json.loads(lines[0])["doing"] == "waiting for another measurement on this machine"
    assert json.loads(lines[-1])["kind"] == "measurement"


def test_from_python_it_shows_itself_in_a_terminal_and_a_notebook():
    measured = explorer.plan("resnet20").measure(batch=2, mode="forward", budget=1)
    assert isinstance(measured.record, Measurement)
    assert str(measured) == repr(measured) and "Forward pass" in str(measured)
    assert "| stem |" in measured._repr_markdown_()
    with pytest.raises(MeasureError, match="batch goes from 1 to 1024"):
        explorer.plan("resnet20").measure(batch=2000)
