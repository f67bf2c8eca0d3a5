"""Totals without a plan: against the plan, which other tests hold against other libraries, and against these."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings

from explorer.architecture.cost import compute_cost
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import list_presets
from explorer.architecture.space import Family, Space, draw_depths, draw_designs
from explorer.architecture.totals import clear_parts, count_dense_channels, count_totals
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from strategies import architectures
from witness import COUNTS


@pytest.mark.parametrize("row", COUNTS, ids=lambda row: f"{row['variant']}-{row['source'].split()[0]}")
def test_totals_are_the_reference(row):
    cost = count_totals(parse_variant(row["variant"]))
    assert cost.params == int(row["params"])
    if row["macs"]:
        assert cost.macs == int(row["macs"])


@pytest.mark.parametrize("preset", list_presets(), ids=lambda preset: preset.name)
def test_every_preset_as_its_plan(preset):
    assert count_totals(preset.architecture) == compute_cost(expand_plan(preset.architecture))


@settings(max_examples=300)
@given(architectures(max_blocks=20))
def test_any_architecture_as_its_plan(architecture):
    try:
        expected = compute_cost(expand_plan(architecture))
    except VariantError:
        with pytest.raises(VariantError):
            count_totals(architecture)
        return
    assert count_totals(architecture) == expected


@pytest.mark.parametrize("family", Family)
def test_the_whole_space_as_its_plans(family):
    space, draw = Space((family,)), random.Random(0)
    for design, _ in zip(draw_designs(space, draw), range(150), strict=False):
        for depths in list(draw_depths(space, design, draw))[:8]:
            variant = replace(design, depths=depths)
            assert count_totals(design, depths) == count_totals(variant) == compute_cost(expand_plan(variant))


def test_what_is_forgotten_is_counted_again():
    architecture = parse_variant("seresnet50,width=24")
    before = count_totals(architecture)
    clear_parts()
    assert count_totals(architecture) == before


@pytest.mark.parametrize(
    ("name", "channels"),
    # Huang et al. 2017, table 1, behind the last layer of every dense block
    [("densenet121", (256, 512, 1024, 1024)), ("densenet169", (256, 512, 1280, 1664))],
)
def test_channels_of_a_densenet(name, channels):
    architecture = parse_variant(name)
    assert count_dense_channels(architecture, architecture.depths) == channels
