"""Build, in a real browser: graph, table, card and link follow every change."""

import itertools

import pytest

pytestmark = pytest.mark.browser

OVERLAPS = """() => {
  const nodes = [...document.querySelectorAll('.rx-graph .node:not(.frame)')];
  const boxes = nodes.map(n => [n.dataset.name, n.querySelector('.box').getBoundingClientRect()]);
  const hits = [];
  boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([b, q]) => {
    const across = p.left < q.right - 1 && q.left < p.right - 1;
    if (across && p.top < q.bottom - 1 && q.top < p.bottom - 1) hits.push(a + ' ' + b);
  }));
  return hits;
}"""
SPILLS = """() => [...document.querySelectorAll('.rx-graph .node:not(.frame)')].flatMap(node => {
  const box = node.querySelector('.box').getBoundingClientRect();
  return [...node.querySelectorAll('text:not(.badge-text)')].filter(text => {
    const t = text.getBoundingClientRect();
    return t.left < box.left || t.right > box.right || t.top < box.top - 1 || t.bottom > box.bottom + 1;
  }).map(text => node.dataset.name + ': ' + text.textContent);
})"""
BESIDE = """() => {
  const centre = n => { const b = n.querySelector('.box').getBoundingClientRect(); return b.left + b.width / 2; };
  const main = centre(document.querySelector('.rx-graph .node[data-name=input]'));
  return [...document.querySelectorAll('.rx-graph .node[data-name*=".shortcut"]')].map(n => centre(n) - main);
}"""
WIDER = "() => document.documentElement.scrollWidth - innerWidth"


def wait_for_variant(page, variant):
    page.wait_for_function("v => document.querySelector('.rx-build')?.dataset.variant === v", arg=variant)


def query(page):
    return page.url.partition("?")[2]


def test_a_first_visitor_meets_resnet50_drawn(server, visit):
    page = visit(server.url)
    assert page.locator(".rx-totals b").first.get_attribute("title") == "25\u2009557\u2009032"  # torchvision's count
    assert "4.09 GMACs" in page.locator(".rx-totals").inner_text()
    assert page.locator(".rx-graph .node").count() > 10
    # stem, head, four stages, and in each the first block and those equal to one another
    assert page.locator(".rx-table tbody tr").count() == 2 + 4 + 4 * 2
    assert "Click any block" in page.locator(".rx-hint").inner_text()
    assert query(page) == "v=resnet50"


def test_depth_and_shortcut_change_graph_table_totals_and_link(server, visit):
    page = visit(server.url)
    page.get_by_label("18", exact=True).check()
    wait_for_variant(page, "resnet18")
    assert page.locator(".rx-totals b").first.get_attribute("title") == "11\u2009689\u2009512"
    page.get_by_label("none · plain network").check()
    wait_for_variant(page, "resnet18,shortcut=none")
    assert query(page) == "v=resnet18,shortcut=none"
    assert page.locator(".rx-graph .shortcut").count() == 0
    page.get_by_role("button", name="Open all").click()
    assert page.locator('.rx-table tr[data-name$=".conv2"]').count() == 1 + 2 * 3  # layer1's two blocks are equal
    assert page.locator('.rx-table tr[data-name$=".merge"]').count() == 0
    assert page.get_by_label("Variant").input_value() == "resnet18,shortcut=none"


def test_the_link_restores_the_network_in_another_browser(server, visit):
    first = visit(server.url)
    first.get_by_label("CIFAR", exact=True).check()
    wait_for_variant(first, "resnet56")
    first.get_by_label("C · projection everywhere").check()
    wait_for_variant(first, "resnet56,shortcut=C")
    second = visit(first.url)
    wait_for_variant(second, "resnet56,shortcut=C")
    assert second.locator(".rx-totals").inner_text() == first.locator(".rx-totals").inner_text()
    assert second.get_by_label("C · projection everywhere").is_checked()
    assert second.get_by_label("56", exact=True).is_checked()
    assert second.url == first.url


def test_back_and_forward_walk_the_changes(server, visit):
    page = visit(server.url)
    for depth in ("34", "101"):
        page.get_by_label(depth, exact=True).check()
        wait_for_variant(page, f"resnet{depth}")
    page.go_back()
    wait_for_variant(page, "resnet34")
    assert page.get_by_label("34", exact=True).is_checked()
    page.go_back()
    wait_for_variant(page, "resnet50")
    page.go_forward()
    wait_for_variant(page, "resnet34")
    assert query(page) == "v=resnet34"


