import json
import math
import threading

import pytest

from explorer.architecture.variant import parse_variant
from explorer.records import (
    AlarmRecord,
    EpochRecord,
    FilmRecord,
    FinalRecord,
    StepRecord,
    UnitsRecord,
    WatchRecord,
    write_record,
)
from explorer.training.config import TrainConfig
from explorer.training.journal import PORTION
from explorer.training.runs import RecordWriter, Run, create_run, merge_records


def make_run() -> Run:
    return create_run(parse_variant("resnet8,width=4"), "digits", (1, 32, 32), 10, TrainConfig())


def step(number: int, loss: float = 1.0) -> StepRecord:
    return StepRecord(number, number / 10, loss, 0.5, 0.1, 100.0, 0.25, 1 << 20)


def write(run: Run, *records, name: str = "records.jsonl") -> None:
    writer = RecordWriter(run, name)
    for record in records:
        writer.write(record)
    writer.close()


def read(text: str) -> list[dict]:
    """ "s3a" is a step record of step 3 with loss "a"; other letters are other kinds, "a3.x" alarm x of step 3."""
    kinds = {"s": "step", "e": "epoch", "f": "final", "u": "units", "w": "watch", "a": "alarm"}
    records = []
    for word in text.split():
        kind, step, rest = kinds[word[0]], word[1:2], word[2:]
        own = {"name": rest} if kind == "alarm" else {"loss": rest}
        records.append({"kind": kind} if kind == "units" else {"kind": kind, "step": int(step), **own})
    return records


RECORDS = (
    UnitsRecord({"gradient_norm": ("stem.conv1", "layer1.0.branch.conv1"), "dead": ("stem.act",)}),
    step(1),
    WatchRecord(1, 0.1, {"gradient_norm": (0.5, 0.25), "dead": (math.nan,)}),
    AlarmRecord(1, "dead", "stage 1", "Dead “units” above 40 %: try a lower rate\n."),
    EpochRecord(1, 1, 0.5, 0.9),
    FinalRecord(1, "stopped", "Stopped after 1 of 9 steps."),
)


def read_back(run: Run, path, offset: int = 0) -> list[dict]:
    reader = run.read_film if path == run.film_path else run.read_records
    return reader(offset)[0]


@pytest.mark.parametrize("film", [False, True])
def test_a_file_cut_at_any_byte_gives_back_all_that_was_whole_and_takes_more(film):
    """What a crash leaves, then the lines of the worker that goes on."""
    run = make_run()
    path = run.film_path if film else run.records_path
    records = (
        (FilmRecord(1, "conv1", (2, 4, 4), 1, "aGk="), FilmRecord(5, "conv1", (2, 4, 4), 1, "aG8="))
        if film
        else RECORDS
    )
    write(run, *records, name=path.name)
    content, more = path.read_bytes(), step(2)
    lines = content.splitlines(keepends=True)
    ends = [sum(map(len, lines[: number + 1])) for number in range(len(lines))]
    expected = [json.loads(line) for line in lines]
    for cut in range(len(content) + 1):
        path.write_bytes(content[:cut])
        whole = sum(end <= cut for end in ends)
        assert read_back(run, path) == expected[:whole]
        write(run, more, name=path.name)
        rescued = sum(end <= cut + 1 for end in ends)  # only the newline was lost
        assert read_back(run, path) == [*expected[:rescued], json.loads(write_record(more))]


def test_readers_of_the_end_and_of_an_offset_bear_a_torn_line():
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
        ("u s1 w1a u w1b s2", "u w1b s1 s2"),
        ("s1 w2a e2 s2 a2.x a2.y w2b a2.x", "s1 w2b s2 a2.x a2.y e2"),
    ],
)
def test_the_last_record_of_a_step_counts(written, merged):
    assert merge_records(read(written)) == read(merged)


def test_unknown_records_are_left_out_of_the_merge():
    assert merge_records([{}, {"kind": "step"}, {"kind": "other", "step": 1}, {"kind": "epoch", "step": "x"}]) == []


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
    long = WatchRecord(3, 0.3, {f"quantity{n}": (1 / 3,) * 9000 for n in range(8)})
    write(run, step(2), long)
    assert run.records_path.stat().st_size > PORTION and run.last_record()["step"] == 3
    (first,), offset = run.read_records()
    (second,), end = run.read_records(offset)
    assert (first["step"], second["step"], end) == (2, 3, run.records_path.stat().st_size)


def test_what_is_not_finite_is_written_as_null():
    run = make_run()
    write(run, EpochRecord(1, 1, math.nan, 0.1), step(2, math.inf))
    assert [record["loss"] for record in run.read_records()[0]] == [None, None]
    for line in run.records_path.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_the_last_accuracy_is_found_however_long_ago():
    run = make_run()
    assert run.last_accuracy() is None
    wide = WatchRecord(3, 0.3, {"gradient_norm": (1 / 3,) * 1000})
    write(run, EpochRecord(1, 1, 1.0, 0.25), step(2), EpochRecord(2, 2, 1.0, 0.75), *[wide] * 60)
    assert run.records_path.stat().st_size > 1 << 20 and run.last_accuracy() == 0.75
    with open(run.records_path, "ab") as file:
        file.write(b'{"kind": "epoch", "step": 4, "accu')
    assert run.last_accuracy() == 0.75
    with open(run.records_path, "ab") as file:
        file.write(b'\n{"kind": "epoch", "step": 4, "accuracy": null}\n{"kind": "epoch"}\n')
    assert run.last_accuracy() == 0.75


@pytest.mark.parametrize("offset", [10**4, 2**63, 10**30])
def test_an_offset_behind_the_records_has_none_and_leads_to_their_end(offset):
    run = make_run()
    write(run, step(1), step(2))
    assert run.read_records(offset) == ([], run.records_path.stat().st_size)


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
    assert run.read_records(-5)[0] == run.read_records(0, 1 << 50)[0] == run.read_all_records() == first + second
