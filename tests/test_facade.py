"""`import explorer`: what it offers, what it shows in a notebook, and what it leaves unloaded."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
import torch

import explorer
from explorer.errors import VariantError, WeightsError


def list_loaded(code):
    """Which heavy packages some code loads, in a fresh interpreter."""
    heavy = "{'torch', 'torchvision', 'torchinfo', 'numpy', 'plotly', 'gradio', 'PIL', 'typer', 'safetensors'}"
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sorted({heavy} & set(sys.modules)))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return ended.stdout.split()


def test_the_import_loads_nothing_but_itself():
    assert (
        list_loaded("import explorer, sys; dir(explorer); assert [m for m in sys.modules if 'explorer.' in m] == []")
        == []
    )


@pytest.mark.parametrize(
    "code", ["v.cost()", "v.table()._repr_html_()", "v._repr_html_()", "v.code()", "v.diff('resnet18')", "repr(v)"]
)
def test_numbers_table_and_code_need_no_torch(code):
    assert list_loaded(f"import explorer; v = explorer.plan('resnet20'); {code}") == []


def test_a_star_import_brings_what_is_offered():
    namespace = {}
    exec("from explorer import *", namespace)
    assert {"plan", "build", "draw", "load", "code", "Variant"} <= set(namespace)
    assert set(explorer.__all__) <= set(dir(explorer))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'paln'"):
        explorer.paln  # noqa: B018


def test_the_cost_of_a_plan_is_torchvisions():
    p = explorer.plan("resnet50,groups=32,base_width=4")
    assert p.cost().params == 25_028_904  # torchvision's documentation of resnext50_32x4d
    assert p.text == "resnext50_32x4d" == str(p)
    assert "25,028,904 parameters" in repr(p)
    assert p == explorer.plan("resnext50_32x4d")
    assert explorer.plan(p) is p


def test_building_is_the_module_of_a_seed():
    network = explorer.build("resnet20", seed=3)
    assert sum(parameter.numel() for parameter in network.parameters()) == explorer.plan("resnet20").cost().params
    again = explorer.plan("resnet20").build(seed=3)
    pairs = zip(network.parameters(), again.parameters(), strict=True)
    assert all(torch.equal(first, second) for first, second in pairs)


@pytest.mark.parametrize("level", ["stage", "block", "op"])
def test_a_drawing_is_an_svg_that_a_notebook_shows(level, tmp_path):
    drawing = explorer.draw(explorer.plan("resnet20"), level)
    root = ElementTree.fromstring(drawing._repr_svg_())
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    drawing.save(tmp_path / "graph.svg")
    assert ElementTree.parse(tmp_path / "graph.svg").getroot().tag == root.tag


def test_the_notebook_shows_table_and_totals():
    html = explorer.plan("resnet18")._repr_html_()
    root = ElementTree.fromstring(f"<div>{html}</div>")
    assert root.find("h4").text == "resnet18"
    total = root.find(".//tfoot/tr/td[2]").text
    assert [int(part) for part in total.split()] == [11, 689, 512]  # torchvision's documentation
    table = explorer.plan("resnet18").table()
    assert "11,689,512 parameters" in str(table) == repr(table)


def test_code_is_a_file_that_runs():
    namespace = {"__name__": "generated"}
    exec(explorer.code("resnet20", "functional"), namespace)
    network = explorer.build("resnet20", seed=0).eval()
    other = namespace["ResNet"]().eval()
    other.load_state_dict(network.state_dict())
    x = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(other(x), network(x))


def test_a_diff_names_what_changed():
    diff = explorer.plan("resnet18").diff("resnet18,act=gelu")
    assert diff.record.after == explorer.plan("resnet18,act=gelu").architecture
    assert "act" in repr(diff) and "gelu" in repr(diff)
    assert "| " in diff._repr_markdown_()


def test_bundled_weights_are_loaded():
    assert "ship" in explorer.load("resnet20-cifar10").labels


def test_refusals_are_sentences():
    with pytest.raises(VariantError, match="is no known network"):
        explorer.plan("resent50")
    with pytest.raises(VariantError, match="level is stage, block or op"):
        explorer.draw("resnet18", "layer")
    with pytest.raises(VariantError, match="style is module or functional"):
        explorer.code("resnet18", "keras")
    with pytest.raises(WeightsError, match="does not exist"):
        explorer.load("none.pth")
