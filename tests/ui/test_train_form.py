"""The form of Train without a browser: what a move leads to, what is refused where, and what visitors may ask for."""

import json
import sys
import time

import pytest

from explorer.architecture.variant import parse_variant
from explorer.data.catalogue import list_datasets
from explorer.errors import DataError, RunError, VariantError
from explorer.records import EpochRecord, FinalRecord, RunCost, write_record
from explorer.training.config import TrainConfig
from explorer.training.recipes import RECIPES, parse_recipe
from explorer.training.runs import RecordWriter, create_run, find_run_by_id
from explorer.training.settings import SETTINGS
from explorer.ui import desk as desk_part
from explorer.ui import train_cost
from explorer.ui.run_list import annotate_run, create_lister, delete_run
from explorer.ui.train_cost import Timing, create_cost_functions, estimate_bytes
from explorer.ui.train_data import CHOICES, PLACES, describe_choices, measure_data, read_spec
from explorer.ui.train_form import create_form_function, describe_form
from explorer.ui.train_limits import FIXED, IMAGES, check_limits, fit
from explorer.ui.train_start import read_order
from witness import is_one_clear_sentence

ASK = {"variants": ["resnet20"], "data": "digits"}
form, shared_form = create_form_function(False), create_form_function(True)


def move(recipe="quick", ask=form, **question):
    return ask({**ASK, "recipe": recipe, **question})


def test_the_form_has_every_setting_and_recipe():
    start = describe_form(False)
    assert [setting["name"] for setting in start["settings"]] == list(SETTINGS)
    assert {setting["group"] for setting in start["settings"]} == set(start["groups"])
    assert {recipe["name"] for recipe in start["recipes"]} | {"range"} == set(RECIPES)
    shown = {setting["name"] for setting in describe_form(True)["settings"]}
    assert shown == set(SETTINGS) - set(FIXED)
    assert json.dumps(start)


def test_a_move_is_told_as_text_changes_and_what_means_nothing():
    state = move("he2015", changes={"epochs": "3", "lr": "auto"})
    assert state["recipe"] == "he2015,epochs=3,lr=auto" and state["base"] == "he2015"
    assert state["changed"] == ["epochs", "lr"] and state["refused"] == {}
    assert state["values"]["lr"] == "auto" and state["auto"]["lr"] == "0.2"  # 0.1 for 64, in proportion to 128
    assert state["defaults"]["epochs"] == "182"
    assert {"step_epochs", "magnitude", "freeze"} <= set(state["hidden"]) and "milestones" not in state["hidden"]


def test_what_means_nothing_any_more_is_taken_back_and_said():
    state = move("he2015,milestones=0.3-0.6", changes={"schedule": "cosine"})
    assert state["recipe"] == "he2015,schedule=cosine"
    assert state["note"] == "Taken back: Milestones (means nothing but with schedule=multistep)."


def test_a_refused_setting_leaves_the_others_done():
    state = move(changes={"epochs": "0", "batch_size": "32", "seed": "x"})
    assert state["recipe"] == "quick,batch_size=32"
    assert set(state["refused"]) == {"epochs", "seed"}
    assert all(is_one_clear_sentence(sentence) for sentence in state["refused"].values())
    assert "epochs goes from 1 to 1,000" in state["refused"]["epochs"]


@pytest.mark.parametrize(
    ("recipe", "changes", "blamed"),
    [
        ("quick", {"accumulate": "3"}, "accumulate"),  # the sentence names it
        ("quick,accumulate=4", {"batch_size": "6"}, "batch_size"),  # the sentence names another one: this one moved
        ("he2015", {"warmup": "100", "epochs": "50"}, "warmup"),
        ("quick", {"held_out": "0.5", "test": "0.6"}, "held_out"),
    ],
)
def test_settings_that_contradict_are_refused_at_the_one_that_moved(recipe, changes, blamed):
    state = move(recipe, changes=changes)
    assert list(state["refused"]) == [blamed]
    rest = {name: value for name, value in changes.items() if name != blamed}
    assert parse_recipe(state["recipe"]) == parse_recipe(move(recipe, changes=rest)["recipe"])


def test_another_recipe_keeps_what_is_no_matter_of_it():
    state = move("quick,epochs=3,lr=0.2,seed=5,device=cpu,watch=flow", choose="wrn")
    assert state["recipe"] == "wrn,device=cpu,seed=5,watch=flow"


@pytest.mark.parametrize("recipe", ["nonsense", "quick,epochs", "quick,epochs=0", "quick,lr=1,lr=2", "quick,depth=3"])
def test_a_text_that_can_not_be_read_is_refused_at_its_field(recipe):
    state = move(recipe)
    assert state["setting"] == "recipe" and is_one_clear_sentence(state["error"])


