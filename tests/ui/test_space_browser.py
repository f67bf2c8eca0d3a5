"""Space, in a real browser: points come, a budget sifts them, and what is chosen can be opened elsewhere."""

import csv
import json
import random
import re
from urllib.parse import parse_qs, quote, urlparse

import pytest

from explorer.architecture.search import find_pareto, sample_space
from explorer.architecture.space import Space
from explorer.architecture.totals import count_totals
from explorer.architecture.variant import format_variant, parse_variant
from explorer.ui.space_tab import CHUNK, DESIGNS

pytestmark = pytest.mark.browser

DONE = """() => {
  const { state, drawn } = document.querySelector('.rx-space')?.dataset;
  return state === 'done' && drawn > 0;
}"""
WIDER = "() => document.documentElement.scrollWidth - innerWidth"
# how many pixels of the cloud are of some colour, and how many are grey
PIXELS = """() => {
  const canvas = document.querySelector('.rx-cloud canvas');
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let [colour, grey] = [0, 0];
  for (let at = 0; at < data.length; at += 4) {
    if (!data[at + 3]) continue;
    const spread = Math.max(data[at], data[at + 1], data[at + 2]) - Math.min(data[at], data[at + 1], data[at + 2]);
    if (spread > 60) colour++; else grey++;
  }
  return [colour, grey];
}"""


def open_space(visit, server, link="", **options):
    page = visit(f"{server.url}?tab=space{link}&l=1", ready=".rx-space", **options)
    page.wait_for_function(DONE)
    return page


def read(page, name):
    return int(page.locator(".rx-space").get_attribute(f"data-{name}"))


def parameters(page):
    return {name: values[0] for name, values in parse_qs(urlparse(page.url).query).items()}


def fill(page, label, text):
    field = page.get_by_label(label, exact=True)
    field.fill(text)
    field.press("Enter")


def read_rows(page):
    """The table's rows: text of the variant, and its exact parameters, MACs, activations, depth and width."""
    rows = page.evaluate(
        """() => [...document.querySelectorAll('.rx-space-rows tbody tr')].map(row => [
        row.querySelector('button').dataset.text, ...[...row.querySelectorAll('td[title]')].map(cell => cell.title)])"""
    )
    return [(text, *(int(re.sub(r"\D", "", number)) for number in numbers)) for text, *numbers in rows]


def test_points_come_and_stand_beside_known_networks(server, visit):
    page = visit(server.url)
    page.get_by_role("tab", name="Space").click()
    page.wait_for_function(DONE)
    assert 18_000 <= read(page, "drawn") <= 22_000
    assert read(page, "inside") == read(page, "drawn")
    colour, grey = page.evaluate(PIXELS)
    assert colour > 10_000 and grey < colour / 5  # where colours mix
    assert "resnet50" in page.locator(".rx-cloud-front text").all_text_contents()
    page.get_by_role("button", name="Known networks").click()
    rows = {row[0]: row[1:] for row in read_rows(page)}
    assert rows["resnet50"][:2] == (25_557_032, 4_089_184_256)  # torchvision's


def test_the_line_is_the_pareto_set_of_what_was_drawn(server, visit):
    page = open_space(visit, server)
    points = {}
    for chunk in range(10):
        for point in sample_space(Space(), CHUNK, chunk, DESIGNS):
            points[point.design, point.depths] = point
    assert read(page, "drawn") == len(points)
    best = find_pareto(points.values(), ("macs", "depth"))
    rows = read_rows(page)
    assert read(page, "line") == len(best) == len(rows)
    expected = {(point.architecture, point.cost.macs, point.depth) for point in best}
    assert {(parse_variant(row[0]), row[2], row[4]) for row in rows} == expected


