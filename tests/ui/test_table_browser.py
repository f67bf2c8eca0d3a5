"""What stands below Build's graph, in a real browser: the table, and the views beside it."""

import csv
import io
import json

import pytest

pytestmark = pytest.mark.browser

THIN = "\u2009"
NAMES = "() => [...document.querySelectorAll('.rx-table tbody tr')].map(row => row.dataset.name)"
COLUMN = "id => [...document.querySelectorAll(`.rx-table tbody td.rx-col-${id}`)].map(cell => cell.innerText.trim())"
WIDER = "() => document.documentElement.scrollWidth - innerWidth"
CLIPBOARD = {"permissions": ["clipboard-read", "clipboard-write"]}


def wait_for_variant(page, variant):
    page.wait_for_function("v => document.querySelector('.rx-build')?.dataset.variant === v", arg=variant)


def open_table(visit, server, variant="resnet50", view="", **options):
    page = visit(f"{server.url}?v={variant}" + (f"&view={view}" if view else ""), **options)
    wait_for_variant(page, variant)
    return page


def row(page, name):
    return page.locator(f'.rx-table tr[data-name="{name}"]')


def chevron(page, name):
    return row(page, name).locator(".rx-chevron")


def chosen(page):
    return page.locator(".rx-table tr[aria-current]").get_attribute("data-name")


def read_number(text):
    return int(text.replace(THIN, "") or 0)


def test_stages_are_open_blocks_closed_and_open_with_a_click(server, visit):
    page = open_table(visit, server)
    blocks = ["layer1.0", "layer1.1", "layer2.0", "layer2.1", "layer3.0", "layer3.1", "layer4.0", "layer4.1"]
    stages = ["layer1", "layer2", "layer3", "layer4"]
    assert page.evaluate(NAMES) == ["stem", *sorted(stages + blocks), "head"]
    assert [chevron(page, name).get_attribute("aria-expanded") for name in ("stem", "layer1", "layer1.0")] == [
        "false", "true", "false",
    ]  # fmt: skip
    assert row(page, "layer3.1").inner_text().startswith("layer3.1–5 ×5")
    chevron(page, "layer3.1").click()
    assert chevron(page, "layer3.1").get_attribute("aria-expanded") == "true"
    assert row(page, "layer3.1.branch.conv2").locator(".rx-col-params").inner_text() == f"589{THIN}824"  # 9·256·256
    assert page.locator(".rx-card h3").count() == 0  # opening is not choosing
    chevron(page, "layer3").click()
    assert row(page, "layer3.1").count() == 0
    page.get_by_label("101", exact=True).check()  # what is open stays so
    wait_for_variant(page, "resnet101")
    assert row(page, "layer3.1").count() == 0 and row(page, "layer2.1").count() == 1
    page.get_by_role("button", name="Open all").click()
    assert row(page, "layer3.1.branch.conv2").count() == row(page, "stem.conv1").count() == 1
    page.get_by_role("button", name="Close all").click()
    assert page.evaluate(NAMES) == ["stem", *stages, "head"]


def test_a_column_sorts_down_up_and_back(server, visit):
    page = open_table(visit, server, "resnet18")
    before = page.evaluate(NAMES)
    heading = page.locator("th.rx-col-params")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    numbers = [read_number(text) for text in page.evaluate(COLUMN, "params")]
    assert numbers == sorted(numbers, reverse=True)
    assert sum(numbers) == 11_689_512  # torchvision's count: every operation is there once
    names = page.evaluate(NAMES)
    # twice 3·3·512·512 in layer4.1, and nothing as large before it
    assert names[:2] == ["layer4.0.branch.conv2", "layer4.1.branch.conv1"]
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [read_number(text) for text in page.evaluate(COLUMN, "params")] == numbers[::-1]
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "none"
    assert page.evaluate(NAMES) == before
    page.locator("th.rx-col-name").get_by_role("button").press("Enter")  # by keyboard, and the focus stays
    assert page.evaluate(NAMES)[0] == "head.avgpool"
    assert page.evaluate("() => document.activeElement.dataset.sort") == "name"


