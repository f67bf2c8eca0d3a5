import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from explorer.architecture.variant import parse_variant
from explorer.errors import RunError
from explorer.records import FinalRecord
from explorer.training.config import TrainConfig
from explorer.training.queue import queue_position, wait_for_turn
from explorer.training.runs import RecordWriter, Run, create_run
from witness import is_one_clear_sentence

RESNET8 = parse_variant("resnet8,width=4")


def make_run(number: int = 0) -> Run:
    """A run that was called `number` seconds after the others."""
    run = create_run(RESNET8, "digits", (1, 32, 32), 10, TrainConfig())
    os.utime(run.folder / "starting", (time.time() - 30 + number,) * 2)
    return run


class Street:
    """The people in line, each a process; `log` says who had a turn and when it was over."""

    def __init__(self, server, tmp_path: Path) -> None:
        self.server = server
        self.log, self.leave = tmp_path / "log", tmp_path / "leave"
        self.log.touch()
        self.numbers: dict[str, int] = {}

    def ask(self, question: object) -> int:
        self.server.stdin.write(json.dumps(question) + "\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())

    def send(self, *runs: Run, device: str = "cpu") -> None:
        folders = [str(run.folder) for run in runs]
        self.numbers[runs[0].id] = self.ask(
            {"folders": folders, "device": device, "log": str(self.log), "leave": str(self.leave)}
        )

    def join(self, run: Run) -> int:
        return self.ask(self.numbers.pop(run.id))

    def kill(self, run: Run) -> None:
        os.kill(self.numbers[run.id], signal.SIGKILL)
        assert self.join(run) == -signal.SIGKILL

    def read(self) -> list[str]:
        return self.log.read_text().splitlines()


@pytest.fixture
def street(tmp_path, explorer_home):
    command = [sys.executable, str(Path(__file__).with_name("waiter.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        made = Street(server, tmp_path)
        yield made
        for number in made.numbers.values():
            os.kill(number, signal.SIGKILL)
        server.stdin.close()


def wait_until(condition, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def wait_for(state: str, *runs: Run) -> None:
    """Wait until the runs read so, and nobody waits for their workers any more."""
    wait_until(lambda: all(run.state() == state and not run.is_starting() for run in runs))


def test_two_that_start_at_the_same_moment_are_one_that_runs_and_one_that_waits(street):
    runs = make_run(), make_run()
    for run in runs:
        assert queue_position(run) is None
        street.send(run)
    wait_until(lambda: {run.state() for run in runs} == {"running", "queued"})
    first, second = sorted(runs, key=lambda run: run.state(), reverse=True)
    wait_until(lambda: queue_position(second) == 1)
    assert queue_position(first) is None and not second.is_starting() and len(street.read()) == 1
    first.ask_to_stop()
    wait_for("running", second)
    assert street.join(first) == 0 and [line.split()[0] for line in street.read()] == ["turn", "over", "turn"]


def test_first_come_first_served_whoever_dies_on_the_way(street):
    """The one at work is killed, then one in the middle, then the first in line."""
    holder, *runs = (make_run(number) for number in range(6))
    street.send(holder)
    wait_for("running", holder)
    for run in reversed(runs):  # not in the order in which they were called
        street.send(run)
    wait_for("queued", *runs)
    wait_until(lambda: [queue_position(run) for run in runs] == [1, 2, 3, 4, 5])
    street.kill(runs[2])
    assert runs[2].state() == "interrupted" and queue_position(runs[2]) is None
    assert [queue_position(run) for run in runs] == [1, 2, None, 3, 4]
    street.kill(runs[0])
    street.kill(holder)
    assert runs[0].state() == holder.state() == "interrupted"
    for number in (1, 3, 4):
        wait_for("running", runs[number])
        assert [run.state() for run in runs].count("running") == 1
        runs[number].ask_to_stop()
    assert [line.split()[1] for line in street.read() if line.startswith("turn")] == [
        run.id for run in (holder, runs[1], runs[3], runs[4])
    ]


def test_twenty_wait_and_each_has_the_device_alone(street):
    runs = [make_run(number) for number in range(20)]
    street.send(runs[0])
    wait_for("running", runs[0])
    for run in runs[1:]:
        street.send(run)
    wait_for("queued", *runs[1:])
    wait_until(lambda: [queue_position(run) for run in runs[1:]] == list(range(1, 20)))
    street.leave.touch()
    for run in runs:
        assert street.join(run) == 0
    assert street.read() == [f"{word} {run.id} {run.id}" for run in runs for word in ("turn", "over")]


def test_a_killed_waiter_of_a_stopped_run_leaves_it_stopped_and_it_goes_to_the_end(street):
    holder, run, other = (make_run(number) for number in range(3))
    writer = RecordWriter(run)
    writer.write(FinalRecord(7, "stopped", "Stopped."))
    writer.close()
    street.send(holder)
    wait_for("running", holder)
    street.send(run)
    wait_for("queued", run)
    street.kill(run)
    assert run.state() == "stopped"
    run.call_worker()  # resumed, after the other was called
    street.send(run)
    street.send(other)
    wait_until(lambda: [queue_position(each) for each in (run, other)] == [2, 1])


@pytest.mark.parametrize("status", ["stopped", "paused"])
def test_a_request_ends_the_waiting(street, status):
    holder, run = make_run(0), make_run(1)
    street.send(holder)
    wait_for("running", holder)
    street.send(run)
    wait_for("queued", run)
    run.ask_to_stop() if status == "stopped" else run.ask_to_pause()
    assert street.join(run) == 0 and run.state() == status and queue_position(run) is None
    assert run.last_record() == {
        "kind": "final", "step": 0, "status": status, "message": f"{status.capitalize()} while it waited.",
        "test_accuracy": None,
    }  # fmt: skip
    assert street.read()[1:] == [f"turn {run.id} ", f"over {run.id} "]  # with no run to train
    assert holder.state() == "running"


def test_of_a_race_one_may_leave_the_line(street):
    holder, *race = (make_run(number) for number in range(4))
    street.send(holder)
    wait_for("running", holder)
    street.send(*race)
    wait_for("queued", *race)
    assert {queue_position(run) for run in race} == {1}
    race[1].ask_to_stop()
    wait_for("stopped", race[1])
    assert race[1].folder.exists() and not race[1].is_locked()
    holder.ask_to_stop()
    wait_for("running", race[0], race[2])
    assert street.read()[-1] == f"turn {race[0].id} {race[0].id} {race[2].id}"


def test_a_run_waits_once(street):
    run = make_run()
    street.send(run)
    wait_for("running", run)
    with pytest.raises(RunError, match="has a worker already"), wait_for_turn(run, "cpu"):
        pytest.fail("two workers")
    assert run.state() == "running"


def test_a_gpu_by_number_has_its_own_line_and_all_others_share_one(street):
    runs = [make_run(number) for number in range(5)]
    for run, device in zip(runs, ["auto", "cuda:1", "cuda:12", "cuda:1", "cuda:0"], strict=True):
        street.send(run, device=device)
        wait_until(lambda run=run: run.state() in ("running", "queued"))
    wait_until(lambda: [run.state() for run in runs] == ["running"] * 3 + ["queued"] * 2)


def test_a_stop_between_the_call_and_the_turn_counts_and_an_old_one_does_not():
    run = make_run()
    run.ask_to_stop()
    with wait_for_turn(run, "cpu") as ready:
        assert ready == [run] and run.state() == "starting"
        run.greet_worker()
        assert run.is_asked_to_stop() and run.state() == "running"
    with wait_for_turn(run, "cpu"):  # by hand, without a call
        run.greet_worker()
        assert not run.is_asked_to_stop()
    assert run.state() == "interrupted"


def test_an_error_in_the_work_frees_everything():
    run = make_run()
    with pytest.raises(ZeroDivisionError), wait_for_turn(run, "cpu"):
        _ = 1 / 0
    assert not run.is_locked() and run.state() == "interrupted"
    with wait_for_turn(run, "cpu") as ready:
        assert ready == [run]


def test_a_queue_that_can_not_be_written_is_said(tmp_path, monkeypatch):
    run = make_run()
    (tmp_path / "file").touch()
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "file"))
    with pytest.raises(RunError, match="set EXPLORER_HOME") as caught, wait_for_turn(run, "cpu"):
        pytest.fail("no queue")
    assert is_one_clear_sentence(str(caught.value)) and not run.is_locked()


@pytest.mark.parametrize(
    "content", ["", "/", "../x", "main/../x", "main", "main/1", "a/" + "0" * 20 + "-00000000", "\0"]
)
def test_a_damaged_ticket_has_no_position(content):
    run = make_run()
    (run.folder / "queued").write_text(content)
    assert queue_position(run) is None


def test_waiting_needs_no_torch():
    code = "import sys, explorer.training.queue; print(*{'torch', 'gradio', 'plotly'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
