"""The live view of runs in a real browser: directories made by hand, and appended to as a worker would."""

import math

import pytest
from PIL import Image

import handmade
from explorer.exports import export_run
from explorer.figures.run_fill import Choice, fill_figure
from explorer.figures.run_race import create_race
from explorer.figures.run_rows import RunRows
from explorer.figures.training import GROUPS, create_run_charts

pytestmark = pytest.mark.browser

RUN = ".rx-run-name"
ALL = "-".join(group.id for group in GROUPS)
SIDEWAYS = "() => document.documentElement.scrollWidth - innerWidth"
MOVES = """() => { window.removed = 0; new MutationObserver((all) => all.forEach((one) => window.removed +=
  [...one.removedNodes].filter((node) => node.matches?.(".plot-container, .rx-figure")).length))
  .observe(document.querySelector(".rx-run-groups"), {childList: true, subtree: true}) }"""
# what the browser makes of records, beside what Python makes of them
FILL = """async ([records, figures, race, choices]) => {
  const load = (name) => import(new URL(`explorer-assets/any/js/${name}.js`, document.baseURI).href);
  const [{ RunStore }, { fillFigure }] = await Promise.all([load("run_store"), load("run_fill")]);
  const store = new RunStore("x");
  store.about = { batch_size: 64 };
  for (const record of records) if (record.kind === "answers") store.answers = record; else store.keep(record);
  const fill = (all, choice) => Object.fromEntries(
    Object.entries(all).map(([id, figure]) => [id, fillFigure(figure, store, choice)]));
  const axes = ["step", "epoch", "seconds"];
  return [choices.map((choice) => fill(figures, choice)), axes.map((axis) => fill(race, { axis }))];
}"""


def view(page):
    """The view of runs, without the form and the list beside it."""
    return page.locator(".rx-runs")


def wait_for_state(page, state):
    page.wait_for_function("s => document.querySelector('.rx-runs')?.dataset.state === s", arg=state, timeout=60_000)


def wait_for_points(page, chart, more_than):
    test = "([chart, n]) => +(document.querySelector(`.rx-chart-${chart}`)?.dataset.points || 0) > n"
    page.wait_for_function(test, arg=[chart, more_than], timeout=60_000)


def count_questions(page, name):
    """A list that grows with each question of this name to the server."""
    asked = []
    page.on(
        "request", lambda request: asked.append(request) if f'"fn_name":"{name}"' in (request.post_data or "") else None
    )
    return asked


def assert_alike(one, other, where=""):
    """Equal, but for the last digits of numbers."""
    if isinstance(one, dict):
        assert set(one) == set(other), where
        for key in one:
            assert_alike(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for index, (a, b) in enumerate(zip(one, other, strict=True)):
            assert_alike(a, b, f"{where}[{index}]")
    elif isinstance(one, int | float) and not isinstance(one, bool):
        assert math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12), (where, one, other)
    else:
        assert one == other, where


def make_records(kind):
    records = handmade.rows([*handmade.tell(120, plain=kind == "plain"), handmade.answer(100)])
    if kind == "long":
        records = handmade.rows(handmade.tell(9000, every=3))
    if kind == "torn":  # repeated steps, gaps, units of another network
        step = {**records[2], "loss": None} if records[2]["kind"] == "step" else {**records[1], "loss": None}
        odd = {"kind": "watch", "step": 7, "epoch": 0.1, "values": {"gradient_norm": [1.0]}}
        records = [*records, *records[5:20], {**step, "step": 33, "loss": None}, odd, {"kind": "new", "step": 3}]
    if kind == "old":
        step = next(record for record in records if record["kind"] == "step")
        norms = ({"stem": at / 9, "layer1.0": 0.0, "head": 1.5} for at in range(1, 9))
        records = [{**step, "step": at, "gradient_norms": each} for at, each in enumerate(norms, 1)]
    return records