def test_filters_by_words_and_kind_with_sums_at_the_foot(server, visit):
    page = open_table(visit, server)
    foot = page.locator(".rx-table tfoot")
    assert foot.locator("th").inner_text() == "all 175 operations"
    page.get_by_label("Kind of operation").select_option(label="convolution")
    # torchvision's resnet50: 53 convolutions with 23,454,912 parameters
    assert foot.locator("th").inner_text() == "53 of 175 operations"
    assert foot.locator(".rx-col-params").inner_text() == f"23{THIN}454{THIN}912"
    assert row(page, "layer1.1.branch.conv1").inner_text().startswith("layer1.1.branch.conv1 ×2")
    page.get_by_label("Filter by name or op").fill("layer1 3×3")
    assert page.evaluate(NAMES) == ["layer1.0.branch.conv2", "layer1.1.branch.conv2"]
    assert foot.locator("th").inner_text() == "3 of 175 operations"
    assert foot.locator(".rx-col-params").inner_text() == f"{3 * 9 * 64 * 64:,}".replace(",", THIN)
    page.get_by_label("Filter by name or op").fill("nothing at all")
    assert "No operation has that." in page.locator(".rx-table tbody").inner_text()
    page.get_by_role("button", name="Show all").click()
    assert foot.locator("th").inner_text() == "all 175 operations"
    page.get_by_label("Filter by name or op").fill("relu")
    page.get_by_label("34", exact=True).check()  # a filter outlives a change
    wait_for_variant(page, "resnet34")
    assert foot.locator("th").inner_text() == "33 of 125 operations"  # one in the stem, two in each of 16 blocks
    page.get_by_label("Filter by name or op").press("Escape")
    assert page.get_by_label("Filter by name or op").input_value() == ""


def test_columns_are_chosen_and_remembered(server, visit):
    page = open_table(visit, server)
    assert page.locator("th.rx-col-param_share").count() == 0
    opens = page.get_by_role("button", name="Columns")
    opens.press("Enter")
    assert opens.get_attribute("aria-expanded") == "true"
    page.get_by_label("Params %").check()
    page.get_by_label("Kernel").uncheck()
    # torchvision: layer4 has 14,964,736 of 25,557,032 parameters
    assert row(page, "layer4").locator(".rx-col-param_share").inner_text() == "58.6%"
    page.keyboard.press("Escape")
    assert not page.get_by_label("Params %").is_visible()
    assert page.evaluate("() => document.activeElement.innerText.trim()").startswith("Columns")
    page.reload()
    row(page, "layer4").wait_for()
    assert page.locator("th.rx-col-param_share").count() == 1 and page.locator("th.rx-col-kernel").count() == 0
    page.evaluate("() => localStorage.setItem('rx-columns', 'not JSON')")
    page.reload()
    row(page, "layer4").wait_for()
    assert page.locator("th.rx-col-kernel").count() == 1


def test_keys_walk_open_and_close(server, visit):
    page = open_table(visit, server)
    page.get_by_role("region", name="Cost table").focus()
    for key, expected in [
        ("ArrowDown", "stem"), ("ArrowDown", "layer1"), ("ArrowRight", "layer1.0"), ("ArrowRight", "layer1.0"),
        ("ArrowRight", "layer1.0.branch.conv1"), ("ArrowLeft", "layer1.0"), ("ArrowLeft", "layer1.0"),
        ("ArrowLeft", "layer1"), ("ArrowLeft", "layer1"), ("ArrowDown", "layer2"), ("End", "head"),
        ("ArrowDown", "head"), ("ArrowUp", "layer4.1"), ("Home", "stem"), ("ArrowUp", "stem"),
    ]:  # fmt: skip
        page.keyboard.press(key)
        assert chosen(page) == expected, key
        assert page.evaluate("() => document.activeElement.dataset.name") == expected
    assert row(page, "layer1.0").count() == 0  # the last step to the left closed the stage
    page.locator(".rx-card h3").get_by_text("stem").wait_for()
    assert page.locator(".rx-graph .node.chosen").get_attribute("data-name") == "stem"
    page.keyboard.press("Escape")
    assert page.locator(".rx-table tr.chosen").count() == 0
    assert page.locator(".rx-card h3").count() == 0


