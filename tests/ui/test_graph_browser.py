"""The graph as an instrument, in a real browser: it opens in place, is coloured, searched, saved and linked to."""

import io
import re

import pypdf
import pytest
from PIL import Image

from drawing import read_drawing
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.export import export_graph
from explorer.figures.graph import draw_view
from explorer.figures.outline import View, parse_view

pytestmark = pytest.mark.browser

NAMES = "() => [...document.querySelectorAll('.rx-svg .node')].map(node => node.dataset.name)"
WIDER = "() => document.documentElement.scrollWidth - innerWidth"


def node(page, name):
    return page.locator(f'.rx-graph .node[data-name="{name}"]:not(.frame)')


def query(page):
    return page.url.partition("?")[2]


def wait_for_link(page, part):
    page.wait_for_function("part => decodeURIComponent(location.search).includes(part)", arg=part)


def test_a_block_opens_and_closes_in_place(server, visit):
    page = visit(server.url)
    page.get_by_role("button", name="Open layer1.0", exact=True).click()
    assert node(page, "layer1.0.branch.conv2").is_visible()
    assert "x=layer1.0" in query(page)
    below, beside = (
        node(page, "layer1.0.branch.conv1").bounding_box(),
        node(page, "layer1.0.shortcut.conv").bounding_box(),
    )
    assert beside["x"] > below["x"] + below["width"]
    page.get_by_role("button", name="Close layer1.0", exact=True).click()
    assert node(page, "layer1.0.branch.conv2").count() == 0
    node(page, "layer1.0").dblclick()
    assert node(page, "layer1.0.branch.conv2").is_visible()
    page.get_by_role("button", name="Close layer1", exact=True).click()
    assert node(page, "layer1").is_visible() and node(page, "layer1.0").count() == 0


def test_repeats_unfold_one_fold_at_a_time(server, visit):
    page = visit(server.url)
    page.get_by_role("button", name="Show each of the 2 blocks").first.or_(
        page.locator(".rx-graph .times").first
    ).first.click()
    assert node(page, "layer1.2").is_visible() and node(page, "layer1.1").is_visible()
    assert node(page, "layer2.2").count() == 0
    page.get_by_role("button", name="Fold the 2 blocks").click()
    assert node(page, "layer1.2").count() == 0


def test_dense_layers_which_differ_unfold_too(server, visit):
    page = visit(server.url + "?v=densenet121")
    page.wait_for_function("() => document.querySelector('.rx-build')?.dataset.variant === 'densenet121'")
    page.locator(".rx-graph .times").first.click()
    page.locator('.rx-graph .node[data-name="layer1.3"]').wait_for()
    assert "160" in node(page, "layer1.2").text_content()  # 64 channels and three layers of 32 more


