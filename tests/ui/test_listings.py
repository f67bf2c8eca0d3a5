"""What the browser may ask about what stands below the graph, and what it gets for nonsense."""

import json

import pytest

from explorer.ui.listings import cost_charts, listing

KINDS = {
    "table-text": ("_cost.txt", "11,689,512 parameters"),
    "table-csv": ("_cost.csv", "layer4.1.after,act,512x7x7"),
    "table-markdown": ("_cost.md", "**11689512**"),
    "table-latex": ("_cost.tex", "11689512 & 1814073344"),
    "table-json": ("_cost.json", '"params": 11689512'),
    "paper-text": ("_paper.txt", "⎣ 3×3, 512 ⎦"),
    "paper-markdown": ("_paper.md", "[3×3, 512; 3×3, 512] × 2"),
    "paper-latex": ("_paper.tex", "\\right] \\times 2"),
    "profile": ("_memory.txt", "A training step takes"),
    "module": (".py", "class Block(nn.Module)"),
    "functional": (".py", "F.conv2d"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_text_has_a_name_for_its_file(kind):
    answer = listing({"variant": "resnet18", "kind": kind})
    ending, part = KINDS[kind]
    assert answer["name"] == f"resnet18{ending}"
    assert part in answer["text"]


def test_the_papers_table_comes_as_html():
    assert listing({"variant": "resnet18", "kind": "paper"})["html"].startswith('<table class="rx-paper">')


@pytest.mark.parametrize("by", ["stage", "block", "kind"])
def test_charts_come_as_json(by):
    answer = cost_charts({"variant": "resnet18", "by": by, "fold": True})
    assert list(json.loads(json.dumps(answer))["charts"]) == ["params", "macs", "kept", "field", "resolution"]


@pytest.mark.parametrize("ask", [listing, cost_charts])
@pytest.mark.parametrize(
    ("question", "part"),
    [
        ({"variant": "resnet19", "kind": "paper"}, "No ResNet has depth 19"),
        ({"kind": "paper"}, "empty"),
        ({"variant": ["resnet18"], "kind": {}}, "no known network"),
        ({"variant": "resnet18", "kind": "<script>", "by": "<script>"}, "<script>"),
        ({"variant": "resnet18", "kind": "x" * 5000, "by": "x" * 5000}, "xxx"),
        ("resnet18", "A question is an object"),
        (None, "A question is an object"),
    ],
)
def test_nonsense_gets_a_sentence(ask, question, part):
    error = ask(question)["error"]
    assert part in error and len(error) < 400 and error.endswith(".")
