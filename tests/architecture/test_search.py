import random
from itertools import islice

import pytest

from explorer.architecture.cost import Cost, compute_cost
from explorer.architecture.plan import expand_plan
from explorer.architecture.search import (
    OBJECTIVES,
    Budget,
    Point,
    create_space,
    find_pareto,
    parse_amount,
    parse_depths,
    parse_objectives,
    sample_space,
    search_space,
)
from explorer.architecture.space import Family, Space
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from witness import is_one_clear_sentence

BOTH = Space(tuple(Family))


def test_points_are_exact():
    for point in islice(sample_space(BOTH, 3000), 0, None, 10):
        plan = expand_plan(point.architecture)
        assert point.cost == compute_cost(plan)
        assert point.depth == point.architecture.depth
        assert point.width == max(block.output[0] for _, block in plan.blocks())


def test_points_differ_and_follow_the_seed():
    points = list(sample_space(BOTH, 2000, seed=1))
    assert len({point.architecture for point in points}) == 2000
    assert points == list(sample_space(BOTH, 2000, seed=1))
    assert points[:50] != list(sample_space(BOTH, 50, seed=2))


def test_sampling_is_lazy():
    assert len(list(islice(sample_space(Space(), 10**9), 5))) == 5


def test_a_space_that_is_used_up_ends():
    """Five layers: stem, two stages of one basic dense layer, their transition, classifier.

    7 growths, 2 widths, 2 compressions, and no attention, ECA or three reductions of SE make 140.
    """
    found = list(sample_space(Space((Family.CIFAR,), depths=(5, 5)), 10**6))
    assert 130 <= len(found) <= 140
    assert len({point.architecture for point in found}) == len(found)
    assert {(point.depth, point.depths) for point in found} == {(5, (1, 1))}


def test_search_keeps_what_fits():
    budget = Budget(max_params=5_000_000, max_macs=600_000_000, min_params=500_000, min_macs=10_000_000)
    found = search_space(Space(), budget, 3000)
    expected = [
        point
        for point in sample_space(Space(), 3000)
        if 500_000 <= point.cost.params <= 5_000_000 and 10_000_000 <= point.cost.macs <= 600_000_000
    ]
    assert found.counted == 3000 and list(found.fits) == expected and expected
    assert set(found.pareto) <= set(found.fits)


def test_both_ends_of_a_budget_fit():
    cost = Cost(params=10, macs=20)
    assert Budget().allows(cost)
    assert Budget(10, 20, 10, 20).allows(cost)
    for refusing in (Budget(9), Budget(max_macs=19), Budget(min_params=11), Budget(min_macs=21)):
        assert not refusing.allows(cost)


def beats(one, other, objectives):
    """The definition: nowhere worse, somewhere better."""
    pairs = [(one.measure(name) * OBJECTIVES[name], other.measure(name) * OBJECTIVES[name]) for name in objectives]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


@pytest.mark.parametrize(
    "objectives", [("params", "macs", "depth", "width"), ("macs", "depth"), ("params",), tuple(OBJECTIVES)]
)
def test_the_pareto_set_is_what_nothing_beats(objectives):
    points = list(sample_space(BOTH, 400, seed=3))
    expected = {point for point in points if not any(beats(other, point, objectives) for other in points)}
    random.Random(0).shuffle(points)
    assert set(find_pareto(points, objectives)) == expected


def test_points_that_are_equal_stay_together():
    design = parse_variant("resnet18")
    twins = [Point(design, depths, Cost(5, 6, 7)) for depths in ((1, 2, 1, 1), (2, 1, 1, 1))]
    worse = Point(design, (1, 1, 1, 2), Cost(5, 7, 7))
    assert find_pareto([worse, *twins]) == twins
    assert find_pareto([]) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [("5M", 5_000_000), ("600m", 600_000_000), ("4.1G", 4_100_000_000), ("2_000_000", 2_000_000), ("0", 0),
     ("2,000,000", 2_000_000), ("1.5k", 1500), (" 1 T ", 10**12), ("1.0001", 1), ("7B", 7 * 10**9)],
)  # fmt: skip
def test_amounts(text, number):
    assert parse_amount("max_params", text) == number


@pytest.mark.parametrize("text", ["", "M", "-5M", "5X", "1e6", "5MM", "nan", "inf", ".", "٣", "5" * 60, "\x00", "_5"])
def test_an_amount_that_is_none(text):
    with pytest.raises(VariantError) as refusal:
        parse_amount("max_params", text)
    assert is_one_clear_sentence(str(refusal.value)) and "max_params" in str(refusal.value)


def test_depths():
    assert parse_depths("50") == (50, 50)
    assert parse_depths("20-60") == parse_depths("20 – 60") == (20, 60)
    for text in ("", "x", "60-20", "0", "-5", "99999", "1-2-3"):
        with pytest.raises(VariantError) as refusal:
            parse_depths(text)
        assert is_one_clear_sentence(str(refusal.value))


def test_objectives():
    assert parse_objectives("params, DEPTH,params") == ("params", "depth")
    with pytest.raises(VariantError, match="speed"):
        parse_objectives("params,speed")


@pytest.mark.parametrize(
    "arguments",
    [("mnist", None, None, None), ("all", "3x3", None, None), ("all", "3x0x5", None, None), ("all", None, 0, None),
     ("all", None, None, "deep")],
)  # fmt: skip
def test_a_space_that_is_none(arguments):
    with pytest.raises(VariantError) as refusal:
        create_space(*arguments)
    assert is_one_clear_sentence(str(refusal.value))


def test_create_space():
    assert create_space("all", "1x28x28", 10, "20-60") == Space(tuple(Family), (1, 28, 28), 10, (20, 60))
    assert create_space("cifar", None, None, None) == Space((Family.CIFAR,))


def test_what_can_not_be_searched():
    for action in (
        lambda: Budget(max_params=1, min_params=2),
        lambda: Budget(max_macs=1, min_macs=2),
        lambda: search_space(Space(), Budget(), 0),
        lambda: search_space(Space(), Budget(), 10**12),
    ):
        with pytest.raises(VariantError) as refusal:
            action()
        assert is_one_clear_sentence(str(refusal.value))