def test_everything_opens_by_keyboard(server, visit):
    page = visit(server.url)
    page.locator(".rx-graph").focus()
    for key in ("Home", "ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert node(page, "layer1.0.branch.conv1").is_visible()
    page.keyboard.press("Enter")  # on its frame: closes
    assert node(page, "layer1.0.branch.conv1").count() == 0
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert page.locator(".node.chosen").get_attribute("data-name") == "layer1.1"
    page.keyboard.press("u")
    assert node(page, "layer1.2").is_visible()


VIEWS = ["", "level=stage", "level=op", "fold=0", "x=layer1.0~layer2~layer3.1*", "level=op&fold=0&x=layer2"]


@pytest.mark.parametrize("variant", ["resnet50", "resnet20,shortcut=none"])
def test_browser_and_files_draw_the_same(server, visit, tmp_path, variant):
    """The page that stands alone is opened without a server; what it stacks equals what Python stacks."""
    plan = expand_plan(parse_variant(variant))
    page = visit(server.url)
    for text in VIEWS:
        link = dict(part.split("=") for part in text.split("&")) if text else {}
        view = parse_view(link.get("level", ""), link.get("fold") != "0", link.get("x", ""))
        file = tmp_path / "graph.html"
        file.write_bytes(export_graph(plan, view, "html"))
        page.goto(file.as_uri())
        page.locator(".rx-svg .node").first.wait_for()
        height = page.evaluate("() => document.querySelector('.rx-svg').viewBox.baseVal.height")
        nodes, _ = read_drawing(draw_view(plan, view))
        assert height == pytest.approx(max(node.bottom for node in nodes) + 24, abs=3)
        shown = page.evaluate(NAMES)
        assert shown and set(shown) <= {node.name for node in nodes}


def test_a_saved_page_opens_and_closes_without_a_server(server, visit, tmp_path):
    file = tmp_path / "graph.html"
    file.write_bytes(export_graph(expand_plan(parse_variant("densenet121")), View(), "html"))
    page = visit(server.url)
    page.goto(file.as_uri())
    page.get_by_role("button", name="Open layer1.0").click()
    page.locator('.node[data-name="layer1.0.branch.conv2"]').wait_for()
    page.get_by_role("button", name="Op", exact=True).click()
    page.locator('.node[data-name="stem.conv1"]').click()
    assert "7×7 convolution" in page.get_by_role("status").inner_text()
    page.get_by_role("button", name="Fold repeats").click()
    assert page.locator('.node[data-name="layer1.1.branch.conv1"]').count() == 1


def test_colouring_by_macs_shows_which_block_costs_most(server, visit):
    page = visit(server.url + "?v=resnet50&by=macs&l=1")
    page.locator(".heated").first.wait_for()
    # 1×1 to 128 channels of 56×56, 3×3 with stride 2, 1×1 to 512, and the projection; stages 3 and 4 cost the same
    most = 256 * 128 * 56**2 + (9 * 128 * 128 + 128 * 512 + 256 * 512) * 28**2
    words = page.locator(".rx-heat").inner_text()
    assert f"to {most / 1e6:.0f} M a box, most in layer2.0, layer3.0, layer4.0;" in words
    assert "each" in node(page, "layer3.1").text_content()  # a fold says what one of its blocks costs
    page.locator("#rx-level").get_by_text("Op", exact=True).click()
    # 7·7·3·64·112·112 multiply-adds of the first convolution
    assert f"{7 * 7 * 3 * 64 * 112 * 112 / 1e6:.0f} M" in node(page, "stem.conv1").text_content()
    page.get_by_label("Colour by").select_option("field")
    page.wait_for_function("() => document.querySelector('.rx-heat').innerText.includes('px')")
    assert "7 px" in node(page, "stem.conv1").text_content()
    page.get_by_label("Colour by").select_option("gradient")
    page.wait_for_function("() => document.querySelector('.rx-heat').innerText.includes('Train')")  # no run yet
    page.get_by_label("Colour by").select_option("")
    assert page.locator(".heated").count() == 0 and "by=" not in query(page)


def test_search_finds_names_and_kinds_in_closed_parts(server, visit):
    page = visit(server.url)
    field = page.get_by_label("Find in the graph by name or kind")
    field.fill("max-pooling")
    assert page.locator(".rx-find span").inner_text().startswith("2")  # the stem and the operation in it
    field.press("Enter")
    field.press("Enter")
    wait_for_link(page, "sel=stem.maxpool")
    assert node(page, "stem.maxpool").is_visible()
    field.fill("layer4.2")
    assert page.locator(".rx-find span").inner_text() == "none"  # folded into layer4.1
    field.fill("layer4.1.branch.conv2")
    field.press("Enter")
    wait_for_link(page, "sel=layer4.1.branch.conv2")
    box, frame = node(page, "layer4.1.branch.conv2").bounding_box(), page.locator(".rx-graph").bounding_box()
    assert frame["y"] <= box["y"] and box["y"] + box["height"] <= frame["y"] + frame["height"]


LINK = "?v=resnet50&level=op&fold=0&x=layer1&sel=layer2.1.branch.conv1&by=params&pin=resnet18&l=1"


def test_a_link_holds_what_is_open_selected_and_coloured(server, visit):
    page = visit(
        server.url + "?v=resnet50&level=op&fold=0&x=layer1&sel=layer2.1.branch.conv1&by=params&pin=resnet18&l=1"
    )
    page.locator(".heated").first.wait_for()
    page.get_by_text("against resnet18").wait_for()
    assert page.locator(".rx-card h3").inner_text() == "layer2.1.branch.conv1"
    link = query(page)
    second = visit(page.url)
    second.locator(".heated").first.wait_for()
    second.locator(".rx-card h3").wait_for()
    assert query(second) == link
    assert second.evaluate(NAMES) == page.evaluate(NAMES)
    assert not second.get_by_label("Fold repeats").is_checked()


def test_a_link_to_one_node_is_copied(server, visit):
    page = visit(server.url, permissions=["clipboard-read", "clipboard-write"])
    node(page, "layer1.0").click()
    page.get_by_role("button", name="Copy link to this").click()
    page.get_by_role("button", name="Copied").wait_for()
    link = page.evaluate("() => navigator.clipboard.readText()")
    assert link == f"{server.url}?v=resnet50&sel=layer1.0&l=1"
    second = visit(link)
    second.locator(".rx-card h3").wait_for()
    assert second.locator(".rx-card h3").inner_text() == "layer1.0"


@pytest.mark.parametrize("old", ["?v=resnet18", "?v=resnet18&run=none-such", "?v=resnet18&new=x&x=layer9.9&by=no&l=7"])
def test_old_and_newer_links_open(server, visit, old):
    page = visit(server.url + old, ready="#rx-tabs")
    page.wait_for_function("() => document.querySelector('.rx-build')?.dataset.variant === 'resnet18'")
    assert page.locator(".rx-build .rx-refusal").is_hidden()


def save(page, word, path):
    page.get_by_role("button", name="Save", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("group", name="Save").get_by_role("button", name=word).click()
    download.value.save_as(path)
    assert download.value.suggested_filename.startswith("resnet50.")
    return path.read_bytes()


def test_what_is_seen_is_saved(server, visit, tmp_path):
    page = visit(server.url + "?v=resnet50&x=layer1.0&by=macs&l=1")
    page.locator(".heated").first.wait_for()
    svg = save(page, "SVG", tmp_path / "g.svg").decode()
    plan = expand_plan(parse_variant("resnet50"))
    expected = {node.name for node in read_drawing(draw_view(plan, View(flipped=frozenset({"layer1.0"}))))[0]}
    assert set(re.findall(r'class="node[^"]*" data-name="([^"]+)"', svg)) == expected
    page.goto((tmp_path / "g.svg").as_uri())  # a browser shows it by itself, its boxes coloured
    fills = page.evaluate(
        "() => [...document.querySelectorAll('.heated > .box')].map(box => getComputedStyle(box).fill)"
    )
    assert len(set(fills)) > 3
    page.go_back()
    page.locator(".heated").first.wait_for()
    with Image.open(io.BytesIO(save(page, "PNG", tmp_path / "g.png"))) as picture:
        assert picture.format == "PNG" and picture.height > picture.width > 300
        assert len(picture.convert("RGB").resize((60, 200)).getcolors(20_000)) > 20
    pdf = pypdf.PdfReader(io.BytesIO(save(page, "PDF", tmp_path / "g.pdf")))
    words = pdf.pages[0].extract_text()
    assert "3×3 convolution" in words and "layer4.1" in words
    assert save(page, "DOT", tmp_path / "g.dot").decode().startswith("digraph")
    assert "<!doctype html>" in save(page, "HTML", tmp_path / "g.html").decode()


def test_too_large_a_pdf_is_refused_in_the_menu(server, visit):
    page = visit(server.url + "?v=resnet1202&level=op&fold=0&l=1")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("group", name="Save").get_by_role("button", name="PDF").click()
    page.get_by_text("fold repeats, take a coarser level").wait_for()


def test_a_long_network_stays_light_and_the_minimap_moves_it(server, visit):
    page = visit(server.url + "?v=resnet1202&level=op&fold=0&l=1")
    page.wait_for_function("() => document.querySelector('.rx-graph').scrollHeight > 100000")
    assert page.locator(".rx-graph .node").count() < 300  # of some 5,000
    page.locator(".rx-minimap").click(position={"x": 20, "y": 300})
    page.wait_for_function("() => document.querySelector('.rx-graph').scrollTop > 50000")
    page.wait_for_function("() => document.querySelectorAll('.rx-graph .node').length > 5")
    seen = page.evaluate("""() => [...document.querySelectorAll('.rx-graph .node:not(.frame)')].filter(node => {
      const box = node.getBoundingClientRect(), frame = document.querySelector('.rx-graph').getBoundingClientRect();
      return box.top > frame.top && box.bottom < frame.bottom; }).length""")
    assert seen > 2


def test_one_idea_away(server, visit):
    page = visit(server.url)
    page.get_by_role("group", name="One idea away").get_by_role("button", name="plain twin").click()
    page.wait_for_function("() => document.querySelector('.rx-build')?.dataset.variant === 'resnet50,shortcut=none'")
    page.get_by_role("button", name="residual twin").wait_for()
    page.get_by_role("button", name="Compare …").click()
    page.locator('.rx-compare[data-variants="resnet50,shortcut=none~resnetv2_50,shortcut=none"]').wait_for()


def test_totals_against_those_that_were_pinned(server, visit):
    page = visit(server.url)
    page.get_by_role("button", name="Pin", exact=True).click()
    page.get_by_text("as many params, as many MACs against resnet50").wait_for()
    page.get_by_label("101", exact=True).check()
    page.get_by_text("+19.0 M params").wait_for()  # 44,549,160 less 25,557,032: torchvision's counts
    page.get_by_role("button", name="Unpin").click()
    page.wait_for_function("() => !location.search.includes('pin=')")


def test_on_a_narrow_screen_tools_and_graph_fit(server, visit):
    page = visit(server.url + "?v=resnet50&level=op&by=macs&l=1", width=390, height=800)
    page.locator(".heated").first.wait_for()
    assert page.evaluate(WIDER) <= 0
    page.get_by_role("button", name="Save", exact=True).click()
    menu = page.locator(".rx-export .rx-popover-box").bounding_box()
    assert menu["x"] >= 0 and menu["x"] + menu["width"] <= 390


def test_a_server_out_of_reach_is_named_whatever_is_asked(server, visit):
    page = visit(server.url)
    complaints = page.complaints
    page.context.set_offline(True)
    node(page, "layer1.0").click()
    page.locator(".rx-build .rx-refusal").filter(has_text="does not answer").wait_for()
    page.get_by_role("button", name="Open layer1.0", exact=True).click()  # needs no server
    assert node(page, "layer1.0.branch.conv2").is_visible()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("group", name="Save").get_by_role("button", name="PDF").click()
    page.get_by_role("status").filter(has_text="does not answer").wait_for()
    page.get_by_label("Colour by").select_option("macs")
    page.locator(".rx-heat").filter(has_text="does not answer").wait_for()
    assert not [text for text in complaints if "ERR_INTERNET" not in text and "Failed to" not in text]
    complaints.clear()  # that the browser could not connect