def test_the_browser_fills_charts_as_python_does(server, visit):
    choices = [Choice(), Choice(at=57, unit=handmade.LAYERS[2]), Choice(at=1)]
    page = visit(server.url)
    asked = [{"at": choice.at, "unit": choice.unit} for choice in choices]
    for kind in ("short", "plain", "long", "torn", "old"):
        records = make_records(kind)
        filled, raced = page.evaluate(FILL, [records, create_run_charts(), create_race(), asked])
        rows = RunRows(records, 64)
        for choice, figures in zip(choices, filled, strict=True):
            for id, figure in create_run_charts().items():
                assert_alike(fill_figure(figure, rows, choice), figures[id], f"{kind}: {id} at {choice.at}")
        for axis, figures in zip(("step", "epoch", "seconds"), raced, strict=True):
            for id, figure in create_race().items():
                assert_alike(fill_figure(figure, rows, Choice(axis=axis)), figures[id], f"{kind}: {id} along {axis}")


def test_a_live_run_grows_without_a_flicker_and_keeps_zoom(server, visit):
    run = handmade.make_run(server.home, "live1", steps=60, final="")
    records = list(handmade.tell(200))
    with run.lock():
        page = visit(f"{server.url}?run=live1&rg=loss-gradients-flow", ready=RUN)
        wait_for_state(page, "running")
        wait_for_points(page, "gradients", 0)
        asked = count_questions(page, "read_runs")
        page.evaluate(MOVES)
        page.evaluate(
            "() => Plotly.relayout(document.querySelector('.rx-chart-loss'), "
            "{'xaxis.range': [10, 30], 'xaxis.autorange': false})"
        )
        before = page.evaluate("() => +document.querySelector('.rx-chart-loss')?.dataset.points")
        for at in range(70, 200, 30):
            handmade.append(run, [record for record in records if at - 30 < getattr(record, "step", 0) <= at])
            page.wait_for_timeout(900)
        wait_for_points(page, "loss", before + 10)
        assert page.evaluate("() => document.querySelector('.rx-chart-loss').layout.xaxis.range") == [10, 30]
        assert page.evaluate("() => window.removed") == 0
        assert page.locator(".rx-numbers").inner_text().count("\n") > 6
        offsets = [request.post_data_json["data"]["runs"][0]["offset"] for request in asked]
        assert offsets[0] > 0 and offsets == sorted(offsets)  # nothing is read twice
        view(page).get_by_role("button", name="Pause", exact=True).click()
        view(page).get_by_role("button", name="Pausing…").wait_for()
        assert run.is_asked_to_pause()
    handmade.append(run, [handmade.FinalRecord(200, "paused", "Paused after 200 steps.")])
    wait_for_state(page, "paused")
    assert view(page).get_by_role("button", name="Resume").is_visible()
    assert not view(page).get_by_role("button", name="Stop", exact=True).is_visible()


def test_film_and_answers_are_asked_for_only_where_they_are_seen(server, visit):
    run = handmade.make_run(server.home, "asked1", final="")
    with run.lock():
        page = visit(f"{server.url}?run=asked1", ready=RUN)
        films, answers = count_questions(page, "read_film"), count_questions(page, "read_answers")
        wait_for_points(page, "loss", 5)
        page.wait_for_timeout(1500)
        assert not films and not answers
        view(page).get_by_role("button", name="Film").click()
        picture = page.locator(".rx-film-picture")
        page.wait_for_function("() => document.querySelector('.rx-film-picture')?.dataset.step === '100'")
        assert "layer1.0, step 100" in picture.get_attribute("aria-label")
        page.wait_for_timeout(1500)
        assert len(films) == 1 and not answers
        handmade.append(run, [handmade.shoot(120)], "film.jsonl")
        page.wait_for_function("() => document.querySelector('.rx-film-picture')?.dataset.step === '120'")
        view(page).get_by_role("button", name="Confidently wrong").click()
        page.locator(".rx-wrong-list li").nth(1).wait_for()
        assert page.locator(".rx-wrong-list li").count() == 2
        assert view(page).get_by_role("img", name="dog, taken for cat").count() == 2
        view(page).get_by_role("button", name="Confusion & classes").click()
        wait_for_points(page, "confusion", 2)
        page.wait_for_timeout(1500)
        assert len(answers) == 1
    assert "rg=loss-answers-wrong-film" in page.url


