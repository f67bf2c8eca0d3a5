import subprocess
import sys
from pathlib import Path

import numpy
import pytest
import torch
from PIL import Image

from explorer.data import room
from explorer.data.augment import Augmentation
from explorer.data.batches import Batches
from explorer.data.dataset import count_per_channel
from explorer.data.datasets import load_dataset
from explorer.data.mix import Mix
from explorer.data.stream import describe_death
from explorer.errors import DataError

MEAN, STD = (0.4, 0.5, 0.3), (0.2, 0.25, 0.3)
AUGMENTATION = Augmentation(pad=2, flip=True, policy="trivialaugment", erasing=0.3)
PLAN = [torch.tensor(indices) for indices in ([3, 0, 11, 5], [7, 7, 2, 9], [1, 4, 6, 8], [10, 3, 5])]


@pytest.fixture
def folder(tmp_path):
    random = numpy.random.default_rng(2)
    for number in range(12):
        path = tmp_path / f"class {number % 3}" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        pixels = random.integers(0, 256, (18 + number, 20, 3), dtype=numpy.uint8)
        Image.fromarray(pixels).save(path)
    return tmp_path


@pytest.fixture
def resident(folder):
    return load_dataset(f"folder:{folder}", (3, 16, 16))


@pytest.fixture
def streamed(folder, resident, monkeypatch):
    monkeypatch.setattr(room, "MAX_BYTES", 0)
    return load_dataset(f"folder:{folder}", (3, 16, 16))


def make_batches(dataset, workers=0, **options):
    return Batches(dataset.images, dataset.labels, MEAN, STD, augmentation=AUGMENTATION, workers=workers, **options)


def draw_all(batches, part=slice(None)):
    return [batches.draw(indices, torch.Generator().manual_seed(place), part) for place, indices in enumerate(PLAN)]


def equal(one, other):
    return all(torch.equal(a, b) and torch.equal(x, y) for (a, x), (b, y) in zip(one, other, strict=True))


@pytest.mark.parametrize("mix", [None, Mix(1, 1, 3)], ids=str)
@pytest.mark.parametrize("workers", [0, 1, 3])
def test_streamed_batches_are_those_of_images_in_memory_whatever_the_workers(resident, streamed, workers, mix):
    batches = make_batches(streamed, workers, mix=mix)
    expected = draw_all(make_batches(resident, mix=mix))
    for _ in range(2):  # two epochs
        batches.expect(PLAN)
        assert equal(draw_all(batches), expected)
    part = slice(1, 3)
    batches.expect(PLAN, part)
    assert equal(draw_all(batches, part), [(images[part], labels[part]) for images, labels in expected])
    assert torch.equal(batches.plain(torch.tensor([4, 1]))[0], make_batches(resident).plain(torch.tensor([4, 1]))[0])
    assert len(batches) == 12 and batches.height == batches.width == 16


def test_pieces_of_a_batch_are_decoded_once(streamed, monkeypatch):
    batches, decoded = make_batches(streamed, mix=Mix(1, 0, 3)), []
    read = type(streamed.images).read
    monkeypatch.setattr(type(streamed.images), "read", lambda *given: decoded.append(1) or read(*given))
    for part in (slice(0, 2), slice(2, 4)):
        batches.draw(PLAN[0], torch.Generator().manual_seed(0), part)
    assert len(decoded) == 1


def test_another_plan_in_the_middle_and_batches_out_of_order_are_no_trouble(resident, streamed):
    expected = draw_all(make_batches(resident))
    batches = make_batches(streamed, 2)
    batches.expect(PLAN)
    batches.draw(PLAN[0], torch.Generator())
    batches.expect(PLAN)
    assert equal(draw_all(batches), expected)
    batches.expect(PLAN[::-1])
    assert equal(draw_all(batches), expected)
    batches.expect([])
    assert equal(draw_all(batches), expected)


def test_workers_leave_the_global_generator_alone(streamed):
    batches = make_batches(streamed, 1)
    before = torch.get_rng_state()
    batches.expect(PLAN)
    draw_all(batches)
    assert torch.equal(before, torch.get_rng_state())


def find(streamed, index) -> Path:
    return Path(streamed.images.path(index))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_image_is_replaced_by_the_next_of_its_class(resident, streamed, workers):
    for index in (0, 3, 4):  # a class's first and last; another's first
        path = find(streamed, index)
        path.write_bytes(path.read_bytes()[:200])
    batches = make_batches(streamed, workers)
    indices = torch.arange(12)
    batches.expect([indices])
    stand_in = torch.tensor([1, 1, 2, 1, 5, 5, 6, 7, 8, 9, 10, 11])
    assert torch.equal(batches.plain(indices)[0], make_batches(resident).plain(stand_in)[0])


@pytest.mark.parametrize("workers", [0, 2])
def test_a_file_that_goes_becomes_one_sentence(streamed, workers):
    batches = make_batches(streamed, workers)
    gone = find(streamed, 9)
    gone.unlink()
    batches.expect(PLAN)
    batches.draw(PLAN[0], torch.Generator())
    with pytest.raises(DataError) as caught:
        batches.draw(PLAN[1], torch.Generator())
    assert str(caught.value) == f"{gone} is missing now: put the data back as it was, then resume."


def test_a_class_without_a_whole_image_is_refused(streamed):
    for index in range(4):
        find(streamed, index).write_bytes(b"junk")
    with pytest.raises(DataError, match="all others of its class are damaged"):
        make_batches(streamed).plain(torch.tensor([2]))


def test_a_worker_that_is_killed_becomes_one_sentence(folder):
    """In a process of its own, since torch may tell of it at any moment later."""
    command = [sys.executable, "-W", "ignore", str(Path(__file__).with_name("killed.py")), str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert "fewer workers" in ended.stdout and ended.stdout.count("\n") == 1, ended.stdout + ended.stderr


@pytest.mark.parametrize("error", [ConnectionResetError(104, "Connection reset by peer"), EOFError()])
def test_a_connection_that_a_killed_worker_broke_becomes_the_same_sentence(streamed, error):
    batches = make_batches(streamed, 1)
    batches.expect(PLAN)

    class Broken:
        def __next__(self):
            raise error

    batches._stream._batches = Broken()
    with pytest.raises(DataError, match="fewer workers"):
        batches.draw(PLAN[0], torch.Generator())


def test_other_errors_are_no_death():
    assert describe_death(RuntimeError("mat1 and mat2")) == "" == describe_death(ValueError("DataLoader worker"))


def test_selections_are_views_of_the_same_files(resident, streamed):
    chosen = torch.tensor([8, 2, 5])
    part = streamed.select(chosen)
    assert part.stream and part.shape == (3, 16, 16) and part.labels.tolist() == resident.labels[chosen].tolist()
    assert torch.equal(part.images.read(torch.arange(3)), resident.images[chosen])
    assert streamed.limit(6, 0).labels.tolist() == resident.limit(6, 0).labels.tolist()


def test_mean_and_deviation_are_taken_from_images_evenly_spread(resident, streamed, monkeypatch):
    assert count_per_channel(streamed.images) == count_per_channel(resident.images)
    monkeypatch.setattr("explorer.data.dataset.SAMPLED", 4)
    assert count_per_channel(streamed.images) == count_per_channel(resident.images[[0, 3, 7, 11]])
