import json

import pytest

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from explorer.figures.cost_charts import Grouping, parse_grouping, plot_costs
from explorer.figures.palette import KIND_COLOURS, KIND_NAMES
from families import FAMILIES
from witness import COUNTS

IDS = ["params", "macs", "kept", "field", "resolution"]
PUBLISHED = {row["variant"]: row for row in COUNTS}


def validate(figure):
    """Plotly's own check of every property."""
    import plotly.graph_objects as go

    return go.Figure(figure)


def charts_of(text, by=Grouping.STAGE, fold=True):
    return plot_costs(expand_plan(parse_variant(text)), by, fold)


@pytest.mark.parametrize("by", list(Grouping))
@pytest.mark.parametrize("variant", FAMILIES)
def test_plotly_accepts_every_chart(variant, by):
    figures = charts_of(variant, by)
    assert list(figures) == IDS
    for figure in figures.values():
        drawn = validate(json.loads(json.dumps(figure, allow_nan=False)))
        assert drawn.layout.title.text and drawn.layout.yaxis.title.text
        assert figure["layout"]["meta"]["empty"].endswith(".")
        for trace in figure["data"]:  # as the page's CSV takes it
            assert len(trace["x"]) == len(trace["y"]) > 0


@pytest.mark.parametrize("by", list(Grouping))
@pytest.mark.parametrize("variant", ["resnet50", "resnet20", "densenet121", "seresnext50_32x4d", "resnet1202"])
def test_bars_add_up_to_other_peoples_counts(variant, by):
    figures = charts_of(variant, by)
    for name in ("params", "macs"):
        total = sum(sum(trace["y"]) for trace in figures[name]["data"])
        published = PUBLISHED[variant][name]
        assert not published or total == int(published), name


def test_bars_stand_for_stages_blocks_or_kinds():
    stages = charts_of("resnet50")["params"]["data"][0]["x"]
    assert stages == ["stem", "layer1", "layer2", "layer3", "layer4", "head"]
    blocks = charts_of("resnet50", Grouping.BLOCK)["params"]["data"][0]["x"]
    assert len(blocks) == 1 + 3 + 4 + 6 + 3 + 1 and blocks[4] == "layer2.0"
    dense = charts_of("densenet121", Grouping.BLOCK)["macs"]["data"][0]["x"]
    assert dense[7:9] == ["layer2.transition", "layer2.0"]
    (kinds,) = charts_of("resnet18", Grouping.KIND)["params"]["data"]
    assert kinds["x"] == ["convolution", "linear", "norm"]
    assert kinds["y"] == [11_689_512 - 513_000 - 9_600, 512 * 1000 + 1000, 9_600]  # torchvision: 2 · 4,800 channels


def test_a_kind_has_one_colour_and_a_sign_besides():
    traces = charts_of("seresnet50", Grouping.BLOCK)["kept"]["data"]
    colours = {KIND_NAMES[kind]: colour for kind, colour in KIND_COLOURS.items()}
    assert all(trace["marker"]["color"] == colours[trace["name"]] for trace in traces)
    patterns = [trace["marker"]["pattern"]["shape"] for trace in traces]
    assert len(set(patterns)) == len(patterns)


def test_a_bars_name_is_one_that_the_page_knows():
    (trace, *_) = charts_of("resnet50", Grouping.BLOCK)["macs"]["data"]
    names = dict(zip(trace["x"], trace["customdata"], strict=True))
    assert (names["layer3.0"], names["layer3.4"], names["stem"]) == ("layer3.0", "layer3.1", "stem")
    (trace, *_) = charts_of("resnet50", Grouping.BLOCK, fold=False)["macs"]["data"]
    assert trace["customdata"] == trace["x"]
    line = charts_of("resnet50")["field"]["data"][0]
    assert line["customdata"][-1] == "layer4.1.branch.conv3"  # of layer4.2, which is folded with it


# Araujo et al. 2019, "Computing receptive fields of convolutional neural networks", table of ResNet-v1
@pytest.mark.parametrize(("name", "side"), [("resnet50", 483), ("resnet101", 1027), ("resnet152", 1507)])
def test_the_receptive_field_grows_to_the_published_one(name, side):
    figure = charts_of(f"{name},stride_on=1x1")["field"]
    line, edge = figure["data"]
    assert line["y"][:2] == [7, 11] and line["y"][-1] == side and line["y"] == sorted(line["y"])
    assert edge["y"] == [224, 224]
    assert f"grows to {side} pixels" in figure["layout"]["meta"]["words"]


def test_resolution_halves_while_channels_double():
    """He et al. 2015, table 1: 112, 56, 28, 14 and 7 pixels; 256, 512, 1024 and 2048 channels."""
    heights, channels = charts_of("resnet50")["resolution"]["data"]
    assert list(dict.fromkeys(heights["y"])) == [112, 56, 28, 14, 7]
    assert list(dict.fromkeys(channels["y"])) == [64, 256, 512, 1024, 2048]
    assert len(heights["x"]) == 1 + 1 + 3 * 16  # the stem's convolution and pooling, three convolutions a block
    assert len(channels["x"]) == 1 + 16 and channels["x"][-1] == heights["x"][-1]
    assert heights["line"]["dash"] != channels["line"]["dash"]


def test_a_sentence_says_where_the_most_is():
    words = charts_of("resnet50")["params"]["layout"]["meta"]["words"]
    # torchvision's layer4 has 14,964,736 of 25,557,032 parameters
    assert words == "Parameters by stage: layer4 has the most, 58.6% of all parameters."


def test_another_grouping_is_refused_in_a_sentence():
    with pytest.raises(VariantError, match="by=colour is no grouping: choose from stage, block, kind"):
        parse_grouping("colour")
