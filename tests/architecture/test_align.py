import pytest

from explorer.architecture.align import Status, compare_ops, find_common, list_roles
from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant


def block(text, stage=0, index=0):
    return expand_plan(parse_variant(text)).stages[stage].blocks[index].ops


def describe(before, after):
    found, same = compare_ops(before, after)
    names = [(diff.status.value, (diff.before or diff.after).name) for diff in found]
    return names, same


def test_roles():
    roles = list_roles(block("resnet18"))
    assert roles == [
        ("branch", "conv", 0), ("branch", "norm", 0), ("branch", "act", 0), ("branch", "conv", 1),
        ("branch", "norm", 1), ("merge", "add", 0), ("after", "act", 0),
    ]  # fmt: skip


def test_nothing_differs_from_itself():
    ops = block("seresnet50")
    assert compare_ops(ops, ops) == ((), len(ops))
    assert compare_ops(ops, (*ops[:3], *ops[3:])) == ((), len(ops))
    assert compare_ops((), ()) == ((), 0)


def test_an_operation_that_comes_in_between():
    names, same = describe(block("resnet18", 1), block("seresnet18", 1))
    assert names == [("added", "branch.se")] and same == 9


def test_activation_before_the_convolutions():
    """He et al. 2016, figure 4 (a) and (e)."""
    found, same = compare_ops(block("resnet18"), block("resnetv2_18"))
    assert [(diff.status.value, (diff.before or diff.after).name) for diff in found] == [
        ("added", "before.bn1"), ("added", "before.relu1"), ("changed", "branch.bn1"), ("changed", "branch.relu1"),
        ("removed", "branch.bn2"), ("removed", "after"),
    ]  # fmt: skip
    assert [change.name for diff in found for change in diff.changes] == ["name", "name"]
    assert same == 3  # both convolutions and the sum


def test_which_fields_changed():
    found, _ = compare_ops(block("resnet50"), block("resnext50_32x4d"))
    conv2 = next(diff for diff in found if diff.before.name == "branch.conv2")
    changes = {change.name: (change.before, change.after) for change in conv2.changes}
    assert changes == {
        "input": ((64, 56, 56), (128, 56, 56)),
        "output": ((64, 56, 56), (128, 56, 56)),
        "groups": (1, 32),
    }
    assert conv2.cost.params == 9 * 128 * 128 // 32 - 9 * 64 * 64
    assert conv2.cost.macs == conv2.cost.params * 56 * 56


def test_rates_count_too():
    found, _ = compare_ops(block("wrn28_10,dropout=0.3"), block("wrn28_10,dropout=0.5"))
    assert [(change.name, change.before, change.after) for diff in found for change in diff.changes] == [
        ("rate", 0.3, 0.5)
    ]


def test_what_moved_is_removed_here_and_added_there():
    text = "seresnet20,se_place="
    names, _ = describe(block(f"{text}standard"), block(f"{text}pre"))
    assert names == [("added", "branch.se"), ("removed", "branch.se")]


def is_subsequence(part, whole):
    rest = iter(whole)
    return all(role in rest for role in part)


@pytest.mark.parametrize(("one", "other", "length"), [("ab", "ba", 1), ("abcd", "acbd", 3), ("abc", "", 0), ("", "", 0),
    ("abcde", "edcba", 1), ("abcdef", "bdf", 3)])  # fmt: skip
def test_the_longest_common_run_both_ways(one, other, length):
    a, b = ([("branch", letter, 0) for letter in text] for text in (one, other))
    common = find_common(a, b)
    assert common == find_common(b, a)
    assert len(common) == length and is_subsequence(common, a) and is_subsequence(common, b)


def test_both_ways_costs_are_opposite():
    one, other = block("resnet50", 1), block("seresnext50_32x4d", 1)
    there, same = compare_ops(one, other)
    back, same_back = compare_ops(other, one)
    assert same == same_back
    assert [-diff.cost.params for diff in there] == [diff.cost.params for diff in back]
    assert all(diff.status is Status.CHANGED or diff.changes == () for diff in there)
