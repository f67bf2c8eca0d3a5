"""What a study's numbers say, from records made by hand; the paper's curves against the numbers that it prints."""

import json
import re
from dataclasses import replace
from math import sqrt

import pytest

from explorer.figures.study import plot_study
from explorer.figures.study_paper import find_end, load_curves, read_curves
from explorer.figures.study_words import (
    AGAINST,
    COLUMNS,
    SEEN,
    UNCLEAR,
    conclude,
    find_depth,
    find_margin,
    format_study,
    list_caveats,
    list_findings,
    list_rows,
    list_settings,
    name_of,
)
from explorer.records import BlockGradients
from studied import BLOCKS, DEPTHS, OPPOSITE, SHOWS, SHOWS_NOT, make_network, make_record

TABLE_6 = {20: 8.75, 32: 7.51, 44: 7.17, 56: 6.97}  # He et al. 2015, table 6, in percent
PLAIN_END = {20: 9.7, 32: 10.1, 44: 11.4, 56: 13.2}  # figure 6, left, read by eye


def test_the_drawn_residual_curves_end_at_the_numbers_of_table_6():
    for depth, printed in TABLE_6.items():
        thousand, error = load_curves()["residual", depth, "test"][-1]
        assert thousand > 60 and error == pytest.approx(printed, abs=0.05)
        assert find_end("residual", depth, "test") == printed


def test_the_drawn_plain_curves_end_higher_the_deeper():
    ends = {depth: find_end("plain", depth, "test") for depth in PLAIN_END}
    assert ends == pytest.approx(PLAIN_END, abs=0.06)
    assert find_end("plain", 56, "train") > find_end("plain", 44, "train") > find_end("plain", 20, "train") > 1
    assert all(find_end("residual", depth, "train") < 1 for depth in DEPTHS)
    assert find_end("plain", 110, "test") is None


def test_the_papers_curves_are_whole():
    curves = load_curves()
    assert set(curves) == {(n, d, c) for n in ("plain", "residual") for d in DEPTHS for c in ("train", "test")}
    for points in curves.values():
        steps = [step for step, _ in points]
        assert len(points) > 40 and steps == sorted(steps) and steps[0] > 0 and steps[-1] <= 64
        assert all(0 <= error <= 20.5 for _, error in points)
    lines = ["# a source", "network,depth,curve,thousand_steps,error_percent", "plain,20,test,1.5,19.25"]
    assert read_curves(lines) == {("plain", 20, "test"): ((1.5, 19.25),)}


def test_networks_are_called_as_the_paper_calls_them():
    names = [name_of(each) for each in SHOWS.networks]
    assert names[:2] == ["plain-20", "ResNet-20"] and names[-2:] == ["plain-56", "ResNet-56"]
    assert find_depth(make_network("resnet110", 1, 2)) == ("residual", 110)


def verdicts(record):
    return [finding.verdict for finding in list_findings(record)]


def test_a_record_that_shows_it_says_so_with_its_own_numbers_and_the_papers():
    assert verdicts(SHOWS) == [SEEN] * 4
    plain, twins, residual, gradients = (finding.text for finding in list_findings(SHOWS))
    assert "rises from 30.0, 34.0, 41.0 and 52.0 % at 20, 32, 44 and 56 layers; " in plain
    assert "1.44, 1.15, 3.20 and 5.85 %" in plain and "this is degradation" in plain
    assert "better than its plain twin at every depth" in twins
    assert "+3.00, +9.00" not in twins and "+3.0, +9.0, +18.0 and +30.0 points" in twins
    # 9.68 - 8.75, 10.08 - 7.51, 11.42 - 7.17, 13.23 - 6.97
    assert "+0.93, +2.57, +4.25 and +6.26 points" in twins
    assert "falls from 28.0, 26.0, 25.0 and 24.0 %" in residual and "8.75, 7.51, 7.17 and 6.97 %" in residual
    # first block against last: 2.0 / 0.5 and 1.0 / 0.4
    assert "the last one's is 4.0 at step 70 and 2.5 at step 1,404 (ResNet-56: 4.0 and 2." in gradients


def test_a_record_that_does_not_show_it_says_that_plainly():
    assert verdicts(SHOWS_NOT) == [UNCLEAR, AGAINST, AGAINST, SEEN]
    plain, twins, residual, _ = (finding.text for finding in list_findings(SHOWS_NOT))
    assert "does not clearly depend on depth" in plain and "shows no degradation" in plain
    assert "worse than its plain twin at 44 and 56 layers" in twins
    assert "not clearly different from its plain twin at 20 and 32 layers" in twins
    assert "+0.5, −0.5, −3.0 and −5.8 points" in twins
    assert "rises from 40.5, 41.0, 44.5 and 47.0 %" in residual and "there it falls" in residual
    assert "After 1,404 of 64,000 steps deeper networks have not had the time" in residual


