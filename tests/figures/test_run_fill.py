import json
import math
import random
from itertools import pairwise

import pytest

import handmade
from explorer.figures.run_fill import Choice, fill_figure, smooth_losses, thin, tick_log
from explorer.figures.run_rows import RunRows
from explorer.figures.training import create_run_charts
from explorer.records import StepRecord, UnitsRecord, WatchRecord
from explorer.training.config import TrainConfig
from explorer.training.schedule import RangeTest

CHARTS = create_run_charts()
ROWS = RunRows(handmade.rows([*handmade.tell(100), handmade.answer(100)]))


@pytest.mark.parametrize("count", [0, 1, 999, 1000])
def test_few_points_are_all_drawn(count):
    assert thin([1.0] * count) == list(range(count))


@pytest.mark.parametrize("count", [1001, 5000, 100_000])
def test_many_points_keep_their_peaks_and_gaps(count):
    draw = random.Random(count)
    values = [draw.random() for _ in range(count)]
    peak, dip, gap = draw.sample(range(count), 3)
    values[peak], values[dip], values[gap] = 9.0, -9.0, None
    kept = thin(values)
    assert len(kept) <= 1200 and kept == sorted(set(kept)) and kept[-1] == count - 1
    assert {peak, dip, gap} <= set(kept)


def test_a_long_run_of_a_deep_network_draws_few_cells():
    units = UnitsRecord({"gradient_norm": tuple(f"layer1.{index}" for index in range(100))})
    looks = [WatchRecord(step, step / 10, {"gradient_norm": (0.5,) * 100}) for step in range(1, 2001)]
    steps = [StepRecord(step, step / 10, 1.0, 0.5, 0.1, 9.0) for step in range(1, 20_001)]
    rows = RunRows(handmade.rows([units, *looks, *steps]))
    (heat,) = fill_figure(CHARTS["gradients"], rows)["data"]
    assert len(heat["x"]) <= 301 and heat["x"][0] == 1 and heat["x"][-1] == 2000 and len(heat["z"]) == 100
    assert sum(len(trace["x"]) for trace in fill_figure(CHARTS["loss"], rows)["data"]) <= 1200


