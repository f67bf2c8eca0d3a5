"""What became of every box of two graphs."""

import pytest

from drawing import draw_graph, read_drawing
from explorer.architecture.diff import compare_plans
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.marks import list_marks
from explorer.figures.scene import Level

PAIRS = [
    ("resnet50", "resnetv2_50"),
    ("resnet50", "resnet50,shortcut=none"),
    ("resnet50", "resnet101"),
    ("resnet20", "wrn28_10"),
    ("resnet50", "densenet121"),
    ("densenet121", "densenet201"),
    ("resnet18", "resnet18,depths=2-2-2"),
    ("seresnet50", "ecaresnet50d"),
]


def mark(before, after, level=Level.BLOCK):
    plans = [expand_plan(parse_variant(text)) for text in (before, after)]
    return list_marks(compare_plans(*plans), *plans, level)


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("pair", PAIRS)
def test_every_box_has_a_mark_and_the_other_way_round_they_change_places(pair, level):
    for text, marks in zip(pair, mark(*pair, level), strict=True):
        nodes, _ = read_drawing(draw_graph(expand_plan(parse_variant(text)), level))
        assert set(marks) == {node.name for node in nodes if not node.is_frame}
    swapped = {"added": "removed", "removed": "added"}
    back = [{name: swapped.get(status, status) for name, status in marks.items()} for marks in mark(*pair[::-1], level)]
    assert [dict(marks) for marks in mark(*pair, level)] == back[::-1]


@pytest.mark.parametrize("level", Level)
def test_one_network_is_the_same_everywhere(level):
    first, second = mark("resnet50", "resnet50", level)
    assert set(first.values()) == set(second.values()) == {"same"}


def test_the_preactivation_twin_by_operations():
    first, second = mark("resnet50", "resnetv2_50", Level.OP)
    lost = {name for name, status in first.items() if status == "removed"}
    new = {name for name, status in second.items() if status == "added"}
    # He et al. 2016, figure 1: norm behind the last convolution and ReLU behind the sum go, both before the first come
    blocks = [f"layer{stage}.{block}" for stage in (1, 2, 3, 4) for block in (0, 1)]
    assert new == {f"{name}.before.{op}" for name in blocks for op in ("bn1", "relu1")} | {"head.bn", "head.relu"}
    projected = {f"layer{stage}.0.shortcut.bn" for stage in (1, 2, 3, 4)}
    assert lost == {f"{name}.{op}" for name in blocks for op in ("branch.bn3", "after")} | projected | {
        "stem.bn1",
        "stem.relu1",
    }
    assert set(first.values()) == {"same", "removed"} and set(second.values()) == {"same", "added"}


def test_the_plain_twin_lacks_shortcuts():
    first, second = mark("resnet50", "resnet50,shortcut=none")
    assert first["layer1.0.shortcut"] == first["layer1.1.shortcut"] == first["layer1.1.merge"] == "removed"
    assert first["layer1.0"] == second["layer1.0"] == "changed"
    assert first["stem"] == second["head"] == "same"


def test_more_blocks_are_added_and_a_fold_of_old_and_new_ones_is_changed():
    first, second = mark("resnet50", "resnet101")
    assert {name for name, status in second.items() if status != "same"} == {
        "layer3.1", "layer3.1.shortcut", "layer3.1.merge"}  # fmt: skip
    assert second["layer3.1"] == "changed"  # five of its blocks are old, seventeen are new
    assert set(first.values()) == {"same"}
    _, second = mark("resnet18,depths=2-2-2", "resnet18")
    assert second["layer4.0"] == second["layer4.1.shortcut"] == "added"


def test_another_input_is_changed():
    first, second = mark("resnet50", "resnet50,input=3x160x160")
    assert first["input"] == second["input"] == "changed"
