import dataclasses
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from explorer.architecture.variant import parse_variant
from explorer.errors import RunError
from explorer.records import FinalRecord, StepRecord
from explorer.training.config import TrainConfig
from explorer.training.runs import (
    RecordWriter,
    Run,
    create_run,
    find_race,
    find_run,
    find_run_by_id,
    list_runs,
    trained_architecture,
)

RESNET8 = parse_variant("resnet8,width=4")


def make_run(folder=None, **settings) -> Run:
    return create_run(RESNET8, "digits", (1, 32, 32), 10, TrainConfig(**settings), folder)


def step(number: int, loss: float = 1.0) -> StepRecord:
    return StepRecord(number, number / 10, loss, 0.5, 0.1, 100.0)


def write(run: Run, *records) -> None:
    writer = RecordWriter(run)
    for record in records:
        writer.write(record)
    writer.close()


def settled(run: Run) -> Run:
    """The run as it is when nobody waits for a worker."""
    (run.folder / "starting").unlink()
    return run


def test_a_run_says_what_was_asked(explorer_home):
    run = make_run(seed=7, lr=0.2)
    again = Run(run.folder)
    assert again.spec == run.spec and again.spec.config == TrainConfig(seed=7, lr=0.2)
    assert run.spec.variant == "resnet8,width=4" and run.spec.trained == "resnet8,width=4,input=1x32x32"
    assert trained_architecture(run) == dataclasses.replace(RESNET8, input=(1, 32, 32))
    assert run.folder.parent == explorer_home / "runs"
    assert sorted(path.name for path in run.folder.iterdir()) == ["checkpoints", "run.json", "starting"]


def test_ids_can_not_be_guessed():
    ids = {make_run().id for _ in range(20)}
    assert len(ids) == 20 and all(len(id.removeprefix("resnet8-")) == 16 for id in ids)


def test_a_taken_or_impossible_directory_is_refused(tmp_path):
    make_run(tmp_path / "a")
    before = (tmp_path / "a" / "run.json").read_bytes()
    with pytest.raises(RunError, match="holds a run already"):
        make_run(tmp_path / "a", seed=9)
    assert (tmp_path / "a" / "run.json").read_bytes() == before
    (tmp_path / "file").touch()
    for name in ("file", "file/run", "x" * 300, "nul\0"):
        with pytest.raises(RunError, match="can't be written") as caught:
            make_run(tmp_path / name)
        assert len(str(caught.value)) < 200
    with pytest.raises(RunError, match="can't be written"):
        make_run(type(tmp_path)("/proc/run"))


