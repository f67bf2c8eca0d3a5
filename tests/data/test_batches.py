import pytest
import torch

from explorer.data.batches import Batches

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
    batches = Batches(images, labels, MEAN[:channels], STD[:channels], pad=4, flip=True)
    got, got_labels = batches.plain(torch.tensor([4, 0, 4]))
    torch.testing.assert_close(got, normalise(images[[4, 0, 4]]), rtol=1e-5, atol=1e-5)
    assert got_labels.tolist() == [4, 0, 4]
    assert len(batches) == 6


@pytest.mark.parametrize("flip", [False, True])
def test_every_drawn_image_is_a_crop_of_its_own_image(flip):
    images, labels = make_images(count=3)
    batches = Batches(images, labels, MEAN, STD, pad=2, flip=flip)
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
    batches = Batches(images, labels, MEAN, STD, pad=3, flip=True)
    indices = torch.zeros(64, dtype=torch.long)
    first, _ = batches.draw(indices, torch.Generator().manual_seed(1))
    again, _ = batches.draw(indices, torch.Generator().manual_seed(1))
    other, _ = batches.draw(indices, torch.Generator().manual_seed(2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert len({to_bytes(image) for image in first}) > 30  # of 98 possible


def test_the_border_is_black():
    images = torch.full((1, 3, 4, 4), 255, dtype=torch.uint8)
    batches = Batches(images, torch.zeros(1, dtype=torch.long), MEAN, STD, pad=4)
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
    batches = Batches(images, labels, MEAN, STD, pad=4, flip=True)
    for got, _ in (batches.plain(torch.arange(6)), batches.draw(torch.arange(6), torch.Generator())):
        assert got.shape == (6, 3, 7, 9) and got.dtype is torch.float32
        assert got.is_contiguous(memory_format=torch.channels_last)
