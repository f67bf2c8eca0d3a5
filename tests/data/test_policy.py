import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from explorer.data.policy import OPERATIONS, SIGNED, Operations, apply_operations, draw_operations, tabulate_strengths

PEERS = {"randaugment": v2.RandAugment, "trivialaugment": v2.TrivialAugmentWide}
LEVELS = OPERATIONS.index("Solarize")


def make_images(count=8, channels=3, height=24, width=20):
    """Smooth shapes and some noise, as photographs have; one is flat, one has two levels."""
    generator = torch.Generator().manual_seed(5)
    coarse = torch.rand((count, channels, 5, 5), generator=generator) * 200
    smooth = torch.nn.functional.interpolate(coarse, (height, width), mode="bilinear") + 20
    noisy = smooth + torch.randn((count, channels, height, width), generator=generator) * 6
    images = noisy.round().clamp(0, 255).to(torch.uint8)
    images[0] = 77
    images[1] = (images[1] > 120) * 90 + 30
    return images


def apply(name, strength, images):
    count = len(images)
    kinds = torch.full((count,), OPERATIONS.index(name))
    return apply_operations(images, Operations(kinds, torch.full((count,), strength, dtype=torch.float64)))


def apply_torchvisions(name, strength, image):
    """The peer's own dispatch, with one image, fill 0 and nearest pixels; it takes Solarize's level from 0 to 1."""
    magnitude = strength / 255 if name == "Solarize" else strength
    peer = v2.TrivialAugmentWide()
    return peer._apply_image_or_video_transform(image, name, magnitude, peer.interpolation, peer._fill)


@pytest.mark.parametrize("policy", PEERS)
@pytest.mark.parametrize("size", [(32, 32), (24, 56)])
def test_tables_are_torchvisions(policy, size):
    table = tabulate_strengths(policy, *size)
    peer = PEERS[policy]._AUGMENTATION_SPACE
    assert tuple(peer) == OPERATIONS and tuple(name for name in peer if peer[name][1]) == SIGNED
    for row, (name, (magnitudes, _)) in zip(table, peer.items(), strict=True):
        values = magnitudes(31, *size)
        expected = torch.zeros(31) if values is None else values * (255 if name == "Solarize" else 1)
        torch.testing.assert_close(row, expected.double(), rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize("policy", PEERS)
def test_every_operation_is_torchvisions_on_single_images(policy, name, channels):
    images = make_images(channels=channels)
    height, width = images.shape[2:]
    for magnitude in (0, 1, 9, 17, 30):
        for sign in (1, -1) if name in SIGNED else (1,):
            strength = sign * tabulate_strengths(policy, height, width)[OPERATIONS.index(name), magnitude].item()
            got = apply(name, strength, images)
            expected = torch.stack([apply_torchvisions(name, strength, image) for image in images])
            difference = (got.int() - expected.int()).abs()
            if name in ("ShearX", "ShearY", "Rotate"):  # a pixel between two may fall to either side
                assert (difference > 0).float().mean() < 0.004, (strength, difference.nonzero())
            else:
                rounded = 0.15 if name in ("Color", "Contrast") else 0.001  # the peer makes 76.99 of a flat 77, so 76
                assert difference.max() <= 1 and (difference > 0).float().mean() < rounded, strength


@pytest.mark.parametrize("name", ["Equalize", "AutoContrast", "Posterize", "Solarize", "Color", "Brightness"])
def test_colours_are_pillows(name):
    images = make_images()
    strength = {"Posterize": 3, "Solarize": 101.0, "Color": 0.6, "Brightness": -0.4}.get(name, 0.0)
    ask = {
        "Equalize": ImageOps.equalize,
        "AutoContrast": ImageOps.autocontrast,
        "Posterize": lambda image: ImageOps.posterize(image, 3),
        "Solarize": lambda image: ImageOps.solarize(image, 101),
        "Color": lambda image: ImageEnhance.Color(image).enhance(1.6),
        "Brightness": lambda image: ImageEnhance.Brightness(image).enhance(0.6),
    }[name]
    for image, got in zip(images, apply(name, float(strength), images), strict=True):
        expected = functional.pil_to_tensor(ask(Image.fromarray(image.permute(1, 2, 0).numpy())))
        assert (got.int() - expected.int()).abs().max() <= (2 if name == "Color" else 1)  # Pillow's luma is rounded


def test_a_quarter_turn_is_exact():
    images = make_images(height=16, width=16)
    assert torch.equal(apply("Rotate", 90.0, images), images.rot90(1, (2, 3)))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("policy", PEERS)
def test_a_mixed_batch_is_each_image_by_itself(policy, channels):
    images = make_images(64, channels)
    for operations in draw_operations(policy, 17, 64, (24, 20), torch.Generator().manual_seed(2)):
        before = images.clone()
        got = apply_operations(images, operations)
        assert torch.equal(images, before)
        for place, image in enumerate(images):
            alone = apply_operations(image[None], operations.take(torch.tensor([place])))
            assert torch.equal(got[place], alone[0])


@pytest.mark.parametrize("policy", PEERS)
def test_operations_magnitudes_and_signs_are_drawn_alike(policy):
    count = 28_000
    rounds = draw_operations(policy, 13, count, (32, 32), torch.Generator().manual_seed(0))
    assert len(rounds) == (2 if policy == "randaugment" else 1)
    table = tabulate_strengths(policy, 32, 32)
    for operations in rounds:
        shares = torch.bincount(operations.kinds, minlength=14) / count
        assert (shares - 1 / 14).abs().max() < 5 * (1 / 14 / count) ** 0.5
        for kind, name in enumerate(OPERATIONS):
            strengths = operations.strengths[operations.kinds == kind]
            allowed = table[kind] if policy == "trivialaugment" else table[kind, 13:14]
            assert set(strengths.abs().tolist()) == set(allowed.tolist())
            negative = (strengths < 0).float().mean().item()
            share = 0.5 * (30 / 31 if policy == "trivialaugment" else 1)  # 0 has no sign
            assert abs(negative - (share if name in SIGNED else 0)) < 0.06
    if len(rounds) == 2:
        assert (rounds[0].kinds == rounds[1].kinds).float().mean().item() == pytest.approx(1 / 14, abs=0.01)


def test_none_draws_nothing():
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert draw_operations("none", 9, 8, (32, 32), generator) == ()
    assert torch.equal(before, generator.get_state())


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (4, 4)])
def test_tiny_images_are_no_trouble(size):
    images = torch.arange(3 * size[0] * size[1], dtype=torch.uint8).reshape(1, 3, *size).expand(14, -1, -1, -1)
    for magnitude in (0, 30):
        strengths = tabulate_strengths("trivialaugment", *size)[:, magnitude]
        assert apply_operations(images, Operations(torch.arange(14), strengths)).shape == images.shape