def test_the_browsers_pareto_set_against_every_pair(server, visit):
    page = open_space(visit, server)
    code = """async ([x, y, betterX, betterY]) => {
      const { findPareto } = await import(new URL("explorer-assets/any/js/pareto.js", document.baseURI).href);
      return findPareto(x.length, x, y, betterX, betterY, (index) => index % 7 > 0);
    }"""
    draw = random.Random(5)
    for most in (3, 12, 1000):
        for signs in ((-1, 1), (-1, -1), (1, 1), (1, -1)):
            x, y = ([draw.randint(1, most) for _ in range(300)] for _ in range(2))
            points = [(signs[0] * x[i], signs[1] * y[i], i) for i in range(300) if i % 7]
            best = {i for a, b, i in points if not any(c >= a and d >= b and (c, d) != (a, b) for c, d, _ in points)}
            assert set(page.evaluate(code, [x, y, *signs])) == best


def test_which_variant_under_5m_parameters_has_the_fewest_macs_at_depth_50(server, visit):
    page = open_space(visit, server)
    fill(page, "Parameters, at most", "5M")
    fill(page, "Depth, at least", "50")
    fill(page, "Depth, at most", "50")
    page.wait_for_function("() => document.querySelector('.rx-space')?.dataset.drawn > 30000")
    page.wait_for_function(DONE)
    text, params, macs, _, depth, _ = read_rows(page)[0]
    architecture = parse_variant(text)
    cost = count_totals(architecture)
    assert (cost.params, cost.macs, architecture.depth) == (params, macs, depth)
    assert params <= 5_000_000 and depth == 50
    page.get_by_role("button", name="Within the budget").click()
    rows = read_rows(page)
    assert len(rows) == 50 and rows[0][2] == macs
    assert [row[2] for row in rows] == sorted(row[2] for row in rows)
    assert all(row[1] <= 5_000_000 and row[4] == 50 for row in rows)
    assert parameters(page)["sb"] == "params<5M;depth=50"
    assert "of them for being of depth 50" in page.locator(".rx-space-status").inner_text()
    assert "not a proof" in page.locator(".rx-space-words").inner_text()


def test_a_budget_greys_what_is_outside_and_keeps_it(server, visit):
    page = open_space(visit, server)
    drawn, (colour, grey) = read(page, "drawn"), page.evaluate(PIXELS)
    fill(page, "MACs, at most", "100M")
    page.wait_for_function(f"() => document.querySelector('.rx-space')?.dataset.inside < {drawn}")
    page.wait_for_timeout(100)  # a frame
    assert read(page, "drawn") == drawn and 0 < read(page, "inside") < drawn / 2
    after = page.evaluate(PIXELS)
    assert after[0] < colour and after[1] > grey + 1000
    page.get_by_role("button", name="Clear budget").click()
    assert read(page, "inside") == drawn
    page.get_by_role("button", name="dense", exact=True).click()
    assert read(page, "inside") < drawn
    assert parameters(page)["sh"] == "dense"


def test_a_slider_moves_by_keys_and_fills_its_field(server, visit):
    page = open_space(visit, server)
    slider = page.get_by_label("most parameters, slider")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("PageDown")
    text = page.get_by_label("Parameters, at most", exact=True).input_value()
    assert re.fullmatch(r"[0-9.]+[kMG]", text)
    assert slider.get_attribute("aria-valuetext") == text
    assert parameters(page)["sb"] == f"params<{text}"
    assert read(page, "inside") < read(page, "drawn")


def test_a_click_opens_a_card_and_build(server, visit):
    page = open_space(visit, server)
    page.evaluate("""() => { window.heard = [];
      for (const name of ['rx-build', 'rx-compare']) addEventListener(name, e => heard.push([name, e.detail])); }""")
    box = page.locator(".rx-cloud").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator(".rx-space-card dl").wait_for()
    name = page.locator(".rx-space-card h3").inner_text().replace("\n", "")
    assert parameters(page)["sp"] == name == format_variant(parse_variant(name))
    cost = count_totals(parse_variant(name))
    said = re.sub(r"[^0-9 \n]", "", page.locator(".rx-space-card dl").inner_text().replace("\u2009", ""))
    assert str(cost.params) in said and str(cost.macs) in said
    page.get_by_role("button", name="Compare with resnet50").click()
    page.get_by_role("tab", name="Space").click()
    page.get_by_role("button", name="Open in Build").click()
    assert page.evaluate("heard") == [
        ["rx-compare", {"variants": [name, "resnet50"]}], ["rx-build", {"variant": name}],
    ]  # fmt: skip
    assert page.get_by_role("tab", name="Build").get_attribute("aria-selected") == "true"
    page.wait_for_function("name => document.querySelector('.rx-build')?.dataset.variant === name", arg=name)


