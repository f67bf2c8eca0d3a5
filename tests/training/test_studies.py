"""Studies on tiny networks: prepared, stopped, killed, gone on with; and the result that their runs add up to."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from explorer.architecture.variant import parse_variant
from explorer.errors import DataError, RunError
from explorer.network.build import build_network
from explorer.records import Environment, write_record
from explorer.training.recipes import parse_recipe
from explorer.training.runs import home
from explorer.training.studies import DEGRADATION, STUDIES, Study, find_study, list_results, load_result, read_study
from explorer.training.study_runs import average_curve, find_study_runs, merge_rows, name_network, record_study
from explorer.training.study_work import prepare_study, train_study
from studied import SHOWS

SMALL = "width=4,classes=2,input=3x16x16"
TINY = {
    "name": "tiny",
    "title": "A tiny study",
    "variants": (f"resnet8,{SMALL},shortcut=none", f"resnet8,{SMALL}"),
    "small": "he2015,epochs=2,batch_size=8,watch=gradients",
    "full": "he2015,epochs=3,batch_size=8,watch=gradients",
    **dict.fromkeys(("question", "method", "paper", "why", "small_time", "full_time"), "some words"),
}
HERE = Environment("cpu", "a processor", "2.9", "3.12", "Linux", 1, "float32", 0.1, "2026-01-02T03:04:05+00:00")
COMMAND = """
import sys, torch
torch.set_num_threads(1)
from explorer.training import studies
studies.STUDIES["tiny"] = studies.Study(**{tiny!r})
from explorer.cli import main
sys.exit(main({arguments!r}))
"""


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(STUDIES, "tiny", Study(**TINY))


@pytest.fixture
def folder(tmp_path):
    """40 images in two classes, bright and dark; 36 are trained on."""
    generator = torch.Generator().manual_seed(0)
    for label, low in (("bright", 128), ("dark", 0)):
        (tmp_path / "data" / label).mkdir(parents=True)
        for number in range(20):
            pixels = torch.randint(low, low + 128, (16, 16, 3), generator=generator, dtype=torch.uint8)
            Image.fromarray(pixels.numpy()).save(tmp_path / "data" / label / f"{number}.png")
    return f"folder:{tmp_path / 'data'}"


def quiet(words):
    pass


def test_the_degradation_study_is_the_papers_question():
    kinds = [
        (parse_variant(text).shortcut.value, 2 * sum(parse_variant(text).depths) + 2) for text in DEGRADATION.variants
    ]
    assert kinds == [(kind, depth) for depth in (20, 32, 44, 56) for kind in ("none", "A")]
    small, full, paper = (parse_recipe(text) for text in (DEGRADATION.small, DEGRADATION.full, "he2015"))
    assert replace(small, epochs=paper.epochs, watch=paper.watch) == replace(full, watch=paper.watch) == paper
    assert 45_000 // small.batch_size * small.epochs == 1404 and 45_000 // full.batch_size * full.epochs > 63_500
    assert (small.batch_size, small.peak_lr, small.momentum, small.weight_decay) == (128, 0.1, 0.9, 1e-4)
    with pytest.raises(RunError, match="no study: choose from degradation"):
        find_study("denigration")


def test_a_pair_has_the_same_parameters():
    for plain, residual in zip(DEGRADATION.variants[::2], DEGRADATION.variants[1::2], strict=True):
        counts = [sum(p.numel() for p in build_network(parse_variant(text)).parameters()) for text in (plain, residual)]
        assert counts[0] == counts[1]
        assert name_network(plain) == name_network(residual).replace("resnet", "plain")


def test_a_study_is_runs_of_one_seed_and_its_result_is_what_they_recorded(tiny, folder, tmp_path):
    said = []
    going, dataset = prepare_study("tiny", folder, seed=3, folder=tmp_path / "runs", note="A note.")
    assert going.state() in ("running", "stopped") and going.progress() == 0
    with pytest.raises(RunError, match="has not ended"):
        record_study(going, HERE)
    train_study(going, dataset, said.append)
    assert going.state() == "ended" and going.progress() == 1
    assert len(said) == 4 and said[-1].startswith(("plain8", "resnet8")) and "epoch 2/2, held-out error" in said[-1]
    assert "(100% of the study, 0 s left)" in said[-1]
    assert {run.spec.config.seed for run in going.runs} == {3}

    record = record_study(going, HERE)
    assert (record.data, record.note, record.images, record.steps) == ("folder:data", "A note.", (36, 4, 0), 8)
    assert "epochs=2" in record.recipe and record.seed == 3 and parse_recipe(record.recipe).batch_size == 8
    for network, run in zip(record.networks, going.runs, strict=True):
        rows = [json.loads(line) for line in run.records_path.read_text().splitlines()]
        steps = [row for row in rows if row["kind"] == "step"]
        epochs = [row for row in rows if row["kind"] == "epoch"]
        assert len(steps) == 8 and network.steps == 8  # each step of so short a run is recorded
        wrong = [100 - 100 * row["accuracy"] for row in steps]
        assert [point[2] for point in network.training] == pytest.approx(wrong, abs=0.01)
        assert network.training_error == pytest.approx(wrong[-1], abs=0.01)
        assert [point[2] for point in network.held_out] == [100 - 100 * row["accuracy"] for row in epochs]
        assert network.held_out_error == 100 - 100 * epochs[-1]["accuracy"]
        assert network.params == sum(p.numel() for p in build_network(parse_variant(run.spec.trained)).parameters())
        assert network.seconds >= 0 and network.problem == ""
        blocks = ("stem", "layer1.0", "layer2.0", "layer3.0", "head")
        assert network.gradients.blocks == blocks and network.gradients.steps == (1, 8)
    assert read_study(json.loads(write_record(record))) == record


def test_a_study_with_the_same_settings_goes_on_and_another_is_refused(tiny, folder, tmp_path):
    place = tmp_path / "runs"
    going, _ = prepare_study("tiny", folder, folder=place)
    again, _ = prepare_study("tiny", folder, folder=place, note="another note")
    assert again.facts == going.facts and len(list(place.iterdir())) == 2
    for changes in ({"seed": 1}, {"full": True}, {"recipe": "he2015,epochs=1,batch_size=8"}):
        with pytest.raises(RunError, match="holds a study with other settings, of 8 steps"):
            prepare_study("tiny", folder, folder=place, **changes)
    with pytest.raises(DataError, match="is no data set"):
        prepare_study("tiny", "cifar", folder=tmp_path / "other")
    with pytest.raises(RunError, match="batch_size=64 is more than the 36 images"):
        prepare_study("tiny", folder, recipe="he2015,epochs=1,batch_size=64", folder=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_at_home_one_that_ended_is_begun_anew(tiny, folder):
    first, dataset = prepare_study("tiny", folder)
    assert prepare_study("tiny", folder)[0].facts == first.facts
    assert prepare_study("tiny", folder, seed=1)[0].facts.race != first.facts.race
    train_study(first, dataset, quiet)
    second, _ = prepare_study("tiny", folder)
    assert second.facts.race != first.facts.race
    assert {each.facts.race for each in find_study_runs("tiny")} >= {first.facts.race, second.facts.race}
    assert all(path.parent == home() for run in first.runs for path in [run.folder])


def test_a_study_killed_while_it_was_prepared_is_made_whole(tiny, folder, tmp_path):
    going, _ = prepare_study("tiny", folder, folder=tmp_path / "runs")
    (going.runs[1].folder / "run.json").unlink()
    assert not going.is_whole() and going.state() == "stopped"
    again, dataset = prepare_study("tiny", folder, folder=tmp_path / "runs")
    assert again.facts == going.facts and again.is_whole()
    train_study(again, dataset, quiet)
    assert again.state() == "ended"
    assert train_study(again, None, quiet) == []  # nothing is left to do


def run_command(arguments, **options):
    code = COMMAND.format(tiny=TINY, arguments=arguments)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True, **options)


def wait_for(condition, seconds=120):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_killed_study_goes_on_with_the_same_command_and_ends_as_it_would_have(tiny, folder, tmp_path):
    """SIGKILL as soon as a checkpoint is there; then the same command again, and one that was left alone."""
    epochs = "he2015,epochs=40,batch_size=8,watch=none"

    def list_arguments(name):
        place = ["--run-dir", str(tmp_path / name), "-o", str(tmp_path / f"{name}.json")]
        return ["study", "tiny", "--data", folder, "--recipe", epochs, *place]

    process = run_command(list_arguments("killed"))
    wait_for(lambda: list(tmp_path.glob("killed/*/checkpoints/last.pt")) or process.poll() is not None)
    process.kill()
    process.communicate()
    killed = find_study_runs("tiny", tmp_path / "killed")[0]
    assert not (tmp_path / "killed.json").exists() and 0 < killed.progress() < 1

    for name in ("killed", "alone"):
        output = run_command(list_arguments(name)).communicate(timeout=240)[0]
        assert "Goes on from" in output if name == "killed" else "Goes on from" not in output
        assert "A tiny study" in output and output.rstrip().endswith(f"{name}.json")
    killed, alone = (load_result(tmp_path / f"{name}.json") for name in ("killed", "alone"))
    for one, other in zip(killed.networks, alone.networks, strict=True):
        assert replace(one, seconds=0) == replace(other, seconds=0)
        assert len(one.held_out) == 40
    assert len(list((tmp_path / "killed").iterdir())) == 2


def test_a_failed_network_is_part_of_the_result(tiny, folder, tmp_path):
    going, dataset = prepare_study(
        "tiny", folder, folder=tmp_path / "runs", recipe="he2015,epochs=2,batch_size=8,lr=10"
    )
    train_study(going, dataset, quiet)
    run = going.runs[0]
    with open(run.records_path, "a", encoding="utf-8") as file:
        file.write(json.dumps({"kind": "final", "step": 8, "status": "failed", "message": "It broke."}) + "\n")
    record = record_study(going, HERE)
    assert record.networks[0].problem == "It broke." and record.networks[1].problem == ""


def row(step, accuracy, **more):
    return {"kind": "step", "step": step, "epoch": step / 100, "accuracy": accuracy, "images_per_second": 1.0, **more}


def test_a_point_of_a_curve_is_the_mean_of_the_steps_since_the_one_before():
    # records at the steps 1, 3, 5, 6: each tells of as many steps as lie between it and the one before
    rows = [row(1, 0.0), row(3, 0.5), row(5, 0.75), row(6, 1.0)]
    assert average_curve(rows, points=2) == ((3, 0.03, 66.67), (6, 0.06, 16.67))
    assert average_curve(rows, points=4) == ((1, 0.01, 100.0), (3, 0.03, 50.0), (5, 0.05, 25.0), (6, 0.06, 0.0))
    assert average_curve([]) == ()
    many = [row(step, 0.5) for step in range(1, 1001)]
    assert len(average_curve(many)) == 100 and average_curve(many)[-1][0] == 1000


def test_repeated_steps_count_once():
    rows = [row(1, 0.1), row(2, 0.2), row(2, 0.3), {"kind": "final", "step": 2}, {"odd": 1}]
    merged = merge_rows(rows)
    assert [each.get("accuracy") for each in merged] == [0.1, 0.3, None]


def test_a_result_is_read_back_small_and_checked(tmp_path):
    path = tmp_path / "result.json"
    path.write_text(write_record(SHOWS))
    assert load_result(path) == SHOWS and path.stat().st_size < 100_000
    assert load_result(tmp_path / "none.json") is None
    content = asdict(SHOWS) | {"kind": "study"}
    first = content["networks"][0]
    broken = [
        "[]", "{", '{"kind": "measurement"}', json.dumps({**content, "networks": [{**first, "variant": 7}]}),
        json.dumps({**content, "networks": [{**first, "held_out_error": 120}]}),
        json.dumps({**content, "networks": [{**first, "training": [[2, 0, 5], [1, 0, 5]]}]}),
        json.dumps({**content, "networks": [{**first, "training": [[1, 0, "x"]]}]}),
        json.dumps({**content, "networks": [{**first, "gradients": {**first["gradients"], "first": [1]}}]}),
        json.dumps({**content, "surplus": 1}), json.dumps({**content, "images": [1, 2]}),
        json.dumps({**content, "steps": 0}),
    ]  # fmt: skip
    for text in broken:
        path.write_text(text)
        with pytest.raises(RunError, match="can't be read"):
            load_result(path)


def test_a_full_result_stays_small(tmp_path):
    points = tuple((640 * index, 1.82 * index, 12.34) for index in range(1, 101))
    full = replace(SHOWS, networks=tuple(replace(each, training=points, held_out=points) for each in SHOWS.networks))
    assert len(write_record(full)) < 100_000


def test_the_recorded_result_if_any_is_whole(monkeypatch):
    record = load_result(list_results("degradation")["recorded"])
    if record is not None:  # it is made on a quiet machine, once
        assert [each.variant for each in record.networks] == list(DEGRADATION.variants)
        assert list_results("degradation")["recorded"].stat().st_size < 100_000
    assert list_results("degradation")["own"] == home().parent / "studies" / "degradation.json"


def test_a_result_does_not_say_where_the_images_lie(tiny, folder, tmp_path):
    going, dataset = prepare_study("tiny", folder, folder=tmp_path / "runs")
    train_study(going, dataset, quiet)
    assert str(Path(folder.partition(":")[2]).parent) not in write_record(record_study(going, HERE))
    assert going.runs[0].spec.data == folder  # the run itself goes on there
