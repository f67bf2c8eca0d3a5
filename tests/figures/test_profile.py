import pytest

from explorer.architecture.plan import expand_plan
from explorer.architecture.profile import profile_plan
from explorer.architecture.receptive import Field
from explorer.architecture.variant import parse_variant
from explorer.figures.profile import describe_field, describe_op_profile, format_field, format_profile


def plan_of(text):
    return expand_plan(parse_variant(text))


def test_the_text_says_two_flops_for_every_mac_and_what_a_batch_of_one_takes():
    lines = format_profile(plan_of("resnet50")).splitlines()
    total = next(line for line in lines if line.strip().startswith("total"))
    assert "8\u2009178\u2009368\u2009512" in total  # twice torchvision's 4,089,184,256
    weights = 25_557_032 * 4
    batch = next(line.split() for line in lines if line.split()[:1] == ["1"])
    sgd, momentum, adam = (float(batch[index]) * 1e6 for index in (3, 5, 7))
    assert momentum - sgd == pytest.approx(weights, abs=1.1e6)  # three digits are printed
    assert adam - momentum == pytest.approx(weights, abs=1.1e6)


def test_a_training_step_takes_three_passes_less_the_first_convolutions_input():
    first = 7 * 7 * 3 * 64 * 112 * 112
    expected = f"{3 * 1_814_073_344 - first:,}".replace(",", "\u2009")  # torchvision's resnet18
    assert f"A training step takes {expected} MACs" in format_profile(plan_of("resnet18"))


# Araujo et al. 2019, "Computing receptive fields of convolutional neural networks", table of ResNet-v1
PUBLISHED = {"resnet50": 483, "resnet101": 1027, "resnet152": 1507}


@pytest.mark.parametrize(("name", "side"), PUBLISHED.items())
def test_the_receptive_field_is_the_published_one(name, side):
    """That of the paper's networks, whose bottlenecks stride on their 1x1."""
    rows = {row.name: row for row in profile_plan(plan_of(f"{name},stride_on=1x1")).rows}
    words = dict(describe_op_profile(rows["layer4.2.after"]))["Receptive field"]
    assert words == f"{side} × {side} pixels, effective stride 32"


def test_a_field_of_everything_is_called_so():
    assert format_field(Field(whole=True)) == "all"
    assert describe_field(Field(-1, 1, 2)) == "3 × 3 pixels, effective stride 2"
    assert describe_field(Field(whole=True)).startswith("the whole input")


def test_an_input_of_one_pixel_has_a_profile_too():
    for variant in ("resnet50,input=3x1x1", "resnet20,input=3x1x1", "resnet50d,input=3x2x2"):
        assert "Receptive field at stem.conv1" in format_profile(expand_plan(parse_variant(variant)))
