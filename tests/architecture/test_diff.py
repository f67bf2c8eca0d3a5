"""Differences against other libraries' counts, against formulas, and against what a difference has to satisfy."""

from collections import Counter
from dataclasses import replace

import pytest
import torch
import torchvision
from hypothesis import given, settings

from explorer.architecture.align import Status
from explorer.architecture.cost import Cost
from explorer.architecture.diff import compare_plans
from explorer.architecture.memory import compute_forward_memory, compute_training_memory
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import list_presets
from explorer.architecture.receptive import compute_fields
from explorer.architecture.variant import parse_variant
from strategies import small_architectures
from witness import count_params

PAIRS = [
    ("resnet50", "resnet50d"), ("resnet34", "resnet34,shortcut=C"), ("resnet50", "densenet121"),
    ("resnet18", "resnet152"), ("resnet56", "preresnet110,drop_path=0.2"), ("resnet50", "resnet20"),
    ("resnet50", "resnet50,depths=3-4-6"), ("densenet121", "densenet169"), ("seresnet50", "ecaresnet50d"),
    ("wrn28_10,dropout=0.3", "wrn28_10,dropout=0.5"), ("resnet50", "resnet50,norm=group,act=gelu"),
    ("plain34", "resnet34"), ("resnet18", "resnet18,norm=none"), ("resnet50", "resnet50,activation=bn_after"),
]  # fmt: skip


def diff(one, other):
    return compare_plans(expand_plan(parse_variant(one)), expand_plan(parse_variant(other)))


def mirror(value):
    """What the same row must be the other way round."""
    other = {Status.ADDED: Status.REMOVED, Status.REMOVED: Status.ADDED}
    return other.get(value.status, value.status)


def describe_op(op, turned):
    before, after = (op.after, op.before) if turned else (op.before, op.after)
    changes = frozenset(
        (change.name, change.after, change.before) if turned else (change.name, change.before, change.after)
        for change in op.changes
    )
    sign = -1 if turned else 1
    status = mirror(op) if turned else op.status
    return status, before, after, changes, sign * op.cost.params, sign * op.cost.macs


def describe_groups(found, turned):
    return [
        (
            group.name, group.repeat, mirror(group) if turned else group.status, group.same,
            (-1 if turned else 1) * group.saved, group.fields[::-1] if turned else group.fields,
            Counter(describe_op(op, turned) for op in group.ops),
        )
        for group in found.groups
    ]  # fmt: skip


def check_invariants(there, back):
    assert sum((group.cost for group in there.groups), Cost()) == there.cost
    assert sum(group.saved for group in there.groups) == there.totals[1].saved - there.totals[0].saved
    for group in there.groups:
        each = sum((op.cost for op in group.ops), Cost())
        assert (group.repeat * each.params, group.repeat * each.macs) == (group.cost.params, group.cost.macs)
    assert describe_groups(there, True) == describe_groups(back, False)
    assert there.same == back.same
    assert [(c.name, c.after, c.before) for c in there.options] == [(c.name, c.before, c.after) for c in back.options]


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_nothing_differs_from_itself(preset):
    plan = expand_plan(preset.architecture)
    found = compare_plans(plan, plan)
    assert found.is_empty and found.cost == Cost() and found.same == sum(1 for _ in plan.ops())


@pytest.mark.parametrize("pair", PAIRS, ids=" ".join)
def test_rows_sum_to_totals_and_mirror(pair):
    check_invariants(diff(*pair), diff(*pair[::-1]))


@settings(max_examples=60)
@given(small_architectures(), small_architectures())
def test_any_two(one, other):
    one, other = expand_plan(one), expand_plan(other)
    there = compare_plans(one, other)
    check_invariants(there, compare_plans(other, one))
    count = sum(1 for _ in one.ops()), sum(1 for _ in other.ops())
    found = Counter(op.status for group in there.groups for op in group.ops for _ in range(group.repeat))
    assert there.same + found[Status.CHANGED] + found[Status.REMOVED] == count[0]
    assert there.same + found[Status.CHANGED] + found[Status.ADDED] == count[1]


def test_resnet_d():
    """Bag of tricks: deep stem and pooled shortcuts, 25,576,264 parameters in timm and 25,557,032 in torchvision."""
    found = diff("resnet50", "resnet50d")
    assert found.cost.params == 25_576_264 - 25_557_032 == 19_232
    assert [group.name for group in found.groups] == ["stem", "layer2.0", "layer3.0", "layer4.0"]
    stem, *stages = found.groups
    assert stem.cost == found.cost
    assert Counter(op.status for op in stem.ops) == {Status.CHANGED: 3, Status.ADDED: 6}
    for stage in stages:
        assert [(op.status.value, op.after.name) for op in stage.ops] == [
            ("added", "shortcut.pool"), ("changed", "shortcut.conv")]  # fmt: skip
        assert ("stride", 2, 1) in [(c.name, c.before, c.after) for c in stage.ops[1].changes]
    assert [(c.name, c.before, c.after) for c in found.options] == [
        ("shortcut", "B", "D"), ("stem", "imagenet", "deep")]  # fmt: skip


