import warnings
from collections import Counter
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image
from torchvision.datasets import ImageFolder

from explorer.data import room
from explorer.data.dataset import Skipped
from explorer.data.datasets import describe_skipped, load_dataset, sketch_dataset
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
    names = [Path(name).relative_to(tmp_path).as_posix() for name, _ in dataset.skipped]
    assert names == ["a/1.png", "b/3.png"] and [why for _, why in dataset.skipped] == ["no image", "damaged"]
    kept = [0, 2, 3, 4, 5, 6]
    assert torch.equal(dataset.images, whole.images[kept]) and torch.equal(dataset.labels, whole.labels[kept])
    said = describe_skipped(dataset.skipped)
    assert said == f"2 files were skipped: no image: {tmp_path}/a/1.png; damaged: {tmp_path}/b/3.png."
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


def test_a_home_that_does_not_exist_is_refused():
    assert "is no folder" in refusal("folder:~no-such-user/data")


def spoil(folder: Path) -> None:
    """One file of each kind that can't be used, in a folder that holds 6 images or more of two sizes."""
    (folder / "a" / "0.png").write_bytes(b"junk")
    (folder / "a" / "1.png").write_bytes(b"")
    Image.new("RGB", (3, 40)).save(folder / "a" / "2.png")
    (folder / "b" / "0.png").unlink()
    (folder / "b" / "0.png").symlink_to(folder / "nowhere.png")


@pytest.mark.parametrize("room_left", [10**9, 0])
def test_what_is_wrong_is_told_apart(tmp_path, monkeypatch, room_left):
    make_folder(tmp_path, {"a": 9, "b": 6}, (10, 8))
    spoil(tmp_path)
    Image.new("RGB", (20, 20)).save(tmp_path / "b" / "big.png")
    monkeypatch.setattr(room, "MAX_BYTES", room_left)
    dataset = load_dataset(f"folder:{tmp_path}", (3, 8, 10))
    assert dataset.stream == (room_left == 0)
    assert dataset.skipped == (
        Skipped(f"{tmp_path}/a/0.png", "no image"),
        Skipped(f"{tmp_path}/a/1.png", "no image"),
        Skipped(f"{tmp_path}/a/2.png", "smaller than 4 × 4 pixels"),
        Skipped(f"{tmp_path}/b/0.png", "missing"),
    )
    assert dataset.resized == 1 and len(dataset.labels) == len(dataset.images) == 16 - 4
    assert describe_skipped(dataset.skipped, dataset.resized) == (
        f"4 files were skipped: 2 no image, such as {tmp_path}/a/0.png; smaller than 4 × 4 pixels: {tmp_path}/a/2.png; "
        f"missing: {tmp_path}/b/0.png. 1 image of another size resized."
    )


def test_all_resized_images_are_counted(tmp_path):
    make_folder(tmp_path, {"a": 4}, (10, 8))
    make_folder(tmp_path, {"b": 3}, (64, 64))
    assert load_dataset(f"folder:{tmp_path}").resized == 4
    assert load_dataset(f"folder:{tmp_path}", (3, 20, 20)).resized == 7


def test_parts_are_not_taken_for_classes(tmp_path):
    make_folder(tmp_path / "train", {"a": 1, "b": 1})
    make_folder(tmp_path / "val", {"a": 1, "b": 1})
    words = refusal(f"folder:{tmp_path}")
    assert f"use imagenet:{tmp_path}" in words and "train and val" in words


def make_imagenet(root: Path, held: str = "val") -> Path:
    make_folder(root / "train", {"n02": 5, "n01": 4, "n03": 3}, (40, 30))
    make_folder(root / held, {"n02": 2, "n01": 2, "n03": 2}, (50, 20))
    return root


