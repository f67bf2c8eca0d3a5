import re
from math import prod
from xml.etree import ElementTree

import pytest
import torch

from drawing import draw_graph, read_drawing
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.card import draw_card
from explorer.figures.scene import Level
from explorer.network.build import build_network
from families import FAMILIES
from witness import observe_modules

VARIANTS = [
    "resnet18,input=3x64x48",
    "resnet50,input=3x64x64,stride_on=1x1",
    "resnet20",
    "resnet26,shortcut=C,width=24",
]


def plan_of(text):
    return expand_plan(parse_variant(text))


def read_card(html):
    """Title and the terms with their values."""
    tree = ElementTree.fromstring(f"<div>{html}</div>")
    terms, values = ([item.text or "" for item in tree.iter(tag)] for tag in ("dt", "dd"))
    return tree.find("h3").text, dict(zip(terms, values, strict=True))


def read_number(text):
    return int(text.replace("\u2009", ""))


def multiply_out(formula):
    """Value of sums of products such as `scale and shift: 2 · 64` or `512 · 10 + 10`."""
    terms = formula.rpartition(":")[2].split("+")
    return sum(prod(int(factor) for factor in re.split("[·]", term)) for term in terms)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_numbers_in_a_formula_multiply_out_to_what_torch_counts(variant):
    plan = plan_of(variant)
    network = build_network(plan, seed=0)
    seen = observe_modules(network, plan.architecture.input)
    for path, _ in plan.ops():
        name, lines = read_card(draw_card(plan, path))
        assert name == path
        counted = {"Parameters": seen[path].params, "MACs": seen[path].macs}
        for term, count in counted.items():
            assert (term in lines) == (count > 0), path
            if count:
                formula, _, value = lines[term].rpartition(" = ")
                assert multiply_out(formula) == read_number(value) == count
        before, _, after = lines["Shape"].partition(" → ")
        assert tuple(map(int, after.split(" × "))) == seen[path].output
        assert all(int(part) > 0 for part in before.split(" × "))


def test_shares_of_operations_sum_to_the_whole():
    plan = plan_of("resnet50")
    lines = [read_card(draw_card(plan, path))[1] for path, _ in plan.ops()]
    shares = [float(line["Share"].partition("%")[0]) for line in lines if "Share" in line]
    assert sum(shares) == pytest.approx(100, abs=0.05 * len(shares))


@pytest.mark.parametrize("variant", [*FAMILIES, "resnet18,shortcut=none"])
def test_every_node_of_every_graph_has_a_card(variant):
    plan = plan_of(variant)
    for level in Level:
        for node in read_drawing(draw_graph(plan, level))[0]:
            title, lines = read_card(draw_card(plan, node.name))
            assert title == node.name or title == node.name.split(".")[0]  # a stage's sum and shortcut are the stage's
            assert lines


@pytest.mark.parametrize("variant", ["resnet50", "resnet20,shortcut=C"])
def test_blocks_and_stages_cost_what_their_modules_hold(variant):
    plan = plan_of(variant)
    with torch.device("meta"):
        network = build_network(plan)
    total = sum(p.numel() for p in network.parameters())
    for name in ("stem", "layer1", "layer2", "layer3.0", "layer3.1", "layer2.0.shortcut", "head"):
        own = sum(p.numel() for p in network.get_submodule(name).parameters())
        lines = read_card(draw_card(plan, name))[1]
        value, share = re.fullmatch(r"(\S+) \(([\d.]+)%\)", lines["Parameters"].replace("\u2009", "")).groups()
        assert int(value) == own
        assert float(share) == pytest.approx(own / total * 100, abs=0.051)


def test_the_card_of_a_shortcut_says_what_it_is():
    def kind(variant, name):
        return read_card(draw_card(plan_of(variant), name))[1]["Kind"]

    assert kind("resnet18", "layer1.1.shortcut").startswith("identity")
    assert kind("resnet18", "layer2.0.shortcut").startswith("option B: 1×1")
    assert kind("resnet18,shortcut=A", "layer2.0.shortcut").startswith("option A")
    assert kind("resnet18,shortcut=C", "layer1.1.shortcut").startswith("option C: 1×1")


@pytest.mark.parametrize("network", ["resnet18", "resnet18,shortcut=none"])
@pytest.mark.parametrize(
    "name",
    ["", "layer", "layer9", "layer1.7", "layer1.0.branch.conv9", "layer1.nonsense", "layer1.", "conv1", "<b>", "Stem"],
)
def test_an_unknown_name_has_an_empty_card(network, name):
    assert draw_card(plan_of(network), name) == ""


@pytest.mark.parametrize("name", ["layer1.shortcut", "layer1.merge", "layer1.0.shortcut", "layer1.0.merge"])
def test_a_plain_network_has_no_card_for_a_shortcut(name):
    assert draw_card(plan_of("resnet18,shortcut=none"), name) == ""
    assert draw_card(plan_of("resnet18"), name) != ""


def test_operations_offer_their_feature_maps_and_sums_do_too():
    plan = plan_of("resnet18")
    for name in ("layer1.0.branch.conv1", "layer2.0.merge", "head.fc"):
        assert f'data-maps="{name}"' in draw_card(plan, name)
    assert "data-maps" not in draw_card(plan, "layer1")
