import json

import pytest
import torch
import torchvision

from explorer.architecture.memory import compute_training_memory
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.figures.palette import KIND_COLOURS
from explorer.figures.rows import COLUMNS, describe_rows
from explorer.network.build import build_network
from families import FAMILIES
from witness import COUNTS, count_macs, count_params, observe_modules

VARIANTS = [*FAMILIES, "resnet50,shortcut=C", "resnet56,shortcut=none", "resnet26,drop_path=0.2"]
COUNTED = [(row["variant"], int(row["params"]), int(row["macs"] or 0)) for row in COUNTS]


def plan_of(text):
    return expand_plan(parse_variant(text))


def list_parts(content):
    """Groups that hold operations, those of a stage in its place."""
    return [part for group in content["groups"] for part in group.get("groups", [group])]


def list_ops(content):
    """Every row as an object, with its full name and the group it is in."""
    for part in list_parts(content):
        for cells in part["rows"]:
            row = dict(zip(content["columns"], cells, strict=True))
            yield row | {"name": f"{part['name']}.{row['name']}", "part": part}


def sum_up(row):
    """What all blocks of a fold have together."""
    return tuple(row["all"] or (row["params"], row["macs"], row["kept"]))


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize(("variant", "params", "macs"), COUNTED, ids=[row[0] for row in COUNTED])
def test_rows_and_groups_add_up_to_other_peoples_counts(variant, params, macs, fold):
    content = describe_rows(plan_of(variant), fold)
    sums = [sum(column) for column in zip(*map(sum_up, list_ops(content)), strict=True)]
    assert sums[0] == content["totals"]["params"] == params
    assert sums[1] == content["totals"]["macs"] == (macs or sums[1])
    assert sums[2] == content["totals"]["kept"]
    for number, name in enumerate(("params", "macs", "kept")):
        assert sum(group[name] for group in content["groups"]) == sums[number]
        for group in content["groups"]:
            if "groups" in group:
                assert sum(part[name] for part in group["groups"]) == group[name]


@pytest.mark.parametrize("name", ["resnet18", "resnet50", "densenet121"])
def test_totals_are_those_of_torchvisions_module(name):
    with torch.device("meta"):
        theirs = getattr(torchvision.models, name)()
    totals = describe_rows(plan_of(f"{name},input=3x96x64"))["totals"]
    assert (totals["params"], totals["macs"]) == (count_params(theirs), count_macs(theirs, (3, 96, 64)))


@pytest.mark.parametrize("variant", ["resnet26d,input=3x64x64", "seresnet20", "resnetv2_26,input=3x64x64"])
def test_each_row_is_what_torchinfo_and_torchs_counter_see(variant):
    plan = plan_of(variant)
    seen = observe_modules(build_network(plan), plan.architecture.input)
    rows = {row["name"]: row for row in list_ops(describe_rows(plan, fold=False))}
    assert set(seen) <= set(rows)
    for name, module in seen.items():
        row = rows[name]
        assert (tuple(row["output"]), row["params"], row["macs"]) == (module.output, module.params, module.macs), name


@pytest.mark.parametrize("fold", [True, False])
@pytest.mark.parametrize("variant", VARIANTS)
def test_bytes_kept_are_those_of_a_training_step(variant, fold):
    """The witness of these is torch, in tests/architecture/test_memory.py."""
    plan = plan_of(variant)
    assert describe_rows(plan, fold)["totals"]["kept"] == compute_training_memory(plan).saved


