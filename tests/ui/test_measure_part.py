"""Measurements on the page's server: one after another, each ended when nobody waits for it."""

import json
import sys
import threading
import time

import pytest

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.scene import fold_stage
from explorer.inspection.settings import MeasureSettings
from explorer.records import write_record
from explorer.ui import desk as desk_part
from explorer.ui import measure_part
from explorer.ui.desk import Desk
from explorer.ui.measure_part import Job, create_measure_functions, describe_limits, list_folds
from measured import BOTH
from witness import is_one_clear_sentence

PROGRESS = {"kind": "progress", "doing": "measuring", "repeats": 1, "elapsed": 1.0, "left": 2.0}
SLEEP = f"print({json.dumps(json.dumps(PROGRESS))}, flush=True); import time; time.sleep(60)"
DONE = f"print({json.dumps(write_record(BOTH))})"
FAIL = (
    "import sys; print('A word.', file=sys.stderr); print('Too large: make it smaller.', file=sys.stderr); sys.exit(2)"
)
CRASH = "raise ValueError('odd')"
KILLED = "import os; os.kill(os.getpid(), 9)"


class Script(Job):
    """A job that runs a line of Python in place of a measurement."""

    def command(self):
        return [sys.executable, "-c", self.variant]


def job(script, longest=60):
    return Script(variant=script, settings=MeasureSettings(), longest=longest)


@pytest.fixture
def desk(monkeypatch):
    desk = Desk()
    monkeypatch.setattr(desk_part, "DESK", desk)
    before = threading.active_count()
    yield desk
    desk.close()
    wait_until(lambda: threading.active_count() <= before)  # none is left


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def add(desk, script, **options):
    one = job(script, **options)
    desk.add(one)
    return one


def test_a_result_is_read_and_told(desk):
    one = add(desk, DONE)
    wait_until(lambda: one.state == "done")
    assert one.result == BOTH
    told = measure_part.poll_measure({"id": one.id})
    assert told["state"] == "done" and told["forward"] == {"stem": 10.0, "layer1.0": 10.0}
    assert told["train"] == {"stem": 16.0, "layer1.0": 56.0}
    assert told["passes"]["train"]["median"] == 80.0 and told["passes"]["train"]["memory"] == 5_000_000
    assert set(told["files"]) == {"csv", "json", "md"} and told["name"] == "resnet8_classes_2_measured"
    assert json.dumps(told, allow_nan=False)


def test_one_runs_at_a_time_and_the_next_starts_when_it_ends(desk):
    first, second, third = add(desk, SLEEP), add(desk, SLEEP), add(desk, DONE)
    assert [each.state for each in (first, second, third)] == ["running", "waiting", "waiting"]
    assert [desk.count_before(each) for each in (first, second, third)] == [0, 1, 2]
    wait_until(lambda: first.progress == PROGRESS)
    desk.stop(second.id)
    assert second.state == "stopped" and desk.count_before(third) == 1
    began = time.monotonic()
    desk.stop(first.id)
    wait_until(lambda: first.process.poll() is not None)
    assert time.monotonic() - began < 5
    wait_until(lambda: third.state == "done")
    assert first.state == "stopped"


def test_the_queue_is_bounded(desk):
    jobs = [add(desk, SLEEP) for _ in range(1 + desk_part.MAX_WAITING)]
    with pytest.raises(desk_part.MeasureError, match="wait for this machine already") as caught:
        add(desk, SLEEP)
    assert is_one_clear_sentence(str(caught.value))
    desk.stop(jobs[-1].id)
    add(desk, SLEEP)


def test_nobody_waits_nothing_runs(desk, monkeypatch):
    monkeypatch.setattr(desk_part, "ABANDONED", 0.5)
    left, waiting = add(desk, SLEEP), add(desk, SLEEP)
    wait_until(lambda: left.process.poll() is not None and left.state == "stopped")
    time.sleep(0.6)
    fresh = add(desk, DONE)
    wait_until(lambda: fresh.state == "done")
    assert waiting.id not in desk.jobs or waiting.state == "stopped"