@pytest.mark.parametrize("held", ["val", "test"])
def test_imagenets_layout_has_its_own_test_set(tmp_path, held):
    make_imagenet(tmp_path, held)
    Image.new("RGB", (9, 9)).save(tmp_path / "train" / "n01" / "0.png")
    dataset = load_dataset(f"imagenet:{tmp_path}", (3, 24, 24))
    assert dataset.name == f"imagenet:{tmp_path}" and dataset.classes == ("n01", "n02", "n03")
    assert dataset.shape == dataset.test.shape == (3, 24, 24) and dataset.pad == 3
    assert Counter(dataset.labels.tolist()) == {0: 4, 1: 5, 2: 3} and dataset.test.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert dataset.resized == 12 and dataset.test.resized == 6
    assert load_dataset(f"imagenet:{tmp_path}").shape == (3, 224, 224)


def test_imagenets_classes_have_torchvisions_names(tmp_path):
    """meta.bin as torchvision's ImageNet class writes it: names by WordNet's number, and validation labels."""
    make_imagenet(tmp_path)
    names = {"n01": ("crane",), "n02": ("tench", "Tinca tinca"), "n03": ("crane", "lifting device"), "n04": ("x",)}
    torch.save((names, ["n01", "n02"]), tmp_path / "meta.bin")
    assert load_dataset(f"imagenet:{tmp_path}").classes == ("crane (n01)", "tench", "crane (n03)")
    (tmp_path / "meta.bin").write_bytes(b"junk")
    assert load_dataset(f"imagenet:{tmp_path}").classes == ("n01", "n02", "n03")


def test_imagenet_without_a_test_set_is_fine_and_with_another_is_not(tmp_path):
    make_folder(tmp_path / "train", {"a": 2, "b": 2})
    assert load_dataset(f"imagenet:{tmp_path}").test is None
    make_folder(tmp_path / "val", {"a": 2, "c": 2})
    assert "hold other classes, such as b" in refusal(f"imagenet:{tmp_path}")
    assert "is no folder" in refusal(f"imagenet:{tmp_path}/nowhere")


def test_too_much_for_memory_stays_in_its_files(tmp_path, monkeypatch):
    make_folder(tmp_path, {"a": 2, "b": 2})
    resident = load_dataset(f"folder:{tmp_path}")
    monkeypatch.setattr(room, "MAX_BYTES", 4 * 3 * 8 * 10 - 1)
    streamed = load_dataset(f"folder:{tmp_path}")
    assert streamed.stream and not resident.stream and streamed.shape == resident.shape
    assert torch.equal(streamed.images.read(torch.arange(4)), resident.images)
    monkeypatch.setattr(room, "MAX_BYTES", 4 * 3 * 8 * 10)
    assert not load_dataset(f"folder:{tmp_path}").stream


@pytest.mark.parametrize(("free", "allowed"), [(8 * 2**30, 2 * 2**30), (2**40, 6 * 2**30), (None, 6 * 2**30)])
def test_images_may_take_a_quarter_of_the_free_memory_and_6_gib_at_most(monkeypatch, free, allowed):
    monkeypatch.setattr(room, "read_free_memory", lambda: free)
    assert room.find_room() == allowed
    assert room.fits_in_memory(allowed // 3072, (3, 32, 32))
    assert not room.fits_in_memory(allowed // 3072 + 1, (3, 32, 32))


def test_reading_in_threads_leaves_the_filters_of_warnings_as_they_were(tmp_path):
    make_folder(tmp_path, {"a": 40, "b": 40})
    before = list(warnings.filters)
    load_dataset(f"folder:{tmp_path}")
    assert warnings.filters == before


def test_a_sketch_says_what_would_be_loaded_and_decodes_nothing(tmp_path, monkeypatch):
    rng = numpy.random.default_rng(1)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(6):
            Image.fromarray(rng.integers(0, 255, (12, 10, 3), dtype=numpy.uint8)).save(
                tmp_path / name / f"{number}.png"
            )
    loaded, sketched = load_dataset(f"folder:{tmp_path}"), sketch_dataset(f"folder:{tmp_path}")
    assert sketched.stream and not loaded.stream
    for part in ("name", "shape", "classes"):
        assert getattr(sketched, part) == getattr(loaded, part)
    assert sketched.labels.tolist() == loaded.labels.tolist()
