import re

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from explorer.figures.overlay import METRICS, measure_parts
from explorer.network.build import build_network
from families import FAMILIES


def measure(variant, metric):
    return measure_parts(expand_plan(parse_variant(variant)), metric)["values"]


@pytest.mark.parametrize("variant", FAMILIES)
def test_parameters_of_every_part_are_its_modules(variant):
    with torch.device("meta"):
        network = build_network(expand_plan(parse_variant(variant)))
    for name, value in measure(variant, "params").items():
        if name.count(".") or name in ("stem", "head"):  # a stage's module holds its transition too
            assert value == sum(p.numel() for p in network.get_submodule(name).parameters()), name


@pytest.mark.parametrize("variant", ["resnet50", "preresnet20", "densenet40_k12"])
def test_macs_of_every_part_are_what_torch_counts(variant):
    with torch.device("meta"):
        network = build_network(expand_plan(parse_variant(variant))).eval()
        image = torch.empty(1, *network.plan.architecture.input)
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(image)
    counts = {name.partition(".")[2]: sum(ops.values()) // 2 for name, ops in counter.flop_counts.items()}
    values = measure(variant, "macs")
    assert len(counts) > 20
    for name, count in counts.items():
        if name in values and "." in name:
            assert values[name] == count, name
    parts = [name for name in values if name in ("stem", "head") or re.fullmatch(r"layer\d\.\w+", name)]
    assert sum(values[name] for name in parts) == sum(counter.flop_counts["Global"].values()) // 2


def test_a_stage_leaves_out_the_transition_before_it():
    """DenseNet-121's first transition: norm of 256 channels, and a 1x1 convolution to 128 (Huang et al., table 1)."""
    values = measure("densenet121", "params")
    assert values["layer2.transition"] == 2 * 256 + 256 * 128
    assert values["layer2"] == sum(values[f"layer2.{index}"] for index in range(12))


def test_the_receptive_field_of_a_part_is_its_last_operations():
    """7x7/2 and 3x3/2 see 11 pixels at stride 4; each 3x3 adds twice its input's stride: 35 = 11 + 3 x 2 x 4, ..."""
    result = measure_parts(expand_plan(parse_variant("resnet50")), "field")
    assert result["adds"] is False
    values = result["values"]
    assert values["stem.conv1"] == 7 and values["stem"] == 11
    sizes, size, stride = [], 11, 4
    for stage, depth in enumerate((3, 4, 6, 3)):
        for block in range(depth):
            size += 2 * stride
            stride *= 2 if stage and not block else 1  # the first block's 3x3 takes the stride
        sizes.append(size)
    assert [values[f"layer{stage}"] for stage in (1, 2, 3, 4)] == sizes
    assert values["layer4"] == values["layer4.2"]


def test_every_metric_is_measured_and_another_refused():
    for metric in METRICS:
        assert all(value > 0 for value in measure("resnet20", metric).values())
    with pytest.raises(VariantError, match="params, macs"):
        measure("resnet20", "<script>")