def test_hover_lights_the_same_in_graph_and_table(server, visit):
    page = open_table(visit, server)
    row(page, "layer2.1").hover()
    assert page.locator(".rx-graph .node.lit").get_attribute("data-name") == "layer2.1"
    page.locator('.rx-graph .node[data-name="layer1.0"]').hover()
    assert page.locator(".rx-table tr.lit").get_attribute("data-name") == "layer1.0"
    row(page, "layer1.0").hover()
    assert page.locator(".rx-graph .node.lit").get_attribute("data-name") == "layer1.0"
    chevron(page, "layer1").click()  # closes the stage in the graph too
    page.locator('.rx-graph .node[data-name="layer1"]').hover()
    assert page.locator(".rx-table tr.lit").get_attribute("data-name") == "layer1"


FORMATS = (
    ("CSV", "name,op,output"), ("Markdown", "| Name | Op |"), ("LaTeX", "\\toprule"), ("JSON", '"layers"'),
    ("Text", "11,689,512 parameters"),
)  # fmt: skip


def test_the_table_is_copied_in_every_format(server, visit):
    page = open_table(visit, server, "resnet18", **CLIPBOARD)
    for label, part in FORMATS:
        page.get_by_role("button", name="Copy", exact=True).click()
        page.get_by_role("group", name="Copy").get_by_role("button", name=label, exact=True).click()
        page.get_by_role("button", name="Copied").wait_for()
        text = page.evaluate("() => navigator.clipboard.readText()")
        assert part in text and "layer4.1.branch.conv2" in text.replace("\\_", "_")
        page.get_by_role("button", name="Copy", exact=True).wait_for()


def test_the_table_is_downloaded(server, visit):
    page = open_table(visit, server, "resnet18,shortcut=none")
    page.get_by_role("button", name="Download", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON", exact=True).click()
    assert download.value.suggested_filename == "resnet18_shortcut_none_cost.json"
    content = json.loads(download.value.path().read_text())
    assert sum(layer["macs"] for layer in content["layers"]) == content["macs"]


def test_a_view_is_in_the_link_and_back_takes_it_away(server, visit):
    page = open_table(visit, server, "resnet18")
    page.get_by_role("button", name="Paper's table").click()
    page.locator(".rx-paper").wait_for()
    assert "view=paper" in page.url and not page.locator(".rx-table-box").is_visible()
    page.get_by_role("button", name="Charts").click()
    assert "view=charts" in page.url
    page.go_back()
    page.locator(".rx-paper").wait_for()
    page.go_back()
    page.locator(".rx-table-box").wait_for()
    assert "view" not in page.url
    second = open_table(visit, server, "resnet18", view="module")
    second.locator(".rx-listing").get_by_text("class Block(nn.Module)").wait_for()
    third = open_table(visit, server, "resnet18", view="%3Cscript%3E")
    assert third.locator(".rx-table-box").is_visible()


def test_the_papers_table_follows_selects_and_is_copied(server, visit):
    page = open_table(visit, server, "resnet18", view="paper", **CLIPBOARD)
    table = page.locator(".rx-paper")
    table.get_by_text("3×3, 512").first.wait_for()
    page.get_by_label("50", exact=True).check()
    table.get_by_text("1×1, 2048").wait_for()
    table.locator('tr[data-name="layer3"]').click()
    page.locator(".rx-card h3").get_by_text("layer3", exact=True).wait_for()
    page.get_by_role("button", name="Copy", exact=True).click()
    page.get_by_role("button", name="LaTeX").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert "\\left[" in page.evaluate("() => navigator.clipboard.readText()")


def test_charts_are_drawn_follow_switch_and_select(server, visit):
    page = open_table(visit, server, "resnet18", view="charts")
    bars = page.locator(".rx-cost-params .bars .point")
    page.wait_for_function("() => document.querySelectorAll('.rx-cost-resolution .scatterlayer .trace').length === 2")
    assert page.locator(".rx-chart").count() == 5
    assert "layer4 has the most" in page.locator(".rx-cost-params").get_attribute("aria-label")
    stages = bars.count()
    page.get_by_role("button", name="Block", exact=True).click()
    page.wait_for_function("n => document.querySelectorAll('.rx-cost-params .bars .point').length > n", arg=stages)
    page.get_by_role("button", name="Kind of operation").click()
    page.locator(".rx-cost-params .xtick").get_by_text("convolution").wait_for()
    page.get_by_role("button", name="Stage", exact=True).last.click()
    page.locator(".rx-cost-params .xtick").get_by_text("layer4").wait_for()
    page.get_by_label("34", exact=True).check()
    # torchvision's resnet34: layer4 has 13,114,368 of 21,797,672 parameters
    page.locator('.rx-cost-params[aria-label*="60.2%"]').wait_for()
    page.locator(".rx-cost-macs").scroll_into_view_if_needed()
    box = page.locator(".rx-cost-macs .nsewdrag").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 3.5 / 6, box["y"] + box["height"] - 12)  # the fourth of six bars
    page.wait_for_timeout(200)
    page.mouse.down()
    page.mouse.up()
    page.locator(".rx-card h3").get_by_text("layer3", exact=True).wait_for()


