import math
import re

import pytest

from drawing import draw_graph, read_drawing
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.format import format_si
from explorer.figures.scene import Level, fold_stage
from families import FAMILIES

PRESETS = FAMILIES
LEVELS = list(Level)


def list_boxes(text, level, fold=True):
    svg = draw_graph(expand_plan(parse_variant(text)), level, fold)
    return [node for node in read_drawing(svg)[0] if not node.is_frame]


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("variant", PRESETS)
def test_folded_counts_sum_to_the_blocks(variant, fold):
    architecture = parse_variant(variant)
    for number, depth in enumerate(architecture.depths, 1):
        boxes = [
            box for box in list_boxes(variant, Level.BLOCK, fold) if re.fullmatch(rf"layer{number}\.\d+", box.name)
        ]
        assert sum(box.repeat for box in boxes) == depth
        assert len(boxes) <= 2 if fold else len(boxes) == depth  # only the first block of a stage may differ


def test_blocks_that_are_all_alike_are_one_box():
    boxes = list_boxes("resnet20", Level.BLOCK)  # 16 channels come in, 16 go out: layer1 has no first that differs
    assert [(box.name, box.texts[0], box.repeat) for box in boxes if box.kind == "block"] == [
        ("layer1.0", "layer1.0–2", 3),
        ("layer2.0", "layer2.0", 1), ("layer2.1", "layer2.1–2", 2),
        ("layer3.0", "layer3.0", 1), ("layer3.1", "layer3.1–2", 2),
    ]  # fmt: skip


def test_a_stage_says_how_many_shortcuts_of_each_kind_it_has():
    boxes = {box.name: box for box in list_boxes("resnet50", Level.STAGE)}
    assert boxes["layer3.shortcut"].texts == ("1 × 1×1 projection", "5 × identity")
    assert boxes["layer3"].texts[1] == "6 bottleneck blocks"


def test_folds_of_a_stage():
    plan = expand_plan(parse_variant("resnet1202"))
    assert [fold.repeat for fold in fold_stage(plan.stages[1])] == [1, 199]
    assert [fold.title for fold in fold_stage(plan.stages[1])] == ["layer2.0", "layer2.1–199"]
    assert [fold.title for fold in list(fold_stage(plan.stages[1]))[1].split()][::99] == [
        "layer2.1",
        "layer2.100",
        "layer2.199",
    ]


def test_labels_are_sentences_without_double_spaces():
    for variant in ("resnet8,width=1,depths=1,classes=2", "resnet50"):
        for level in LEVELS:
            for box in list_boxes(variant, level):
                assert box.title and "  " not in box.title, box.title


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"), (7, "7"), (999, "999"), (1000, "1.00 k"), (9999, "10.0 k"), (99_949, "99.9 k"), (99_951, "100 k"),
        (999_499, "999 k"), (999_501, "1.00 M"), (25_557_032, "25.6 M"), (4_089_184_256, "4.09 G"), (2e12, "2.00 T"),
    ],
)  # fmt: skip
def test_three_significant_digits(number, text):
    assert format_si(number).strip() == text
    if number >= 1000:
        factor = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[text[-1]]
        assert math.isclose(float(text[:-2]) * factor, number, rel_tol=0.0051)
