"""Compare, in a real browser: what a first visitor sees, every way to change it, and the link that brings it back."""

import csv
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

TABLE = Path(__file__).parents[1] / "reference" / "counts.csv"
COUNTS = {row["variant"]: row for row in csv.DictReader(TABLE.read_text().splitlines())}
WIDER = "() => document.documentElement.scrollWidth - innerWidth"
HEIGHTS = """() => [...document.querySelectorAll('.rx-c-graph')].map(graph => {
  const tops = {};
  for (const node of graph.querySelectorAll('.node:not(.frame)')) {
    const [stage, part] = node.dataset.name.split('.');
    if (part === 'transition') continue; // stands before its stage
    const top = node.querySelector('.box').getBoundingClientRect().top;
    tops[stage] = Math.min(tops[stage] ?? Infinity, top);
  }
  return tops;
})"""
STATUSES = """() => [...document.querySelectorAll('.rx-c-graph')].map(graph =>
  Object.fromEntries([...graph.querySelectorAll('.node')].map(node => [node.dataset.name, node.dataset.status])))"""
READY = ".rx-c-graph svg"


def link(server, *variants, **others):
    parts = {"c": "~".join(variants), "tab": "compare"} | others
    return f"{server.url}?" + "&".join(f"{name}={text}" for name, text in parts.items() if text) + "&l=1"


def wait_for(page, *variants):
    page.wait_for_function("v => document.querySelector('.rx-compare')?.dataset.variants === v", arg="~".join(variants))


def parameters(page):
    """Of a link, as they stand there."""
    return dict(part.split("=", 1) for part in page.url.partition("?")[2].split("&"))


def ratios(page, row):
    return page.locator(f".rx-c-totals tr[data-row={row}] .rx-c-ratio").all_inner_texts()


@pytest.fixture
def compared(server, visit):
    return visit(link(server), ready=READY)


def test_a_first_visitor_sees_how_resnet50_and_its_preactivation_twin_differ(server, visit):
    page = visit(server.url)
    page.get_by_role("tab", name="Compare", exact=True).click()
    wait_for(page, "resnet50", "resnetv2_50")
    words = page.locator(".rx-c-words").inner_text()
    assert "Norm and activation move in front of each convolution" in words
    assert "an identity shortcut carries x on unchanged" in words
    assert "Parameters fall by 7\u2009680" in words and "MACs and the receptive field" in words
    assert page.locator(".rx-c-hint").inner_text().startswith("Type over a name")
    assert page.locator(".rx-c-tree").get_by_text("before.bn1").is_visible()
    assert "c" not in parameters(page)  # nothing was chosen yet


def test_it_follows_what_build_draws_until_something_is_chosen(server, visit):
    page = visit(server.url)
    page.get_by_label("18", exact=True).check()
    page.get_by_role("tab", name="Compare", exact=True).click()
    wait_for(page, "resnet18", "resnetv2_18")
    page.get_by_role("tab", name="Build", exact=True).click()
    page.get_by_label("34", exact=True).check()
    page.wait_for_function("() => document.querySelector('.rx-build')?.dataset.variant === 'resnet34'")
    page.get_by_role("tab", name="Compare", exact=True).click()
    wait_for(page, "resnet34", "resnetv2_34")
    page.get_by_role("button", name="+ plain twin").click()
    wait_for(page, "resnet34", "resnetv2_34", "resnet34,shortcut=none")
    page.get_by_role("tab", name="Build", exact=True).click()
    page.get_by_label("18", exact=True).check()
    page.wait_for_function("() => document.querySelector('.rx-build')?.dataset.variant === 'resnet18'")
    page.get_by_role("tab", name="Compare", exact=True).click()
    wait_for(page, "resnet34", "resnetv2_34", "resnet34,shortcut=none")
    page.get_by_role("combobox", name="Variant 3").fill("seresnet34")
    page.get_by_role("combobox", name="Variant 3").press("Enter")
    wait_for(page, "resnet34", "resnetv2_34", "seresnet34")
    page.get_by_role("button", name="What Build draws").click()
    wait_for(page, "resnet34", "resnetv2_34", "seresnet34", "resnet18")


def test_ratios_are_those_of_the_published_counts(server, visit):
    page = visit(link(server, "resnet50", "resnetv2_50", "seresnet50", "resnet101"), ready=READY)
    wait_for(page, "resnet50", "resnetv2_50", "seresnet50", "resnet101")
    assert ratios(page, "params") == ["1×", "0.9997×", "1.10×", "1.74×"]
    assert ratios(page, "macs") == ["1×", "same", "1.001×", "1.91×"]
    for key, digits in (("params", (4, 2, 2)), ("macs", (None, 3, 2))):
        first, *others = (int(COUNTS[name][key]) for name in ("resnet50", "resnetv2_50", "seresnet50", "resnet101"))
        for text, other, places in zip(ratios(page, key)[1:], others, digits, strict=True):
            assert text == ("same" if places is None else f"{other / first:.{places}f}×")
    row = page.locator(".rx-c-totals tr[data-row=params] td")
    assert ["least" in cell for cell in row.all_inner_texts()] == [False, True, False, False]
    assert row.first.locator("b").get_attribute("title") == "25\u2009557\u2009032"