def test_time_is_scrubbed_and_played_with_the_keyboard(server, visit):
    handmade.make_run(server.home, "time1")
    page = visit(f"{server.url}?run=time1&rg=flow-film", ready=RUN)
    slider = view(page).get_by_role("slider", name="Step that is looked at")
    slider.wait_for()
    depth = "() => document.querySelector('.rx-chart-flow_depth').data?.[0].y[0]"
    page.wait_for_function(f"() => ({depth})() > 0")
    last = page.evaluate(depth)
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_function(
        "([depth, last]) => eval(depth)() > last * 9.9", arg=[depth, last]
    )  # ten times, at a tenth of the steps
    assert slider.get_attribute("aria-valuetext") == "step 10, epoch 0.2"
    assert view(page).get_by_role("button", name="Newest").get_attribute("aria-pressed") == "false"
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.rx-film-picture')?.dataset.step === '20'")
    page.keyboard.press("Space")
    page.wait_for_function(
        "() => document.querySelector('.rx-time [aria-pressed]').getAttribute('aria-pressed') === 'true'"
    )
    page.wait_for_function("() => document.querySelector('.rx-film-picture')?.dataset.step === '100'")
    view(page).get_by_role("button", name="Play over time").wait_for()  # it holds at the end


def test_an_alarm_says_what_to_try_and_zooms_the_charts(server, visit):
    handmade.make_run(server.home, "alarm1")
    page = visit(f"{server.url}?run=alarm1&rg=loss-gradients", ready=RUN)
    wait_for_points(page, "gradients", 5)
    alarm = page.locator(".rx-alarms li")
    assert "44 % of its units are dead. Try a lower learning rate." in alarm.inner_text()
    alarm.get_by_role("button", name="step 40").click()
    for chart in ("loss", "gradients"):
        page.wait_for_function(
            "(id) => document.querySelector(`.rx-chart-${id}`).layout.xaxis.range[1] < 60", arg=chart
        )
    view(page).get_by_role("button", name="Show all steps").click()
    page.wait_for_function("() => document.querySelector('.rx-chart-loss').layout.xaxis.range[1] > 90")
    page.locator(".rx-alarms summary").click()
    assert not alarm.is_visible()


def test_a_row_of_the_heatmap_and_the_menu_choose_a_layer(server, visit):
    handmade.make_run(server.home, "layer1")
    page = visit(f"{server.url}?run=layer1&rg=gradients", ready=RUN)
    wait_for_points(page, "gradients", 5)
    view(page).get_by_label("Layer whose line is drawn").select_option("layer2.0.branch.conv1")
    name = "() => document.querySelector('.rx-chart-gradient_lines').data[2].name"
    page.wait_for_function(f"() => ({name})() === 'layer2.0.branch.conv1'")
    box = page.locator(".rx-chart-gradients .nsewdrag").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] - 4)  # the last row
    page.wait_for_function(f"() => ({name})() === 'head.fc'")
    assert view(page).get_by_label("Layer whose line is drawn").input_value() == "head.fc"


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_group_is_drawn_and_says_what_it_shows(server, visit, width, scheme):
    handmade.make_run(server.home, f"groups{width}")
    page = visit(f"{server.url}?run=groups{width}&rg={ALL}", width=width, ready=RUN, color_scheme=scheme)
    ids = [id for group in GROUPS for id in (*group.charts, *(id for id, _ in group.choices[:1]))]
    for id in ids:
        wait_for_points(page, id, 0)
        chart = page.locator(f".rx-chart-{id}")
        assert chart.get_attribute("role") == "img" and any(map(str.isdigit, chart.get_attribute("aria-label")))
        assert page.locator(f".rx-figure-{id} figcaption").inner_text().endswith(".")
    assert page.evaluate(SIDEWAYS) <= 0
    page.locator("[data-group=flow]").get_by_role("button", name="branch", exact=True).click()
    wait_for_points(page, "flow_branch", 0)
    assert page.locator(".rx-chart-flow_ratio").count() == 0
    switch = page.locator(".rx-run-switches").get_by_role("button", name="Loss & accuracy")
    switch.focus()
    page.keyboard.press("Enter")
    assert switch.get_attribute("aria-pressed") == "false" and not page.locator(".rx-chart-loss").is_visible()
    page.go_back()
    page.locator(".rx-chart-loss").wait_for()


