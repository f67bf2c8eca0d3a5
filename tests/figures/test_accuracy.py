"""Cost against published accuracy, from records made by hand and what the papers print."""

import json

import pytest

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from explorer.figures.accuracy import list_known, list_left_out, plot_accuracy
from explorer.records import PublishedAccuracy

RECORDS = (
    PublishedAccuracy("resnet50", "IMAGENET1K_V1", 0.7613, 0.9286, 25_557_032, 4_089_184_256, "one 224x224 crop", ""),
    PublishedAccuracy("resnet50", "IMAGENET1K_V2", 0.80858, 0.95434, 25_557_032, 4_089_184_256, "one 224x224 crop", ""),
    PublishedAccuracy("vgg16", "IMAGENET1K_V1", 0.71592, 0.90382, 138_357_544, 15_470_264_320, "one 224x224 crop", ""),
)


def place(*texts):
    return [(index, expand_plan(parse_variant(text))) for index, text in enumerate(texts)]


def validate(figure):
    import plotly.graph_objects as go

    return go.Figure(json.loads(json.dumps(figure, allow_nan=False)))


def find(figure, name):
    (found,) = [trace for trace in figure["data"] if trace["name"] == name]
    return found


@pytest.mark.parametrize("axis", ["macs", "params"])
@pytest.mark.parametrize("known", [(), list_known(), list_known(RECORDS)], ids=["nothing", "papers", "all"])
def test_plotly_accepts_the_chart(known, axis):
    figure = plot_accuracy(place("resnet50", "resnetv2_50"), known, axis)
    assert validate(figure).layout.xaxis.type == "log"
    assert figure["layout"]["meta"]["empty"].endswith(".")


def test_points_hold_the_records_numbers_and_recipes_have_markers_of_their_own():
    figure = plot_accuracy([], list_known(RECORDS))
    first, second = find(figure, "torchvision V1"), find(figure, "torchvision V2")
    assert (first["x"], first["y"]) == ([4_089_184_256, 15_470_264_320], [0.7613, 0.71592])
    assert (second["x"], second["y"]) == ([4_089_184_256], [0.80858])
    assert first["marker"]["symbol"] != second["marker"]["symbol"] != find(figure, "papers")["marker"]["symbol"]
    assert first["customdata"] == ["resnet50", ""]  # VGG is no network of this grammar
    for words in ("76.13% top-1", "4.09 GMACs", "25.6 M parameters", "one 224x224 crop", "IMAGENET1K_V1"):
        assert words in first["hovertext"][0]


def test_papers_come_with_this_projects_counts_and_their_source():
    known = {each.name: each for each in list_known()}
    assert known["seresnet50"].top1 == pytest.approx(1 - 0.2329)  # Hu et al. 2018, table 2
    assert known["seresnet50"].params == 28_088_024  # timm
    assert "table 2" in known["seresnet50"].source
    assert "resnet20" not in known  # its error is CIFAR's


def test_variants_are_rings_where_something_is_published_and_lines_where_nothing_is():
    figure = plot_accuracy(place("resnet50", "resnetv2_50"), list_known(RECORDS))
    ring, line = find(figure, "1 resnet50"), find(figure, "2 resnetv2_50")
    assert ring["mode"] == "markers" and sorted(ring["y"]) == pytest.approx([0.753, 0.7613, 0.80858])
    assert line["mode"] == "lines" and line["x"] == [4_089_184_256] * 2  # timm's count
    assert "no accuracy published" in line["hovertemplate"]
    assert find(plot_accuracy(place("resnetv2_50"), list_known(), "params"), "1 resnetv2_50")["x"] == [25_549_352] * 2


def test_another_task_is_left_out():
    placed = place("resnet50", "resnet20", "resnet50,classes=10")
    assert list_left_out(placed) == [1, 2]
    assert len(plot_accuracy(placed, ())["data"]) == 3 + 1


def test_an_axis_that_is_none_is_refused():
    with pytest.raises(VariantError, match="macs or params"):
        plot_accuracy([], (), "latency")
