"""The few layers torch lacks, as text for generated code in the style of classes."""

from explorer.architecture.code.words import Facts
from explorer.architecture.ops import Kind

_SE = '''
class SqueezeExcitation(nn.Module):
    """Scale each channel by a gate that sees the means of all (Hu et al. 2018)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = HIDDEN
        self.fc1 = nn.Conv2d(channels, hidden, 1)
        self.fc2 = nn.Conv2d(hidden, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3), keepdim=True)  # (N, C, 1, 1)
        return x * torch.sigmoid(self.fc2(F.relu(self.fc1(means))))
'''
_ECA = '''
class ChannelAttention(nn.Module):
    """Scale each channel by a gate that sees the means of its neighbours (Wang et al. 2020)."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        means = x.mean((2, 3)).unsqueeze(1)  # (N, 1, C)
        return x * torch.sigmoid(self.conv(means)).squeeze(1)[:, :, None, None]
'''
_DROP_PATH = '''
class DropPath(nn.Module):
    """In training, drop this share of a batch's branches and scale up the others (Huang et al. 2016)."""

    def __init__(self, drop: float) -> None:
        super().__init__()
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        keep = x.new_empty(len(x), 1, 1, 1).bernoulli_(1 - self.drop)
        return x * keep / (1 - self.drop)
'''
_ZERO_PAD = '''
class ZeroPad(nn.Module):
    """Option A: subsample, then add channels of zeros, half on either side (He et al. 2015, section 4.1)."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.before = (channels - in_channels) // 2
        self.behind = channels - in_channels - self.before

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.before, self.behind))
'''
_BLUR = '''
class Blur(nn.Module):
    """Halve the map behind a fixed 3x3 binomial filter (Zhang 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        row = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("filter", (row[:, None] * row).repeat(channels, 1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), self.filter, stride=2, groups=len(self.filter))
'''
_GROUP_NORM = '''
def group_norm(channels: int) -> nn.GroupNorm:
    """32 groups, or the most below that divide the channels."""
    return nn.GroupNorm(max(groups for groups in range(1, 33) if channels % groups == 0), channels)
'''
_LAYERS = {
    Kind.BLUR: _BLUR,
    Kind.PAD: _ZERO_PAD,
    Kind.SE: _SE,
    Kind.ECA: _ECA,
    Kind.DROP_PATH: _DROP_PATH,
}


def write_layers(facts: Facts) -> list[list[str]]:
    """The layers that the network has, each as lines."""
    texts = [text for kind, text in _LAYERS.items() if kind in facts.kinds]
    if facts.many_groups:
        texts.append(_GROUP_NORM)
    if not facts.eca_kernel.isdigit():  # it follows from the channels
        sized = (
            f"__init__(self, channels: int) -> None:\n        super().__init__()\n        kernel = {facts.eca_kernel}"
        )
        plain = "__init__(self, kernel: int) -> None:\n        super().__init__()"
        texts = [text.replace(plain, sized) for text in texts]
    return [text.replace("HIDDEN", facts.hidden).strip("\n").split("\n") for text in texts]