def test_the_link_restores_cloud_axes_budget_and_card(server, visit):
    first = open_space(visit, server)
    first.locator(".rx-space-family").get_by_label("CIFAR").check()
    first.wait_for_function(DONE)
    first.get_by_label("Upwards").select_option("params")
    fill(first, "Seed", "7")
    first.wait_for_function(DONE)
    fill(first, "Depth, at least", "20")
    fill(first, "Depth, at most", "60")
    fill(first, "MACs, at most", "1.5G")
    first.wait_for_function("() => document.querySelector('.rx-space')?.dataset.drawn > 30000")
    first.wait_for_function(DONE)
    first.locator(".rx-space-rows tbody button").first.click()
    first.locator(".rx-space-card dl").wait_for()
    assert parameters(first).items() >= {"sf": "cifar", "sy": "params", "ss": "7"}.items()
    second = visit(first.url, ready=".rx-space")
    second.wait_for_function("() => document.querySelector('.rx-space')?.dataset.drawn > 30000")
    second.wait_for_function(DONE)
    second.locator(".rx-space-card dl").wait_for()
    for name in ("drawn", "inside", "line"):
        assert read(second, name) == read(first, name), name
    assert {row[0] for row in read_rows(second)} == {row[0] for row in read_rows(first)}
    assert second.locator(".rx-space-card h3").inner_text() == first.locator(".rx-space-card h3").inner_text()
    assert second.get_by_label("MACs, at most", exact=True).input_value() == "1.5G"
    assert second.url == first.url


def test_back_takes_a_budget_back(server, visit):
    page = open_space(visit, server)
    drawn = read(page, "drawn")
    fill(page, "Parameters, at most", "2M")
    assert read(page, "inside") < drawn
    page.go_back()
    page.wait_for_function(f"() => document.querySelector('.rx-space')?.dataset.inside == {drawn}")
    assert page.get_by_label("Parameters, at most", exact=True).input_value() == ""


REFUSED = (
        ("Parameters, at most", "five", "is not an amount"), ("MACs, at least", "-3", "is not an amount"),
        ("Activations, at most", "1e6", "is not an amount"), ("Depth, at most", "0", "is no depth"),
        ("Depth, at least", "20000", "is no depth"), ("Seed", "1.5", "is no seed"), ("Seed", "9999999", "is no seed"),
)  # fmt: skip


def test_a_refused_field_says_why_in_place(server, visit):
    page = open_space(visit, server)
    before = page.url
    for label, text, words in REFUSED:
        field = page.get_by_label(label, exact=True)
        kept = field.input_value()
        fill(page, label, text)
        assert words in page.locator(".rx-space-form [role=alert]:visible").inner_text()
        assert field.get_attribute("aria-invalid") == "true"
        assert page.url == before and read(page, "inside") == read(page, "drawn")
        fill(page, label, kept)
        assert page.locator(".rx-space-form [role=alert]:visible").count() == 0


def test_a_range_that_holds_nothing_is_refused(server, visit):
    page = open_space(visit, server)
    fill(page, "MACs, at least", "2G")
    fill(page, "MACs, at most", "1G")
    assert "more than at most" in page.locator(".rx-space-form [role=alert]:visible").inner_text()


def test_a_link_of_nonsense_opens_all_the_same(server, visit):
    hostile = quote("<img src=x onerror=alert(1)>;params<x;depth<0;macs>1G")
    page = open_space(visit, server, f"&sb={hostile}&sx=evil&sy=macs&ss=-1&sn=1e99&sf=cat&sp={hostile}&sh=a,b")
    assert "can't be read" in page.locator(".rx-space-fault").inner_text()
    assert page.locator(".rx-space-card").inner_text().count("network") >= 1  # refused as no known network
    assert page.locator(".rx-space img").count() == 0
    assert page.get_by_label("MACs, at least", exact=True).input_value() == "1G"


