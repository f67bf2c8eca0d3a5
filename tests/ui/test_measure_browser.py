"""Measured, in a real browser: from the button to the table, and the ways it can end."""

import json

import pytest

pytestmark = pytest.mark.browser

WIDER = "() => document.documentElement.scrollWidth - innerWidth"
PARTS = ["stem", *(f"layer{stage}.{block}" for stage in (1, 2, 3) for block in (0, 1, 2)), "head"]


def wait_for_variant(page, variant):
    page.wait_for_function("v => document.querySelector('.rx-build')?.dataset.variant === v", arg=variant)


def open_view(visit, server, variant="resnet20", **options):
    page = visit(server.url + f"?v={variant}", **options)
    wait_for_variant(page, variant)
    if options.get("width", 1280) < 760:
        page.locator(".rx-view-list").select_option("measured")
    else:
        page.get_by_role("button", name="Measured", exact=True).click()
    page.get_by_label("Batch", exact=True).fill("2")
    page.get_by_label("Time", exact=True).select_option("2")
    return page


def start(page):
    page.get_by_role("button", name="Measure", exact=True).click()


def wait_for_state(page, state):
    page.wait_for_function("s => document.querySelector('.rx-measure')?.dataset.state === s", arg=state)


def test_a_measurement_stands_beside_its_estimate_and_shares_the_selection(server, visit):
    page = open_view(visit, server)
    assert "process of its own" in page.locator(".rx-measure-empty").inner_text()
    start(page)
    page.get_by_role("button", name="Stop").wait_for()
    page.locator(".rx-measure-doing").filter(has_text="s left").wait_for()
    assert page.get_by_role("button", name="Measure", exact=True).is_disabled()
    wait_for_state(page, "done")
    sections = page.locator(".rx-measure-totals section")
    assert sections.count() == 2
    assert "exact" in sections.nth(0).inner_text() and "kept for backward" in sections.nth(1).inner_text()
    assert "torch" in page.locator(".rx-measure-machine").inner_text()
    rows = page.locator(".rx-measured-table tr[data-name]")
    assert [row.get_attribute("data-name") for row in rows.all()] == PARTS
    page.wait_for_function("() => +document.querySelector('.rx-chart-measured')?.dataset.points === 33")

    page.locator(".rx-measured-table tr[data-name='layer2.0']").click()  # one selection
    page.locator(".rx-card h3", has_text="layer2.0").wait_for()
    assert page.locator(".rx-graph .node.chosen").get_attribute("data-name") == "layer2.0"
    page.locator(".rx-graph .node[data-name='layer3.1']").click()  # a fold of two
    chosen = page.locator(".rx-measured-table tr.chosen")
    page.wait_for_function("() => document.querySelectorAll('.rx-measured-table tr.chosen').length === 2")
    assert [row.get_attribute("data-name") for row in chosen.all()] == ["layer3.1", "layer3.2"]
    page.locator(".rx-measure-table").focus()
    page.keyboard.press("ArrowUp")
    page.locator(".rx-card h3", has_text="layer3.0").wait_for()

    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
        page.get_by_role("group", name="Download").get_by_role("button", name="JSON", exact=True).click()
    assert download.value.suggested_filename == "resnet20_measured.json"
    content = json.loads(download.value.path().read_text())
    assert content["variant"] == "resnet20" and content["batch"] == 2
    assert [part["name"] for part in content["passes"][0]["parts"]] == PARTS

    page.get_by_label("32", exact=True).check()  # another depth
    page.locator(".rx-stale").filter(has_text="of resnet20, not of what is drawn").wait_for()
    assert page.locator(".rx-measured-table tr.chosen").count() == 0
    page.get_by_label("20", exact=True).check()
    wait_for_variant(page, "resnet20")
    assert not page.locator(".rx-stale").is_visible()

    page.reload()  # the result is found again
    page.get_by_role("button", name="Measured", exact=True).click()
    wait_for_state(page, "done")
    assert page.locator(".rx-measured-table tr[data-name]").count() == len(PARTS)


def test_stop_ends_it_at_once_and_it_can_be_started_again(server, visit):
    page = open_view(visit, server)
    page.get_by_label("Time", exact=True).select_option("120")
    page.get_by_label("Batch", exact=True).fill("64")
    start(page)
    page.locator(".rx-measure-doing").filter(has_text="s left").wait_for()
    page.get_by_role("button", name="Stop").click()
    wait_for_state(page, "stopped")
    assert not page.locator(".rx-measure-result").is_visible()
    assert page.get_by_role("button", name="Measure", exact=True).is_enabled()
    page.get_by_label("Batch", exact=True).fill("1")
    page.get_by_label("Time", exact=True).select_option("2")
    page.get_by_label("What", exact=True).select_option("forward")
    start(page)
    wait_for_state(page, "done")
    assert page.locator(".rx-measure-totals section").count() == 1


def test_a_second_page_waits_for_the_first_and_is_told_so(server, visit):
    first, second = open_view(visit, server), open_view(visit, server)
    first.get_by_label("Time", exact=True).select_option("120")
    first.get_by_label("Batch", exact=True).fill("64")
    start(first)
    first.locator(".rx-measure-doing").filter(has_text="s left").wait_for()
    start(second)
    second.locator(".rx-measure-doing").filter(has_text="One measurement is before this one").wait_for()
    first.get_by_role("button", name="Stop").click()
    wait_for_state(second, "done")


def test_refusals_are_sentences_where_the_button_is(server, visit):
    page = open_view(visit, server)
    for typed, part in (("5000", "batch goes from 1 to 1024"), ("", "no whole number"), ("1.5", "no whole number")):
        page.get_by_label("Batch", exact=True).fill(typed)
        start(page)
        page.locator(".rx-measure .rx-refusal").filter(has_text=part).wait_for()
    page.get_by_label("Batch", exact=True).fill("2")
    page.get_by_label("Device", exact=True).select_option("cuda")
    page.get_by_label("What", exact=True).select_option("forward")
    start(page)
    page.wait_for_function("() => ['done', 'failed'].includes(document.querySelector('.rx-measure')?.dataset.state)")


def test_on_a_narrow_screen_nothing_sticks_out(server, visit):
    page = open_view(visit, server, width=390, height=800)
    start(page)
    wait_for_state(page, "done")
    page.wait_for_function("() => +document.querySelector('.rx-chart-measured')?.dataset.points === 33")
    assert page.evaluate(WIDER) <= 0
    assert page.locator(".rx-measure-table").evaluate("box => box.scrollWidth > box.clientWidth")  # it alone scrolls
