import pytest

from explorer.architecture.cost import compute_cost, list_rows
from explorer.architecture.flops import Counted, compute_flops, compute_training_macs
from explorer.architecture.memory import Optimizer, compute_forward_memory, compute_training_memory
from explorer.architecture.plan import expand_plan
from explorer.architecture.profile import profile_plan
from explorer.architecture.receptive import compute_fields
from explorer.architecture.variant import parse_variant

TEXTS = ["resnet50", "preresnet20", "densenet121", "seresnext50_32x4d", "resnet20,shortcut=none"]


@pytest.mark.parametrize("text", TEXTS)
def test_rows_and_totals_agree(text):
    plan = expand_plan(parse_variant(text))
    profile = profile_plan(plan, batch=8, optimizer=Optimizer.ADAMW, counted=Counted.ALL, bytes_per_value=2)
    assert [(row.name, row.op, row.cost) for row in profile.rows] == [
        (row.name, row.op, row.cost) for row in list_rows(plan)
    ]
    assert profile.flops == sum(row.flops for row in profile.rows) == sum(compute_flops(plan, Counted.ALL).values())
    assert profile.training_macs == sum(row.training_macs for row in profile.rows) == compute_training_macs(plan)
    assert profile.training.saved == sum(row.saved for row in profile.rows)
    assert profile.traffic == sum(row.traffic for row in profile.rows)
    assert profile.intensity == pytest.approx(8 * profile.flops / profile.traffic)
    assert [row.field for row in profile.rows] == compute_fields(plan)
    assert profile.cost == compute_cost(plan)
    assert profile.training == compute_training_memory(plan, 8, Optimizer.ADAMW, 2)
    assert profile.forward == compute_forward_memory(plan, 8, 2)


def test_intensity_of_a_row_is_for_the_batch():
    rows = profile_plan(expand_plan(parse_variant("resnet50")), batch=4).rows
    fc = rows[-1]
    assert fc.intensity == pytest.approx(2 * 4 * 2048 * 1000 / (4 * (4 * 2048 + 2048 * 1000 + 1000 + 4 * 1000)))
    assert rows[1].intensity == 0  # a norm counts no FLOPs unless asked


def test_equal_blocks_in_different_plans_and_settings_do_not_mix():
    plan = expand_plan(parse_variant("resnet18"))
    one, two = profile_plan(plan, batch=1), profile_plan(plan, batch=2)
    assert two.training.saved < 2 * one.training.saved  # batch norm's statistics come once
    assert two.forward.activations == 2 * one.forward.activations
    assert profile_plan(plan, batch=1) == one
