"""Every row of the reference counts: what torchvision's, timm's and pytorchcv's own networks have and need."""

import csv
from pathlib import Path

import pytest

from explorer.architecture.cost import compute_cost
from explorer.architecture.plan import Kind, expand_plan
from explorer.architecture.variant import parse_variant

FOLDER = Path(__file__).parents[1] / "reference"
OTHERS = {"vgg16", "vgg16_bn", "googlenet", "alexnet"}  # no residual networks
PAPERS_SHORTCUT = {"resnet20", "resnet56", "resnet1202"}  # ours have option A, as He et al.; pytorchcv's project
LAYERS = {Kind.CONV: 1, Kind.LINEAR: 1, Kind.SE: 2}  # the reference leaves out 1-d convolutions over channels


def read_rows():
    for file in ("architectures.csv", "architectures_cifar.csv"):
        with open(FOLDER / file, encoding="utf-8", newline="") as lines:
            yield from (row for row in csv.DictReader(lines) if row["name"] not in OTHERS)


ROWS = list(read_rows())


def test_the_reference_is_complete():
    assert len(ROWS) == 52 + 21


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["name"])
def test_parameters_macs_and_layers_are_the_reference(row):
    name = row["name"].removesuffix("_cifar10")
    plan = expand_plan(parse_variant(f"{name},shortcut=B" if name in PAPERS_SHORTCUT else name))
    assert row["input"] == "x".join(map(str, (1, *plan.architecture.input)))
    cost = compute_cost(plan)
    assert (cost.params, cost.macs) == (int(row["params"]), int(row["macs_conv_linear"]))
    assert sum(LAYERS.get(op.kind, 0) for _, op in plan.ops()) == int(row["conv_and_linear_layers"])
