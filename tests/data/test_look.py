import numpy
import pytest
import torch

from explorer.data import room
from explorer.data.augment import Augmentation
from explorer.data.dataset import Dataset
from explorer.data.datasets import load_dataset
from explorer.data.look import look_at_batch
from explorer.data.mix import Mix
from explorer.errors import DataError


def make_dataset(channels=3):
    images = torch.randint(0, 256, (30, channels, 12, 10), generator=torch.Generator().manual_seed(1))
    return Dataset("noise", images.to(torch.uint8), torch.arange(30) % 3, ("cat", "dog", "owl"))


@pytest.mark.parametrize("channels", [1, 3])
def test_without_augmentation_both_are_the_images(channels):
    dataset = make_dataset(channels)
    look = look_at_batch(dataset, Augmentation(), None, 8, seed=4)
    assert look.images.shape == (8, 12, 10, channels) and look.images.dtype == numpy.uint8
    assert numpy.array_equal(look.images, look.drawn) and look.labels == look.drawn_labels
    known = {image.permute(1, 2, 0).numpy().tobytes(): label for image, label in zip(*pair(dataset), strict=True)}
    assert [dataset.classes[known[image.tobytes()]] for image in look.images] == list(look.labels)
    assert len({image.tobytes() for image in look.images}) == 8


def pair(dataset):
    return dataset.images, dataset.labels.tolist()


def test_the_seed_decides_which_and_how():
    dataset, augmentation = make_dataset(), Augmentation(pad=3, flip=True, policy="randaugment")
    first, again, other = (look_at_batch(dataset, augmentation, None, 6, seed) for seed in (1, 1, 2))
    assert numpy.array_equal(first.drawn, again.drawn) and not numpy.array_equal(first.images, other.images)
    assert not numpy.array_equal(first.images, first.drawn)


def test_a_hole_has_the_mean_colour():
    images = torch.zeros(10, 1, 20, 20, dtype=torch.uint8)
    images[:5] = 200
    look = look_at_batch(Dataset("x", images, torch.arange(10) % 2, ("a", "b")), Augmentation(erasing=1), None, 10, 0)
    assert set(numpy.unique(look.drawn)) == {0, 100, 200}


def test_mixed_labels_are_shares_in_words():
    look = look_at_batch(make_dataset(), Augmentation(), Mix(1, 0, 3), 30, 5)
    for words in look.drawn_labels:
        if words in ("cat", "dog", "owl"):
            continue
        (first, _), (second, _) = (part.split() for part in words.split(", "))
        first, second = (int(share.rstrip("%")) for share in (first, second))
        assert first >= second and 99 <= first + second <= 101
    assert any("%" in words for words in look.drawn_labels)


def test_few_images_are_all_looked_at_and_odd_counts_refused():
    assert len(look_at_batch(make_dataset(), Augmentation(), None, 64, 0).labels) == 30
    for count in (0, 65):
        with pytest.raises(DataError, match="1 to 64"):
            look_at_batch(make_dataset(), Augmentation(), None, count, 0)


def test_a_streamed_set_is_looked_at_alike(tmp_path, monkeypatch):
    from PIL import Image

    for number in range(8):
        (tmp_path / f"{number % 2}").mkdir(exist_ok=True)
        Image.new("RGB", (9, 9), (number * 30, 9, 200)).save(tmp_path / f"{number % 2}" / f"{number}.png")
    looks = []
    for allowed in (10**9, 0):
        monkeypatch.setattr(room, "MAX_BYTES", allowed)
        dataset = load_dataset(f"folder:{tmp_path}")
        assert dataset.stream == (allowed == 0)
        looks.append(look_at_batch(dataset, Augmentation(pad=2, erasing=1), None, 5, 3))
    assert numpy.array_equal(looks[0].drawn, looks[1].drawn) and looks[0].labels == looks[1].labels
