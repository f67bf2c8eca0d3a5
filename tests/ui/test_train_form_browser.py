"""The form of Train and the list of runs, in a real browser."""

import pytest

from explorer.architecture.variant import parse_variant
from explorer.records import EpochRecord, FinalRecord
from explorer.training.recipes import parse_recipe
from explorer.training.runs import RecordWriter, create_run

pytestmark = pytest.mark.browser

FORM, TEXT = ".rx-train_form", ".rx-tf-code"
WIDER = "() => document.documentElement.scrollWidth - innerWidth"


def open_form(visit, server, query="v=resnet20&tab=train", **options):
    page = visit(f"{server.url}?{query}", ready=".rx-tf-start", **options)
    page.wait_for_function("() => document.querySelector('.rx-train_form')?.dataset.recipe")
    return page


def wait_for_recipe(page, text):
    page.wait_for_function("t => document.querySelector('.rx-train_form')?.dataset.recipe === t", arg=text)


def wait_for_variants(page, *texts):
    page.wait_for_function("t => document.querySelector('.rx-train_form')?.dataset.variants === t", arg="~".join(texts))


def refusal_of(page, setting):
    refusal = page.locator(f".rx-tf-field[data-setting={setting}] .rx-tf-refusal")
    refusal.wait_for(state="visible")
    return refusal.inner_text()


def settle(page):
    """Until the form has nothing under way."""
    page.wait_for_timeout(600)


def make_run(home, name, variant, status="finished", recipe="quick,epochs=3", race=""):
    config = parse_recipe(recipe)
    run = create_run(
        parse_variant(variant), "digits", (1, 32, 32), 10, config, home / "runs" / name, recipe=recipe, race=race
    )
    (run.folder / "starting").unlink()
    writer = RecordWriter(run)
    writer.write(EpochRecord(5, 1, 0.5, 0.75))
    writer.write(FinalRecord(5, status, "Done."))
    writer.close()
    return run


def test_settings_become_text_are_marked_and_survive_a_reload(server, visit):
    page = open_form(visit, server)
    page.get_by_role("spinbutton", name="Epochs").fill("3")
    wait_for_recipe(page, "quick,epochs=3")
    assert page.locator(TEXT).input_value() == "quick,epochs=3" and "r=quick,epochs=3" in page.url
    group = page.get_by_role("button", name="Optimizer")
    group.click()
    page.locator("#rx-tf-in-lr").fill("0.20")
    wait_for_recipe(page, "quick,epochs=3,lr=0.2")
    assert page.locator("#rx-tf-in-lr").input_value() == "0.20"  # not under the fingers
    page.locator("#rx-tf-in-nesterov").uncheck()
    wait_for_recipe(page, "quick,epochs=3,lr=0.2,nesterov=no")
    assert "2 changed" in page.get_by_role("button", name="Optimizer").inner_text()
    assert page.locator(".rx-tf-field[data-setting=lr].rx-tf-changed").count() == 1

    page.reload()
    wait_for_recipe(page, "quick,epochs=3,lr=0.2,nesterov=no")
    assert page.get_by_role("spinbutton", name="Epochs").input_value() == "3"

    page.get_by_role("button", name="Optimizer").click()
    page.get_by_role("button", name="Take Nesterov back to the recipe's yes").click()
    wait_for_recipe(page, "quick,epochs=3,lr=0.2")
    page.get_by_role("button", name="Take back", exact=True).click()
    wait_for_recipe(page, "quick,epochs=3")


def test_a_recipe_is_a_step_that_back_undoes_and_hides_what_means_nothing(server, visit):
    page = open_form(visit, server)
    page.locator("#rx-tf-recipe").select_option("he2015")
    wait_for_recipe(page, "he2015")
    assert "8.75 %" in page.locator("#rx-tf-expected").inner_text()
    page.get_by_role("button", name="Learning rate over time").click()
    assert (
        page.locator("#rx-tf-in-milestones").is_visible()
        and not page.locator("[data-setting=step_epochs]").is_visible()
    )
    page.locator("#rx-tf-in-schedule").select_option("cosine")
    wait_for_recipe(page, "he2015,schedule=cosine")
    assert not page.locator("[data-setting=milestones]").is_visible()
    page.go_back()
    page.go_back()
    wait_for_recipe(page, "quick")
    assert page.locator("#rx-tf-recipe").input_value() == "quick"


