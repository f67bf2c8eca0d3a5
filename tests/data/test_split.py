from collections import Counter

import pytest
import torch

from explorer.data.builtin import load_digits
from explorer.data.split import split_held_out, split_images
from explorer.errors import DataError


@pytest.mark.parametrize("share", [0.1, 0.25, 0.9])
def test_the_split_takes_its_share_of_every_class(share):
    labels = load_digits().labels
    train, held = split_held_out(labels, share, 0)
    assert sorted([*train.tolist(), *held.tolist()]) == list(range(1797))
    assert train.tolist() == sorted(train.tolist()) and held.tolist() == sorted(held.tolist())
    whole, part = Counter(labels.tolist()), Counter(labels[held].tolist())
    assert all(part[label] == round(share * count) for label, count in whole.items())


def test_the_split_follows_the_seed_alone():
    labels = torch.arange(300) % 3
    first, again, other = (split_held_out(labels, 0.1, seed)[1].tolist() for seed in (5, 5, 6))
    assert first == again and first != other
    torch.manual_seed(9)
    assert split_held_out(labels, 0.1, 5)[1].tolist() == first


def test_every_class_keeps_an_image_to_train_on():
    train, held = split_held_out(torch.tensor([0, 1, 1, 1, 1]), 0.9, 0)
    assert 0 in train.tolist() and len(train) == 2 and len(held) == 3
    with pytest.raises(DataError, match="too few"):
        split_held_out(torch.tensor([0, 1]), 0.5, 0)


@pytest.mark.parametrize(("held_out", "test"), [(0.1, 0.2), (0.3, 0.3), (0.05, 0.9)])
def test_test_images_are_drawn_by_class_and_change_nothing_of_what_is_held_out(held_out, test):
    labels = load_digits().labels
    split = split_images(labels, held_out, test, 3)
    assert sorted([*split.train.tolist(), *split.held_out.tolist(), *split.test.tolist()]) == list(range(1797))
    assert all(part.tolist() == sorted(part.tolist()) for part in split)
    assert torch.equal(split.held_out, split_held_out(labels, held_out, 3)[1])
    for label, count in Counter(labels.tolist()).items():
        held, tested = ((labels[part] == label).sum().item() for part in split[1:])
        assert held == round(held_out * count) and tested == min(round(test * count), count - held - 1)


def test_without_test_images_the_split_is_as_bundled_weights_had_it():
    """The first indices held out of 300 labels with seed 5, as the first release drew them, class by class."""
    labels = torch.arange(300) % 3
    generator = torch.Generator().manual_seed(5)
    expected = []
    for label in range(3):
        indices = (labels == label).nonzero().flatten()
        expected += indices[torch.randperm(100, generator=generator)[:10]].tolist()
    split = split_images(labels, 0.1, 0, 5)
    assert split.held_out.tolist() == sorted(expected) and len(split.test) == 0
    assert split.train.tolist() == sorted(set(range(300)) - set(expected))


def test_too_few_to_test_with_is_refused():
    with pytest.raises(DataError, match="too few to test with 10% of them"):
        split_images(torch.tensor([0, 0, 0, 1, 1, 1]), 0.3, 0.1, 0)
