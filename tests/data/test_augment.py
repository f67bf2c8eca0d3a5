import pytest
import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from explorer.data.augment import Augmentation, draw_holes, erase
from explorer.errors import DataError


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def test_holes_are_erased_as_torchvision_does():
    images = torch.randn(40, 3, 20, 16, generator=generator())
    holes = draw_holes(0.6, 40, (20, 16), generator(1))
    expected = images.clone()
    for image, (top, bottom, left, right) in zip(expected, holes[..., 0].T.tolist(), strict=True):
        image[:] = functional.erase(image, top, left, bottom - top, right - left, torch.zeros(1, 1, 1))
    assert torch.equal(erase(images.clone(), holes), expected) and not torch.equal(images, expected)


def test_holes_are_drawn_as_torchvision_draws_them():
    count, size = 4000, (32, 24)
    top, bottom, left, right = draw_holes(1, count, size, generator()).squeeze(2).double()
    torch.manual_seed(0)
    peer = v2.RandomErasing(p=1)
    drawn = [peer.make_params([torch.zeros(3, *size)]) for _ in range(count)]
    assert all(each["v"] is not None for each in drawn)
    for ours, name in ((bottom - top, "h"), (right - left, "w"), (top, "i"), (left, "j")):
        theirs = torch.tensor([each[name] for each in drawn], dtype=torch.float64)
        error = (ours.var() / count + theirs.var() / count).sqrt()
        assert abs(ours.mean() - theirs.mean()) < 4 * error, name
        assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.08), name
        assert ours.min() >= 0 and ours.max() <= theirs.max() + 2


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_the_share_of_images_with_a_hole(share):
    holes = draw_holes(share, 4000, (32, 32), generator())
    assert (holes[1] > holes[0]).float().mean().item() == pytest.approx(share, abs=0.03)


def test_an_image_too_small_for_a_hole_keeps_all_its_pixels():
    images = torch.ones(10, 1, 1, 1)
    assert erase(images, draw_holes(1, 10, (1, 1), generator())).all()


def test_what_is_off_draws_nothing():
    used = generator()
    Augmentation(erasing=0, policy="none").draw(5, (8, 8), used)
    expected = generator()
    torch.randint(0, 1, (2, 5, 1), generator=expected)
    assert torch.equal(used.get_state(), expected.get_state())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"pad": -1}, "pad=-1"),
        ({"policy": "autoaugment"}, "choose from none, randaugment, trivialaugment"),
        ({"magnitude": 31}, "0 to 30"),
        ({"erasing": 1.1}, "0 to 1"),
        ({"erasing": float("nan")}, "0 to 1"),
    ],
)
def test_settings_out_of_range_are_refused(options, words):
    with pytest.raises(DataError, match=words):
        Augmentation(**options)