def test_resnet50_in_groups():
    """3, 4, 6 and 3 blocks, of which all but each stage's first are equal."""
    groups = describe_rows(plan_of("resnet50"))["groups"]
    assert [group["name"] for group in groups] == ["stem", "layer1", "layer2", "layer3", "layer4", "head"]
    blocks = [(b["name"], b["title"], b["repeat"]) for group in groups[1:-1] for b in group["groups"]]
    assert blocks == [
        ("layer1.0", "layer1.0", 1), ("layer1.1", "layer1.1–2", 2), ("layer2.0", "layer2.0", 1),
        ("layer2.1", "layer2.1–3", 3), ("layer3.0", "layer3.0", 1), ("layer3.1", "layer3.1–5", 5),
        ("layer4.0", "layer4.0", 1), ("layer4.1", "layer4.1–2", 2),
    ]  # fmt: skip
    assert [group["words"] for group in groups[1:-1]] == [f"{n} bottleneck blocks" for n in (3, 4, 6, 3)]
    assert groups[1]["groups"][0]["words"] == "bottleneck block, 1×1 projection shortcut"
    assert groups[3]["groups"][1]["words"] == "bottleneck blocks, identity shortcut"
    assert groups[0]["words"] == "7×7 convolution, stride 2; 3×3 max-pooling, stride 2"
    assert [group["output"] for group in groups] == [
        (64, 56, 56), (256, 56, 56), (512, 28, 28), (1024, 14, 14), (2048, 7, 7), (1000,),
    ]  # fmt: skip


def test_a_fold_shows_its_first_block_and_knows_all_of_them():
    rows = {row["name"]: row for row in list_ops(describe_rows(plan_of("resnet50")))}
    row = rows["layer3.1.branch.conv2"]
    each = 3 * 3 * 256 * 256
    assert (row["params"], row["macs"]) == (each, each * 14 * 14)
    assert row["all"][:2] == (5 * each, 5 * each * 14 * 14)
    assert (row["kernel"], row["stride"], row["groups"], row["what"]) == ("3×3", "1", "1", "convolution")
    assert rows["layer3.0.branch.conv2"]["all"] is None and rows["layer3.0.branch.conv2"]["stride"] == "2"


def test_dense_layers_fold_though_each_reads_more_than_the_one_before():
    """Huang et al. 2017, table 1: densenet121's first block, from 64 channels on, 32 more a layer."""
    rows = {row["name"]: row for row in list_ops(describe_rows(plan_of("densenet121")))}
    row = rows["layer1.0.branch.conv1"]
    assert row["part"]["repeat"] == 6
    assert row["params"] == 64 * 128 and row["all"][0] == sum((64 + 32 * layer) * 128 for layer in range(6))
    assert [part["name"] for part in describe_rows(plan_of("densenet121"))["groups"][2]["groups"]] == [
        "layer2.transition", "layer2.0",
    ]  # fmt: skip


# Araujo et al. 2019, "Computing receptive fields of convolutional neural networks", table of ResNet-v1
@pytest.mark.parametrize(("name", "side"), [("resnet50", 483), ("resnet101", 1027), ("resnet152", 1507)])
@pytest.mark.parametrize("fold", [True, False])
def test_a_group_ends_with_the_published_receptive_field(name, side, fold):
    content = describe_rows(plan_of(f"{name},stride_on=1x1"), fold)
    stage, head = content["groups"][-2:]
    assert stage["field"] == stage["groups"][-1]["field"] == side
    assert head["field"] is None  # global pooling sees everything


@pytest.mark.parametrize("variant", VARIANTS)
def test_without_folding_every_operation_has_its_row_in_order(variant):
    plan = plan_of(variant)
    content = describe_rows(plan, fold=False)
    assert [row["name"] for row in list_ops(content)] == [name for name, _ in plan.ops()]
    assert all(part["repeat"] == 1 for part in list_parts(content))
    folded = describe_rows(plan)
    assert {row["name"] for row in list_ops(folded)} <= {name for name, _ in plan.ops()}
    assert sum(len(part["rows"]) * part["repeat"] for part in list_parts(folded)) == folded["totals"]["ops"]
    assert folded["totals"] == content["totals"]


@pytest.mark.parametrize("variant", VARIANTS)
def test_it_goes_to_the_page_as_json_with_a_name_and_colour_for_each_kind(variant):
    content = describe_rows(plan_of(variant))
    assert len(json.dumps(content)) < 60_000
    assert content["columns"] == COLUMNS
    assert list(content["kinds"]) == list(dict.fromkeys(row["kind"] for row in list_ops(content)))
    assert all(colour == KIND_COLOURS[kind] for kind, (_, colour) in content["kinds"].items())
