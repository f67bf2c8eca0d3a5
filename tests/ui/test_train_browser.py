"""Train, in a real browser: a run is watched to its end, and nothing that happens to the page touches it."""

import time

import pytest

pytestmark = pytest.mark.browser

POINTS = "() => +(document.querySelector('.rx-chart-loss')?.dataset.points || 0)"
RUN = ".rx-run-name"
RANGE = "() => document.querySelector('.rx-chart-loss').layout.xaxis.range"


def wait_for_state(page, state, seconds=60):
    page.wait_for_function(
        "s => document.querySelector('.rx-runs')?.dataset.state === s", arg=state, timeout=seconds * 1000
    )


def wait_for_points(page, more_than):
    page.wait_for_function(
        "n => +(document.querySelector('.rx-chart-loss')?.dataset.points || 0) > n", arg=more_than, timeout=60_000
    )


def start_run(page, variant, epochs):
    page.get_by_role("tab", name="Train").click()
    page.locator(".rx-tf-name").get_by_text(variant, exact=True).wait_for()  # the form says what will be trained
    page.get_by_role("spinbutton", name="Epochs").fill(str(epochs))
    page.get_by_role("button", name="Start training").click()


def drag_to_zoom(page):
    """Drag until it zooms: a drag may begin while the chart is drawn anew, which ends it."""
    for _ in range(5):
        box = page.locator(".rx-chart-loss .nsewdrag").bounding_box()
        middle = box["y"] + box["height"] / 2
        page.mouse.move(box["x"] + 0.2 * box["width"], middle)
        page.mouse.down()
        page.mouse.move(box["x"] + 0.7 * box["width"], middle, steps=5)
        page.mouse.up()
        page.wait_for_timeout(500)
        if page.evaluate("() => document.querySelector('.rx-chart-loss').layout.xaxis.autorange === false"):
            return page.evaluate(RANGE)
    raise AssertionError("the chart does not zoom")


def held_out_accuracy(page):
    text = page.locator(".rx-numbers span").filter(has_text="held out").locator("b").inner_text()
    return float(text.removesuffix("%").strip())


def test_a_run_on_digits_is_watched_to_above_95_percent(server, visit):
    page = visit(server.url + "?v=resnet8&rg=loss-gradients-rate-speed")
    start_run(page, "resnet8", epochs=7)
    wait_for_state(page, "running")
    assert "run=resnet8-" in page.url
    wait_for_points(page, 3)
    page.evaluate("() => { window.removed = 0; new MutationObserver(all => all.forEach(one => window.removed += "
                  "[...one.removedNodes].filter(n => n.classList?.contains('plot-container')).length))"
                  ".observe(document.querySelector('.rx-run-groups'), {childList: true, subtree: true}) }")  # fmt: skip
    zoomed = drag_to_zoom(page)
    wait_for_points(page, page.evaluate(POINTS) + 5)
    assert page.evaluate(RANGE) == zoomed  # the zoom survives what arrives
    wait_for_state(page, "finished", 600)
    assert page.evaluate("() => window.removed") == 0
    assert held_out_accuracy(page) > 95
    for chart in ("loss", "accuracy"):
        assert int(page.locator(f".rx-chart-{chart}").get_attribute("data-points")) > 10
    rows = page.evaluate("() => document.querySelector('.rx-chart-gradients').data[0].y")
    blocks = [f"layer{stage}.0.branch.conv{number}" for stage in (1, 2, 3) for number in (1, 2)]
    assert rows == ["stem.conv1", *blocks, "head.fc"]
    assert "resnet8,input=1x32x32 on digits" in page.locator(".rx-run-text").inner_text()
    assert "Held-out accuracy" in page.locator(".rx-run-says").inner_text()

    again = visit(page.url, ready=RUN)  # the link shows the run again, in another browser
    wait_for_state(again, "finished")
    wait_for_points(again, page.evaluate(POINTS) - 1)

    page.get_by_role("button", name="Inspect its weights").click()  # and its weights can be looked through
    page.locator("#rx-answer .rx-top").wait_for()
    assert page.locator("#rx-answer .rx-label").count() == 5
    assert "8 × 8" not in page.locator("#rx-answer").inner_text()
    assert "32 × 32" in page.locator("#rx-answer").inner_text()

    page.get_by_role("tab", name="Build").click()  # and its gradients colour the graph
    page.get_by_label("Colour by").select_option("gradient")
    page.locator(".rx-heat").get_by_text("a box, most in").wait_for()


