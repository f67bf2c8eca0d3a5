import csv
import io
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

from explorer.figures import measure as figure
from explorer.figures.format import format_seconds
from explorer.records import Environment, MeasuredPass, Measurement, read_measurement
from measured import BOTH, ENVIRONMENT, FORWARD, ONE, around


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(1.6614, "1.66 s"), (0.4123, "412 ms"), (0.00312, "3.12 ms"), (85.34e-6, "85.3 µs"), (0.99996, "1.00 s"),
     (123.4, "123 s"), (0.0, "0.00 µs")],
)  # fmt: skip
def test_seconds_have_three_digits(seconds, text):
    assert format_seconds(seconds) == text


def test_the_text_has_totals_errors_and_parts():
    text = figure.format_text(BOTH)
    assert "resnet8,classes=2, batch 4\ncpu: Some <Processor>, 4 threads, load 0.5; float32; torch 2.9.0" in text
    # 4 images in 20 ms; two FLOPs for each of 1000 MACs, 4 images, in 20 ms
    assert "Forward pass: 20.0 ms (18.0–24.0 ms in 5 repeats), 200 images/s, 400 kFLOP/s" in text
    assert "Training step: 80.0 ms (72.0–96.0 ms in 5 repeats), 50 images/s, 290 kFLOP/s" in text
    assert "peak memory: 2.00 MB measured, 2.00 MB estimated (exact)" in text
    assert "peak memory: 5.00 MB measured, 5.50 MB estimated (+10.0%)" in text
    assert "kept for backward: 3.00 MB measured, 3.00 MB estimated (exact)" in text
    rows = {line.split()[0]: re.split(r"\s{2,}", line.strip()) for line in text.splitlines() if line[:1].islower()}
    assert rows["stem"][1:5] == ["10.0%", "10.0 ms", "9.00–12.0 ms", "50.0%"]
    assert rows["layer1.0"][1:] == [
        "90.0%", "10.0 ms", "9.00–12.0 ms", "50.0%", "720 k", "56.0 ms", "50.4–67.2 ms", "70.0%", "386 k"]  # fmt: skip
    assert rows["optimizer"][1:] == ["6.00 ms", "5.40–7.20 ms", "7.5%"]


def test_notes_say_what_the_sum_of_the_parts_is():
    notes = figure.list_notes(BOTH)
    assert "In the forward pass they add up to 20.0 ms, 90.9% of such a call, 10.0% longer than a plain one." in notes
    assert "In the training step they add up to 80.0 ms, 105.3% of such a call, 5.0% shorter than a plain one." in notes
    assert "Forward pass: slow for their MACs are stem (50.0% of the time, 10.0% of the MACs)." in notes
    assert not any("repeat" in note or "busy" in note for note in notes)
    assert all(note.endswith(".") for note in notes)


def test_few_repeats_and_a_busy_machine_are_said():
    few = MeasuredPass("forward", 1000, around(1, 1), around(1, 1), FORWARD.parts, {}, FORWARD.memory)
    busy = Environment(**{name: getattr(ENVIRONMENT, name) for name in ENVIRONMENT.__slots__} | {"load": 2.0})
    notes = " ".join(figure.list_notes(Measurement("resnet8", 1, 1.0, 9.0, busy, (few,))))
    assert "Only 1 repeat fitted" in notes and "busy already, load 2.0" in notes and "slow for" not in notes
    assert "one repeat" in figure.format_text(Measurement("resnet8", 1, 1.0, 9.0, busy, (few,)))


def test_the_csv_has_a_line_a_part_and_pass_in_seconds():
    rows = list(csv.DictReader(io.StringIO(figure.format_csv(BOTH))))
    assert [(row["pass"], row["part"]) for row in rows] == [
        ("forward", "stem"), ("forward", "layer1.0"), ("forward", "total"), ("train", "stem"), ("train", "layer1.0"),
        ("train", "loss"), ("train", "optimizer"), ("train", "total")]  # fmt: skip
    stem = rows[3]
    assert float(stem["seconds"]) == 0.016 and float(stem["backward_seconds"]) == 0.006
    assert float(stem["time_share"]) == pytest.approx(0.2) and float(stem["macs_share"]) == pytest.approx(200 / 2900)
    assert float(stem["flops_per_second"]) == pytest.approx(2 * 200 * 4 / 0.016)
    assert sum(float(row["time_share"]) for row in rows[3:7]) == pytest.approx(1)


def test_json_is_the_record():
    assert read_measurement(json.loads(figure.format_json(BOTH))) == BOTH


def test_markdown_has_two_tables():
    text = figure.format_markdown(BOTH)
    assert "| Training step, peak memory | 5.00 MB | 5.50 MB | +10.0% |" in text
    tables = [block.splitlines() for block in text.split("\n\n") if block.startswith("|")]
    assert [len(table) for table in tables] == [2 + 5, 2 + 4]
    for table in tables:
        assert len({line.count("|") for line in table}) == 1


@pytest.mark.parametrize("measurement", [BOTH, ONE], ids=["both", "training"])
def test_the_page_gets_tables_with_names_and_nothing_from_outside_as_html(measurement):
    totals = ElementTree.fromstring(f"<div>{figure.draw_totals(measurement).replace('<br>', '<br/>')}</div>")
    assert len(totals.findall("section")) == len(measurement.passes)
    table = ElementTree.fromstring(figure.draw_parts(measurement, {"layer1.0": "layer1.9"}))
    rows = table.findall("tbody/tr")
    assert [row.get("data-name") for row in rows] == ["stem", "layer1.0", None, None]
    assert [row.get("data-fold") for row in rows] == ["stem", "layer1.9", None, None]
    widths = {sum(int(cell.get("colspan", 1)) for cell in row) for row in table.iter("tr")}
    assert widths == {2 + 4 * len(measurement.passes)}
    bars = [float(bar.get("style")[6:-1]) for bar in table.iter("span") if "width" in bar.get("style", "")]
    assert max(bars) == 100 and min(bars) >= 0


def validate(drawn):
    import plotly.graph_objects as go

    return go.Figure(drawn)


@pytest.mark.parametrize("measurement", [None, BOTH, ONE], ids=["empty", "both", "training"])
def test_plotly_accepts_the_chart(measurement):
    drawn = figure.plot_shares(measurement)
    assert validate(drawn).layout.title.text
    assert validate(json.loads(json.dumps(drawn, allow_nan=False)))
    assert drawn["layout"]["meta"]["empty"].endswith(".")
    assert all(len(trace["x"]) == (2 if measurement else 0) for trace in drawn["data"])


def test_the_chart_shows_shares_told_apart_by_more_than_colour():
    macs, forward, train = figure.plot_shares(BOTH)["data"]
    assert macs["x"] == forward["x"] == train["x"] == ["stem", "layer1.0"]
    assert macs["y"] == [0.1, 0.9] and forward["y"] == [0.5, 0.5]
    assert train["y"] == pytest.approx([0.2, 0.7])  # of all pieces, loss and optimizer among them
    markers = [trace["marker"] for trace in (macs, forward, train)]
    assert len({marker["color"] for marker in markers}) == 3
    assert len({marker["pattern"]["shape"] for marker in markers}) == 3
