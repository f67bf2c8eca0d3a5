import math

import pytest

from explorer.architecture.plan import Path, expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.format import format_si
from explorer.figures.scene import MAX_NODES, Level, compose_scene, count_ops, fold_stage
from families import FAMILIES

PRESETS = FAMILIES
LEVELS = list(Level)


def compose(text, level, fold=True):
    plan = expand_plan(parse_variant(text))
    return plan, compose_scene(plan, level, fold)


def follow_main_path(scene):
    """Ids from the input on, along the edges that are no shortcut; each has exactly one successor."""
    after = {}
    for edge in scene.edges:
        if edge.path is None:
            assert edge.tail not in after
            after[edge.tail] = edge.head
    path = ["input"]
    while path[-1] in after:
        path.append(after[path[-1]])
    return path


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("variant", PRESETS)
def test_the_main_path_runs_through_every_box_but_the_shortcuts(variant, level, fold):
    _, scene = compose(variant, level, fold)
    ids = [node.id for node in scene.nodes]
    assert len(ids) == len(set(ids))
    assert follow_main_path(scene) == [node.id for node in scene.nodes if not node.side]
    assert {edge.tail for edge in scene.edges} | {edge.head for edge in scene.edges} == set(ids)


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("variant", PRESETS)
def test_folded_counts_sum_to_the_blocks(variant, fold):
    architecture = parse_variant(variant)
    for level in (Level.BLOCK, Level.OP):
        _, scene = compose(variant, level, fold)
        for number, depth in enumerate(architecture.depths, 1):
            starts = {}
            for node in scene.nodes:
                parts = node.id.split(".")
                inside = parts[0] == f"layer{number}" and parts[1] != "transition"
                if inside and not node.side and parts[-1] != "merge":
                    starts[parts[1]] = max(node.repeat, starts.get(parts[1], 1))
            assert sum(starts.values()) == depth
            folded = fold or count_ops(expand_plan(architecture)) > MAX_NODES
            assert len(starts) <= 2 if folded else len(starts) == depth  # only the first block of a stage may differ


def test_blocks_that_are_all_alike_are_one_box():
    _, scene = compose("resnet20", Level.BLOCK)  # 16 channels come in, 16 go out: layer1 has no first that differs
    assert [(node.id, node.lines[0], node.repeat) for node in scene.nodes if node.style == "block"] == [
        ("layer1.0", "layer1.0–2", 3),
        ("layer2.0", "layer2.0", 1), ("layer2.1", "layer2.1–2", 2),
        ("layer3.0", "layer3.0", 1), ("layer3.1", "layer3.1–2", 2),
    ]  # fmt: skip


@pytest.mark.parametrize("variant", ["resnet18,shortcut=none", "resnet50,shortcut=none", "resnet56,shortcut=none"])
@pytest.mark.parametrize("level", LEVELS)
def test_a_plain_network_has_no_shortcut(variant, level):
    _, scene = compose(variant, level)
    assert all(edge.path is None for edge in scene.edges)
    assert not any(node.side or "merge" in node.id or "shortcut" in node.id for node in scene.nodes)


# He et al. 2015, section 4.1: what each option does where the shape stays, and where it changes
OPTIONS = {
    "A": (Path.IDENTITY, Path.PAD),
    "B": (Path.IDENTITY, Path.PROJECTION),
    "C": (Path.PROJECTION, Path.PROJECTION),
    "D": (Path.IDENTITY, Path.POOLED),  # He et al. 2019, figure 2c
}


@pytest.mark.parametrize("level", [Level.BLOCK, Level.OP])
@pytest.mark.parametrize("option", OPTIONS)
def test_every_residual_block_has_its_kind_of_shortcut_beside_it(option, level):
    _, scene = compose(f"resnet18,shortcut={option}", level, fold=False)
    same, changed = OPTIONS[option]
    for stage in (1, 2, 3, 4):
        for block in (0, 1):
            merge = f"layer{stage}.{block}.merge"
            expected = changed if stage > 1 and block == 0 else same
            (last,) = [edge for edge in scene.edges if edge.head == merge and edge.path is not None]
            assert last.path is expected
            sides, edge = 0, last
            while next(node for node in scene.nodes if node.id == edge.tail).side:
                sides += 1
                (edge,) = [other for other in scene.edges if other.head == edge.tail]
                assert edge.path is expected
            parts = {Path.PROJECTION: 2, Path.POOLED: 3}.get(expected, 1)  # 1x1 and norm, with a pooling before them
            assert sides == (parts if level is Level.OP else 1)
            branch_starts = f"layer{stage}.{block}" + (".branch.conv1" if level is Level.OP else "")
            assert any(other.tail == edge.tail and other.head == branch_starts for other in scene.edges)


def test_a_stage_says_how_many_shortcuts_of_each_kind_it_has():
    _, scene = compose("resnet50", Level.STAGE)
    words = {node.id: node.lines for node in scene.nodes if node.side}
    assert words["layer3.shortcut"] == ("1 × 1×1 projection", "5 × identity")
    assert next(node.lines[1] for node in scene.nodes if node.id == "layer3") == "6 bottleneck blocks"


def test_a_network_of_too_many_operations_is_folded_whatever_was_asked():
    _, scene = compose("resnet1202", Level.OP, fold=False)
    assert len(scene.nodes) < 80
    assert len(compose("resnet152", Level.OP, fold=False)[1].nodes) <= MAX_NODES
    plan = expand_plan(parse_variant("resnet1202"))
    assert [fold.repeat for fold in fold_stage(plan.stages[1])] == [1, 199]


def test_labels_are_sentences_without_double_spaces():
    for variant in ("resnet8,width=1,depths=1,classes=2", "resnet50"):
        for level in LEVELS:
            for node in compose(variant, level)[1].nodes:
                assert node.label and "  " not in node.label, node.label


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
