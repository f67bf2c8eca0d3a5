from collections import Counter
from pathlib import Path

import numpy
import pytest
import sklearn.datasets
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

from explorer.data.datasets import count_per_channel, describe_skipped, load_dataset, split_held_out
from explorer.errors import DataError

RNG = numpy.random.default_rng(0)


def make_folder(root: Path, counts: dict[str, int], size: tuple[int, int] = (10, 8)) -> Path:
    for name, count in counts.items():
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = RNG.integers(0, 256, (size[1], size[0], 3), dtype=numpy.uint8)
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


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


def test_a_folder_is_read_as_torchvision_reads_it(tmp_path):
    make_folder(tmp_path, {"b": 3, "a": 2, "C c": 12})
    (tmp_path / "b" / "deeper").mkdir()
    (tmp_path / "a" / "0.png").rename(tmp_path / "b" / "deeper" / "x.PNG")
    (tmp_path / "a" / "notes.txt").write_text("no image")
    (tmp_path / "readme.md").write_text("no class")
    reference = ImageFolder(str(tmp_path))
    dataset = load_dataset(f"folder:{tmp_path}")
    assert list(dataset.classes) == reference.classes
    assert dataset.labels.tolist() == reference.targets
    expected = numpy.stack([numpy.asarray(image) for image, _ in reference]).transpose(0, 3, 1, 2)
    assert numpy.array_equal(dataset.images, expected)
    assert dataset.shape == (3, 8, 10) and dataset.skipped == ()


def test_a_relative_folder_is_named_absolutely(tmp_path, monkeypatch):
    make_folder(tmp_path / "data", {"a": 1, "b": 1})
    monkeypatch.chdir(tmp_path)
    assert load_dataset("folder:data").name == f"folder:{tmp_path / 'data'}"
    assert load_dataset("folder:./data/../data/").name == f"folder:{tmp_path / 'data'}"


@pytest.mark.parametrize(
    ("size", "shape"), [(None, (3, 64, 64)), ((3, 24, 48), (3, 24, 48)), ((1, 16, 16), (3, 16, 16))]
)
def test_mixed_sizes_are_brought_to_one(tmp_path, size, shape):
    make_folder(tmp_path, {"a": 2}, (30, 20))
    make_folder(tmp_path, {"b": 2}, (16, 90))
    assert load_dataset(f"folder:{tmp_path}", size).shape == shape


def test_large_images_of_one_size_are_reduced(tmp_path):
    make_folder(tmp_path, {"a": 1, "b": 1}, (300, 300))
    assert load_dataset(f"folder:{tmp_path}").shape == (3, 64, 64)


def test_pictures_turned_by_exif_keep_their_upright_size(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in "ab":
        (tmp_path / name).mkdir()
        Image.new("RGB", (20, 10)).save(tmp_path / name / "x.jpg", exif=exif)
    assert load_dataset(f"folder:{tmp_path}").shape == (3, 20, 10)


def test_broken_files_are_skipped_and_listed(tmp_path):
    make_folder(tmp_path, {"a": 4, "b": 4})
    whole = load_dataset(f"folder:{tmp_path}")
    (tmp_path / "a" / "1.png").write_bytes(b"junk")
    (tmp_path / "b" / "3.png").write_bytes((tmp_path / "b" / "3.png").read_bytes()[:60])
    dataset = load_dataset(f"folder:{tmp_path}")
    assert [Path(name).relative_to(tmp_path).as_posix() for name in dataset.skipped] == ["a/1.png", "b/3.png"]
    kept = [0, 2, 3, 4, 5, 6]
    assert torch.equal(dataset.images, whole.images[kept]) and torch.equal(dataset.labels, whole.labels[kept])
    assert "2 files" in describe_skipped(dataset.skipped) and "1.png" in describe_skipped(dataset.skipped)
    assert describe_skipped(()) == ""


def test_folders_that_are_no_data_set_are_refused(tmp_path):
    make_folder(tmp_path / "one", {"a": 2})
    make_folder(tmp_path / "hole", {"a": 2, "b": 0})
    make_folder(tmp_path / "broken", {"a": 1, "b": 1})
    for name in "ab":
        (tmp_path / "broken" / name / "0.png").write_bytes(b"junk")
    (tmp_path / "flat").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "flat" / "x.png")
    (tmp_path / "file").touch()
    for name, words in (
        ("missing", "is no folder"),
        ("file", "is no folder"),
        ("x" * 3000, "is no folder"),
        ("a\0b", "is no folder"),
        ("flat", "no classes"),
        ("one", "one class, a"),
        ("hole", "1 of 2 classes have no images, such as b"),
        ("broken", "none of its 2 images"),
    ):
        assert words in refusal(f"folder:{tmp_path}/{name}")


@pytest.mark.parametrize("spec", ["", "mnist", "folder:", "digits:3", "folder", "\n" * 9, "x" * 9999])
def test_other_words_are_refused_with_what_is_allowed(spec):
    assert "use digits, or folder:PATH" in refusal(spec)


def test_a_home_that_does_not_exist_is_refused():
    assert "is no folder" in refusal("folder:~no-such-user/data")


def test_too_much_for_memory_is_refused(tmp_path, monkeypatch):
    make_folder(tmp_path, {"a": 2, "b": 2})
    monkeypatch.setattr("explorer.data.datasets.MAX_BYTES", 4 * 3 * 8 * 10 - 1)
    assert "4 images of 8x10" in refusal(f"folder:{tmp_path}")


@pytest.mark.parametrize("share", [0.1, 0.25, 0.9])
def test_the_split_takes_its_share_of_every_class(share):
    labels = load_dataset("digits").labels
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