def test_a_refused_value_stands_at_its_control_and_nothing_is_lost(server, visit):
    page = open_form(visit, server)
    page.get_by_role("button", name="Optimizer").click()
    page.locator("#rx-tf-in-momentum").fill("7")
    assert "momentum goes from 0 to 0.999" in refusal_of(page, "momentum")
    page.locator("#rx-tf-in-weight_decay").fill("0.01")
    wait_for_recipe(page, "quick,weight_decay=0.01")  # the others go on
    assert page.locator("#rx-tf-in-momentum").input_value() == "7"
    page.get_by_role("button", name="Optimizer").click()  # folded, it is marked still
    assert "one is refused" in page.get_by_role("button", name="Optimizer").inner_text()
    page.get_by_role("button", name="Start training").click()
    page.locator(".rx-tf-fault").wait_for(state="visible")
    assert page.evaluate("() => document.activeElement.id") == "rx-tf-in-momentum"  # the way there is shown
    assert "run=" not in page.url
    page.locator("#rx-tf-in-momentum").fill("0.8")
    wait_for_recipe(page, "quick,momentum=0.8,weight_decay=0.01")
    assert not page.locator("[data-setting=momentum] .rx-tf-refusal").is_visible()


def test_what_is_typed_before_the_first_answer_stays(server, visit):
    page = visit(f"{server.url}?v=resnet20&tab=train", ready="[data-setting=epochs] input")
    typed = "() => { const field = document.querySelector('[data-setting=epochs] input'); field.focus(); "
    typed += "field.value = '7'; field.dispatchEvent(new Event('input', {bubbles: true})) }"
    page.evaluate(typed)
    wait_for_recipe(page, "quick,epochs=7")
    assert page.locator("[data-setting=epochs] input").input_value() == "7"


def test_settings_that_contradict_wait_for_each_other(server, visit):
    page = open_form(visit, server)
    page.get_by_role("button", name="Budget").click()
    page.locator("#rx-tf-in-accumulate").fill("5")
    assert "does not divide" in refusal_of(page, "accumulate")
    page.get_by_role("spinbutton", name="Batch size").fill("100")
    wait_for_recipe(page, "quick,batch_size=100,accumulate=5")


def test_the_recipe_can_be_typed(server, visit):
    page = open_form(visit, server)
    text = page.locator(TEXT)
    text.fill("wrn, epochs=4,seed=1")
    text.press("Enter")
    wait_for_recipe(page, "wrn,epochs=4,seed=1")
    assert text.input_value() == "wrn,epochs=4,seed=1"
    text.fill("wrn,epoch=4")
    text.press("Enter")
    refusal = page.locator("#rx-tf-text-bad")
    refusal.wait_for(state="visible")
    assert "did you mean epochs?" in refusal.inner_text() and text.input_value() == "wrn,epoch=4"
    text.press("Escape")
    assert text.input_value() == "wrn,epochs=4,seed=1" and not refusal.is_visible()


def test_a_link_that_means_nothing_is_said_to(server, visit):
    page = open_form(visit, server, "v=resnet20&tab=train&r=nonsense,epochs=3&d=folder%3A%2Fetc&t=x~y")
    page.locator("#rx-tf-text-bad").wait_for(state="visible")
    assert page.locator(FORM).get_attribute("data-recipe") == "quick"
    assert page.locator(TEXT).input_value() == "nonsense,epochs=3"
    assert page.locator("#rx-tf-detail").input_value() == ""  # a link names no place of the machine
    assert page.locator(".rx-tf-list .rx-tf-refusal").count() == 2


def test_a_race_is_put_together_and_taken_apart(server, visit):
    page = open_form(visit, server)
    page.get_by_role("button", name="+ plain twin").click()
    wait_for_variants(page, "resnet20", "resnet20,shortcut=none")
    assert page.locator(".rx-tf-start").inner_text() == "Start the race of 2"
    page.get_by_role("button", name="+ another").click()
    field = page.get_by_label("Another network")
    for typed, part in (("resnet20x", "no known network"), ("ResNet20", "in the list already")):
        field.fill(typed)
        field.press("Enter")
        page.locator(".rx-tf-variants .rx-tf-refusal", has_text=part).wait_for()
        assert field.input_value() == typed
    field.fill("resnet32")
    field.press("Enter")
    wait_for_variants(page, "resnet20", "resnet20,shortcut=none", "resnet32")
    page.reload()
    wait_for_variants(page, "resnet20", "resnet20,shortcut=none", "resnet32")
    page.get_by_role("button", name="Remove resnet20,shortcut=none").click()
    wait_for_variants(page, "resnet20", "resnet32")
    page.get_by_role("button", name="Build's alone").click()
    wait_for_variants(page, "resnet20")
    assert "t=" not in page.url.replace("&tab=", "").replace("?tab=", "")


def test_what_is_trained_follows_build(server, visit):
    page = open_form(visit, server)
    page.get_by_role("tab", name="Build").click()
    page.get_by_label("32", exact=True).check()
    page.wait_for_function("() => document.querySelector('.rx-build')?.dataset.variant === 'resnet32'")
    page.locator(".rx-ideas").get_by_role("button", name="Train …").click()
    wait_for_variants(page, "resnet32")
    page.get_by_role("tab", name="Build").click()
    page.locator(".rx-ideas").get_by_role("button", name="Race its twin …").click()
    wait_for_variants(page, "resnet32", "resnet32,shortcut=none")