def test_what_takes_too_long_is_ended(desk):
    slow = add(desk, SLEEP, longest=0.3)
    wait_until(lambda: slow.state == "failed")
    assert "took too long" in slow.error
    wait_until(lambda: slow.process.poll() is not None)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (FAIL, "Too large: make it smaller."),
        (CRASH, "The measurement failed: ValueError: odd"),
        (KILLED, "The system ended the measurement, most likely for memory: try a smaller batch, input or network."),
        ("print('not json'); print('{}')", "The measurement failed: exit code 0"),
    ],
)
def test_a_failure_is_a_sentence(desk, script, sentence):
    one = add(desk, script)
    wait_until(lambda: one.state == "failed")
    assert measure_part.poll_measure({"id": one.id}) == {"state": "failed", "error": sentence}


def test_old_results_are_forgotten(desk, monkeypatch):
    one = add(desk, DONE)
    wait_until(lambda: one.state == "done")
    monkeypatch.setattr(desk_part, "KEPT", 0)
    add(desk, DONE)
    assert "gone" in measure_part.poll_measure({"id": one.id})["error"]


@pytest.mark.parametrize("id", ["", "../x", 3, None, ["a"], "x" * 9999])
def test_an_id_that_is_none_is_gone_and_can_be_stopped(desk, id):
    assert measure_part.poll_measure({"id": id}) == {"error": "This measurement is gone: measure again."}
    assert measure_part.stop_measure({"id": id}) == {}


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ({"variant": "resnet20", "batch": 0}, "batch goes from 1 to 1024"),
        ({"variant": "resnet20", "batch": "8; rm"}, "no whole number"),
        ({"variant": "resnet20", "mode": ["both"]}, "no mode"),
        ({"variant": "resnet20", "budget": 1e9}, "budget goes from 1 to 120"),
        ({"variant": "resnet20", "device": {"a": 1}}, "no device"),
        ({"variant": "--help"}, "no known network"),
        ({"variant": None}, "no known network"),
        ("resnet20", "A question is an object"),
    ],
)
def test_what_comes_from_outside_is_checked(desk, question, part):
    start, _, _ = create_measure_functions(shared=False)
    answer = start(question)
    assert part in answer["error"] and desk.jobs == {}


def test_a_shared_page_measures_little(desk):
    start, _, _ = create_measure_functions(shared=True)
    assert "On a shared page batch goes up to 32" in start({"variant": "resnet20", "batch": 33})["error"]
    assert "On a shared page budget goes up to 10" in start({"variant": "resnet20", "budget": 11})["error"]
    assert desk.jobs == {}
    assert describe_limits(True) == {"batch": 32, "budget": 10.0}
    assert describe_limits(False) == {"batch": 1024, "budget": 120.0}


def test_a_real_measurement_from_start_to_end(desk):
    start, poll, _ = create_measure_functions(shared=True)
    asked = {"variant": "resnet8", "batch": 2, "mode": "forward", "budget": 1}
    id = start(asked)["id"]
    wait_until(lambda: poll({"id": id}).get("state") not in ("waiting", "running"), 60)
    told = poll({"id": id})
    assert told["state"] == "done" and list(told["forward"]) == ["stem", "layer1.0", "layer2.0", "layer3.0", "head"]
    assert "train" not in told


@pytest.mark.parametrize("text", ["resnet50", "resnet20", "densenet121"])
def test_folds_name_the_first_block_of_those_that_are_alike(text):
    plan = expand_plan(parse_variant(text))
    folds = list_folds(plan)
    assert list(folds) == [name for name, _ in plan.blocks()]
    assert set(folds.values()) == {fold.name for stage in plan.stages for fold in fold_stage(stage)}
    if text == "resnet50":
        assert (folds["layer1.2"], folds["layer2.0"], folds["layer2.3"]) == ("layer1.1", "layer2.0", "layer2.1")