def test_add_remove_and_move(compared):
    page = compared
    page.get_by_role("button", name="+ with SE").click()
    wait_for(page, "resnet50", "resnetv2_50", "seresnet50")
    page.get_by_label("Add a network").fill("wrn28_10")
    page.get_by_label("Add a network").press("Enter")
    wait_for(page, "resnet50", "resnetv2_50", "seresnet50", "wrn28_10")
    assert page.get_by_label("Add a network").is_disabled()
    assert "Four are the most" in page.locator(".rx-c-head").inner_text()
    page.get_by_role("button", name="Remove variant 4").click()
    wait_for(page, "resnet50", "resnetv2_50", "seresnet50")
    page.get_by_role("button", name="← Move left").click()
    wait_for(page, "resnet50", "seresnet50", "resnetv2_50")
    page.get_by_role("button", name="← Make it the first").click()
    wait_for(page, "seresnet50", "resnet50", "resnetv2_50")
    assert ratios(page, "params")[:2] == ["1×", "0.91×"]
    for number in (3, 2):
        page.get_by_role("button", name=f"Remove variant {number}").click()
    wait_for(page, "seresnet50")
    assert page.get_by_role("button", name="Remove variant 1").is_disabled()
    assert "add a second" in page.locator(".rx-c-words").inner_text()
    assert not page.locator(".rx-c-diff").is_visible()


def test_what_is_refused_is_explained_and_nothing_is_lost(compared):
    page = compared
    field = page.get_by_role("combobox", name="Variant 2")
    field.fill("resnet51,shortcut=b")
    field.press("Enter")
    alert = page.locator("#rx-c-why-2")
    alert.wait_for()
    assert "No ResNet has depth 51" in alert.inner_text()
    assert field.input_value() == "resnet51,shortcut=b" and field.get_attribute("aria-invalid") == "true"
    wait_for(page, "resnet50", "resnetv2_50")
    assert "c" not in parameters(page)
    field.press("Escape")
    assert field.input_value() == "resnetv2_50" and not alert.is_visible()
    field.fill("RESNET50, shortcut=d")
    field.press("Enter")
    wait_for(page, "resnet50", "resnet50,shortcut=D")
    page.get_by_label("Add a network").fill("resnet50,groups=0")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(".rx-c-head > .rx-c-error").wait_for()
    assert page.get_by_label("Add a network").input_value() == "resnet50,groups=0"


def test_a_link_with_a_mistake_shows_the_rest(server, visit):
    page = visit(link(server, "resnet50", "bogus<b>", "resnet18"), ready=READY)
    page.locator("#rx-c-why-2").wait_for()
    assert "no known network" in page.locator("#rx-c-why-2").inner_text()
    assert page.locator(".rx-c-graph").count() == 2
    assert ratios(page, "params") == ["1×", f"{11_689_512 / 25_557_032:.2f}×"]


def test_the_link_brings_everything_back(server, visit):
    page = visit(link(server), ready=READY)
    page.get_by_role("button", name="+ ResNet-D").click()
    wait_for(page, "resnet50", "resnetv2_50", "resnet50d")
    page.get_by_role("button", name="1 → 3").click()
    page.get_by_role("button", name="Op", exact=True).click()
    page.locator(".rx-c-graphs[data-level=op]").wait_for()
    page.locator(".rx-c-scatter").get_by_role("button", name="Parameters").click()
    found = parameters(page)
    assert (found["c"], found["cd"], found["cl"], found["cx"]) == (
        "resnet50~resnetv2_50~resnet50d",
        "3",
        "op",
        "params",
    )
    other = visit(page.url, ready=READY)
    wait_for(other, "resnet50", "resnetv2_50", "resnet50d")
    other.locator(".rx-c-graphs[data-level=op]").wait_for()
    assert other.get_by_role("button", name="1 → 3").get_attribute("aria-pressed") == "true"
    assert other.locator("[data-axis=params]").get_attribute("aria-pressed") == "true"
    assert "resnet50d" in other.locator(".rx-c-options thead").inner_text()
    assert other.url == page.url