def test_what_was_not_watched_says_so_and_old_runs_keep_their_heatmap(server, visit):
    step = {"kind": "step", "step": 5, "epoch": 0.1, "loss": 2.0, "accuracy": 0.1, "learning_rate": 0.1}
    step |= {"images_per_second": 9.0, "gradient_norms": {"stem": 0.1, "layer1.0": 1.0, "head": 0.5}}
    handmade.make_run(server.home, "old1", steps=0, recipe="watch=none", old=[step, {**step, "step": 10}])
    page = visit(f"{server.url}?run=old1&rg=gradients-flow", ready=RUN)
    wait_for_points(page, "gradients", 1)
    assert page.evaluate("() => document.querySelector('.rx-chart-gradients').data[0].y") == [
        "stem",
        "layer1.0",
        "head",
    ]
    page.locator("[data-group=flow]").get_by_text("Not watched in this run").wait_for()


def test_a_range_test_marks_the_suggested_rate(server, visit):
    handmade.make_run(server.home, "range1", recipe="range")
    page = visit(f"{server.url}?run=range1&rg=rate", ready=RUN)
    wait_for_points(page, "range", 20)
    axis = page.evaluate("() => document.querySelector('.rx-chart-range').layout.xaxis.type")
    mark = page.evaluate("() => document.querySelector('.rx-chart-range').data[2].x")
    assert axis == "log" and mark == [pytest.approx(1.0)]  # a tenth of the last rate, at which the loss is lowest
    assert "suggested" in page.locator(".rx-chart-range").get_attribute("aria-label")


@pytest.mark.parametrize("width", [1280, 390])
def test_a_race_is_seen_side_by_side(server, visit, width):
    race = f"race{width}"
    runs = [
        handmade.make_run(server.home, f"{race}-{at}", race=race, variant=variant, final="")
        for at, variant in enumerate(("resnet8", "resnet8,shortcut=none"))
    ]
    with runs[0].lock(), runs[1].lock():
        page = visit(f"{server.url}?race={race}", width=width, ready=RUN)
        wait_for_points(page, "held_error", 1)
        table = view(page).get_by_role("region", name="Standings")
        assert [row.split("\n")[0] for row in table.locator("tbody tr th").all_inner_texts()] == ["1", "2"]
        assert "resnet8,shortcut=none" in table.inner_text() and "running" in table.inner_text()
        profiles = page.locator(".rx-chart-gradient_depth")
        page.locator(".rx-chart-gradient_depth[data-points]:not([data-points='0'])").nth(1).wait_for()
        ranges = page.evaluate(
            "() => [...document.querySelectorAll('.rx-chart-gradient_depth')].map((e) => e.layout.yaxis.range)"
        )
        assert ranges[0] == ranges[1] and profiles.count() == 2  # one scale
        points = page.evaluate("() => +document.querySelector('.rx-chart-training_error')?.dataset.points")
        records = [record for record in handmade.tell(150) if getattr(record, "step", 0) > 100]
        handmade.append(runs[1], records)
        wait_for_points(page, "training_error", points)
        assert page.evaluate(SIDEWAYS) <= 0
        view(page).get_by_role("button", name="seconds of training").click()
        page.wait_for_function(
            "() => document.querySelector('.rx-chart-training_error').layout.xaxis.title.text === 'seconds of training'"
        )
        view(page).get_by_role("button", name="Stop", exact=True).click()
        view(page).get_by_role("button", name="Stopping…").wait_for()
        assert all(run.is_asked_to_stop() for run in runs)
    view(page).get_by_role("button", name="resnet8,shortcut=none").click()
    view(page).get_by_role("button", name="Show its race").wait_for()
    assert f"run={race}-1" in page.url and "race=" not in page.url
    page.go_back()
    page.locator(".rx-standings:not(.rx-differences)").wait_for()


