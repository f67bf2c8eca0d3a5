import random
from itertools import islice

import pytest

from explorer.architecture.config import Architecture, Connect, Shortcut, Stem
from explorer.architecture.plan import expand_plan
from explorer.architecture.space import HABITS, Family, Space, draw_depths, draw_designs
from explorer.architecture.variant import format_variant, parse_variant


def draw(space, designs, seed=0):
    source = random.Random(seed)
    for design in islice(draw_designs(space, source), designs):
        for depths in draw_depths(space, design, source):
            yield design, depths


def put(design, depths):
    return Architecture(**{name: getattr(design, name) for name in Architecture.__slots__} | {"depths": depths})


def test_whatever_is_drawn_can_be_built_and_written():
    for design, depths in islice(draw(Space(tuple(Family)), 60), 0, None, 8):
        architecture = put(design, depths)
        expand_plan(architecture)
        assert parse_variant(format_variant(architecture)) == architecture


def test_the_space_holds_what_it_says():
    designs = [design for design, _ in islice(draw(Space(), 400), 0, None, 32)]
    assert {design.connect for design in designs} == set(Connect)
    assert {design.shortcut for design in designs} == set(Shortcut) - {Shortcut.NONE}
    assert {design.stem for design in designs} == set(Stem) - {Stem.CIFAR}
    for option in ("block", "branch", "activation", "stride_on", "groups", "base_width", "width", "widen"):
        assert len({getattr(design, option) for design in designs}) > 1, option
    for option in ("attention", "growth", "compression", "bn_size", "se_reduction"):
        assert len({getattr(design, option) for design in designs}) > 1, option


@pytest.mark.parametrize("depths", [(50, 50), (18, 34), (7, 9)])
def test_depth_is_kept(depths):
    found = [put(*drawn).depth for drawn in draw(Space(depths=depths), 60)]
    assert found and all(depths[0] <= depth <= depths[1] for depth in found)


def test_stages_are_never_empty_and_depths_vary():
    drawn = [depths for _, depths in draw(Space(), 40)]
    assert min(min(depths) for depths in drawn) == 1
    assert {len(depths) for depths in drawn} == set(HABITS[Family.IMAGENET].stages)
    assert max(sum(depths) for depths in drawn) > 60


def test_families_bring_their_input():
    for family, input, classes in ((Family.IMAGENET, (3, 224, 224), 1000), (Family.CIFAR, (3, 32, 32), 10)):
        for design, _ in draw(Space((family,)), 10):
            assert (design.input, design.classes) == (input, classes)
    for design, _ in draw(Space(tuple(Family), input=(1, 64, 48), classes=7), 10):
        assert (design.input, design.classes) == ((1, 64, 48), 7)


def test_a_depth_that_nothing_has_ends():
    assert not list(draw(Space(depths=(1, 1)), 10))