def test_back_and_forward_walk_the_changes(compared):
    page = compared
    page.get_by_role("button", name="+ plain twin").click()
    wait_for(page, "resnet50", "resnetv2_50", "resnet50,shortcut=none")
    page.get_by_role("button", name="Remove variant 2").click()
    wait_for(page, "resnet50", "resnet50,shortcut=none")
    page.go_back()
    wait_for(page, "resnet50", "resnetv2_50", "resnet50,shortcut=none")
    page.go_back()
    wait_for(page, "resnet50", "resnetv2_50")
    page.go_forward()
    page.go_forward()
    wait_for(page, "resnet50", "resnet50,shortcut=none")


def test_stages_stand_at_one_height_in_every_column(server, visit):
    page = visit(
        link(server, "resnet50", "resnetv2_50", "resnet18,depths=2-5-2-2,shortcut=none", "densenet121"), ready=READY
    )
    for level in ("Stage", "Block", "Op"):
        page.get_by_role("button", name=level, exact=True).click()
        page.locator(f".rx-c-graphs[data-level={level.lower()}]").wait_for()
        columns = page.evaluate(HEIGHTS)
        assert len(columns) == 4
        for stage in ("input", "layer1", "layer2", "layer3", "layer4", "head"):
            tops = [column[stage] for column in columns]
            assert max(tops) - min(tops) < 1.5, (level, stage, tops)


def test_the_graphs_mark_what_preactivation_changes(compared):
    page = compared
    page.get_by_role("button", name="Op", exact=True).click()
    page.locator(".rx-c-graphs[data-level=op]").wait_for()
    first, second = page.evaluate(STATUSES)
    assert {first[name] for name in ("stem.bn1", "layer1.0.branch.bn3", "layer1.0.shortcut.bn", "layer1.1.after")} == {
        "removed"
    }
    assert {second[name] for name in ("layer1.0.before.bn1", "layer4.1.before.relu1", "head.bn")} == {"added"}
    assert {first["layer1.0.branch.conv2"], second["layer1.0.branch.conv2"], second["layer1.1.shortcut"]} == {"same"}
    node = page.locator('.rx-c-graph:nth-child(2) .node[data-name="layer1.0.before.bn1"]')
    assert node.locator(".rx-c-sign").text_content() == "+"
    assert node.get_attribute("aria-label").startswith("added: ")


def test_hover_lights_a_name_in_all_columns_and_in_the_table(compared):
    page = compared
    page.locator('.rx-c-graph:nth-child(1) .node[data-name="layer1.0"] .box').hover()
    assert page.locator('.rx-c-graph .node.lit[data-name="layer1.0"]').count() == 2
    assert page.locator(".rx-c-tree tr.lit").get_by_text("layer1.0").count() == 1
    page.locator('.rx-c-graph:nth-child(2) .node[data-name="layer2.1"] .box').click()
    assert "layer2.1" in page.locator(".rx-c-tree tr.chosen").inner_text()
    page.locator('.rx-c-tree tr[data-row="1.0"] button').hover()
    assert page.locator('.rx-c-graph .node.lit[data-name="layer1.0"]').count() == 2


def test_the_tree_opens_and_closes_by_keyboard(compared):
    page = compared
    stem = page.locator('.rx-c-tree tr[data-row="0"] button')
    stem.focus()
    assert stem.get_attribute("aria-expanded") == "false"
    page.keyboard.press("ArrowRight")
    page.locator('.rx-c-tree tr[data-row="0.0"]').wait_for()
    assert stem.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    assert page.locator(":focus").inner_text() == "stem.bn1"
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    assert page.locator('.rx-c-tree tr[data-row="0.0"]').count() == 0
    page.get_by_role("button", name="Open all").click()
    assert (
        page.locator(".rx-c-tree").get_by_text("layer4.0").count() and page.locator('tr[data-row="5.0"]').count() == 1
    )
    page.get_by_role("button", name="Close all").click()
    assert page.locator(".rx-c-tree tbody tr").count() == 6


