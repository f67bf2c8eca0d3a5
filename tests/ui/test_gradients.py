"""Gradient norms for the graph, from runs that were written by hand."""

import pytest

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import RunError
from explorer.records import StepRecord, UnitsRecord, WatchRecord
from explorer.training.config import TrainConfig
from explorer.training.runs import RecordWriter, create_run, find_run_by_id
from explorer.ui.gradients import measure_gradients

PLAN = expand_plan(parse_variant("resnet8"))


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))


LAYERS = ("stem.conv1", "layer1.0.branch.conv1", "layer1.0.branch.conv2", "layer1.1.branch.conv1", "head.fc")


def write_run(variant, *records):
    run = create_run(parse_variant(variant), "digits", (1, 32, 32), 10, TrainConfig())
    writer = RecordWriter(run)
    writer.write(UnitsRecord({"update_ratio": ("other",), "gradient_norm": LAYERS}))
    for step, norms in enumerate(records):
        writer.write(StepRecord(step, step / 10, 2.0, 0.1, 0.1, 100.0, 9.0))
        writer.write(
            WatchRecord(step, step / 10, {"update_ratio": (7.0,), **({"gradient_norm": norms} if norms else {})})
        )
    writer.close()
    return run.id


def test_the_last_norms_of_the_newest_run_of_the_same_network():
    """Of a part they are the root of the sum of squares, as one norm over all its layers would be."""
    old = write_run("resnet8", (9.0, 9.0, 9.0, 9.0, 9.0), (1.0, 3.0, 4.0, 12.0, 2.0))
    other = write_run("resnet20", (8.0, 8.0, 8.0, 8.0, 8.0))
    values = measure_gradients(PLAN, [other, old])["values"]
    assert values == pytest.approx(
        dict(zip(LAYERS, (1.0, 3.0, 4.0, 12.0, 2.0), strict=True))
        | {"layer1.0": 5.0, "layer1.0.branch": 5.0, "layer1.1": 12.0, "layer1.1.branch": 12.0, "layer1": 13.0}
        | {"stem": 1.0, "head": 2.0}
    )
    new = write_run("resnet8", (1.0, 1.0, 0.0, 0.0, 1.0), None)
    told = measure_gradients(PLAN, [old, new, "gone"])
    assert told["values"]["layer1"] == 1.0 and told["adds"] is False


def test_norms_that_are_no_numbers_are_left_out():
    run = write_run("resnet8", (1.0, float("nan"), 1.0, 2.0, 1.0))
    values = measure_gradients(PLAN, [run])["values"]
    assert values["layer1.1"] == 2.0 and not {"layer1.0.branch.conv1", "layer1.0", "layer1"} & {*values}


def test_norms_of_the_first_versions_are_read_still():
    run = find_run_by_id(write_run("resnet8"))
    with open(run.records_path, "a", encoding="utf-8") as file:
        file.write('{"kind": "step", "step": 5, "gradient_norms": {"layer1.0": 2.0, "stem": null}}\n')
    assert measure_gradients(PLAN, [run.id])["values"] == {"layer1.0": 2.0}


@pytest.mark.parametrize("ids", [None, [], "x", [None, 3, "../../etc/passwd"], {"a": 1}])
def test_without_a_run_it_says_what_to_do(ids):
    write_run("resnet8", (1.0, 1.0, 1.0, 1.0, 1.0))  # of another browser
    with pytest.raises(RunError, match="Train tab"):
        measure_gradients(PLAN, ids)