def test_everything_changes_by_keyboard_and_the_last_key_wins(server, visit):
    page = visit(server.url)
    page.get_by_label("18", exact=True).focus()
    page.keyboard.press("Space")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    wait_for_variant(page, "resnet152")
    page.get_by_label("Variant").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("resnet44, shortcut=b")
    page.keyboard.press("Enter")
    wait_for_variant(page, "resnet44,shortcut=B")
    assert page.get_by_label("CIFAR", exact=True).is_checked()
    assert query(page) == "v=resnet44,shortcut=B"


def test_a_newcomer_makes_a_preactivation_se_resnext_with_a_resnet_d_shortcut(server, visit):
    page = visit(server.url)
    page.get_by_label("pre-activation (v2)", exact=True).check()
    wait_for_variant(page, "resnetv2_50")
    page.get_by_label("squeeze-excitation (SE)").check()
    wait_for_variant(page, "resnetv2_50,attention=se")
    page.get_by_label("D · pooled projection (ResNet-D)").check()
    wait_for_variant(page, "resnetv2_50,shortcut=D,attention=se")
    page.get_by_role("button", name="Groups and width").click()
    page.get_by_role("spinbutton", name="Groups").fill("32")
    wait_for_variant(page, "resnetv2_50,shortcut=D,groups=32,attention=se")
    page.get_by_role("spinbutton", name="Base width").fill("4")
    wait_for_variant(page, "resnext50_32x4d,activation=pre,shortcut=D,attention=se")
    # timm's seresnext50_32x4d has 27,559,896 parameters; pre-activation moves norms: its ResNet-50 has 7,680 fewer
    assert page.locator(".rx-totals b").first.get_attribute("title") == f"{27_559_896 - 7_680:,}".replace(",", "\u2009")
    assert page.locator(".rx-legend").get_by_text("D: average pool").is_visible()


def test_what_means_nothing_is_hidden_and_what_is_taken_back_is_said(server, visit):
    page = visit(server.url + "?v=resnext50_32x4d")
    wait_for_variant(page, "resnext50_32x4d")
    page.get_by_label("basic", exact=True).check()
    wait_for_variant(page, "resnet34")
    assert "groups, base_width" in page.locator(".rx-hint").inner_text()
    assert not page.get_by_text("Stride on", exact=True).is_visible()
    page.get_by_label("CIFAR", exact=True).check()
    wait_for_variant(page, "resnet56")
    assert "groups" not in page.locator(".rx-hint").inner_text()


def test_a_known_network_is_found_by_typing(server, visit):
    page = visit(server.url)
    box = page.get_by_label("Known networks")
    box.click()
    box.fill("densenet161")
    box.press("Enter")
    wait_for_variant(page, "densenet161")
    assert page.locator(".rx-totals b").first.get_attribute("title") == "28\u2009681\u2009000"  # torchvision's count
    assert page.get_by_label("161", exact=True).is_checked()
    assert "densenet161" in page.url


def test_code_and_torchinfo_stand_beside_the_table_and_follow(server, visit):
    page = visit(server.url + "?v=resnet18")
    wait_for_variant(page, "resnet18")
    listing = page.locator(".rx-listing").locator("visible=true")
    page.get_by_role("button", name="Code", exact=True).click()
    listing.get_by_text("class Block(nn.Module)").wait_for()
    assert not page.locator(".rx-table-box").is_visible()
    page.keyboard.press("ArrowRight")
    listing.get_by_text("F.conv2d").wait_for()
    page.get_by_label("34", exact=True).check()
    listing.get_by_text("resnet34: 21,797,672 parameters").wait_for()
    page.get_by_role("button", name="torchinfo").click()
    listing.get_by_text("Total params: 21,797,672").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename == "resnet34.txt"
    page.get_by_role("button", name="Table", exact=True).click()
    assert page.locator(".rx-table-box").is_visible()


def test_sizes_follow_typing_and_keep_what_is_typed(server, visit):
    page = visit(server.url)
    page.get_by_role("button", name="Sizes").click()
    page.get_by_role("spinbutton", name="Width", exact=True).fill("")
    page.get_by_role("spinbutton", name="Width", exact=True).press_sequentially("128", delay=30)
    wait_for_variant(page, "resnet50,width=128")
    assert page.get_by_role("spinbutton", name="Width", exact=True).input_value() == "128"
    page.get_by_role("textbox", name="Depths").fill("2-2")
    page.get_by_role("textbox", name="Depths").press("Enter")
    page.wait_for_function("() => document.querySelector('.rx-build')?.dataset.variant.includes('depths=2-2')")
    assert page.get_by_role("textbox", name="Widths").input_value() == "128-256"