def test_the_difference_is_taken_away_as_markdown_and_json(server, visit):
    page = visit(link(server), ready=READY, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy as Markdown").click()
    page.get_by_role("button", name="Copied").wait_for()
    text = page.evaluate("() => navigator.clipboard.readText()")
    assert (
        text.startswith("### `resnet50` → `resnetv2_50`")
        and "| parameters | 25,557,032 | 25,549,352 | -7,680 |" in text
    )
    with page.expect_download() as saved:
        page.get_by_role("button", name="Download JSON").click()
    assert saved.value.suggested_filename == "resnet50_to_resnetv2_50.json"
    (found,) = json.loads(Path(saved.value.path()).read_text())["diffs"]
    assert found["totals"]["params"] == [25_557_032, 25_549_352]


def test_other_tabs_ask_for_a_comparison_and_get_a_variant_back(server, visit):
    page = visit(server.url)  # before Compare was ever opened
    page.evaluate("""() => {
      dispatchEvent(new CustomEvent('rx-compare', { detail: { variants: ['resnet18', 'resnet34'] } }));
      [...document.querySelectorAll('button[role=tab]')].find(tab => tab.innerText.trim() === 'Compare').click();
    }""")
    wait_for(page, "resnet18", "resnet34")
    assert parameters(page)["c"] == "resnet18~resnet34"
    page.evaluate(
        "() => dispatchEvent(new CustomEvent('rx-compare', { detail: { variants: ['resnet20', 'plain20'] } }))"
    )
    wait_for(page, "resnet20", "resnet20,shortcut=none")
    page.evaluate("() => addEventListener('rx-build', event => (window.asked = event.detail.variant))")
    page.get_by_role("combobox", name="Variant 2").locator("xpath=ancestor::section").get_by_role(
        "button", name="Open in Build"
    ).click()
    assert page.evaluate("() => window.asked") == "resnet20,shortcut=none"
    assert page.locator(".rx-build").is_visible()


def test_the_scatter_knows_torchvisions_networks_and_adds_one(compared):
    page = compared
    page.locator(".rx-c-scatter").scroll_into_view_if_needed()
    page.wait_for_function("() => Number(document.querySelector('.rx-c-scatter')?.dataset.known) > 30")
    page.locator(".rx-c-plot .scatterlayer").wait_for()
    legend = page.locator(".rx-c-plot .legend").text_content()
    for words in ("papers", "torchvision V1", "torchvision V2", "1 resnet50", "2 resnetv2_50"):
        assert words in legend
    page.get_by_text("As a table").click()
    row = page.locator(".rx-c-known-list tr").filter(has_text="resnet152").filter(has_text="torchvision V2").first
    assert "82.28 %" in row.inner_text()  # torchvision's own
    row.get_by_role("button", name="Compare resnet152").click()
    wait_for(page, "resnet50", "resnetv2_50", "resnet152")


def test_a_narrow_screen_has_nothing_that_sticks_out(server, visit):
    page = visit(
        link(server, "resnet50", "resnetv2_50", "resnet101_gn,shortcut=none", "densenet121"),
        width=390,
        height=800,
        ready=READY,
    )
    wait_for(page, "resnet50", "resnetv2_50", "resnet101_gn,shortcut=none", "densenet121")
    page.locator(".rx-c-scatter").scroll_into_view_if_needed()
    page.locator(".rx-c-plot .scatterlayer").wait_for()
    assert page.evaluate(WIDER) <= 0
    columns = [column.bounding_box() for column in page.locator(".rx-c-column").all()]
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in columns)


def test_all_are_measured_one_after_the_other(server, visit):
    page = visit(link(server, "resnet8", "resnet8,shortcut=none"), ready=READY)
    assert page.locator("tr[data-row=measured-train]").count() == 0
    page.get_by_role("button", name="Measure all").click()
    page.get_by_role("button", name="Stop").wait_for()
    row = page.locator("tr[data-row=measured-train]")
    row.wait_for(timeout=120_000)
    page.wait_for_function(
        "() => !document.querySelector('tr[data-row=measured-train]').innerText.includes('not measured')",
        timeout=120_000,
    )
    assert all(unit in row.inner_text() for unit in ("ms", "1×"))
    assert "torch" in page.locator(".rx-c-measure").inner_text()
    page.get_by_label("Add a network").fill("resnet14,stem=cifar,classes=10,input=3x32x32")
    page.get_by_label("Add a network").press("Enter")
    row.get_by_text("not measured yet").wait_for()


def test_blocks_open_in_all_columns(compared):
    page = compared
    page.locator('.rx-c-graph:nth-child(1) .sign[data-name="layer1.0"]').click()
    assert page.locator('.rx-c-graph .node[data-name="layer1.0.branch.conv2"]').count() == 2
    added = page.locator('.rx-c-graph:nth-child(2) .node[data-name="layer1.0.before.bn1"]')
    assert added.get_attribute("data-status") == "added"
    page.locator(".rx-c-graph [role=application]").nth(1).focus()
    for key in ("Home", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert page.locator('.rx-c-graph .node[data-name="stem.conv1"]').count() == 2


def test_edits_in_a_row_lose_nothing(server, visit):
    page = visit(link(server, "resnet50", "resnet18"), ready=READY)
    second, first = page.get_by_role("combobox", name="Variant 2"), page.get_by_role("combobox", name="Variant 1")
    second.fill("resnet34")
    second.press("Enter")
    first.fill("resnet101")
    first.press("Enter")
    wait_for(page, "resnet101", "resnet34")
