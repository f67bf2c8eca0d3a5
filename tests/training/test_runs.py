import dataclasses
import json
import math
import os
import subprocess
import sys
import threading
import time

import pytest

from explorer.architecture.variant import parse_variant
from explorer.errors import RunError
from explorer.records import EpochRecord, FinalRecord, StepRecord, write_record
from explorer.training.config import TrainConfig
from explorer.training.runs import (
    RecordWriter,
    Run,
    create_run,
    find_run,
    find_run_by_id,
    list_runs,
    merge_records,
    trained_architecture,
)

RESNET8 = parse_variant("resnet8,width=4")


def make_run(folder=None, **settings) -> Run:
    return create_run(RESNET8, "digits", (1, 32, 32), 10, TrainConfig(**settings), folder)


def step(number: int, loss: float = 1.0) -> StepRecord:
    return StepRecord(number, number / 10, loss, 0.5, 0.1, 100.0, {"stem": 0.25})


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


def test_records_are_read_behind_an_offset():
    run = make_run()
    assert run.read_records() == ([], 0) and run.last_record() is None
    write(run, step(1), step(2))
    first, offset = run.read_records()
    assert [record["step"] for record in first] == [1, 2] and offset == run.records_path.stat().st_size
    assert run.read_records(offset) == ([], offset)
    write(run, EpochRecord(2, 1, 0.5, 0.9))
    second, end = run.read_records(offset)
    assert second == [{"kind": "epoch", "step": 2, "epoch": 1, "loss": 0.5, "accuracy": 0.9}]
    assert run.read_records(end) == ([], end) and run.last_record() == second[0]
    assert run.read_records(-5)[0] == first + second


def test_records_are_read_in_portions_of_whole_lines():
    run = make_run()
    write(run, *map(step, range(50)))
    seen, offset = [], 0
    while True:
        records, following = run.read_records(offset, 400)
        if following == offset:
            break
        seen, offset = seen + records, following
    assert [record["step"] for record in seen] == list(range(50))


def test_the_last_record_may_be_long():
    run = make_run()
    long = dataclasses.replace(step(3), gradient_norms={f"layer1.{n}": 1 / 3 for n in range(6000)})
    write(run, step(2), long)
    assert run.last_record()["step"] == 3
    assert len(run.read_records()[0]) == 2


def test_what_is_not_finite_is_written_as_null():
    run = make_run()
    write(run, EpochRecord(1, 1, math.nan, 0.1), step(2, math.inf))
    assert [record["loss"] for record in run.read_records()[0]] == [None, None]
    for line in run.records_path.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_a_torn_line_at_any_byte_leaves_readers_and_a_resume_whole():
    run = make_run()
    write(run, step(1), step(2))
    kept, torn = run.records_path.read_bytes(), write_record(step(3)).encode() + b"\n"
    for cut in range(len(torn) + 1):
        run.records_path.write_bytes(kept + torn[:cut])
        records, offset = run.read_records()
        assert [record["step"] for record in records] == ([1, 2, 3] if cut == len(torn) else [1, 2])
        assert run.last_record()["step"] == (3 if cut >= len(torn) - 1 else 2)
        write(run, step(4))  # the resumed worker
        following, _ = run.read_records(offset)
        whole = [3] if cut == len(torn) - 1 else []  # all of it but the newline
        assert [record["step"] for record in following] == [*whole, 4]


def test_lines_of_junk_are_passed_over():
    run = make_run()
    write(run, step(1))
    with open(run.records_path, "ab") as file:
        file.write(b"\xff\xfe\n[]\n3\nnull\n{\n\n")
    write(run, step(2))
    assert [record["step"] for record in run.read_records()[0]] == [1, 2]


def test_a_reader_never_sees_half_a_record_while_they_are_written():
    run, seen, offset = make_run(), [], 0
    thread = threading.Thread(target=lambda: write(run, *map(step, range(500))))
    thread.start()
    while thread.is_alive() or run.read_records(offset)[0]:
        records, offset = run.read_records(offset)
        seen += records
    assert [record["step"] for record in seen] == list(range(500))


def read(text: str) -> list[dict]:
    """ "s3a" is a step record of step 3 with loss "a"; e is an epoch, f a final record."""
    kinds = {"s": "step", "e": "epoch", "f": "final"}
    return [{"kind": kinds[word[0]], "step": int(word[1]), "loss": word[2:]} for word in text.split()]


@pytest.mark.parametrize(
    ("written", "merged"),
    [
        ("", ""),
        ("s1 s2 e2 f2", "s1 s2 e2 f2"),
        ("s1a s2a s3a s2b s3b s4b", "s1a s2b s3b s4b"),
        ("s1 s2a e2a f2 s2b e2b s3 e3 f3", "s1 s2b e2b s3 e3 f3"),
        ("s1 f1 s2", "s1 s2"),
        ("s1 f1a f1b", "s1 f1b"),
        ("s2 s4a f4 s3 s4b", "s2 s3 s4b"),
        ("e2 s2", "s2 e2"),
    ],
)
def test_the_last_record_of_a_step_counts(written, merged):
    assert merge_records(read(written)) == read(merged)


def test_unknown_records_are_left_out_of_the_merge():
    assert merge_records([{}, {"kind": "step"}, {"kind": "other", "step": 1}, {"kind": "epoch", "step": "x"}]) == []


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


def test_the_last_accuracy_is_found_however_long_ago():
    run = make_run()
    assert run.last_accuracy() is None
    wide = dataclasses.replace(step(3), gradient_norms={f"layer1.{n}": 1 / 3 for n in range(1000)})
    write(run, EpochRecord(1, 1, 1.0, 0.25), step(2), EpochRecord(2, 2, 1.0, 0.75), *[wide] * 60)
    assert run.records_path.stat().st_size > 1 << 20 and run.last_accuracy() == 0.75
    with open(run.records_path, "ab") as file:
        file.write(b'{"kind": "epoch", "step": 4, "accu')
    assert run.last_accuracy() == 0.75


@pytest.mark.parametrize("offset", [10**4, 2**63, 10**30])
def test_an_offset_behind_the_records_has_none_and_leads_to_their_end(offset):
    run = make_run()
    write(run, step(1), step(2))
    assert run.read_records(offset) == ([], run.records_path.stat().st_size)
