import json
import math

import pytest

import handmade
from explorer.figures.run_fill import Choice, fill_figure
from explorer.figures.run_race import AXES, MOST_RUNS, STYLES, create_race, plot_race
from explorer.figures.run_rows import RunRows
from explorer.figures.training import GROUPS, RACE_GROUPS, create_run_charts, describe_charts, plot_run
from explorer.records import EpochRecord, StepRecord, WatchRecord
from explorer.training.settings import INSTRUMENTS

ROWS = handmade.rows(
    (
        StepRecord(10, 0.5, 2.0, 0.25, 0.05, 700.0, 3.0, 10**9),
        EpochRecord(20, 1, 1.5, 0.5),
        StepRecord(20, 1.0, 1.0, 0.75, 0.1, 720.0, 2.0, 10**9),
    )
)
WHOLE = [*handmade.rows([*handmade.tell(100), handmade.answer(100)])]
STEP = {"kind": "step", "epoch": 0.5, "loss": 2.0, "accuracy": 0.5, "learning_rate": 0.1, "images_per_second": 9.0}
OLD = [  # as the first versions wrote
    {**STEP, "step": 10, "gradient_norms": {"stem": 0.1, "layer1.0": 10.0}},
    {**STEP, "step": 20, "gradient_norms": {"stem": 0.01, "layer1.0": 0.0}},
]
IDS = list(create_run_charts())


def validate(figure):
    """Plotly's own check of every property."""
    import plotly.graph_objects as go

    return go.Figure(figure)


@pytest.mark.parametrize(
    "rows", [[], ROWS, ROWS[:1], ROWS[1:2], WHOLE, OLD], ids=["empty", "all", "a step", "an epoch", "watched", "old"]
)
def test_plotly_accepts_every_chart(rows):
    for figure in plot_run(rows, Choice(at=55, unit="head.fc")).values():
        drawn = validate(figure)
        assert drawn.layout.title.text and len(drawn.data) == len(figure["data"]) >= 1
        assert validate(json.loads(json.dumps(figure, allow_nan=False)))  # it goes to the page as JSON


def test_plotlys_check_would_find_a_mistake():
    with pytest.raises(ValueError, match="colour"):
        validate({"data": [{"type": "scatter", "line": {"colour": "red"}}]})


@pytest.mark.parametrize("chart", IDS)
def test_an_empty_chart_has_a_title_and_a_sentence(chart):
    figure = plot_run()[chart]
    layout = figure["layout"]
    assert layout["meta"]["empty"].endswith(".") and layout["meta"]["words"].endswith(".")
    assert layout["title"]["text"]
    assert all(len(trace["x"]) == 0 for trace in figure["data"])
    validate({"data": [], "layout": {k: v for k, v in layout.items() if k != "meta"}})


@pytest.mark.parametrize("chart", IDS)
def test_a_whole_run_fills_every_chart(chart):
    assert any(trace["x"] for trace in plot_run(WHOLE, Choice(unit="head.fc"))[chart]["data"])


def lines(chart, rows=ROWS):
    return {trace["name"]: (trace["x"], trace["y"]) for trace in plot_run(rows)[chart]["data"]}


def test_lines_hold_the_records_numbers():
    assert lines("loss") == {"training": ([10, 20], [2.0, 1.0]), "held out": ([20], [1.5]), "alarm": ([], [])}
    assert lines("accuracy") == {"training": ([10, 20], [0.25, 0.75]), "held out": ([20], [0.5])}
    assert lines("learning_rate") == {"learning rate": ([10, 20], [0.05, 0.1])}
    assert lines("throughput") == {"images/s": ([10, 20], [700.0, 720.0])}
    assert lines("memory") == {"memory": ([10, 20], [10**9, 10**9])}


def test_memory_that_nobody_measured_is_no_line_at_zero():
    rows = [{**row, "memory": 0} for row in ROWS if row["kind"] == "step"]
    assert lines("memory", rows) == {"memory": ([], [])}


def test_an_alarm_stands_on_the_line_of_the_loss():
    (x, y) = lines("loss", WHOLE)["alarm"]
    assert x == [40] and y == pytest.approx([2 / (1 + 40 / 50)])


def test_training_and_held_out_differ_in_more_than_colour():
    training, held_out, _ = plot_run(ROWS)["loss"]["data"]
    assert training["line"]["color"] != held_out["line"]["color"]
    assert training["line"]["dash"] != held_out["line"]["dash"] and training["mode"] != held_out["mode"]


def test_gradient_norms_of_old_runs_are_drawn_by_block():
    (trace,) = plot_run(OLD)["gradients"]["data"]
    assert trace["x"] == [10, 20] and trace["y"] == ["stem", "layer1.0"]
    assert trace["z"] == [[-1, -2], [1, None]] and trace["customdata"] == [[0.1, 0.01], [10.0, 0.0]]