@pytest.mark.parametrize(
    "question",
    [{"variants": []}, {"variants": "resnet20"}, {"variants": ["resnet20"] * 5}, {"variants": None}],
)
def test_variants_are_one_to_four(question):
    assert move(**question)["setting"] == "variants"


def test_variants_are_told_one_by_one_with_the_twin_of_the_first():
    state = move(variants=["ResNet20", "resnet9999x"])
    assert state["variants"][0] == {"text": "resnet20"} and "resnet9999x" in state["variants"][1]["error"]
    assert state["twin"]["text"] == "resnet20,shortcut=none"
    assert move(variants=["resnet20", "resnet20,shortcut=none"])["twin"] is None


@pytest.mark.parametrize("junk", [None, 3, "quick", [], {"recipe": {"a": 1}}, {"changes": {"nope": 1}}])
def test_whatever_comes_from_outside_gets_a_sentence(junk):
    assert is_one_clear_sentence(form(junk)["error"])


def test_an_order_is_what_start_takes():
    order = read_order({"variants": ["ResNet20"], "data": "digits", "recipe": "he2015,epochs=3"}, False)
    assert order.variants == ("resnet20",) and order.recipe == "he2015,epochs=3" and order.config.epochs == 3
    with pytest.raises(VariantError, match="twice"):
        read_order({"variants": ["resnet20", "ResNet20"], "recipe": "quick"}, False)
    with pytest.raises(DataError, match="No folder is given"):
        read_order({**ASK, "data": "folder:", "recipe": "quick"}, False)


def test_a_range_test_keeps_what_it_is_made_for():
    question = {**ASK, "recipe": "he2015,batch_size=32,seed=3", "range": True}
    config = read_order(question, False).config
    assert (config.schedule, config.epochs, config.lr, config.watch) == ("range", 1, None, "none")
    assert (config.batch_size, config.seed, config.nesterov) == (32, 3, False)
    order = read_order({**question, "variants": ["resnet20", "resnet32"]}, False)
    assert order.variants == ("resnet20",) and parse_recipe(order.recipe) == config


# what visitors of a shared page may ask for


@pytest.mark.parametrize(
    ("recipe", "data", "part"),
    [
        ("quick,epochs=51", "digits", "epochs=51 is more"),
        ("quick,epochs=21", "cifar10", "20 at most"),  # of 50,000 images, a million in all
        ("quick,batch_size=513", "digits", "batch_size=513 is more"),
        ("quick,device=cuda", "digits", "device stays at auto"),
        ("quick,workers=8", "digits", "workers stays at 2"),
        ("quick,weights=/etc/passwd", "digits", "weights of files"),
        ("quick,weights=someones-run-0123", "digits", "weights of files"),
    ],
)
def test_a_shared_page_trains_little(recipe, data, part, monkeypatch):
    here = [each._replace(here=True) for each in list_datasets()]
    monkeypatch.setattr("explorer.ui.train_data.list_datasets", lambda: here)
    with pytest.raises(RunError, match=part) as caught:
        read_order({**ASK, "data": data, "recipe": recipe}, True)
    assert is_one_clear_sentence(str(caught.value))
    fitted = fit(parse_recipe(recipe), data)
    check_limits(fitted, data)  # what is too much comes down
    read_order({**ASK, "data": data, "recipe": recipe}, False)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_fits_a_shared_page_when_it_is_chosen(name):
    state = shared_form({**ASK, "data": "cifar10", "recipe": "quick", "choose": name})
    config = parse_recipe(state["recipe"])
    check_limits(config, "cifar10")
    assert config.epochs * 50_000 <= IMAGES


def test_a_move_beyond_the_limit_is_refused_at_its_control():
    state = move("quick", shared_form, changes={"epochs": "60"})
    assert list(state["refused"]) == ["epochs"] and state["recipe"] == "quick"


@pytest.mark.parametrize(
    "spec", ["folder:/etc", "imagenet:/data", "nonsense", "digits:/etc", "synthetic:3x512x512x10x9999"]
)
def test_visitors_get_no_place_of_this_machine(spec):
    with pytest.raises(DataError) as caught:
        read_spec(spec, True)
    assert is_one_clear_sentence(str(caught.value))
    assert "/" not in str(caught.value)
    assert not {"folder", "imagenet"} & {choice["name"] for choice in describe_choices(True)}