def test_projections_everywhere():
    """Option C: a 1x1 convolution from C to C channels and a norm in each of the 13 blocks that had none."""
    found = diff("resnet34", "resnet34,shortcut=C")
    expected = {"layer1.0": (3, 64, 56), "layer2.1": (3, 128, 28), "layer3.1": (5, 256, 14), "layer4.1": (2, 512, 7)}
    assert {group.name: group.repeat for group in found.groups} == {k: row[0] for k, row in expected.items()}
    for group in found.groups:
        repeat, width, side = expected[group.name]
        assert group.cost.params == repeat * (width**2 + 2 * width)
        assert group.cost.macs == repeat * width**2 * side**2


@pytest.mark.parametrize("names", [("resnet50", "wide_resnet50_2"), ("resnet50", "resnext50_32x4d"),
    ("resnet18", "resnet34"), ("resnet50", "resnet101")])  # fmt: skip
def test_blocks_of_torchvision(names):
    with torch.device("meta"):
        one, other = (getattr(torchvision.models, name)() for name in names)
    found = diff(*names)
    for group in found.groups:
        stage, _, first = group.name.partition(".")
        blocks = [list(getattr(network, stage))[int(first) : int(first) + group.repeat] for network in (one, other)]
        before, after = (sum(map(count_params, side)) for side in blocks)
        assert group.cost.params == after - before, group.name
        assert (not blocks[0]) is (group.status is Status.ADDED)
    assert found.cost.params == count_params(other) - count_params(one)


def test_deeper_stages_have_more_at_their_end():
    found = diff("resnet50", "resnet152")
    assert [(g.name, g.status, g.repeat) for g in found.groups] == [
        ("layer2.4", Status.ADDED, 4), ("layer3.6", Status.ADDED, 30)]  # fmt: skip
    assert [(g.name, g.status) for g in diff("resnet152", "resnet50").groups] == [
        ("layer2.4", Status.REMOVED), ("layer3.6", Status.REMOVED)]  # fmt: skip


def test_fewer_stages():
    found = diff("resnet50", "resnet50,depths=3-4-6")
    assert [(g.name, g.status) for g in found.groups] == [
        ("layer4.0", Status.REMOVED), ("layer4.1", Status.REMOVED), ("head", Status.CHANGED)]  # fmt: skip
    assert found.totals[1].field == found.groups[-1].fields[1] - 16 * 13  # the head sees 14 positions, 16 pixels apart


def test_receptive_field_of_resnet18():
    """1 + the sum of (kernel - 1) x the pixels between two positions, along the branches."""
    convs = [(7, 1), (3, 2), *[(3, 4)] * 4, (3, 4), *[(3, 8)] * 3, (3, 8), *[(3, 16)] * 3, (3, 16), *[(3, 32)] * 3]
    totals = diff("resnet18", "resnet34").totals
    assert totals[0].field == 1 + sum((kernel - 1) * step for kernel, step in convs) == 435


def test_totals_are_those_of_their_modules():
    plan = expand_plan(parse_variant("seresnet50"))
    _, totals = diff("resnet50", "seresnet50").totals
    assert totals.forward == compute_forward_memory(plan).total
    assert totals.training == compute_training_memory(plan).total
    fields = dict(zip((name for name, _ in plan.ops()), compute_fields(plan), strict=True))
    assert totals.field == fields["layer4.2.after"].size


def test_options_as_the_grammar_writes_them():
    def options(one, other):
        return {change.name: (change.before, change.after) for change in diff(one, other).options}

    assert options("resnet50", "resnet50,branch=1x1-5x5-1x1") == {"branch": ("1x1-3x3-1x1", "1x1-5x5-1x1")}
    assert options("resnet50", "resnet50,stem_width=32") == {"stem_width": ("64", "32")}
    assert options("resnet50", "resnet50,widths=64-128-256-300") == {"widths": ("64-128-256-512", "64-128-256-300")}
    assert options("resnet50", "seresnet50") == {"attention": ("none", "se"), "se_divisor": (None, "8")}
    assert options("resnet50", "resnet50,classes=10,input=3x32x32") == {
        "classes": ("1000", "10"), "input": ("3x224x224", "3x32x32")}  # fmt: skip


def test_an_option_that_changes_no_operation():
    plan = expand_plan(parse_variant("resnet50"))
    found = compare_plans(plan, replace(plan, architecture=parse_variant("resnet50,act=gelu")))
    assert not found.groups and not found.is_empty
