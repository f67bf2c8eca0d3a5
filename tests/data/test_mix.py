import pytest
import torch
from torchvision.transforms import v2

from explorer.data.mix import Mix, Mixing, draw_beta
from explorer.errors import DataError

SIZE = (20, 14)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def make_batch():
    return torch.randn(6, 3, *SIZE, generator=generator(1)), torch.tensor([0, 4, 1, 1, 2, 3])


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_mixup_is_torchvisions_formula(share):
    images, labels = make_batch()
    partner = torch.arange(6).roll(1)  # the peer's partners
    mixing = Mixing(partner, share)
    peer, params = v2.MixUp(num_classes=5), {"lam": share, "labels": labels, "batch_size": 6}
    got = mixing.blend_images(images.clone(), images[partner])
    torch.testing.assert_close(got, peer.transform(images, params))
    torch.testing.assert_close(mixing.blend_labels(labels, labels[partner], 5), peer.transform(labels, params))


def test_cutmix_is_torchvisions_formula():
    images, labels = make_batch()
    partner = torch.arange(6).roll(1)
    for seed in range(20):
        drawn = Mix(cutmix=1, classes=5).draw(6, SIZE, generator(seed))
        top, bottom, left, right = drawn.box
        mixing = Mixing(partner, drawn.share, drawn.box)
        params = {"box": (left, top, right, bottom), "lam_adjusted": drawn.share, "labels": labels, "batch_size": 6}
        peer = v2.CutMix(num_classes=5)
        assert torch.equal(mixing.blend_images(images.clone(), images[partner]), peer.transform(images, params))
        torch.testing.assert_close(mixing.blend_labels(labels, labels[partner], 5), peer.transform(labels, params))
        assert drawn.share == pytest.approx(1 - (bottom - top) * (right - left) / (SIZE[0] * SIZE[1]))


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_shares_and_boxes_are_drawn_as_torchvision_draws_them(alpha):
    count = 3000
    torch.manual_seed(0)
    peer = v2.CutMix(alpha=alpha, num_classes=5)
    theirs = [peer.make_params([torch.zeros(1, 3, *SIZE)]) for _ in range(count)]
    numbers, mix = generator(), Mix(cutmix=alpha, classes=5)
    ours = [mix.draw(2, SIZE, numbers) for _ in range(count)]
    for name, mine, yours in (
        ("share", [each.share for each in ours], [each["lam_adjusted"] for each in theirs]),
        ("top", [each.box[0] for each in ours], [each["box"][1] for each in theirs]),
        ("right", [each.box[3] for each in ours], [each["box"][2] for each in theirs]),
    ):
        a, b = torch.tensor(mine, dtype=torch.float64), torch.tensor(yours, dtype=torch.float64)
        assert abs(a.mean() - b.mean()) < 4 * ((a.var() + b.var()) / count).sqrt(), name
        assert a.std().item() == pytest.approx(b.std().item(), rel=0.1), name


@pytest.mark.parametrize("alpha", [0.05, 0.2, 1.0, 10.0])
def test_beta_has_its_mean_and_variance(alpha):
    numbers = generator()
    drawn = torch.tensor([draw_beta(alpha, numbers) for _ in range(4000)], dtype=torch.float64)
    assert drawn.mean().item() == pytest.approx(0.5, abs=0.03)
    assert drawn.var().item() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.08)
    assert drawn.min() >= 0 and drawn.max() <= 1


def test_with_both_a_fair_coin_decides_for_the_batch():
    numbers = generator()
    cut = [Mix(0.5, 0.5, 5).draw(4, SIZE, numbers).box is not None for _ in range(1000)]
    assert 440 < sum(cut) < 560
    assert all(Mix(0.5, 0, 5).draw(4, SIZE, numbers).box is None for _ in range(20))
    assert all(Mix(0, 0.5, 5).draw(4, SIZE, numbers).box is not None for _ in range(20))


def test_partners_are_a_permutation_and_follow_the_generator():
    first, again, other = (Mix(1, 0, 5).draw(50, SIZE, generator(seed)) for seed in (3, 3, 4))
    assert sorted(first.partner.tolist()) == list(range(50))
    assert torch.equal(first.partner, again.partner) and first.share == again.share != other.share


@pytest.mark.parametrize(
    ("options", "words"),
    [({"mixup": -1}, "mixup=-1"), ({"cutmix": float("nan")}, "cutmix=nan"), ({"mixup": 1}, "too few to mix")],
)
def test_settings_out_of_range_are_refused(options, words):
    with pytest.raises(DataError, match=words):
        Mix(**options)
    assert not Mix()
