import pytest
import torch

from explorer.data.augment import Augmentation
from explorer.data.batches import Batches
from explorer.data.mix import Mix

MEAN, STD = (0.4, 0.5, 0.3), (0.2, 0.25, 0.3)


def make_images(
    count: int = 6, channels: int = 3, height: int = 7, width: int = 9
) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    images = torch.randint(1, 256, (count, channels, height, width), generator=generator, dtype=torch.uint8)
    return images, torch.arange(count)


def normalise(images: torch.Tensor, mean=MEAN, std=STD) -> torch.Tensor:
    channels = images.shape[1]
    mean, std = torch.tensor(mean[:channels]).view(1, -1, 1, 1), torch.tensor(std[:channels]).view(1, -1, 1, 1)
    return (images / 255 - mean) / std


def variants(image: torch.Tensor, pad: int, flip: bool) -> dict[bytes, tuple[int, int, bool]]:
    """Every crop and flip of a (C, H, W) image, cut one by one: bytes -> (top, left, mirrored)."""
    channels, height, width = image.shape
    padded = torch.zeros(channels, height + 2 * pad, width + 2 * pad, dtype=torch.uint8)
    padded[:, pad : pad + height, pad : pad + width] = image
    found = {}
    for top in range(2 * pad + 1):
        for left in range(2 * pad + 1):
            crop = padded[:, top : top + height, left : left + width]
            for mirrored in (False, True) if flip else (False,):
                cut = crop.flip(2) if mirrored else crop
                found[cut.contiguous().numpy().tobytes()] = top, left, mirrored
    return found


def to_bytes(image: torch.Tensor) -> bytes:
    """A normalised (C, H, W) image back to the bytes it was made of."""
    channels = len(image)
    mean, std = torch.tensor(MEAN[:channels]).view(-1, 1, 1), torch.tensor(STD[:channels]).view(-1, 1, 1)
    return ((image * std + mean) * 255).round().to(torch.uint8).contiguous().numpy().tobytes()


@pytest.mark.parametrize("channels", [1, 3])
def test_plain_is_the_image_normalised(channels):
    images, labels = make_images(channels=channels)
    batches = Batches(images, labels, MEAN[:channels], STD[:channels], augmentation=Augmentation(pad=4, flip=True))
    got, got_labels = batches.plain(torch.tensor([4, 0, 4]))
    torch.testing.assert_close(got, normalise(images[[4, 0, 4]]), rtol=1e-5, atol=1e-5)
    assert got_labels.tolist() == [4, 0, 4]
    assert len(batches) == 6


@pytest.mark.parametrize("flip", [False, True])
def test_every_drawn_image_is_a_crop_of_its_own_image(flip):
    images, labels = make_images(count=3)
    batches = Batches(images, labels, MEAN, STD, augmentation=Augmentation(pad=2, flip=flip))
    known = [variants(image, 2, flip) for image in images]
    indices = torch.tensor([0, 1, 2] * 300)
    drawn, drawn_labels = batches.draw(indices, torch.Generator().manual_seed(0))
    seen = [known[index][to_bytes(image)] for index, image in zip(indices.tolist(), drawn, strict=True)]
    assert drawn_labels.tolist() == indices.tolist()
    assert {crop for *crop, _ in map(list, seen) for crop in [tuple(crop)]} == {
        (r, c) for r in range(5) for c in range(5)
    }
    assert abs(sum(mirrored for *_, mirrored in seen) / len(seen) - flip * 0.5) < 0.06