def test_a_heatmap_has_a_row_a_layer_and_a_column_a_look_with_the_input_at_the_top():
    figure = plot_run(WHOLE)["gradients"]
    (trace,) = figure["data"]
    looks = list(range(10, 101, 10))
    assert trace["x"] == looks and trace["y"] == list(handmade.LAYERS)
    for row, name in zip(trace["z"], handmade.LAYERS, strict=True):
        place = len(handmade.LAYERS) - handmade.LAYERS.index(name)
        assert row == pytest.approx([math.log10(0.9**place / step) for step in looks])
    assert figure["layout"]["yaxis"]["autorange"] == "reversed"


def test_what_is_not_finite_leaves_a_gap():
    rows = handmade.rows(
        (
            StepRecord(1, 0.1, math.nan, 0.1, 0.1, math.inf),
            StepRecord(2, 0.2, 1.0, 0.1, 0.1, 5.0),
        )
    )
    assert lines("loss", rows)["training"] == ([1, 2], [None, 1.0])
    assert lines("throughput", rows)["images/s"] == ([1, 2], [None, 5.0])
    values = {"gradient_norm": (math.nan, *(1.0,) * (len(handmade.LAYERS) - 1))}
    units = next(handmade.tell(1))
    watched = handmade.rows((units, WatchRecord(1, 0.1, values)))
    (trace,) = plot_run(watched)["gradients"]["data"]
    assert trace["z"][0] == [None] and trace["z"][1] == [0.0]
    for figure in plot_run([*rows, *watched]).values():
        validate(figure)


def test_the_last_word_of_a_run_and_unknown_records_are_passed_over():
    rows = [*ROWS, {"kind": "final", "step": 20, "status": "finished", "message": "Done."}, {"kind": "new"}, {}]
    assert plot_run(rows) == plot_run(ROWS)


def test_of_a_repeated_step_the_last_counts_and_they_come_in_order():
    again = {**ROWS[0], "loss": 1.9}
    assert lines("loss", [*ROWS, again])["training"] == ([10, 20], [1.9, 1.0])


def test_each_group_names_charts_that_are_there_and_instruments_that_can_be_switched():
    charts, race = create_run_charts(), create_race()
    for group in GROUPS:
        assert all(id in charts for id in (*group.charts, *(id for id, _ in group.choices)))
    for group in RACE_GROUPS:
        assert all(id in race for id in group.charts) and all(id in charts for id, _ in group.choices)
    for group in (*GROUPS, *RACE_GROUPS):
        assert not group.instrument or group.instrument in INSTRUMENTS
    shown = {id for group in GROUPS for id in (*group.charts, *(id for id, _ in group.choices))}
    assert set(charts) - shown == {"range"}  # which the page adds where the rate rises
    json.dumps(describe_charts(), allow_nan=False)


def test_runs_over_each_other_have_their_own_colour_or_dash_and_a_number():
    runs = [(f"resnet{place}", RunRows(WHOLE, 64)) for place in range(MOST_RUNS)]
    for axis in AXES:
        for figure in plot_race(runs, axis).values():
            validate(figure)
            looks = [(trace["line"]["color"], trace["line"]["dash"]) for trace in figure["data"]]
            assert len(set(looks)) == MOST_RUNS == len(STYLES)
            assert [trace["name"][0] for trace in figure["data"]] == [str(place + 1) for place in range(MOST_RUNS)]
            assert figure["layout"]["xaxis"]["title"]["text"] == AXES[axis]


@pytest.mark.parametrize(
    ("axis", "x"),
    [("step", [10, 20]), ("epoch", [0.5, 1.0]), ("seconds", [10 * 64 / 700, 10 * 64 / 700 + 10 * 64 / 720])],
)
def test_errors_of_a_race_are_what_is_not_right_along_steps_epochs_or_seconds(axis, x):
    (training,) = plot_race([("resnet8", RunRows(ROWS, 64))], axis)["training_error"]["data"]
    assert training["x"] == pytest.approx(x) and training["y"] == pytest.approx([0.75, 0.25])
    (held,) = plot_race([("resnet8", RunRows(ROWS, 64))], axis)["held_error"]["data"]
    assert held["x"] == pytest.approx(x[1:]) and held["y"] == [0.5]


def test_a_chart_by_depth_shows_the_time_asked_for_on_the_scale_of_all_times():
    figure = create_run_charts()["flow_depth"]
    rows = RunRows(WHOLE)
    for at, step in ((None, 100), (100, 100), (57, 50), (10, 10)):
        filled = fill_figure(figure, rows, Choice(at=at))
        shortcut, branch = filled["data"]
        assert shortcut["x"] == branch["x"] == list(handmade.BLOCKS)
        assert shortcut["y"] == pytest.approx([3 * 0.9 ** (6 - place) / step for place in range(6)])
        assert branch["y"] == pytest.approx([4 * 0.9 ** (6 - place) / step for place in range(6)])
        low, high = filled["layout"]["yaxis"]["range"]
        assert 10**low < 3 * 0.9**6 / 100 < 4 * 0.9 / 10 < 10**high
    assert fill_figure(figure, rows, Choice(at=3))["data"][0]["x"] == []  # before the first look