def test_the_opposite_is_called_that():
    assert verdicts(OPPOSITE) == [AGAINST, SEEN, UNCLEAR, SEEN]
    plain, _, residual, _ = (finding.text for finding in list_findings(OPPOSITE))
    assert "train better the deeper they are here" in plain
    assert "not to be seen here" in residual


def test_a_rise_with_a_dip_is_called_one():
    record = make_record(
        [(30.0, 31.0), (29.0, 30.0), (41.0, 43.0), (52.0, 54.0)],
        [(25.0, 28.0), (23.0, 26.0), (22.0, 25.0), (21.0, 24.0)],
    )
    assert verdicts(record)[0] == SEEN and "though not at every step" in list_findings(record)[0].text
    assert "though not at every step" not in list_findings(SHOWS)[0].text


def test_vanished_gradients_are_seen():
    lost = BlockGradients(BLOCKS, (1, 100), (1.0, 1e-5, 0.01, 0.1, 1.0), (1.0, 1e-3, 0.01, 0.1, 1.0))
    networks = [replace(each, gradients=lost) for each in SHOWS.networks]
    finding = list_findings(replace(SHOWS, networks=tuple(networks)))[-1]
    assert finding.verdict == AGAINST and "all but vanish" in finding.text
    assert "is 1/10,000 at step 1 and 1/100 at step 100 (" in finding.text
    grown = BlockGradients(BLOCKS, (1, 5), (490.0, 390.0, 10.0, 0.2, 0.5), (0.3, 1.0, 1.0, 0.1, 0.3))
    networks = [replace(each, gradients=grown) for each in SHOWS.networks]
    finding = list_findings(replace(SHOWS, networks=tuple(networks)))[-1]
    assert finding.verdict == SEEN and "is 1,950 at step 1" in finding.text and "rather grow" in finding.text
    without = replace(SHOWS, networks=tuple(replace(each, gradients=None) for each in SHOWS.networks))
    assert len(list_findings(without)) == 3


def test_chance_is_that_of_a_binomial_count():
    # 1.96 standard deviations of a share of a quarter in 5,000; of the difference of two such
    assert find_margin(SHOWS, 25.0) == pytest.approx(100 * 1.96 * sqrt(0.25 * 0.75 / 5000))
    assert find_margin(SHOWS, 25.0, 25.0) == pytest.approx(100 * 1.96 * sqrt(2 * 0.25 * 0.75 / 5000))
    text = list_caveats(SHOWS)[-1]  # the widest is that at 54 %
    assert "±1.4 points" in text and "below about 2.0 points" in text and "One seed" in text


def test_caveats_fit_the_run():
    small = " ".join(list_caveats(SHOWS))
    assert "1,404 steps, the paper's 64,000: 1/46" in small and "5,000 held-out images" in small
    tested = [replace(each, test_error=9.0) for each in SHOWS.networks]
    full = replace(SHOWS, steps=63_882, networks=tuple(tested), note="From JPEG files.", images=(45_000, 5_000, 10_000))
    text = " ".join(list_caveats(full))
    assert "with 10,000 test images an error is good to ±0.6 points" in text  # 1.96 √(0.09 · 0.91 / 10,000)
    assert "1/46" not in text and "Our errors" not in text and "From JPEG files." in text
    assert any("another task" in each for each in list_caveats(replace(SHOWS, data="digits")))


def test_test_errors_are_told_where_there_are_any():
    tested = [replace(each, test_error=each.held_out_error + 1) for each in SHOWS.networks]
    record = replace(SHOWS, networks=tuple(tested), images=(45_000, 5_000, 10_000))
    _, twins, residual, _ = (finding.text for finding in list_findings(record))
    assert "Test error, plain less residual: +3.0" in twins and "in the paper +0.93" in twins
    assert "the test error falls from 29.0, 27.0, 26.0 and 25.0 %" in residual
    assert plot_study(record)["depth"]["data"][0]["name"] == "ours, plain, test"
    assert find_margin(record, 50.0) == pytest.approx(98 / 100)  # 1.96 · 50 / √10,000


def test_a_network_that_failed_is_named_and_left_out():
    failed = [
        replace(SHOWS.networks[6], problem="The loss is no longer a number."),
        *SHOWS.networks[:6],
        SHOWS.networks[7],
    ]
    record = replace(SHOWS, networks=tuple(failed))
    assert list_caveats(record)[0] == "plain-56 did not come to its end: The loss is no longer a number."
    findings = list_findings(record)
    assert "30.0, 34.0 and 41.0 % at 20, 32 and 44 layers" in findings[0].text
    assert "+3.0, +9.0 and +18.0 points at 20, 32 and 44 layers" in findings[1].text
    nothing = [
        replace(each, problem="Out of memory.", training_error=None, held_out_error=None) for each in SHOWS.networks
    ]
    assert len(conclude(replace(SHOWS, networks=tuple(nothing)))) >= 8