def test_compare_sends_what_it_compares_before_train_was_ever_opened(server, visit):
    page = visit(f"{server.url}?tab=compare&c=resnet20~resnet32~resnet44", ready=".rx-c-column")
    page.get_by_role("button", name="Race these …").click()
    wait_for_variants(page, "resnet20", "resnet32", "resnet44")
    assert page.locator(".rx-tf-start").is_visible()


def test_a_folder_is_asked_for_and_kept_out_of_the_link(server, visit, tmp_path):
    page = open_form(visit, server)
    assert not page.locator("#rx-tf-detail").is_visible()
    page.locator("#rx-tf-data").select_option("folder")
    page.get_by_role("button", name="Start training").click()
    refusal = page.locator("#rx-tf-data-bad")
    refusal.wait_for(state="visible")
    assert "No folder is given" in refusal.inner_text()
    page.locator("#rx-tf-detail").fill(str(tmp_path / "none"))
    page.get_by_role("button", name="Start training").click()
    page.locator("#rx-tf-data-bad", has_text="no folder that can be read").wait_for()
    assert "d=folder" in page.url and "none" not in page.url and "run=" not in page.url
    page.reload()
    page.locator("#rx-tf-detail").wait_for()
    assert page.locator("#rx-tf-detail").input_value() == str(tmp_path / "none")  # this browser remembers


def test_a_batch_is_looked_at_as_the_settings_draw_it(server, visit):
    page = open_form(visit, server)
    page.get_by_role("button", name="Look at a batch").click()
    images = page.locator(".rx-look img")
    images.first.wait_for()
    assert images.count() == 16 and "1×32×32" in page.locator(".rx-look").inner_text()
    read = "() => [...document.querySelectorAll('.rx-look img')].map((image) => image.src)"
    first = page.evaluate(read)
    assert len(set(first)) > 8
    page.get_by_role("button", name="Draw again").click()
    page.wait_for_function("f => document.querySelector('.rx-look img').src !== f", arg=first[0])
    page.locator(TEXT).fill("quick,pad=0,flip=no")
    page.locator(TEXT).press("Enter")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.rx-look figure')]"
        ".every((pair) => pair.children[0].src === pair.children[1].src)"
    )  # nothing is drawn anew: both are the same


def test_two_pages_that_start_at_the_same_moment_get_two_runs(server, visit):
    pages = [open_form(visit, server, f"v=resnet8,width={width}&tab=train&r=quick,epochs=1") for width in (4, 8)]
    for page in pages:
        page.evaluate("() => setTimeout(() => document.querySelector('.rx-tf-start').click(), 300)")
    for page in pages:
        page.wait_for_function("() => new URLSearchParams(location.search).get('run')")
    ids = [page.evaluate("() => new URLSearchParams(location.search).get('run')") for page in pages]
    assert len(set(ids)) == 2
    for id in ids:
        row = pages[0].locator(f".rx-rl-row:has([data-run='{id}'])")
        row.wait_for()
        pages[0].wait_for_function(
            "id => document.querySelector(`.rx-rl-open[data-run='${id}']`).closest('.rx-rl-row').dataset.state"
            " === 'finished'",
            arg=id,
            timeout=120_000,
        )
        assert "%" in row.inner_text()


def test_a_race_is_started_with_one_press(server, visit):
    page = open_form(
        visit, server, "v=resnet8,width=4&tab=train&r=quick,epochs=1&t=resnet8,width=4~resnet8,shortcut=none,width=4"
    )
    page.get_by_role("button", name="Start the race of 2").click()
    race = page.locator(".rx-rl-race", has_text="Race of 2").first
    race.wait_for()
    page.wait_for_function(
        "() => [...document.querySelector('.rx-rl-race').querySelectorAll('.rx-rl-row')]"
        ".every((row) => row.dataset.state === 'finished')",
        timeout=120_000,
    )
    assert race.locator(".rx-rl-row").count() == 2
    assert race.locator(".rx-rl-race-open[aria-current]").count() == 1 and "race=" in page.url