def test_the_numbers_of_the_charts_are_downloaded(server, visit):
    page = open_table(visit, server, "resnet18", view="charts")
    page.locator(".rx-cost-resolution .scatterlayer").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download", exact=True).click()
    assert download.value.suggested_filename == "resnet18_charts.csv"
    parts = download.value.path().read_text().split("\n\n")
    assert [part.splitlines()[0] for part in parts] == ["# params", "# macs", "# kept", "# field", "# resolution"]
    rows = list(csv.DictReader(io.StringIO(parts[1].partition("\n")[2])))
    assert sum(int(line["y"]) for line in rows) == 1_814_073_344  # torchvision


@pytest.mark.parametrize(("scheme", "view"), [("light", "paper"), ("dark", "profile")])
def test_a_narrow_screen_shows_a_view_within_its_width(server, visit, scheme, view):
    page = open_table(visit, server, view=view, width=390, height=800, color_scheme=scheme)
    page.wait_for_timeout(1200)
    assert page.evaluate(WIDER) <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_narrow_screen_shows_table_and_charts_within_its_width(server, visit, scheme):
    page = open_table(visit, server, width=390, height=800, color_scheme=scheme)
    page.wait_for_timeout(1200)
    assert page.evaluate(WIDER) <= 0
    box = page.locator(".rx-table-box")
    before = row(page, "layer1.0").locator("th").bounding_box()["x"]
    box.evaluate("box => box.scrollTo(400, 0)")
    assert row(page, "layer1.0").locator("th").bounding_box()["x"] == before  # the name stays
    page.get_by_role("button", name="Columns").click()
    menu = page.get_by_role("group", name="Columns").bounding_box()
    assert menu["x"] >= 0 and menu["x"] + menu["width"] <= 390
    page.keyboard.press("Escape")
    page.get_by_label("Below the graph").locator("visible=true").select_option("Charts")
    page.locator(".rx-cost-params .bars").first.wait_for()
    assert "view=charts" in page.url and page.evaluate(WIDER) <= 0


def test_columns_keep_their_places_while_values_change(server, visit):
    page = open_table(visit, server)
    edges = "() => [...document.querySelectorAll('.rx-table thead th')].map(th => th.getBoundingClientRect().x)"
    before = page.evaluate(edges)
    chevron(page, "layer1.0").click()
    page.locator("th.rx-col-macs").get_by_role("button").click()
    page.locator("th.rx-col-macs").get_by_role("button").click()
    after = page.evaluate(edges)
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= 2