@pytest.mark.parametrize(
    ("values", "shown"),
    [
        ([0.3, 4.0], {"0.2", "0.5", "1", "2", "5"}),
        ([1e-8, 1.0], {"10<sup>−8</sup>", "10<sup>−4</sup>", "1"}),
        ([], {"0.01", "0.1", "1", "10"}),
        ([2e-5, 5e-5], {"2·10<sup>−5</sup>", "2.5·10<sup>−5</sup>", "5·10<sup>−5</sup>"}),
        ([1.9, 4.4], {"1.5", "2", "2.5", "0.25"}),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_round_and_say_their_value(values, shown):
    ticks = tick_log(values)
    assert shown <= set(ticks["ticktext"])
    for value, text in zip(ticks["tickvals"], ticks["ticktext"], strict=True):
        digit, _, power = text.replace("<sup>", "^").replace("</sup>", "").replace("−", "-").partition("10^")
        number = float(digit.rstrip("·") or 1) * 10 ** int(power) if power else float(text)
        assert number == pytest.approx(value)
    assert len(ticks["tickvals"]) <= 60


@pytest.mark.parametrize("span", [0.301, 0.35, 0.5, 0.69, 0.7, 1.5, 2.49, 2.5, 6, 9])
@pytest.mark.parametrize("low", [shift / 7 - 3 for shift in range(15)])
def test_two_labels_of_a_logarithmic_axis_are_in_sight_wherever_it_begins(low, span):
    ticks = tick_log([10**low, 10 ** (low + span)])["tickvals"]
    assert sum(10**low * 0.999 <= tick <= 10 ** (low + span) * 1.001 for tick in ticks) >= 2


def test_a_narrow_logarithmic_axis_is_left_to_plotly():
    """The first losses of ten classes lie about ln 10: none of 1, 1.5, 2, 2.5, 3 may be among them."""
    assert tick_log([2.19, 2.3, 2.46]) == {} == tick_log([2.3])
    assert tick_log([2.19, 2.46], fine=False)["tickvals"]


def test_stages_are_told_apart_by_lines_and_named_once():
    layout = fill_figure(CHARTS["flow_depth"], ROWS)["layout"]
    assert layout["xaxis"]["ticktext"] == ["layer1", "layer2", "layer3"]
    assert layout["xaxis"]["tickvals"] == ["layer1.1", "layer2.1", "layer3.1"]
    assert [shape["x0"] for shape in layout["shapes"]] == [1.5, 3.5]


def test_labels_of_small_stages_never_touch_those_of_large_ones():
    names = ("stem.conv1", *(f"layer1.{index}" for index in range(60)), "head.fc")
    units = UnitsRecord({"gradient_norm": names})
    rows = RunRows(handmade.rows([units, WatchRecord(1, 0.1, {"gradient_norm": (1.0,) * len(names)})]))
    ticks = fill_figure(CHARTS["gradient_depth"], rows)["layout"]["xaxis"]
    places = [names.index(name) for name in ticks["tickvals"]]
    assert all(b - a >= 0.11 * len(names) for a, b in pairwise(places))
    assert "layer1" in ticks["ticktext"]


def test_the_time_that_is_looked_at_is_marked_on_charts_over_time():
    heat = fill_figure(CHARTS["gradients"], ROWS, Choice(at=40))["layout"]["shapes"]
    assert [shape["x0"] for shape in heat if shape.get("yref") == "paper"] == [40]
    assert "shapes" not in fill_figure(CHARTS["loss"], ROWS, Choice(at=40))["layout"]


def test_lines_of_single_layers_are_the_first_the_last_and_the_chosen():
    chosen = "layer2.0.branch.conv1"
    first, last, line = fill_figure(CHARTS["gradient_lines"], ROWS, Choice(unit=chosen))["data"]
    assert (first["name"], last["name"], line["name"]) == ("stem.conv1", "head.fc", chosen)
    place = len(handmade.LAYERS) - handmade.LAYERS.index(chosen)
    assert line["y"] == pytest.approx([0.9**place / step for step in range(10, 101, 10)])
    nothing = fill_figure(CHARTS["gradient_lines"], ROWS, Choice(unit="layer9.0"))["data"][2]
    assert nothing["x"] == []


def test_a_ratio_divides_and_leaves_blank_what_has_no_divisor():
    (heat,) = fill_figure(CHARTS["flow_ratio"], ROWS)["data"]
    assert heat["customdata"][0] == pytest.approx([4 / 3] * 10)
    plain = RunRows(handmade.rows(handmade.tell(100, plain=True)))
    (blank,) = fill_figure(CHARTS["flow_ratio"], plain)["data"]
    assert blank["x"] == []  # the chart says that there is nothing


def test_numbers_of_other_units_are_passed_over():
    odd = {"kind": "watch", "step": 200, "epoch": 4.0, "values": {"gradient_norm": [1.0]}}
    rows = RunRows([*handmade.rows(handmade.tell(100)), odd])
    (heat,) = fill_figure(CHARTS["gradients"], rows)["data"]
    assert heat["x"][-1] == 100
    assert fill_figure(CHARTS["gradient_depth"], rows)["data"][0]["x"] == []


def test_the_suggested_rate_is_the_one_that_training_suggests():
    config = TrainConfig(schedule="range")
    test, records = RangeTest(config), []
    for step in range(1, 301):
        rate = 1e-4 * 1.04**step
        loss = 2.3 - 1.2 / (1 + 0.03 / rate) + rate**2 / 4
        test.look(loss, rate)
        records.append(StepRecord(step, step / 100, loss, 0.1, rate, 100.0))
    raw, smooth, mark = fill_figure(CHARTS["range"], RunRows(handmade.rows(records)))["data"]
    assert mark["x"] == pytest.approx([test.best_rate / 10])
    assert raw["x"] == smooth["x"] == [record.learning_rate for record in records]
    assert min(smooth["y"]) == pytest.approx(test.best)


def test_smoothing_begins_right_and_keeps_gaps():
    assert smooth_losses([2.0, None, 2.0]) == [pytest.approx(2.0), None, pytest.approx(2.0)]
    a, b = smooth_losses([1.0, 3.0])
    assert a == pytest.approx(1.0) and b == pytest.approx((0.9 * 0.1 * 1 + 0.1 * 3) / (1 - 0.9**2))


def test_confusion_shows_shares_and_counts_of_classes_told_apart():
    (heat,) = fill_figure(CHARTS["confusion"], ROWS)["data"]
    assert heat["x"] == heat["y"] == ["cat", "dog", "cat (2)"]
    assert heat["z"][1] == [0.4, 0.5, 0.1] and heat["text"][1] == [4, 5, 1]
    (bars,) = fill_figure(CHARTS["classes"], ROWS)["data"]
    assert bars["y"] == ["dog", "cat", "cat (2)"] and bars["x"] == [0.5, 0.8, 0.9]  # the worst first
    assert bars["text"] == ["5 of 10", "8 of 10", "9 of 10"]


@pytest.mark.parametrize("confusion", [(), ((0, 0), (0, 0))])
def test_no_confusion_and_classes_without_images(confusion):
    answers = {"kind": "answers", "step": 1, "epoch": 1, "classes": ["a", "b"], "confusion": confusion, "wrong": []}
    for id in ("confusion", "classes"):
        json.dumps(fill_figure(CHARTS[id], RunRows([answers])), allow_nan=False)


def test_seconds_count_training_alone_and_know_no_gap():
    records = [
        StepRecord(step, step / 10, 1.0, 0.5, 0.1, speed) for step, speed in ((5, 100.0), (10, math.inf), (15, 50.0))
    ]
    rows = RunRows(handmade.rows(records), batch=20)
    assert [rows.place({"step": step}, "seconds") for step in (1, 5, 12, 15)] == pytest.approx([0, 1.0, 1.0, 3.0])