def test_runs_over_each_other_show_what_they_differ_in(server, visit):
    handmade.make_run(server.home, "over1")
    handmade.make_run(server.home, "over2", recipe="epochs=4,batch_size=32")
    page = visit(f"{server.url}?runs=over1~over2~gone", ready=RUN)
    wait_for_points(page, "training_error", 20)
    table = view(page).get_by_role("region", name="Settings in which the runs differ")
    page.get_by_text("There is no run gone").wait_for()
    page.evaluate("() => dispatchEvent(new CustomEvent('rx-overlay', { detail: { ids: ['over1', 'over2'] } }))")
    table.wait_for()
    assert "Batch size\t64\t32" in table.inner_text()
    assert "runs=over1~over2" in page.url and "gone" not in page.url
    page.evaluate("() => dispatchEvent(new CustomEvent('rx-run', { detail: { id: 'over2' } }))")
    page.wait_for_function("() => document.querySelector('.rx-run-name').textContent === 'resnet8'")
    assert page.url.endswith("run=over2") or "run=over2&" in page.url
    assert not table.is_visible()


def test_a_failed_run_says_what_to_do_and_a_change_of_state_is_told(server, visit):
    run = handmade.make_run(server.home, "failed1", steps=50, final="")
    with run.lock():
        page = visit(f"{server.url}?run=failed1", ready=RUN)
        wait_for_state(page, "running")
        page.evaluate(
            "() => { window.told = []; addEventListener('rx-run-changed', (e) => window.told.push(e.detail)) }"
        )
        handmade.append(run, [handmade.FinalRecord(50, "failed", "The loss is no longer a number: try a third of it.")])
    wait_for_state(page, "failed")
    page.locator(".rx-run-bad").get_by_text("try a third of it").wait_for()
    assert page.evaluate("() => window.told") == [{"id": "failed1", "state": "failed"}]


def test_a_run_exports_its_charts_as_a_picture_and_its_records(server, visit):
    run = handmade.make_run(server.home, "export1")
    page = visit(f"{server.url}?run=export1", ready=RUN)
    wait_for_points(page, "loss", 20)

    def take(label):
        view(page).get_by_role("button", name="Export").click()
        with page.expect_download() as download:
            view(page).get_by_role("button", name=label).click()
        view(page).get_by_role("button", name="Saved").wait_for()
        view(page).get_by_role("button", name="Export").wait_for()
        return download.value

    with Image.open(take("PNG of the charts shown").path()) as picture:
        assert picture.width > 600 and picture.height > 600 and len(picture.convert("L").getcolors()) > 10
    file = take("CSV, a line a step")
    name, content = export_run(run, "csv")
    assert (file.suggested_filename, file.path().read_bytes()) == (name, content)


def test_charts_that_can_not_be_drawn_say_so_and_are_drawn_later(server, visit):
    page = visit(f"{server.url}?tab=train", ready=RUN)
    page.route("**/plotly.min.js", lambda route: route.abort())
    open_run = "id => dispatchEvent(new CustomEvent('rx-run', { detail: { id } }))"
    page.evaluate(open_run, handmade.make_run(server.home, "undrawn1").id)
    page.locator(".rx-chart-loss").get_by_text("could not be loaded").wait_for()
    page.unroute("**/plotly.min.js")
    page.evaluate(open_run, handmade.make_run(server.home, "undrawn2").id)
    wait_for_points(page, "loss", 10)
    page.complaints.clear()  # the browser tells of each request that failed


def test_an_empty_lab_says_so_and_does_not_fetch_what_draws_charts(server, visit):
    page = visit(f"{server.url}?tab=train", width=390, height=800, ready=RUN)
    page.locator(".rx-chart-loss .rx-no-points").wait_for()
    assert page.locator(".rx-chart-loss").inner_text().split("\n") == ["Loss", "Nothing recorded yet."]
    assert page.evaluate("() => window.Plotly === undefined")
    page.evaluate(
        "id => dispatchEvent(new CustomEvent('rx-run', { detail: { id } }))", handmade.make_run(server.home, "some1").id
    )
    wait_for_points(page, "loss", 10)
    assert page.locator(".rx-chart-loss .rx-no-points").count() == 0
    page.go_back()
    page.locator(".rx-chart-loss .rx-no-points").wait_for()
    assert page.locator(".rx-chart-loss .main-svg").count() == 0
    assert "Start a run" in page.locator(".rx-run-text").inner_text()
    assert page.evaluate(SIDEWAYS) <= 0