def test_the_list_is_filtered_walked_annotated_and_cleared(own_server, visit):
    home = own_server.home
    page = open_form(visit, own_server)
    page.get_by_text("No runs yet.").wait_for()
    for name, variant, status, race in (
        ("one", "resnet8", "finished", ""), ("two", "resnet20", "stopped", ""),
        ("r1", "resnet32", "finished", "race"), ("r2", "resnet32,shortcut=none", "finished", "race"),
    ):  # fmt: skip
        make_run(home, name, variant, status, race=race)
    page.reload()
    rows = page.locator(".rx-rl-open")
    rows.nth(3).wait_for()
    assert [row.get_attribute("data-run") for row in rows.all()] == ["r1", "r2", "two", "one"]
    page.evaluate("() => addEventListener('rx-overlay', (event) => (window.ids = event.detail.ids))")

    rows.first.focus()  # the keyboard: arrows walk, Enter opens
    page.keyboard.press("End")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_function("() => new URLSearchParams(location.search).get('run') === 'two'")
    assert page.locator(".rx-rl-open[aria-current]").get_attribute("data-run") == "two"

    page.get_by_label("Tick resnet20").check()
    page.get_by_label("Tick resnet8").check()
    page.get_by_role("button", name="Overlay").click()
    assert page.evaluate("() => window.ids") == ["one", "two"]
    page.get_by_role("button", name="Clear").click()
    assert not page.locator(".rx-rl-picked").is_visible()

    page.get_by_role("button", name="Note, tags and deleting of resnet8").click()
    page.get_by_label("Note", exact=True).fill("worth keeping")
    page.get_by_label("Tags", exact=True).fill("keep, first")
    page.get_by_label("Tags", exact=True).press("Enter")
    page.locator(".rx-rl-tags i", has_text="keep").wait_for()
    page.reload()
    page.locator(".rx-rl-tags i", has_text="first").wait_for()
    page.get_by_label("Tag", exact=True).select_option("keep")
    assert [row.get_attribute("data-run") for row in rows.all()] == ["one"]
    page.get_by_label("Tag", exact=True).select_option("")
    page.get_by_label("Filter runs by words").fill("stopped resnet20")
    assert [row.get_attribute("data-run") for row in rows.all()] == ["two"]
    page.get_by_label("Filter runs by words").fill("nothing like it")
    page.get_by_text("No run matches the filter.").wait_for()
    page.get_by_label("Filter runs by words").fill("")

    rows.last.focus()
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Press again to delete").wait_for()
    assert (home / "runs" / "one").exists()
    page.keyboard.press("Enter")
    page.wait_for_function("() => !document.querySelector(\".rx-rl-open[data-run='one']\")")
    assert not (home / "runs" / "one").exists()
    assert page.evaluate("() => document.activeElement.dataset.run") == "two"


def test_the_form_works_by_keyboard(server, visit):
    page = open_form(visit, server)
    page.get_by_role("button", name="Augmentation").focus()
    page.keyboard.press("Enter")
    page.locator("#rx-tf-in-policy").focus()
    page.locator("#rx-tf-in-policy").select_option("randaugment")
    wait_for_recipe(page, "quick,policy=randaugment")
    page.locator("#rx-tf-in-magnitude").wait_for()
    page.locator("#rx-tf-in-policy").press("Escape")
    assert page.locator(".rx-tf-panel").is_hidden()
    assert page.evaluate("() => document.activeElement.textContent").startswith("Augmentation")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_narrow_screen_nothing_sticks_out_and_start_is_in_sight(server, visit, scheme):
    page = open_form(visit, server, width=390, height=844, color_scheme=scheme)
    settle(page)
    assert page.evaluate(WIDER) <= 0
    box = page.locator(".rx-tf-start").bounding_box()
    assert box["y"] >= 0 and box["y"] + box["height"] <= 844
    assert not page.locator(".rx-rl-rows").is_visible()  # folded, below the form
    page.get_by_role("button", name="Runs").click()
    for name in ("What is watched", "Augmentation", "Look at a batch"):
        page.get_by_role("button", name=name).click()
        assert page.evaluate(WIDER) <= 0
    page.get_by_role("button", name="+ plain twin").click()
    wait_for_variants(page, "resnet20", "resnet20,shortcut=none")
    assert page.evaluate(WIDER) <= 0


def test_a_run_is_timed_before_it_starts_and_the_timing_can_be_stopped(server, visit):
    page = open_form(visit, server, "v=resnet8,width=4&tab=train&r=quick,epochs=2")
    cost = page.locator(".rx-tf-cost-text")
    page.wait_for_function("() => /^about .*B$/.test(document.querySelector('.rx-tf-cost-text').textContent)")
    page.get_by_role("button", name="Time it").click()
    page.locator(".rx-tf-cost").get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Time it").wait_for()
    assert not page.locator(".rx-tf-cost .rx-tf-refusal").is_visible()
    page.get_by_role("button", name="Time it").click()
    page.wait_for_function(
        r"() => /^about \d+ (s|min), .*B$/.test(document.querySelector('.rx-tf-cost-text').textContent)",
        timeout=120_000,
    )
    page.get_by_role("spinbutton", name="Epochs").fill("3")  # the time is of what was timed alone
    wait_for_recipe(page, "quick,epochs=3")
    page.get_by_role("button", name="Time it").wait_for()
    assert "min" not in cost.inner_text() and " s" not in cost.inner_text()
    assert "run=" not in page.url
