"""``explorer study``: what it lists, trains, prints, keeps and refuses."""

import json

import pytest

from explorer.cli import main
from explorer.figures.study_words import conclude
from explorer.records import write_record
from explorer.training import studies
from explorer.training.recipes import parse_recipe
from explorer.training.runs import home
from explorer.training.studies import STUDIES, Study, format_command, load_result
from studied import SHOWS, make_record
from witness import is_one_clear_sentence

PAIR = tuple(f"resnet8,width=4,input=1x32x32{kind}" for kind in (",shortcut=none", ""))
TINY = Study(
    "tiny", "A tiny study", PAIR, "he2015,epochs=2,watch=gradients", "he2015,epochs=3,watch=gradients",
    *["some words"] * 6,
)  # fmt: skip


@pytest.fixture(autouse=True)
def places(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(studies, "assets", lambda: tmp_path / "assets")
    monkeypatch.setitem(STUDIES, "tiny", TINY)
    (tmp_path / "assets" / "studies").mkdir(parents=True)
    return studies.list_results("degradation")


def test_it_lists_what_there_is(capsys):
    assert main(["study"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("degradation"))
    assert line == "degradation  The degradation problem: 8 networks, about 50 minutes on two quiet cores"


def test_the_recorded_result_is_shown_without_training(places, capsys):
    places["recorded"].write_text(write_record(SHOWS))
    assert main(["study", "degradation", "--show"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("The degradation problem\n") and "recipe   he2015,epochs=4,watch=gradients" in text
    assert "plain-56" in text and "13.23 %" in text and all(sentence in text for sentence in conclude(SHOWS))
    assert not home().exists()


def test_ones_own_result_is_shown_where_the_project_has_none(places, capsys):
    places["own"].parent.mkdir(parents=True)
    places["own"].write_text(write_record(make_record([(1.0, 2.0)] * 4, [(1.0, 2.0)] * 4)))
    assert main(["study", "degradation", "--show"]) == 0
    assert "not clearly different from its plain twin at 20, 32, 44 and 56 layers" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "part"),
    [(["degradation", "--show"], "No result of degradation is recorded"), (["nothing"], "no study"),
     (["nothing", "--show"], "no study"), (["tiny", "--data", "cifar"], "no data set"),
     (["tiny", "--data", "digits", "--recipe", "he2051"], "no recipe"),
     (["tiny", "--data", "digits", "--device", "cuda:99"], "cuda"),
     (["tiny", "--data", "digits", "--seed", "-1"], "seed")],
)  # fmt: skip
def test_refusals_are_one_sentence_and_leave_nothing(words, part, capsys):
    assert main(["study", *words]) == 2
    out, err = capsys.readouterr()
    assert part in err and is_one_clear_sentence(err.strip()) and out == ""
    assert not home().exists()


def test_a_damaged_result_is_one_sentence(places, capsys):
    places["recorded"].write_text("{")
    assert main(["study", "degradation", "--show"]) == 2
    assert is_one_clear_sentence(capsys.readouterr().err.strip())


def test_a_study_is_trained_told_and_kept(tmp_path, capsys):
    arguments = ["study", "tiny", "--data", "digits", "--seed", "2", "--note", "Only to try."]
    assert main([*arguments, "-o", str(tmp_path / "out.json")]) == 0
    text = capsys.readouterr().out
    assert text.startswith("2 networks on digits: 1,618 images to train on, 179 held out, 24 steps each on ")
    assert "It is made for CIFAR-10, and takes some words there." in text
    for part in ("epoch 1/2, held-out error", "epoch 2/2", "plain8", "resnet8", "A tiny study", "seed     2"):
        assert part in text
    assert "the same command goes on" in text and "handwritten digits, not CIFAR-10" in text and "Only to try." in text
    record = load_result(tmp_path / "out.json")
    assert all(sentence in text for sentence in conclude(record)) and text.endswith("out.json\n")
    assert record.environment.dtype in ("float32", "bfloat16") and record.environment.torch
    assert json.loads((tmp_path / "out.json").read_text())["note"] == "Only to try."
    assert len(list(home().iterdir())) == 2 and not studies.list_results("tiny")["own"].exists()

    runs = sorted(home().iterdir())
    assert main([*arguments[:4], "--run-dir", str(tmp_path / "place"), "--recipe", "he2015,epochs=1,watch=none"]) == 0
    assert studies.list_results("tiny")["own"].exists() and sorted(home().iterdir()) == runs
    capsys.readouterr()
    assert main([*arguments[:4], "--run-dir", str(tmp_path / "place"), "--recipe", "he2015,epochs=1,watch=none"]) == 0
    assert "Goes on from 100% of the steps." in capsys.readouterr().out  # it only makes the result again


def test_the_command_that_repeats_a_result():
    assert (
        format_command(SHOWS)
        == "explorer study degradation --data folder:PATH --recipe he2015,epochs=4,watch=gradients"
    )
    values = {
        "recipe": f"{STUDIES['degradation'].full},watch_every=3193,seed=7",
        "data": "cifar10",
        "full": True,
        "seed": 7,
    }
    record = make_record([(1.0, 2.0)] * 4, [(1.0, 2.0)] * 4, **values)
    assert format_command(record) == "explorer study degradation --data cifar10 --full --seed 7"
    assert parse_recipe(values["recipe"]).seed == 7
