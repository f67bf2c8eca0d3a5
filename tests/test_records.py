import json
import math
from dataclasses import FrozenInstanceError, fields

import pytest

from explorer.records import EpochRecord, Evaluation, FinalRecord, Prediction, StepRecord, WatchRecord, write_record

STEP = StepRecord(7, 0.25, 1.5, 0.5, 0.1, 800.0, 2.5, 1_000_000)


@pytest.mark.parametrize(
    ("record", "content"),
    [
        (STEP, {
            "kind": "step", "step": 7, "epoch": 0.25, "loss": 1.5, "accuracy": 0.5, "learning_rate": 0.1,
            "images_per_second": 800.0, "gradient_norm": 2.5, "memory": 1_000_000,
        }),
        (EpochRecord(20, 2, 0.75, 0.875), {"kind": "epoch", "step": 20, "epoch": 2, "loss": 0.75, "accuracy": 0.875}),
        (FinalRecord(20, "finished", "Done — “all” of it.\nYes."),
         {"kind": "final", "step": 20, "status": "finished", "message": "Done — “all” of it.\nYes.",
          "test_accuracy": None}),
        (WatchRecord(11, 0.5, {"dead": (0.0, 0.25)}),
         {"kind": "watch", "step": 11, "epoch": 0.5, "values": {"dead": [0.0, 0.25]}}),
    ],
)  # fmt: skip
def test_a_record_is_one_line_of_json_that_says_its_kind(record, content):
    line = write_record(record)
    assert "\n" not in line and line.startswith(f'{{"kind": "{record.kind}"')
    assert json.loads(line) == content


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_become_null(odd):
    def refuse(constant):
        raise AssertionError(constant)

    content = json.loads(write_record(StepRecord(1, 0.5, odd, 0.5, 0.1, odd)), parse_constant=refuse)
    assert content["loss"] is content["images_per_second"] is None
    watch = json.loads(write_record(WatchRecord(1, 0.5, {"dead": (odd, 1.0)})), parse_constant=refuse)
    assert watch["values"]["dead"] == [None, 1.0]


def test_accuracy_is_a_share_also_of_nothing():
    assert Evaluation(3, 4, 1.0).accuracy == 0.75
    assert Evaluation(0, 0, 0.0).accuracy == 0.0


@pytest.mark.parametrize("record", [STEP, Evaluation(1, 2, 0.5), Prediction((("a", 1.0),))])
def test_records_do_not_change(record):
    with pytest.raises(FrozenInstanceError):
        setattr(record, fields(record)[0].name, 1)