def test_the_name_of_a_run_here_is_the_directorys(tmp_path, monkeypatch):
    make_run(tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    assert find_run(".").id == "mine"


@pytest.mark.parametrize(
    "content",
    [
        '{"variant": "a", "trained": "a", "data": "b", "config": {}, "created": 1, "race": 3}',
        "", "[]", "{}", "null", "{", '"x"', "\x00", '{"config": {}}', '{"config": 3}',
        '{"variant": 1, "trained": "a", "data": "b", "config": {}, "created": 1}',
        '{"variant": "a", "trained": "a", "data": "b", "config": {}, "created": "now"}',
        '{"variant": "a", "trained": "a", "data": "b", "config": {"epochs": -1}, "created": 1}',
        '{"variant": "a", "trained": "a", "data": "b", "config": {"color": 1}, "created": 1}',
    ],
)  # fmt: skip
def test_a_damaged_run_is_refused_and_passed_over_in_lists(explorer_home, content):
    good = make_run()
    (explorer_home / "runs" / "bad").mkdir()
    (explorer_home / "runs" / "bad" / "run.json").write_text(content)
    with pytest.raises(RunError):
        _ = find_run_by_id("bad").spec
    assert [run.id for run in list_runs()] == [good.id]


def test_lists_are_newest_first_and_pass_over_what_is_no_run(explorer_home):
    assert list_runs() == []
    runs = [make_run() for _ in range(3)]
    home = explorer_home / "runs"
    (home / "empty").mkdir()
    (home / "file").touch()
    (home / "folder" / "run.json").mkdir(parents=True)
    (home / "bytes").mkdir()
    (home / "bytes" / "run.json").write_bytes(b"\xff\xfe\x00")
    (home / "dangling").symlink_to(home / "nowhere")
    assert [run.id for run in list_runs()] == [run.id for run in reversed(runs)]


def test_ids_are_never_paths(tmp_path, explorer_home):
    run = make_run()
    outside = make_run(tmp_path / "outside")
    assert find_run_by_id(run.id).folder == run.folder
    hostile = [
        "../../etc",
        "../../outside",
        str(outside.folder),
        "..",
        ".",
        "",
        "/",
        "a/b",
        "a\0",
        "x" * 9999,
        "a\nb",
        "é",
    ]
    for id in hostile:
        with pytest.raises(RunError, match="There is no run") as caught:
            find_run_by_id(id)
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_people_may_name_a_run_by_its_path(tmp_path):
    run, outside = make_run(), make_run(tmp_path / "outside")
    assert find_run(run.id).folder == run.folder
    assert find_run(str(outside.folder)).folder == outside.folder
    for name in ("nothing", "~no-such-user/x", "x" * 9999, "a\0b", ""):
        with pytest.raises(RunError, match="There is no run"):
            find_run(name)


def test_states_are_derived():
    run = make_run()
    assert run.state() == "starting"
    with run.lock().acquire():
        run.greet_worker()
        assert run.is_locked() and run.state() == "running"
        write(run, step(1))
        assert run.state() == "running"
    assert run.state() == "interrupted"
    for status in ("finished", "stopped", "failed"):
        write(run, FinalRecord(1, status, ""))
        assert run.state() == status
    run.call_worker()
    assert run.state() == "starting"
    settled(run)
    write(run, step(2))
    assert run.state() == "interrupted"
    write(run, FinalRecord(2, "nonsense", ""))
    assert run.state() == "interrupted"


def test_a_worker_that_never_came_is_waited_for_a_minute():
    run = make_run()
    marker = run.folder / "starting"
    for age, state in ((50, "starting"), (70, "interrupted")):
        os.utime(marker, (time.time() - age,) * 2)
        assert run.state() == state


def test_a_request_to_stop_counts_from_the_call_on():
    run = make_run()
    run.ask_to_stop()
    run.call_worker()
    assert not run.is_asked_to_stop()
    run.ask_to_stop()  # while the worker imports torch
    run.greet_worker()
    assert run.is_asked_to_stop()
    run.greet_worker()  # started by hand, without a call: what is there is old
    assert not run.is_asked_to_stop()


def test_a_request_to_pause_is_one_of_its_own_and_goes_as_that_to_stop():
    run = make_run()
    run.ask_to_pause()
    assert run.is_asked_to_pause() and not run.is_asked_to_stop()
    run.greet_worker()  # it came after the call
    assert run.is_asked_to_pause()
    run.call_worker()
    assert not run.is_asked_to_pause()


def test_a_worker_that_holds_the_lock_is_starting_until_it_greets_and_queued_while_marked():
    run = make_run()
    with run.lock().acquire():
        assert run.state() == "starting"
        (run.folder / "queued").touch()
        assert run.state() == "queued"
        with run.lock().acquire():  # the work begins in who waited
            run.greet_worker()
            assert run.state() == "running"
        assert run.state() == "running"
    (run.folder / "queued").touch()  # of a waiter that was killed
    assert run.state() == "interrupted"


def test_a_run_of_the_first_version_is_read(explorer_home):
    """As version 0.1 wrote it."""
    folder = explorer_home / "runs" / "old"
    folder.mkdir(parents=True)
    config = {
        "epochs": 3, "batch_size": 32, "lr": None, "momentum": 0.9, "weight_decay": 0.0005, "held_out": 0.1, "seed": 4,
        "device": "auto",
    }  # fmt: skip
    old = {"variant": "resnet8", "trained": "resnet8", "data": "digits", "config": config, "created": 1.5, "version": 1}
    (folder / "run.json").write_text(json.dumps(old))
    spec = find_run("old").spec
    assert spec.config == TrainConfig(epochs=3, batch_size=32, seed=4)
    assert (spec.recipe, spec.race, spec.study) == ("", "", "")


def test_a_run_knows_its_recipe_and_its_race():
    made = [
        create_run(RESNET8, "digits", (1, 32, 32), 10, TrainConfig(), recipe="quick,seed=1", race="r1", study="x")
        for _ in range(3)
    ]
    make_run()
    assert [run.id for run in find_race("r1")] == [run.id for run in made]
    assert find_race("") == find_race("r2") == []
    spec = Run(made[0].folder).spec
    assert (spec.recipe, spec.race, spec.study) == ("quick,seed=1", "r1", "x")


def test_a_list_sees_what_changed(explorer_home):
    """What was read is kept until a file changes."""
    run = make_run()
    (once,) = list_runs()
    path = run.folder / "run.json"
    path.write_text(path.read_text().replace('"digits"', '"others"'))
    (again,) = list_runs()
    assert (once.spec.data, again.spec.data) == ("digits", "others")
    path.write_text("{")
    assert list_runs() == []
    (explorer_home / "runs" / ".deleted-x").mkdir()
    (explorer_home / "runs" / ".deleted-x" / "run.json").write_text(path.read_text())
    assert list_runs() == []


HOLD = """
import sys, time, filelock
lock = filelock.FileLock(sys.argv[1])
with lock.acquire():
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_lock_is_seen_by_other_processes_and_freed_by_a_kill():
    run = settled(make_run())
    command = [sys.executable, "-c", HOLD, str(run.folder / "lock")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout.readline() == "held\n"
            assert run.is_locked() and run.state() == "running"
        finally:
            process.kill()
    assert not run.is_locked() and run.state() == "interrupted"
    assert (run.folder / "lock").exists()


def test_readers_take_no_one_for_a_worker_and_keep_none_out():
    """Many probe at once: none sees "running", and a worker gets the lock all the same."""
    run, wrong, over = settled(make_run()), [], threading.Event()
    with run.lock().acquire():
        pass

    def probe() -> None:
        while not over.is_set():
            if run.is_locked():
                wrong.append(1)

    readers = [threading.Thread(target=probe) for _ in range(4)]
    for reader in readers:
        reader.start()
    time.sleep(0.5)
    over.set()
    for reader in readers:
        reader.join()
    assert not wrong
    over.clear()
    readers = [threading.Thread(target=probe) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(5):
            with run.lock().acquire(timeout=5):
                pass
    finally:
        over.set()
        for reader in readers:
            reader.join()
