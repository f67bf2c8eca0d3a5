import csv
import io
import json
import math
import sys

import pytest

from explorer.errors import RunError
from explorer.figures.run_files import format_csv, format_json, format_watch_csv, name_events, write_events
from explorer.records import (
    AlarmRecord,
    EpochRecord,
    FinalRecord,
    StepRecord,
    UnitsRecord,
    WatchRecord,
    write_record,
)
from witness import is_one_clear_sentence

RECORDS = [
    json.loads(write_record(record))
    for record in (
        UnitsRecord({"dead": ("layer1.0.act",), "gradient_norm": ("stem.conv1", "layer1.0.branch.conv1")}),
        StepRecord(1, 0.5, math.nan, 0.25, 0.1, 700.0, 3.5, 10**9),
        WatchRecord(1, 0.5, {"gradient_norm": (0.5, math.inf), "dead": (0.125,)}),
        StepRecord(2, 1.0, 1.5, 0.5, 0.05, 710.0, 2.5, 10**9),
        AlarmRecord(2, "dead", "stage 1", "Many units are dead."),
        EpochRecord(2, 1, 1.25, 0.75),
        WatchRecord(2, 1.0, {"gradient_norm": (0.25, 4.0), "dead": (0.0,)}),
        FinalRecord(2, "finished", "Finished."),
    )
]


def read(text: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_a_line_a_step_with_what_was_held_out_beside_it():
    first, second = read(format_csv(RECORDS))
    assert first == {
        "step": "1", "epoch": "0.5", "loss": "", "accuracy": "0.25", "learning_rate": "0.1",
        "images_per_second": "700.0", "gradient_norm": "3.5", "memory": "1000000000",
        "held_out_loss": "", "held_out_accuracy": "",
    }  # fmt: skip
    assert (second["step"], second["epoch"], second["loss"]) == ("2", "1.0", "1.5")
    assert (second["held_out_loss"], second["held_out_accuracy"]) == ("1.25", "0.75")


def test_an_epoch_without_a_step_has_a_line_of_its_own_and_steps_stay_in_order():
    rows = read(format_csv([RECORDS[3], {"kind": "epoch", "step": 1, "epoch": 1, "loss": 2.0, "accuracy": None}]))
    assert [(row["step"], row["held_out_loss"], row["held_out_accuracy"]) for row in rows] == [
        ("1", "2.0", ""),
        ("2", "", ""),
    ]
    assert read(format_csv([])) == [] and format_csv([]).startswith("step,epoch,loss")


def test_what_the_instruments_saw_is_a_line_a_number():
    assert format_watch_csv(RECORDS) == (
        "step,quantity,unit,value\n"
        "1,gradient_norm,stem.conv1,0.5\n1,gradient_norm,layer1.0.branch.conv1,\n1,dead,layer1.0.act,0.125\n"
        "2,gradient_norm,stem.conv1,0.25\n2,gradient_norm,layer1.0.branch.conv1,4.0\n2,dead,layer1.0.act,0.0\n"
    )


def test_gradient_norms_of_the_first_version_are_there_too():
    old = [{"kind": "step", "step": 3, "gradient_norms": {"stem": 0.5}}]
    assert read(format_watch_csv(old)) == [{"step": "3", "quantity": "gradient_norm", "unit": "stem", "value": "0.5"}]


def test_numbers_whose_names_are_lost_are_counted():
    lost = [{"kind": "watch", "step": 1, "values": {"dead": [0.5, 0.25]}}]
    assert [row["unit"] for row in read(format_watch_csv(lost))] == ["0", "1"]


def test_json_holds_everything():
    content = json.loads(format_json({"id": "a", "settings": {"lr": None}}, RECORDS, {"kind": "answers"}))
    assert content == {"run": {"id": "a", "settings": {"lr": None}}, "records": RECORDS, "answers": {"kind": "answers"}}


def test_tensorboard_reads_every_number_back(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (tmp_path / name_events("a", 1.7e9)).write_bytes(write_events(RECORDS, 1.7e9))
    seen = EventAccumulator(str(tmp_path), size_guidance={"scalars": 0})
    seen.Reload()
    scalars = {tag: [(event.step, event.value) for event in seen.Scalars(tag)] for tag in seen.Tags()["scalars"]}
    expected = {
        "loss/training": [(2, 1.5)],
        "loss/held out": [(2, 1.25)],
        "accuracy/training": [(1, 0.25), (2, 0.5)],
        "accuracy/held out": [(2, 0.75)],
        "learning rate": [(1, 0.1), (2, 0.05)],
        "images per second": [(1, 700.0), (2, 710.0)],
        "gradient norm of all": [(1, 3.5), (2, 2.5)],
        "memory in bytes": [(1, 1e9), (2, 1e9)],
        "gradient_norm/stem.conv1": [(1, 0.5), (2, 0.25)],
        "gradient_norm/layer1.0.branch.conv1": [(2, 4.0)],
        "dead/layer1.0.act": [(1, 0.125), (2, 0.0)],
    }
    assert scalars == {tag: [(step, pytest.approx(value)) for step, value in pairs] for tag, pairs in expected.items()}
    assert all(event.wall_time == 1.7e9 for event in seen.Scalars("loss/training"))


def test_without_tensorboard_one_sentence_says_how_to_get_it(monkeypatch):
    for name in ("record_writer", "event_pb2"):
        monkeypatch.setitem(sys.modules, f"tensorboard.{name}", None)
    for name in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(RunError, match=r"pip install 'resnet-explorer\[tensorboard\]'") as caught:
        write_events(RECORDS, 0.0)
    assert is_one_clear_sentence(str(caught.value))