def test_crops_are_drawn_anew_for_every_image_and_follow_the_generator():
    images, labels = make_images(count=1)
    batches = Batches(images, labels, MEAN, STD, augmentation=Augmentation(pad=3, flip=True))
    indices = torch.zeros(64, dtype=torch.long)
    first, _ = batches.draw(indices, torch.Generator().manual_seed(1))
    again, _ = batches.draw(indices, torch.Generator().manual_seed(1))
    other, _ = batches.draw(indices, torch.Generator().manual_seed(2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len({to_bytes(image) for image in first}) > 30  # of 98 possible


def test_the_border_is_black():
    images = torch.full((1, 3, 4, 4), 255, dtype=torch.uint8)
    batches = Batches(images, torch.zeros(1, dtype=torch.long), MEAN, STD, augmentation=Augmentation(pad=4))
    drawn, _ = batches.draw(torch.zeros(200, dtype=torch.long), torch.Generator().manual_seed(0))
    black = normalise(torch.zeros(1, 3, 1, 1)).flatten()
    border = drawn.amin((0, 2, 3))
    torch.testing.assert_close(border, black)


def test_without_augmentation_draw_is_plain():
    images, labels = make_images()
    batches = Batches(images, labels, MEAN, STD)
    indices = torch.tensor([5, 2])
    assert torch.equal(batches.draw(indices, torch.Generator())[0], batches.plain(indices)[0])


def test_images_lie_channels_last():
    images, labels = make_images()
    batches = Batches(images, labels, MEAN, STD, augmentation=Augmentation(pad=4, flip=True))
    for got, _ in (batches.plain(torch.arange(6)), batches.draw(torch.arange(6), torch.Generator())):
        assert got.shape == (6, 3, 7, 9) and got.dtype is torch.float32
        assert got.is_contiguous(memory_format=torch.channels_last)


def draw_one_by_one(images, indices, pad, flip, generator):
    """What a draw has been since the first checkpoints: corners, then mirrors, from the generator; cut by slices."""
    corners = torch.randint(0, 2 * pad + 1, (2, len(indices), 1), generator=generator)
    mirrored = torch.randint(0, 2, (len(indices), 1), generator=generator).bool() if flip else None
    height, width = images.shape[2:]
    padded = torch.nn.functional.pad(images, (pad,) * 4)
    drawn = []
    for place, index in enumerate(indices.tolist()):
        top, left = corners[:, place, 0].tolist()
        crop = padded[index, :, top : top + height, left : left + width]
        drawn.append(crop.flip(2) if flip and mirrored[place] else crop)
    shift, scale = torch.tensor(MEAN) * 255, 1 / (torch.tensor(STD) * 255)
    return (torch.stack(drawn).float() - shift.view(-1, 1, 1)) * scale.view(-1, 1, 1)


@pytest.mark.parametrize(("pad", "flip"), [(0, False), (4, False), (2, True)])
def test_crops_and_flips_are_bit_for_bit_those_that_old_checkpoints_saw(pad, flip):
    images, labels = make_images()
    batches = Batches(images, labels, MEAN, STD, augmentation=Augmentation(pad, flip), mix=Mix())
    indices = torch.tensor([5, 0, 3, 3, 1])
    got, got_labels = batches.draw(indices, torch.Generator().manual_seed(7))
    assert torch.equal(got, draw_one_by_one(images, indices, pad, flip, torch.Generator().manual_seed(7)))
    assert got_labels.dtype is torch.int64 and got_labels.tolist() == indices.tolist()


EVERYTHING = Augmentation(pad=2, flip=True, policy="randaugment", magnitude=20, erasing=0.5)


def test_in_one_batch_every_image_gets_its_own_draw():
    images, labels = make_images(count=1, height=32, width=32)
    for augmentation in (EVERYTHING, Augmentation(policy="trivialaugment", pad=4), Augmentation(erasing=1)):
        batches = Batches(images, labels, MEAN, STD, augmentation=augmentation)
        drawn, _ = batches.draw(torch.zeros(128, dtype=torch.long), torch.Generator().manual_seed(0))
        assert len({image.numpy().tobytes() for image in drawn}) > 120, augmentation


@pytest.mark.parametrize("mix", [None, Mix(0.4, 0, 6), Mix(0, 1, 6), Mix(1, 1, 6)], ids=str)
@pytest.mark.parametrize(
    "augmentation", [Augmentation(pad=2, flip=True), Augmentation(policy="trivialaugment", erasing=0.5), EVERYTHING]
)
def test_parts_of_a_batch_are_the_parts_of_the_whole(augmentation, mix):
    images, labels = make_images(count=6, height=16, width=16)
    batches = Batches(images, labels, MEAN, STD, augmentation=augmentation, mix=mix)
    indices = torch.arange(48) % 6
    for seed in range(4):
        whole, targets = batches.draw(indices, torch.Generator().manual_seed(seed))
        for part in (slice(0, 16), slice(16, 48), slice(1, None, 3)):
            got, got_targets = batches.draw(indices, torch.Generator().manual_seed(seed), part)
            assert torch.equal(got, whole[part]) and torch.equal(got_targets, targets[part])


def test_a_part_uses_up_the_generator_as_the_whole_does():
    images, labels = make_images(height=16, width=16)
    batches = Batches(images, labels, MEAN, STD, augmentation=EVERYTHING, mix=Mix(1, 1, 6))
    one, other = torch.Generator().manual_seed(0), torch.Generator().manual_seed(0)
    batches.draw(torch.arange(6), one)
    batches.draw(torch.arange(6), other, slice(2, 4))
    assert torch.equal(one.get_state(), other.get_state())


def test_nothing_is_drawn_from_the_global_generator():
    images, labels = make_images(height=16, width=16)
    batches = Batches(images, labels, MEAN, STD, augmentation=EVERYTHING, mix=Mix(1, 1, 6))
    before = torch.get_rng_state()
    batches.draw(torch.arange(6), torch.Generator().manual_seed(0))
    assert torch.equal(before, torch.get_rng_state())


def test_mixed_targets_say_what_is_in_the_images():
    """Images of one grey level each: the level of a mixup is the targets' mean of levels, the area of a patch too."""
    levels = torch.tensor([0, 60, 120, 180, 240], dtype=torch.uint8)
    images = levels.view(5, 1, 1, 1).expand(5, 1, 16, 16)
    for mix in (Mix(1, 0, 5), Mix(0, 1, 5)):
        batches = Batches(images, torch.arange(5), (0.5,), (0.5,), mix=mix)
        seen = set()
        for seed in range(20):
            drawn, targets = batches.draw(torch.arange(5), torch.Generator().manual_seed(seed))
            torch.testing.assert_close(targets.sum(1), torch.ones(5))
            means = ((drawn * 0.5 + 0.5) * 255).mean((1, 2, 3))
            torch.testing.assert_close(means, targets @ levels.float(), atol=0.02, rtol=1e-4)
            seen.add(bool(drawn.flatten(1).std(1).max() > 0))
        assert (True in seen) == (mix.cutmix > 0)


@pytest.mark.parametrize("channels", [1, 3])
def test_augmented_images_stay_channels_last_and_on_their_scale(channels):
    images, labels = make_images(channels=channels, height=16, width=12)
    batches = Batches(images, labels, MEAN[:channels], STD[:channels], augmentation=EVERYTHING)
    drawn, _ = batches.draw(torch.arange(6), torch.Generator().manual_seed(1))
    assert drawn.shape == (6, channels, 16, 12) and drawn.is_contiguous(memory_format=torch.channels_last)
    low, high = normalise(torch.zeros(1, channels, 1, 1)), normalise(torch.full((1, channels, 1, 1), 255))
    assert (drawn >= low - 1e-4).all() and (drawn <= high + 1e-4).all()
