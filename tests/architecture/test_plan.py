import pytest
from hypothesis import HealthCheck, given, settings

from explorer.architecture.config import Architecture, Block, Shortcut, StrideOn
from explorer.architecture.cost import compute_cost, list_rows
from explorer.architecture.plan import Kind, Path, expand_plan
from explorer.architecture.totals import count_totals
from explorer.architecture.variant import parse_variant
from explorer.errors import VariantError
from strategies import architectures


def expand(text):
    return expand_plan(parse_variant(text))


def output_of(text, name):
    return dict(expand(text).ops())[name].output


@pytest.mark.parametrize(
    ("name", "output"),  # He et al. 2015, table 1, column "output size"
    [
        ("stem.conv1", (64, 112, 112)),
        ("stem.maxpool", (64, 56, 56)),
        ("layer1.2.after", (256, 56, 56)),
        ("layer2.3.after", (512, 28, 28)),
        ("layer3.5.after", (1024, 14, 14)),
        ("layer4.2.after", (2048, 7, 7)),
        ("head.avgpool", (2048, 1, 1)),
        ("head.flatten", (2048,)),
        ("head.fc", (1000,)),
    ],
)
def test_resnet50_has_the_output_sizes_of_table_1(name, output):
    assert output_of("resnet50", name) == output


@pytest.mark.parametrize(
    ("name", "output"),  # section 4.2: maps of 32, 16 and 8 with 16, 32 and 64 filters
    [("stem.conv1", (16, 32, 32)), ("layer1.8.after", (16, 32, 32)), ("layer2.8.after", (32, 16, 16)),
     ("layer3.8.after", (64, 8, 8)), ("head.fc", (10,))],
)  # fmt: skip
def test_resnet56_has_the_output_sizes_of_section_4_2(name, output):
    assert output_of("resnet56", name) == output


def test_a_bottleneck_runs_in_the_papers_order_and_by_visible_names():
    names = [name for name, _ in expand("resnet50").ops() if name.startswith("layer2.0.")]
    assert [name.removeprefix("layer2.0.") for name in names] == [
        "branch.conv1", "branch.bn1", "branch.relu1", "branch.conv2", "branch.bn2", "branch.relu2", "branch.conv3",
        "branch.bn3", "shortcut.conv", "shortcut.bn", "merge", "after",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("resnet18,shortcut=A", "identity identity A identity A identity A identity"),
        ("resnet18", "identity identity projection identity projection identity projection identity"),
        ("resnet18,shortcut=C", " ".join(["projection"] * 8)),
        ("resnet18,shortcut=none", " ".join(["none"] * 8)),
        ("resnet14", "projection projection projection projection"),
        ("resnet14,shortcut=A", "A A A A"),  # a bottleneck widens in the first stage too
    ],
)
def test_each_block_has_the_shortcut_its_option_says(text, paths):
    assert [block.path for _, block in expand(text).blocks()] == [Path(path) for path in paths.split()]


def test_the_plain_twin_is_the_same_network_without_shortcuts_and_sums():
    def strip(text):
        return [(name, op) for name, op in expand(text).ops() if "shortcut" not in name and "merge" not in name]

    assert strip("resnet56,shortcut=none") == strip("resnet56") == list(expand("resnet56,shortcut=none").ops())


@pytest.mark.parametrize(("stride_on", "strides"), [(StrideOn.CONV1X1, [2, 1, 1]), (StrideOn.CONV3X3, [1, 2, 1])])
def test_a_bottleneck_strides_where_it_is_told_to(stride_on, strides):
    ops = dict(expand_plan(Architecture(stride_on=stride_on)).ops())
    assert [ops[f"layer2.0.branch.conv{number}"].stride for number in (1, 2, 3)] == strides
    assert ops["layer2.0.shortcut.conv"].stride == 2
    assert ops["layer1.0.branch.conv2"].stride == 1  # the pooling of the stem has halved already


def test_repeated_blocks_are_expanded_once():
    blocks = [block for _, block in expand("resnet152").blocks()]
    assert (len(blocks), len({id(block) for block in blocks})) == (50, 8)  # a first and a repeated one in each stage


def follow(ops, shape):
    """What comes out where every operation reads what the one before it wrote."""
    for op in ops:
        assert op.input == shape
        shape = op.output
    return shape


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(architectures())
def test_any_valid_architecture_has_a_plan_whose_shapes_connect(architecture):
    plan = expand_plan(architecture)
    shape = follow(plan.stem, architecture.input)
    for stage in plan.stages:
        shape = follow(stage.transition, shape)
        for block in stage.blocks:
            assert block.input == shape
            branch = follow(block.branch, follow(block.before, shape))
            shortcut = follow(block.shortcut, shape)
            joined = (shape[0] + branch[0], *shape[1:]) if block.path is Path.DENSE else branch
            assert block.path in (Path.NONE, Path.DENSE) or shortcut == branch
            assert follow(block.after, joined) == joined == block.output
            assert all(op.output == block.output for op in block.merge)
            shape = block.output
    assert plan.head[0].input == shape
    assert plan.head[-1].output == (architecture.classes,)
    assert [len(stage.blocks) for stage in plan.stages] == list(architecture.depths)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(architectures(max_blocks=40))
def test_names_are_unique_and_totals_are_the_sums_of_the_rows(architecture):
    plan = expand_plan(architecture)
    rows = list_rows(plan)
    assert len({row.name for row in rows}) == len(rows)
    total = compute_cost(plan)
    assert total.params == sum(row.cost.params for row in rows)
    assert total.macs == sum(row.cost.macs for row in rows)
    assert total.activations == sum(row.cost.activations for row in rows)


def test_the_largest_network_that_can_be_written_is_planned_from_a_dozen_blocks():
    largest = Architecture((1000,) * 6, Block.BOTTLENECK, shortcut=Shortcut.C, width=4096, input=(4096, 8192, 8192))
    plan = expand_plan(largest)
    assert len({id(block) for _, block in plan.blocks()}) <= 12
    assert compute_cost(plan).params > 7 * 10**14


def test_every_kind_of_operation_occurs():
    texts = (
        "resnet18",
        "resnet20,dropout=0.1,drop_path=0.1",
        "seresnetaa50d",
        "ecaresnet26t",
        "resnetblur18",
        "densenet121",
    )
    kinds = {op.kind for text in texts for _, op in expand(text).ops()}
    assert kinds == set(Kind)


def test_what_drops_less_is_another_block():
    """Operations are equal whatever they drop; a table made after another one must not show the other's share."""

    def list_rates(dropout, drop_path):
        rows = list_rows(expand(f"resnet18,dropout={dropout},drop_path={drop_path}"))
        return [row.op.rate for row in rows if row.op.rate]

    assert list_rates(0.1, 0.8)[:4] == [0.1, 0.1, 0.1, 0.2]
    assert list_rates(0.7, 0.4)[:4] == [0.7, 0.05, 0.7, 0.1]


@pytest.mark.parametrize(
    "text",
    [
        "resnet18,norm=group,width=4,input=3x32x32",
        "resnet18,norm=layer,width=1,widths=1-1-1-1,input=3x32x32",
        "densenet121,norm=group,growth=8,width=4,input=3x32x32",
    ],
)
def test_a_norm_over_one_number_is_refused(text):
    """torch raises for one image, and makes each number zero for more."""
    with pytest.raises(VariantError, match="one number to a group"):
        expand(text)
    with pytest.raises(VariantError, match="one number to a group"):
        count_totals(parse_variant(text))
    expand(text.replace("32x32", "64x64"))
