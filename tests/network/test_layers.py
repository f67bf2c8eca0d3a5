import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn
from torchvision.models.resnet import Bottleneck

from explorer.architecture.config import Shortcut
from explorer.architecture.variant import parse_variant
from explorer.network.build import build_network
from explorer.network.layers import Add, Residual, ZeroPadShortcut
from witness import assert_same_function, build_empty, draw_images, fill_alike


class SubsampleAndPad(nn.Module):
    """Option A as in akamaster/pytorch_resnet_cifar10: every second pixel, a quarter of the planes on either side."""

    def __init__(self, planes):
        super().__init__()
        self.planes = planes

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.planes // 4, self.planes // 4))


def project(in_planes, planes, stride):
    return nn.Sequential(nn.Conv2d(in_planes, planes, 1, stride, bias=False), nn.BatchNorm2d(planes))


def choose_downsample(option, in_planes, planes, stride):
    """A module beside the branch, or None where x is added as it is."""
    if option is Shortcut.C:
        return project(in_planes, planes, stride)
    if in_planes == planes:
        return None
    if option is Shortcut.D:
        return nn.Sequential(nn.AvgPool2d(2), *project(in_planes, planes, 1))
    return SubsampleAndPad(planes) if option is Shortcut.A else project(in_planes, planes, stride)


class PaperBlock(nn.Module):
    """He et al. 2015, figure 2, by hand."""

    def __init__(self, option, in_planes, planes, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(in_planes, planes, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.is_plain = option is Shortcut.NONE
        self.downsample = None if self.is_plain else choose_downsample(option, in_planes, planes, stride)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.is_plain:
            return F.relu(y)
        return F.relu(y + (x if self.downsample is None else self.downsample(x)))


class PaperNetwork(nn.Module):
    """He et al. 2015, section 4.2, by hand: three stages of two blocks."""

    def __init__(self, option):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(PaperBlock(option, 16, 16, 1), PaperBlock(option, 16, 16, 1))
        self.layer2 = nn.Sequential(PaperBlock(option, 16, 32, 2), PaperBlock(option, 32, 32, 1))
        self.layer3 = nn.Sequential(PaperBlock(option, 32, 64, 2), PaperBlock(option, 64, 64, 1))
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        x = self.layer3(self.layer2(self.layer1(F.relu(self.bn1(self.conv1(x))))))
        return self.fc(x.mean((2, 3)))


@pytest.mark.parametrize("training", [False, True], ids=["evaluating", "training"])
@pytest.mark.parametrize("option", Shortcut)
def test_every_shortcut_option_is_the_papers_written_by_hand(option, training):
    ours = build_network(parse_variant(f"resnet20,depths=2-2-2,shortcut={option}"))
    theirs = PaperNetwork(option)
    fill_alike(ours, theirs, seed=1)
    assert_same_function(ours.train(training), theirs.train(training), draw_images((3, 32, 32)))


def test_the_options_are_different_functions():
    """Else the comparison above would show nothing: A, and the plain twin, have the same weights to load."""
    ours, theirs = build_network(parse_variant("resnet20,depths=2-2-2")), PaperNetwork(Shortcut.NONE)
    fill_alike(ours, theirs, seed=1)
    with pytest.raises(AssertionError):
        assert_same_function(ours, theirs, draw_images((3, 32, 32)))


def test_option_c_of_a_bottleneck_is_torchvisions_block_with_a_projection_in_each():
    ours = build_empty(build_network, parse_variant("resnet26,shortcut=C,classes=10"))
    theirs = torchvision.models.resnet.ResNet(Bottleneck, [2, 2, 2, 2], num_classes=10)
    for stage in (theirs.layer1, theirs.layer2, theirs.layer3, theirs.layer4):
        channels = stage[1].conv1.in_channels
        stage[1].downsample = project(channels, channels, 1)
    fill_alike(ours, theirs, seed=2)
    assert_same_function(ours, theirs, draw_images((3, 48, 48)))


def test_the_stride_on_the_1x1_is_torchvisions_network_with_its_strides_swapped():
    ours = build_empty(build_network, parse_variant("resnet50,stride_on=1x1"))
    theirs = build_empty(torchvision.models.resnet50)
    for module in theirs.modules():
        if isinstance(module, Bottleneck):
            module.conv1.stride, module.conv2.stride = module.conv2.stride, module.conv1.stride
    fill_alike(ours, theirs, seed=3)
    assert_same_function(ours, theirs, draw_images((3, 64, 64)))


SIZES = [(16, 32, 2), (8, 32, 1), (3, 6, 2), (1, 2, 2), (5, 5, 1)]


@pytest.mark.parametrize(("in_channels", "channels", "stride"), SIZES)
def test_zero_padding_keeps_x_in_the_middle_and_adds_nothing_but_zeros(in_channels, channels, stride):
    pad = ZeroPadShortcut(in_channels, channels, stride)
    x = draw_images((in_channels, 7, 5))
    y = pad(x)
    assert y.shape == (2, channels, -(-7 // stride), -(-5 // stride))
    assert torch.equal(y[:, pad.before : channels - pad.behind], x[:, :, ::stride, ::stride])
    assert y.count_nonzero() == x[:, :, ::stride, ::stride].count_nonzero()
    assert abs(pad.before - pad.behind) <= 1
    assert not list(pad.parameters())


def test_a_block_is_the_papers_equation_and_overwrites_nothing():
    """y = after(merge(x, F(x))); hooks keep what they saw, since nothing works in place."""
    block = Residual(nn.Conv2d(2, 2, 1), nn.Identity(), Add(), nn.ReLU())
    seen = {}
    for name in ("branch", "shortcut", "merge"):
        block.get_submodule(name).register_forward_hook(lambda _, __, output, name=name: seen.update({name: output}))
    x = draw_images((2, 3, 3))
    y = block(x)
    assert torch.equal(seen["shortcut"], x)
    assert torch.equal(seen["merge"], x + seen["branch"])
    assert torch.equal(y, seen["merge"].clamp(min=0))
    assert bool((seen["merge"] < 0).any())


def test_lesioning_a_branch_leaves_the_shortcut():
    """With the branch's last norm at zero a block of option A or B is the identity on what is positive."""
    network = build_network(parse_variant("resnet20,depths=2,width=4"))
    block = network.get_submodule("layer1.1")
    nn.init.zeros_(block.get_parameter("branch.bn2.weight"))
    x = draw_images((4, 8, 8)).abs()
    assert torch.equal(block.eval()(x), x)