def test_the_table_and_the_text():
    rows = list_rows(SHOWS)
    assert rows[6] == ("plain-56", "270 k", "52.00 %", "54.00 %", "", "5.85 %", "13.23 %", "5.0 min")
    assert all(len(row) == len(COLUMNS) for row in rows)
    text = format_study(SHOWS)
    head, *lines = text.splitlines()
    assert "held-out error" in head and "test error" not in head  # a column of nothing is left out
    assert lines[6].split()[:2] == ["plain-56", "270"] and "[as in the paper]" in text
    assert all(sentence in text for sentence in conclude(SHOWS))
    settings = dict(list_settings(SHOWS))
    assert settings["data"] == "folder:train: 45,000 to train on, 5,000 held out"
    assert settings["machine"] == "cpu: Some <Processor>, 4 threads; float32; torch 2.9.0, Linux x86_64"
    assert settings["time"].startswith("40 min") and settings["date"] == "2026-01-02 03:04 UTC"


def validate(figure):
    import plotly.graph_objects as go

    return go.Figure(json.loads(json.dumps(figure, allow_nan=False)))


@pytest.mark.parametrize("record", [SHOWS, SHOWS_NOT, replace(SHOWS, steps=63_882)], ids=["shows", "not", "full"])
def test_plotly_accepts_every_chart(record):
    figures = plot_study(record)
    assert list(figures) == ["plain", "residual", "paper_plain", "paper_residual", "depth", "gradients"]
    for figure in figures.values():
        drawn = validate(figure)
        assert drawn.layout.title.text and len(drawn.data) in (4, 8)
        assert figure["layout"]["meta"]["empty"].endswith(".")


def test_curves_are_the_records_and_depth_is_told_by_more_than_colour():
    traces = {trace["name"]: trace for trace in plot_study(SHOWS)["plain"]["data"]}
    assert len(traces) == 8
    held, training = traces["56 layers, held out"], traces["56 layers, training"]
    assert held["x"][-1] == 1.404 and held["y"][-1] == 54.0 and held["text"][-1].strip() == "56"
    assert training["y"][-1] == 52.0 and training["line"]["dash"] == "dash" and held["line"]["dash"] == "solid"
    symbols = {trace["marker"]["symbol"] for name, trace in traces.items() if "held" in name}
    assert len(symbols) == 4
    paper = {trace["name"]: trace for trace in plot_study(SHOWS)["paper_residual"]["data"]}
    assert paper["20 layers, test"]["y"][-1] == pytest.approx(8.75, abs=0.05)


def test_depths_at_lines_that_end_close_are_not_written_over_each_other():
    def list_columns(chart):
        solid = [trace for trace in plot_study(SHOWS)[chart]["data"] if trace["mode"] != "lines"]
        return [len(trace["text"][-1]) for trace in solid], [trace["y"][-1] for trace in solid]

    assert list_columns("plain") == ([3, 9, 3, 3], [31.0, 35.0, 43.0, 54.0])  # 4 points of 90 are too close
    assert list_columns("residual")[0] == [3, 9, 15, 21]


def test_axes_are_the_same_where_that_is_honest():
    def ranges(figure):
        return [figure["layout"][axis]["range"] for axis in ("xaxis", "yaxis")]

    small, full = plot_study(SHOWS), plot_study(replace(SHOWS, steps=63_882))
    assert ranges(small["plain"]) == ranges(small["residual"]) != ranges(small["paper_plain"])
    assert ranges(full["plain"]) == ranges(full["paper_plain"]) == ranges(full["paper_residual"])
    assert ranges(small["plain"])[0][0] == 0 and ranges(small["plain"])[1] == [0, 90.0]
    assert re.search("1,404 steps", small["plain"]["layout"]["title"]["text"])


def test_errors_by_depth_carry_their_interval():
    data = plot_study(SHOWS)["depth"]["data"]
    ours = next(trace for trace in data if trace["name"].startswith("ours, plain"))
    assert ours["x"] == list(DEPTHS) and ours["y"] == [31.0, 35.0, 43.0, 54.0]
    assert ours["error_y"]["array"][-1] == pytest.approx(1.38, abs=0.01)
    paper = next(trace for trace in data if trace["name"] == "the paper’s, with shortcuts, test")
    assert paper["y"] == list(TABLE_6.values()) and paper["marker"]["symbol"].endswith("open")