def test_everything_is_reached_by_keyboard_through_the_table(server, visit):
    page = open_space(visit, server)
    page.get_by_role("button", name="Depth", exact=True).focus()
    page.keyboard.press("Enter")
    head = page.locator(".rx-space-rows th", has=page.get_by_role("button", name="Depth", exact=True))
    assert head.get_attribute("aria-sort") == "descending"
    depths = [row[4] for row in read_rows(page)]
    assert depths == sorted(depths, reverse=True)
    page.locator(".rx-space-rows tbody button").first.focus()
    page.keyboard.press("Enter")
    page.locator(".rx-space-card dl").wait_for()
    page.wait_for_function("() => document.activeElement.dataset.card === 'build'")
    page.keyboard.press("Escape")
    assert page.locator(".rx-space-card").is_hidden()
    assert "sp" not in parameters(page)
    page.locator(".rx-cloud").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => document.querySelector('.rx-sr').textContent.includes('params')")
    page.keyboard.press("Enter")
    page.locator(".rx-space-card dl").wait_for()


def test_a_zoom_survives_new_points_and_stop_ends_them(server, visit):
    page = open_space(visit, server)
    page.get_by_role("button", name="Zoom in").click()
    page.wait_for_timeout(100)
    labels = page.locator(".rx-cloud-back").text_content()
    page.get_by_role("button", name="Draw 20").click()
    page.wait_for_function("() => document.querySelector('.rx-space')?.dataset.drawn > 21000")
    page.get_by_role("button", name="Stop").click()
    drawn = read(page, "drawn")
    assert page.locator(".rx-cloud-back").text_content() == labels
    page.wait_for_timeout(600)
    assert read(page, "drawn") == drawn < 39_000
    page.get_by_role("button", name="Go on").click()
    page.wait_for_function(DONE)
    assert read(page, "drawn") > 39_000


def test_downloads_hold_what_is_within_the_budget(server, visit):
    page = open_space(visit, server)
    fill(page, "Parameters, at most", "1M")
    inside = read(page, "inside")
    with page.expect_download() as download:
        page.get_by_role("button", name="CSV").click()
    with open(download.value.path(), newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == inside
    for row in rows[:: len(rows) // 20]:
        cost = count_totals(parse_variant(row["variant"]))
        assert (cost.params, cost.macs) == (int(row["params"]), int(row["macs"]))
        assert cost.params <= 1_000_000
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    with open(download.value.path()) as file:
        assert "<image" in file.read()
    with page.expect_download() as download:
        page.get_by_role("button", name="PNG").click()
    with open(download.value.path(), "rb") as file:
        assert file.read(4) == b"\x89PNG"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_it_fits_narrow_and_wide_light_and_dark(server, visit, width, scheme):
    page = open_space(visit, server, "&sb=params%3C5M&sp=resnet50", width=width, color_scheme=scheme)
    page.locator(".rx-space-card dl").wait_for()
    assert page.evaluate(WIDER) <= 0
    code = """() => ['.rx-space-form', '.rx-space-rows td'].map(name => {
      const { backgroundColor, color } = getComputedStyle(document.querySelector('.rx-space ' + name));
      return [backgroundColor, color].map(text => text.match(/[0-9]+/g).slice(0, 3).reduce((a, b) => a + +b, 0));
    })"""
    colours = page.evaluate(code)
    assert all((ground < ink) is (scheme == "dark") for ground, ink in colours), json.dumps(colours)


def test_a_server_that_is_gone_is_said_and_drawing_goes_on_when_it_is_back(server, visit):
    page = open_space(visit, server)
    drawn = read(page, "drawn")
    page.route("**/component_server/**", lambda route: route.abort())
    page.get_by_role("button", name="Draw 20").click()
    page.locator(".rx-space-fault").wait_for()
    assert "does not answer" in page.locator(".rx-space-fault").inner_text()
    assert read(page, "drawn") == drawn
    page.unroute("**/component_server/**")
    page.get_by_role("button", name="Go on").click()
    page.wait_for_function("() => document.querySelector('.rx-space')?.dataset.drawn > 30000")
    assert page.locator(".rx-space-fault").is_hidden()
    page.complaints.clear()  # the browser tells of each request that failed
