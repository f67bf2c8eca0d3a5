"""What the browser asks about the space: the same answer for the same question, and a sentence for nonsense."""

import pytest

from explorer.ui.space_tab import CHUNK, MAX_NAMES, describe_point, draw_points, list_known, name_points

FIRST = {"family": "imagenet", "seed": 0, "chunk": 0, "depths": None}
NONSENSE = [
    {"family": "imagenet"},  # and nothing else
    {"family": ["imagenet"]}, {"family": None}, {"seed": -1}, {"seed": 10**9}, {"seed": "0"},
    {"seed": True}, {"seed": 0.5}, {"seed": None}, {"chunk": -1}, {"chunk": 100}, {"chunk": [0]}, {"depths": 50},
    {"depths": [50]}, {"depths": [60, 50]}, {"depths": [0, 50]}, {"depths": [1, 10**6]}, {"depths": ["1", "2"]},
    {"depths": {"0": 1}}, {"family": "<img src=x onerror=alert(1)>" * 100},
]  # fmt: skip


def test_the_same_question_has_the_same_answer():
    first = draw_points(FIRST)
    assert first["count"] == CHUNK
    assert draw_points(dict(FIRST)) == first
    for change in ({"chunk": 1}, {"seed": 1}, {"family": "cifar"}, {"depths": [50, 50]}):
        assert draw_points(FIRST | change)["macs"] != first["macs"]


def test_no_depth_that_the_space_lacks_is_an_answer_without_points():
    assert draw_points(FIRST | {"depths": [3, 3]})["count"] == 0


@pytest.mark.parametrize("wrong", NONSENSE, ids=str)
def test_nonsense_is_refused_in_a_sentence(wrong):
    answer = draw_points(FIRST | wrong if wrong != {"family": "imagenet"} else wrong)
    assert list(answer) == ["error"]
    assert answer["error"].endswith(".") and len(answer["error"]) < 200


@pytest.mark.parametrize("question", [None, 5, "imagenet", [FIRST]])
def test_what_is_no_question_is_refused(question):
    for function in (draw_points, list_known, name_points, describe_point):
        assert list(function(question)) == ["error"]


def test_names():
    texts = ["resnet50,depths=3-4-23-3", "resnet18,depths=2-2-2-2,width=64"]
    assert name_points({"variants": texts}) == {"variants": ["resnet101", "resnet18"]}
    for wrong in ({}, {"variants": "resnet50"}, {"variants": ["resnet50"] * (MAX_NAMES + 1)}, {"variants": ["x"]}):
        assert list(name_points(wrong)) == ["error"]


def test_cards():
    assert describe_point({"variant": "resnet50"})["params"] == 25_557_032
    assert "no known network" in describe_point({"variant": "nonsense"})["error"]
    assert list(describe_point({})) == ["error"]
    assert list(list_known({"family": "x"})) == ["error"]
