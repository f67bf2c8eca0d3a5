"""Gradient norms for the graph, from runs that were written by hand."""

import pytest

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import RunError
from explorer.records import StepRecord
from explorer.training.config import TrainConfig
from explorer.training.runs import RecordWriter, create_run
from explorer.ui.gradients import measure_gradients

PLAN = expand_plan(parse_variant("resnet8"))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))


def write_run(variant, *norms):
    run = create_run(parse_variant(variant), "digits", (1, 32, 32), 10, TrainConfig())
    writer = RecordWriter(run)
    for step, each in enumerate(norms):
        writer.write(StepRecord(step, step / 10, 2.0, 0.1, 0.1, 100.0, each))
    writer.close()
    return run.id


def test_the_last_norms_of_the_newest_run_of_the_same_network():
    old = write_run("resnet8", {"layer1.0": 1.0}, {"layer1.0": 2.0, "layer2.0": 0.5})
    other = write_run("resnet20", {"layer1.0": 9.0})
    assert measure_gradients(PLAN, [other, old])["values"] == {"layer1.0": 2.0, "layer2.0": 0.5}
    new = write_run("resnet8", {"layer1.0": 3.0}, {})
    assert measure_gradients(PLAN, [old, new, "gone"]) == {"values": {"layer1.0": 3.0}, "adds": False}


def test_norms_that_are_no_numbers_are_left_out():
    run = write_run("resnet8", {"layer1.0": float("nan"), "layer2.0": 1.0})
    assert measure_gradients(PLAN, [run])["values"] == {"layer2.0": 1.0}


@pytest.mark.parametrize("ids", [None, [], "x", [None, 3, "../../etc/passwd"], {"a": 1}])
def test_without_a_run_it_says_what_to_do(ids):
    write_run("resnet8", {"layer1.0": 1.0})  # of another browser
    with pytest.raises(RunError, match="Train tab"):
        measure_gradients(PLAN, ids)
