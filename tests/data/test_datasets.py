import numpy
import pytest
import sklearn.datasets
import torch

from explorer.data.dataset import Dataset
from explorer.data.datasets import count_per_channel, load_dataset
from explorer.errors import DataError

RNG = numpy.random.default_rng(0)


def refusal(spec: str) -> str:
    with pytest.raises(DataError) as caught:
        load_dataset(spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_digits_are_scikit_learns():
    digits, source = load_dataset("digits"), sklearn.datasets.load_digits()
    assert (
        digits.images.shape == (1797, 1, 32, 32) and digits.images.dtype is torch.uint8 and digits.shape == (1, 32, 32)
    )
    assert digits.labels.tolist() == source.target.tolist()
    assert digits.classes == tuple("0123456789") and not digits.flip
    pooled = digits.images[:, 0].double().reshape(-1, 8, 4, 8, 4).mean((2, 4)) / 255 * 16
    assert numpy.corrcoef(pooled.flatten(), source.images.ravel())[0, 1] > 0.97
    assert digits.images.max() == 255 and digits.images.min() == 0


@pytest.mark.parametrize("spec", ["", "mnist", "folder:", "digits:3", "folder", "\n" * 9, "x" * 9999])
def test_other_words_are_refused_with_what_is_allowed(spec):
    assert "use digits, or folder:PATH" in refusal(spec)


def test_mean_and_deviation_are_numpys():
    images = torch.from_numpy(RNG.integers(0, 200, (7, 3, 5, 4), dtype=numpy.uint8))
    mean, std = count_per_channel(images)
    values = images.numpy().astype(numpy.float64) / 255
    numpy.testing.assert_allclose(mean, values.mean((0, 2, 3)), atol=1e-6)
    numpy.testing.assert_allclose(std, values.std((0, 2, 3)), atol=1e-6)


def test_a_channel_of_one_value_can_still_be_divided_by():
    assert count_per_channel(torch.full((2, 1, 3, 3), 51, dtype=torch.uint8)) == ((0.2,), (0.001,))


def test_select_takes_images_and_labels_together():
    digits = load_dataset("digits")
    part = digits.select(torch.tensor([5, 3]))
    assert part.labels.tolist() == digits.labels[[5, 3]].tolist() and torch.equal(part.images[1], digits.images[3])
    assert part.classes == digits.classes


SYNTHETIC = "synthetic:1x12x16x4x400"


def test_synthetic_images_are_always_the_same():
    torch.manual_seed(1)
    first = load_dataset(SYNTHETIC)
    torch.manual_seed(2)
    again = load_dataset(first.name)
    assert torch.equal(first.images, again.images) and torch.equal(first.labels, again.labels)
    assert first.images.shape == (400, 1, 12, 16) and first.images.dtype is torch.uint8 and len(first.classes) == 4
    assert torch.bincount(first.labels).tolist() == [100] * 4
    default = load_dataset("synthetic")
    assert default.name == "synthetic" and default.images.shape == (5000, 3, 32, 32) and len(default.classes) == 10


def test_synthetic_classes_can_be_learned_but_not_from_a_mean_alone():
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.neighbors import NearestCentroid

    dataset = load_dataset("synthetic:3x16x16x5x2000")
    images, labels = dataset.images.flatten(1).numpy(), dataset.labels.numpy()
    scores = [
        model.fit(images[:1500], labels[:1500]).score(images[1500:], labels[1500:])
        for model in (ExtraTreesClassifier(60, random_state=0), NearestCentroid())
    ]
    assert scores[0] > 0.8 and 0.2 < scores[1] < scores[0]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("3x32x32", "such as synthetic:3x32x32x10x5000"),
        ("axbxcxdxe", "such as synthetic:3x32x32x10x5000"),
        ("3x32x32x10x5000x1", "such as synthetic:3x32x32x10x5000"),
        ("-3x32x32x10x5000", "such as synthetic:3x32x32x10x5000"),
        ("2x32x32x10x5000", "2 channels: allowed are 1 or 3"),
        ("3x3x32x10x5000", "3 height: allowed are 4 to 1,024"),
        ("3x32x32x1x5000", "1 classes: allowed are 2 to 1,000"),
        ("3x32x32x100x150", "two each at least"),
        ("3x1024x1024x10x100000000", "GiB"),
    ],
)
def test_synthetic_sets_out_of_range_are_refused(text, words):
    assert words in refusal(f"synthetic:{text}")


def test_a_limit_takes_the_first_by_seed_with_the_classes_shares():
    labels = torch.tensor([0] * 600 + [1] * 300 + [2] * 100)[torch.randperm(1000)]
    images = torch.arange(1000).view(-1, 1, 1, 1)
    whole = Dataset("x", images, labels, ("a", "b", "c"))
    taken = {count: whole.limit(count, 4) for count in (10, 100, 500)}
    for count, part in taken.items():
        numbers = part.images.flatten().tolist()
        assert numbers == sorted(numbers) and len(set(numbers)) == count
        assert part.labels.tolist() == labels[numbers].tolist()
        shares = torch.bincount(part.labels, minlength=3) / count
        assert (shares - torch.tensor([0.6, 0.3, 0.1])).abs().max() <= 1 / count
    assert set(taken[10].images.flatten().tolist()) < set(taken[100].images.flatten().tolist())
    assert set(taken[100].images.flatten().tolist()) < set(taken[500].images.flatten().tolist())
    assert whole.limit(10, 5).images.tolist() != taken[10].images.tolist()
    assert whole.limit(0, 4) is whole and whole.limit(1000, 4) is whole and whole.limit(9999, 4) is whole
