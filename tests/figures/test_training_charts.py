import json
import math

import pytest

from explorer.figures.training import plot_run
from explorer.records import EpochRecord, StepRecord, write_record

IDS = ["loss", "accuracy", "learning_rate", "throughput", "gradients"]


def as_rows(*records):
    return [json.loads(write_record(record)) for record in records]


ROWS = as_rows(
    StepRecord(10, 0.5, 2.0, 0.25, 0.05, 700.0, {"stem": 0.1, "layer1.0": 10.0}),
    EpochRecord(20, 1, 1.5, 0.5),
    StepRecord(20, 1.0, 1.0, 0.75, 0.1, 720.0, {"stem": 0.01, "layer1.0": 1000.0}),
)


def validate(figure):
    """Plotly's own check of every property."""
    import plotly.graph_objects as go

    return go.Figure(figure)


@pytest.mark.parametrize("rows", [[], ROWS, ROWS[:1], ROWS[1:2]], ids=["empty", "all", "a step", "an epoch"])
def test_plotly_accepts_every_chart(rows):
    figures = plot_run(rows)
    assert list(figures) == IDS
    for figure in figures.values():
        drawn = validate(figure)
        assert drawn.layout.title.text and len(drawn.data) == len(figure["data"]) >= 1
        assert validate(json.loads(json.dumps(figure, allow_nan=False)))  # it goes to the page as JSON


def test_plotlys_check_would_find_a_mistake():
    with pytest.raises(ValueError, match="colour"):
        validate({"data": [{"type": "scatter", "line": {"colour": "red"}}]})


@pytest.mark.parametrize("chart", IDS)
def test_an_empty_chart_has_axes_and_a_sentence(chart):
    figure = plot_run()[chart]
    layout = validate(figure).layout
    assert layout.xaxis.title.text == "step"
    assert figure["layout"]["meta"]["empty"].endswith(".")
    ranges = figure["layout"]["meta"]["empty_axes"]
    for axis in ("xaxis", "yaxis"):
        low, high = ranges[axis]["range"]
        assert low < high
    assert all(len(trace["x"]) == 0 for trace in figure["data"])
    validate({"data": [], "layout": {**{k: v for k, v in figure["layout"].items() if k != "meta"}, **ranges}})


def lines(chart, rows=ROWS):
    return {trace["name"]: (trace["x"], trace["y"]) for trace in plot_run(rows)[chart]["data"]}


def test_lines_hold_the_records_numbers():
    assert lines("loss") == {"training": ([10, 20], [2.0, 1.0]), "held out": ([20], [1.5])}
    assert lines("accuracy") == {"training": ([10, 20], [0.25, 0.75]), "held out": ([20], [0.5])}
    assert lines("learning_rate") == {"learning rate": ([10, 20], [0.05, 0.1])}
    assert lines("throughput") == {"images/s": ([10, 20], [700.0, 720.0])}


def test_training_and_held_out_differ_in_more_than_colour():
    training, held_out = plot_run(ROWS)["loss"]["data"]
    assert training["line"]["color"] != held_out["line"]["color"]
    assert training["line"]["dash"] != held_out["line"]["dash"] and training["mode"] != held_out["mode"]


def test_gradient_norms_are_powers_of_ten_with_the_input_at_the_top():
    figure = plot_run(ROWS)["gradients"]
    (trace,) = figure["data"]
    assert trace["x"] == [10, 20] and trace["y"] == ["stem", "layer1.0"]
    for row, expected in zip(trace["z"], [[-1, -2], [1, 3]], strict=True):
        assert row == pytest.approx(expected)
    assert figure["layout"]["yaxis"]["autorange"] == "reversed"


def test_what_is_not_finite_leaves_a_gap():
    rows = as_rows(
        StepRecord(1, 0.1, math.nan, 0.1, 0.1, math.inf, {"stem": 0.0, "layer1.0": math.nan}),
        StepRecord(2, 0.2, 1.0, 0.1, 0.1, 5.0, {"stem": 1.0}),
    )
    assert lines("loss", rows)["training"] == ([1, 2], [None, 1.0])
    assert lines("throughput", rows)["images/s"] == ([1, 2], [None, 5.0])
    assert plot_run(rows)["gradients"]["data"][0]["z"] == [[None, 0.0], [None, None]]
    for figure in plot_run(rows).values():
        validate(figure)


def test_the_last_word_of_a_run_and_unknown_records_are_passed_over():
    rows = [*ROWS, {"kind": "final", "step": 20, "status": "finished", "message": "Done."}, {"kind": "new"}, {}]
    assert plot_run(rows) == plot_run(ROWS)


def test_traces_name_the_fields_the_page_fills_them_from():
    fields = {
        (trace["meta"]["kind"], trace["meta"]["field"]) for figure in plot_run().values() for trace in figure["data"]
    }
    step, epoch = ROWS[0], ROWS[1]
    assert all(field in {"step": step, "epoch": epoch}[kind] for kind, field in fields)
    assert {field for kind, field in fields if kind == "step"} == set(step) - {"kind", "step", "epoch"}