def test_stop_keeps_the_run_and_resume_goes_on(server, visit):
    page = visit(server.url + "?v=resnet20,shortcut=none")
    start_run(page, "resnet20,shortcut=none", epochs=30)
    wait_for_state(page, "running")
    wait_for_points(page, 1)
    page.get_by_role("button", name="Stop", exact=True).click()
    wait_for_state(page, "stopped")
    stopped_at = page.evaluate(POINTS)
    page.reload()
    wait_for_state(page, "stopped")
    wait_for_points(page, stopped_at - 1)
    page.get_by_role("button", name="Resume").click()
    wait_for_state(page, "running")
    wait_for_points(page, stopped_at + 1)
    page.get_by_role("button", name="Stop", exact=True).click()
    wait_for_state(page, "stopped")


def test_closing_the_page_and_restarting_the_server_do_not_touch_a_run(own_server, visit):
    page = visit(own_server.url + "?v=resnet8")
    start_run(page, "resnet8", epochs=200)
    wait_for_state(page, "running")
    wait_for_points(page, 2)
    link = page.url
    own_server.stop()
    page.locator(".rx-runs .rx-refusal").wait_for(state="visible", timeout=30_000)  # says so, and asks again
    before = page.evaluate(POINTS)
    page.complaints.clear()  # a browser reports each refused connection; that is what was done here
    time.sleep(2)
    own_server.start()
    wait_for_points(page, before + 3)
    page.locator(".rx-runs .rx-refusal").wait_for(state="hidden")
    page.complaints.clear()
    page.close()
    time.sleep(1)
    again = visit(link, ready=RUN)
    wait_for_state(again, "running")
    wait_for_points(again, before + 3)
    again.get_by_role("button", name="Stop", exact=True).click()
    wait_for_state(again, "stopped")


SHARED = """
import sys
import explorer.ui.serve
from explorer.cli import main
explorer.ui.serve.LOOPBACK = ()
sys.exit(main(sys.argv[1:]))
"""


def test_on_a_shared_page_a_link_shows_a_run_and_its_starter_alone_stops_it(serve, visit):
    page = visit(serve("-c", SHARED).url + "?v=resnet8")
    start_run(page, "resnet8", epochs=20)
    wait_for_state(page, "running")
    other = visit(page.url, ready=RUN)
    wait_for_state(other, "running")
    wait_for_points(other, 2)
    rows = [each.locator(".rx-rl-row") for each in (page, other)]
    for row in rows:
        row.locator(".rx-rl-open").wait_for()
    assert rows[0].locator(".rx-rl-more").is_visible() and not rows[1].locator(".rx-rl-more").is_visible()
    assert other.get_by_role("button", name="Export").is_visible()
    assert not other.get_by_role("button", name="Stop", exact=True).is_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    wait_for_state(other, "stopped")
    assert not other.get_by_role("button", name="Resume").is_visible()
    page.get_by_role("button", name="Resume").wait_for()


@pytest.mark.parametrize(
    ("field", "setting", "value", "part"),
    [
        ("Epochs", "epochs", "0", "epochs goes from 1 to 1,000"),
        ("Batch size", "batch_size", "5000", "batch_size=5000 is more than"),
    ],
)
def test_a_refused_setting_gets_a_sentence(server, visit, field, setting, value, part):
    page = visit(server.url + "?v=resnet8")
    page.get_by_role("tab", name="Train").click()
    page.locator(".rx-tf-name").get_by_text("resnet8", exact=True).wait_for()
    page.get_by_role("spinbutton", name=field).fill(value)
    page.get_by_role("button", name="Start training").click()
    refusal = page.locator(f"[data-setting={setting}] .rx-tf-refusal")
    refusal.wait_for(state="visible")
    assert part in refusal.inner_text().replace("\u2009", ",")
    assert page.locator(".rx-run-name").inner_text() == "No run chosen"


def test_a_run_that_is_not_there_gets_a_sentence(server, visit):
    page = visit(server.url + "?run=..%2F..%2Fetc", ready=RUN)
    refusal = page.locator(".rx-runs .rx-refusal")
    refusal.wait_for(state="visible")
    assert "There is no run" in refusal.inner_text()
