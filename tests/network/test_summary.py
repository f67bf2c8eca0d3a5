import re

import pytest

from explorer.architecture.cost import compute_cost
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from explorer.network.summary import summarise_module

TEXTS = ("resnet18", "densenet40_k12_bc", "seresnext50_32x4d", "resnet50,norm=none,antialias=blur,drop_path=0.1")


@pytest.mark.parametrize("text", TEXTS)
def test_torchinfo_counts_the_plans_parameters(text):
    plan = expand_plan(parse_variant(text))
    found = re.search(r"^Total params: ([0-9,]+)$", summarise_module(plan), re.MULTILINE)
    assert int(found[1].replace(",", "")) == compute_cost(plan).params


def test_it_names_the_modules_as_the_plan_does():
    summary = summarise_module(expand_plan(parse_variant("seresnet50,depths=1")))
    rows = [line.split(")")[0].strip("|+ ") for line in summary.splitlines()]
    assert "Conv2d (conv3" in rows and "Conv2d (fc1" in rows and "Linear (fc" in rows


def test_what_is_too_large_to_be_built_is_refused():
    with pytest.raises(VariantError, match="networks up to 2,000,000,000 are built"):
        summarise_module(expand_plan(parse_variant("wrn1000_100")))


def test_what_is_too_long_to_be_printed_is_refused():
    with pytest.raises(VariantError, match="torchinfo"):
        summarise_module(expand_plan(parse_variant("resnet20,depths=1000-1000-1000")))