def test_visitors_start_no_download(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    with pytest.raises(DataError, match="start no downloads"):
        read_spec("cifar10", True)
    assert read_spec("cifar10", False) == "cifar10"


def test_data_is_measured_by_its_name():
    assert measure_data("synthetic:1x8x9x3x100") == ((1, 8, 9), 3, 100)
    assert measure_data("cifar100") == ((3, 32, 32), 100, 50_000)
    assert measure_data("folder:/x") == (None, 0, 0)
    assert set(CHOICES) == {each.name for each in list_datasets()} | set(PLACES)


# the cost before the start


def test_memory_grows_with_the_batch_and_shrinks_with_its_pieces(monkeypatch):
    def count(recipe):
        return estimate_bytes("resnet20", "cifar10", parse_recipe(recipe))

    small, pieces, large = count("quick"), count("quick,batch_size=128,accumulate=2"), count("quick,batch_size=128")
    assert small <= pieces < large
    assert large - count("quick,batch_size=128,images=1000") > 49_000 * 3 * 32 * 32  # the images stay in memory
    monkeypatch.setattr("explorer.training.estimate.read_free_memory", lambda device: small)
    with pytest.raises(RunError, match="batch_size="):
        count("quick,batch_size=8192")


class Script(Timing):
    """A timing that runs a line of Python in its place."""

    def command(self):
        return [sys.executable, "-c", self.recipe]


def test_a_timing_is_told_from_its_queue_to_its_end(monkeypatch):
    desk = desk_part.Desk()
    monkeypatch.setattr(desk_part, "DESK", desk)
    cost = RunCost(1.0, 0.1, 0.5, 3.0, 12.5, 20, 640.0, 10**9, 10**10, 512)
    script = f"print({write_record(cost)!r})"
    job = Script(variant="resnet20", data="digits", recipe=script)
    desk.add(job)
    deadline = time.monotonic() + 20
    while train_cost.poll_timing({"id": job.id})["state"] != "done":
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert train_cost.poll_timing({"id": job.id})["result"] == {"seconds": 12.5, "memory": 10**9}
    assert train_cost.poll_timing({"id": "x"}) == {"error": "This timing is gone: time it again."}
    desk.close()


def test_a_timing_is_of_what_the_form_says(monkeypatch):
    taken = []
    monkeypatch.setattr(desk_part.DESK, "add", taken.append)
    _, start, *_ = create_cost_functions(False)
    assert start({**ASK, "recipe": "quick,epochs=2"})["id"] == taken[0].id
    assert taken[0].command()[3:] == [
        "train", "resnet20", "--data", "digits", "--recipe", "quick,epochs=2", "--estimate", "--json",
    ]  # fmt: skip
    assert start({**ASK, "recipe": "quick,epochs=0"})["error"]


# the list


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path))
    made = []
    for variant, status in (("resnet8", "finished"), ("resnet20", "stopped")):
        run = create_run(
            parse_variant(variant), "digits", (1, 32, 32), 10, TrainConfig(epochs=3), recipe="quick,epochs=3"
        )
        (run.folder / "starting").unlink()
        writer = RecordWriter(run)
        writer.write(EpochRecord(5, 1, 0.5, 0.75))
        writer.write(FinalRecord(5, status, "Done."))
        writer.close()
        made.append(run)
    return made


def test_the_list_has_the_newest_first_and_says_when_nothing_changed(runs):
    listed = create_lister(False)({})
    assert [row["variant"] for row in listed["runs"]] == ["resnet20", "resnet8"]
    assert {"state": "finished", "accuracy": 0.75, "recipe": "quick,epochs=3", "tags": []}.items() <= listed["runs"][
        1
    ].items()
    assert create_lister(False)({"seen": listed["mark"]}) == {"mark": listed["mark"]}
    annotate_run({"id": runs[0].id, "note": "good", "tags": ["a", "b", "a"]})
    again = create_lister(False)({"seen": listed["mark"]})
    assert again["runs"][1]["tags"] == ["a", "b"] and again["runs"][1]["note"] == "good"


def test_visitors_see_their_own_runs_alone(runs):
    assert create_lister(True)({})["runs"] == []
    assert [row["id"] for row in create_lister(True)({"ids": [runs[0].id]})["runs"]] == [runs[0].id]
    assert create_lister(True)({"ids": "*"})["runs"] == []


def test_a_run_is_deleted_and_one_that_waits_is_not(runs):
    runs[1].call_worker()
    assert is_one_clear_sentence(delete_run({"id": runs[1].id})["error"])
    assert delete_run({"id": runs[0].id}) == {}
    with pytest.raises(RunError):
        find_run_by_id(runs[0].id)
    assert is_one_clear_sentence(delete_run({"id": "../../etc"})["error"])


@pytest.mark.parametrize(
    "note", [{"tags": "a"}, {"note": 3}, {"tags": [["a"]]}, {"note": "x" * 9999}, {"tags": ["<b>"]}]
)
def test_notes_from_outside_are_checked(runs, note):
    assert is_one_clear_sentence(annotate_run({"id": runs[0].id, **note})["error"])