REFUSED = (
    ("resnet51", "No ResNet has depth 51"),
    ("resnet50,shortcut=Q", "shortcut is A, B, C, D or none"),
    ("resnet50,width=wide", "not a whole number"),
    ("", "empty"),
    ("<img src=x onerror=alert(1)>", "no known network"),
)


def test_a_refused_text_gets_a_sentence_and_the_network_stays(server, visit):
    page = visit(server.url + "?v=resnet34")
    wait_for_variant(page, "resnet34")
    refusal = page.locator(".rx-build .rx-refusal")
    for typed, part in REFUSED:
        page.get_by_label("Variant").fill(typed)
        page.get_by_label("Variant").press("Enter")
        refusal.filter(has_text=part).wait_for()
        assert page.get_by_label("Variant").get_attribute("aria-invalid") == "true", typed
        assert query(page) == "v=resnet34", typed
    page.get_by_label("18", exact=True).check()  # goes on from what is drawn
    wait_for_variant(page, "resnet18")
    assert not refusal.is_visible()
    assert page.get_by_label("Variant").get_attribute("aria-invalid") is None


@pytest.mark.parametrize(
    "hostile", ["%3Cscript%3Ealert(1)%3C/script%3E", "resnet50%00", "A" * 3000, "resnet50,classes=9e99"]
)
def test_a_hostile_link_opens_the_page_with_a_sentence(server, visit, hostile):
    page = visit(server.url + f"?v={hostile}")
    page.locator(".rx-build .rx-refusal").wait_for(state="visible")
    assert page.locator(".rx-graph .node").count() > 10


def test_a_node_its_row_and_its_card_are_one_selection(server, visit):
    page = visit(server.url)
    page.locator('.rx-graph .node[data-name="layer1.0"]').click()
    card = page.locator(".rx-card")
    card.get_by_role("heading").wait_for()
    assert "layer1.0" in card.inner_text()
    assert "75\u2009008" in card.inner_text()  # 64·64 + 9·64·64 + 64·256 + 64·256 weights and 2·(64+64+256+256)
    assert page.locator(".rx-table tr.rx-group.chosen").get_attribute("data-name") == "layer1.0"
    page.locator('.rx-table tr[data-name="layer1.0"] .rx-chevron').click()
    page.locator('.rx-table tr[data-name="layer1.0.branch.conv2"]').click()
    page.wait_for_function("() => document.querySelector('.rx-card h3')?.textContent === 'layer1.0.branch.conv2'")
    assert "3·3·64·64 = 36\u2009864" in card.inner_text()
    chosen = page.locator(".rx-graph .node.chosen")
    assert chosen.get_attribute("data-name") == "layer1.0.branch.conv2"  # what opens in the table opens in the graph
    page.get_by_label("34", exact=True).check()  # the selection survives an update
    wait_for_variant(page, "resnet34")
    assert chosen.get_attribute("data-name") == "layer1.0.branch.conv2"


def test_arrows_walk_the_graph_into_the_shortcut_and_back(server, visit):
    page = visit(server.url)
    page.locator(".rx-graph").focus()
    for _ in range(4):  # input, stem, the frame of layer1, its first block
        page.keyboard.press("ArrowDown")
    chosen = page.locator(".rx-graph .node.chosen")
    assert chosen.get_attribute("data-name") == "layer1.0"
    page.keyboard.press("ArrowRight")
    assert chosen.get_attribute("data-name") == "layer1.0.shortcut"
    page.locator(".rx-card").get_by_text("option B").wait_for()
    page.keyboard.press("ArrowLeft")
    assert not chosen.get_attribute("data-name").endswith("shortcut")
    page.keyboard.press("Escape")
    assert chosen.count() == 0
    assert page.locator(".rx-card h3").count() == 0


DRAWN = ["resnet50", "resnet20", "resnet34,shortcut=C", "resnet110,shortcut=none", "seresnetv2_50d", "densenet121"]


def test_boxes_do_not_overlap_text_fits_and_shortcuts_lie_beside_the_path(server, visit):
    page = visit(server.url)
    for variant, level in itertools.product(DRAWN, ("Stage", "Block", "Op")):
        page.get_by_label("Variant").fill(variant)
        page.get_by_label("Variant").press("Enter")
        wait_for_variant(page, variant)
        page.locator("#rx-level").get_by_text(level, exact=True).click()
        page.wait_for_function(
            "([level]) => document.querySelector('#rx-level label.selected')?.innerText.trim() === level", arg=[level]
        )
        page.wait_for_timeout(400)
        assert page.evaluate(OVERLAPS) == [], (variant, level)
        assert page.evaluate(SPILLS) == [], (variant, level)
        offsets = page.evaluate(BESIDE)
        assert all(offset > 60 for offset in offsets), (variant, level)
        assert bool(offsets) != variant.endswith("none"), (variant, level)


def test_repeats_unfold_and_zoom_survives_a_change(server, visit):
    page = visit(server.url)
    folded = page.locator(".rx-graph .node").count()
    page.get_by_label("Fold repeats").uncheck()
    page.wait_for_function("n => document.querySelectorAll('.rx-graph .node').length > n", arg=folded)
    page.get_by_role("button", name="Zoom in").click()
    scale = (
        "() => (svg => svg.width.baseVal.value / svg.viewBox.baseVal.width)(document.querySelector('.rx-graph svg'))"
    )
    before = page.evaluate(scale)
    page.get_by_label("101", exact=True).check()
    wait_for_variant(page, "resnet101")
    assert page.evaluate(scale) == pytest.approx(before, rel=0.01)


def test_a_narrow_screen_has_one_column_and_nothing_sticks_out(server, visit):
    page = visit(server.url, width=390, height=800)
    page.wait_for_timeout(800)
    assert page.evaluate(WIDER) <= 0
    assert not page.get_by_label("Variant").is_visible()  # the controls are a closed drawer
    assert page.locator(".rx-graph").bounding_box()["y"] < 420
    page.get_by_role("button", name="Network").click()
    page.get_by_label("34", exact=True).check()
    wait_for_variant(page, "resnet34")
    page.get_by_role("button", name="Network").click()
    page.locator('.rx-graph .node[data-name="layer1.0"]').click()
    page.locator(".rx-card").wait_for()
    page.wait_for_function("() => document.querySelector('.rx-card').getBoundingClientRect().bottom <= 802")
    box = page.locator(".rx-card").bounding_box()
    assert box["y"] + box["height"] == pytest.approx(800, abs=2)  # a sheet from below
    assert page.evaluate(WIDER) <= 0


def test_dark_and_light_follow_the_button_and_stay(server, visit):
    page = visit(server.url, color_scheme="light")
    colour = "() => getComputedStyle(document.querySelector('.rx-graph .box')).fill"
    light = page.evaluate(colour)
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate(colour) != light
    page.reload()
    page.locator(".rx-build svg").first.wait_for()
    page.wait_for_timeout(500)
    assert page.evaluate(colour) != light


DELAY = """milliseconds => {
  const send = window.fetch;
  window.delayed = 0;
  window.fetch = async (...asked) => {
    if (String(asked[0]).includes("component_server")) {
      window.delayed += 1;
      await new Promise((done) => setTimeout(done, milliseconds));
    }
    return send(...asked);
  };
}"""


def test_what_is_typed_while_an_answer_is_on_its_way_stays(server, visit):
    page = visit(server.url)
    page.evaluate(DELAY, 500)
    field = page.get_by_label("Variant")
    field.fill("resnet18")
    field.press("Enter")
    field.fill("resnet34,sho")
    wait_for_variant(page, "resnet18")
    assert field.input_value() == "resnet34,sho"
    field.press_sequentially("rtcut=C")
    field.press("Enter")
    wait_for_variant(page, "resnet34,shortcut=C")
    page.wait_for_timeout(300)
    assert field.input_value() == "resnet34,shortcut=C"
    assert page.evaluate("() => window.delayed") >= 2


def test_nothing_can_be_pressed_before_something_is_drawn(server, visit):
    page, held = visit(server.url), []
    page.route("**/component_server/**", lambda route: held.append(route))
    with page.expect_request("**/component_server/**"):
        page.goto(server.url + "?v=resnet18")
    page.locator(".rx-build[inert]").wait_for()
    for route in held:
        route.continue_()
    page.unroute("**/component_server/**")
    wait_for_variant(page, "resnet18")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("group", name="Save").get_by_role("button", name="SVG").wait_for()


def test_back_drops_an_answer_that_comes_late(server, visit):
    page = visit(server.url)
    for depth in ("18", "34"):
        page.get_by_label(depth, exact=True).check()
        wait_for_variant(page, f"resnet{depth}")
    held = []
    page.route("**/component_server/**", lambda route: held.append(route))
    with page.expect_request("**/component_server/**"):
        page.get_by_label("101", exact=True).check()
    page.go_back()
    for route in held:
        route.continue_()
    page.unroute("**/component_server/**")
    wait_for_variant(page, "resnet18")
    page.wait_for_timeout(500)
    assert query(page) == "v=resnet18"
    page.go_forward()
    wait_for_variant(page, "resnet34")
