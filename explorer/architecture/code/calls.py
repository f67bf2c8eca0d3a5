"""What torch's layers do, spelled out as text for generated code in the functional style."""

from explorer.architecture.code.words import Facts
from explorer.architecture.ops import Kind

_CONV = '''
def conv(state: State, name: str, x: TensorSTRIDE_INGROUPS_IN) -> Tensor:
    """Convolve, padded by half the kernel: (N, C, H, W) -> (N, C', SIZE)."""
    WEIGHTS  # (C', CGROUPS_SHAPE, K, K)
    return F.conv2d(x, weightBIAS_ARGSTRIDE_ARG, padding=weight.shape[-1] // 2GROUPS_ARG)
'''
_BATCH_NORM = '''
def batch_norm(state: State, name: str, x: Tensor, training: bool, momentum: float = 0.1, eps: float = 1e-5) -> Tensor:
    """Scale every channel to mean 0 and variance 1: the batch's in training, else the running ones."""
    mean, var = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    if training:
        running_mean, running_var = mean, var
        mean, var = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        count = x.numel() // x.shape[1]
        with torch.no_grad():  # the running variance is kept unbiased
            running_mean += momentum * (mean - running_mean)
            running_var += momentum * (var * count / (count - 1) - running_var)
            state[f"{name}.num_batches_tracked"] += 1
    x = (x - mean[:, None, None]) / torch.sqrt(var[:, None, None] + eps)
    return x * state[f"{name}.weight"][:, None, None] + state[f"{name}.bias"][:, None, None]
'''
_GROUP_NORM = '''
def group_norm(state: State, name: str, x: Tensor, groups: int, eps: float = 1e-5) -> Tensor:
    """Scale every group of channels of every image to mean 0 and variance 1."""
    grouped = x.reshape(len(x), groups, -1)  # (N, groups, C / groups * H * W)
    var, mean = torch.var_mean(grouped, 2, correction=0, keepdim=True)
    x = ((grouped - mean) / torch.sqrt(var + eps)).reshape(x.shape)
    return x * state[f"{name}.weight"][:, None, None] + state[f"{name}.bias"][:, None, None]
'''
_COUNT_GROUPS = '''
def count_groups(channels: int) -> int:
    """32 groups, or the most below that divide the channels."""
    return max(groups for groups in range(1, 33) if channels % groups == 0)
'''
_SE = '''
def squeeze_excite(state: State, name: str, x: Tensor) -> Tensor:
    """Scale each channel by a gate that sees the means of all (Hu et al. 2018)."""
    means = x.mean((2, 3), keepdim=True)  # (N, C, 1, 1)
    hidden = F.relu(conv(state, f"{name}.fc1", means))
    return x * torch.sigmoid(conv(state, f"{name}.fc2", hidden))
'''
_ECA = '''
def channel_attention(state: State, name: str, x: Tensor) -> Tensor:
    """Scale each channel by a gate that sees the means of its neighbours (Wang et al. 2020)."""
    weight = state[f"{name}.conv.weight"]  # (1, 1, K)
    means = x.mean((2, 3)).unsqueeze(1)  # (N, 1, C)
    gate = torch.sigmoid(F.conv1d(means, weight, padding=weight.shape[-1] // 2))
    return x * gate.squeeze(1)[:, :, None, None]
'''
_PAD = '''
def zero_pad(x: Tensor, channels: int, stride: int) -> Tensor:
    """Option A: subsample, then add channels of zeros, half on either side (He et al. 2015, section 4.1)."""
    more = channels - x.shape[1]
    return F.pad(x[:, :, ::stride, ::stride], (0, 0, 0, 0, more // 2, more - more // 2))
'''
_BLUR = '''
def blur(x: Tensor) -> Tensor:
    """Halve the map behind a fixed 3x3 binomial filter (Zhang 2019)."""
    row = x.new_tensor([1.0, 2.0, 1.0]) / 4
    weight = (row[:, None] * row).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, stride=2, groups=x.shape[1])
'''
_DROPOUT = '''
def dropout(x: Tensor, drop: float, training: bool) -> Tensor:
    """In training, set this share of the numbers to zero and scale up the others."""
    if not training:
        return x
    return x * torch.empty_like(x).bernoulli_(1 - drop) / (1 - drop)
'''
_DROP_CHANNELS = '''
def drop_channels(x: Tensor, drop: float, training: bool) -> Tensor:
    """In training, set this share of the channels to zero and scale up the others."""
    if not training:
        return x
    return x * x.new_empty(*x.shape[:2], 1, 1).bernoulli_(1 - drop) / (1 - drop)
'''
_DROP_PATH = '''
def drop_path(x: Tensor, drop: float, training: bool) -> Tensor:
    """In training, drop this share of a batch's branches and scale up the others (Huang et al. 2016)."""
    if not training:
        return x
    return x * x.new_empty(len(x), 1, 1, 1).bernoulli_(1 - drop) / (1 - drop)
'''
_CREATE_CONV = '''
def create_conv(state: State, name: str, in_channels: int, channels: int, kernel: intGROUPS_INBIAS_IN) -> None:
    """He's initialisation: the deviation is sqrt(2 / fan out)."""
    deviation = math.sqrt(2 / (channels * kernel**2))
    state[f"{name}.weight"] = torch.randn(channels, in_channelsGROUPS, kernel, kernel) * deviationBIAS
'''
_CREATE_BATCH_NORM = """
def create_norm(state: State, name: str, channels: int) -> None:
    state[f"{name}.weight"], state[f"{name}.bias"] = torch.ones(channels), torch.zeros(channels)
    state[f"{name}.running_mean"], state[f"{name}.running_var"] = torch.zeros(channels), torch.ones(channels)
    state[f"{name}.num_batches_tracked"] = torch.tensor(0)
"""
_CREATE_NORM = """
def create_norm(state: State, name: str, channels: int) -> None:
    state[f"{name}.weight"], state[f"{name}.bias"] = torch.ones(channels), torch.zeros(channels)
"""
_CREATE_SE = """
def create_squeeze_excite(state: State, name: str, channels: int) -> None:
    hidden = HIDDEN
    create_conv(state, f"{name}.fc1", channels, hidden, 1BIAS_SET)
    create_conv(state, f"{name}.fc2", hidden, channels, 1BIAS_SET)
"""
_CREATE_ECA = """
def create_channel_attention(state: State, name: strCHANNELS_IN) -> None:
    kernel = KERNEL
    state[f"{name}.conv.weight"] = torch.empty(1, 1, kernel).uniform_(-(kernel**-0.5), kernel**-0.5)
"""


def write_calls(facts: Facts) -> list[list[str]]:
    """The functions that compute, those that the network needs."""
    chosen = [
        (_CONV, True),
        (_BATCH_NORM, "batch" in facts.modes),
        (_GROUP_NORM, bool(facts.modes & {"group", "layer"})),
        (_COUNT_GROUPS, facts.many_groups),
        (_SE, Kind.SE in facts.kinds),
        (_ECA, Kind.ECA in facts.kinds),
        (_PAD, Kind.PAD in facts.kinds),
        (_BLUR, Kind.BLUR in facts.kinds),
        (_DROPOUT, "element" in facts.modes),
        (_DROP_CHANNELS, "channel" in facts.modes),
        (_DROP_PATH, Kind.DROP_PATH in facts.kinds),
    ]
    return [_split(text, facts) for text, needed in chosen if needed]


def write_creators(facts: Facts) -> list[list[str]]:
    """The functions that draw fresh weights, those that the network needs."""
    texts = [_CREATE_CONV]
    if facts.modes & {"batch", "group", "layer"}:
        texts.append(_CREATE_BATCH_NORM if "batch" in facts.modes else _CREATE_NORM)
    texts += [_CREATE_SE] if Kind.SE in facts.kinds else []
    texts += [_CREATE_ECA] if Kind.ECA in facts.kinds else []
    return [_split(text, facts) for text in texts]


def _split(text: str, facts: Facts) -> list[str]:
    """The text's lines, its words in capitals replaced by what this network needs."""
    for word, replacement in {**_spell_conv(facts), **_spell_creators(facts)}.items():
        text = text.replace(word, replacement)
    return text.strip("\n").split("\n")


def _spell_conv(facts: Facts) -> dict[str, str]:
    get = 'state.get(f"{name}.bias")' if facts.unbiased else 'state[f"{name}.bias"]'
    weight = 'state[f"{name}.weight"]'
    return {
        "STRIDE_IN": ", stride: int = 1" if facts.strided else "",
        "STRIDE_ARG": ", stride=stride" if facts.strided else "",
        "SIZE": "ceil(H / stride), ceil(W / stride)" if facts.strided else "H, W",
        "GROUPS_IN": ", groups: int = 1" if facts.grouped else "",
        "GROUPS_ARG": ", groups=groups" if facts.grouped else "",
        "GROUPS_SHAPE": " / groups" if facts.grouped else "",
        "WEIGHTS": f"weight, bias = {weight}, {get}" if facts.biased else f"weight = {weight}",
        "BIAS_ARG": ", bias" if facts.biased else "",
    }


def _spell_creators(facts: Facts) -> dict[str, str]:
    zeros = 'state[f"{name}.bias"] = torch.zeros(channels)'
    mixed = facts.biased and facts.unbiased
    return {
        "GROUPS": " // groups" if facts.grouped else "",
        "BIAS_IN": ", bias: bool = False" if mixed else "",
        "BIAS_SET": ", bias=True" if mixed else "",
        "BIAS": f"\n    if bias:\n        {zeros}" if mixed else f"\n    {zeros}" if facts.biased else "",
        "CHANNELS_IN": "" if facts.eca_kernel.isdigit() else ", channels: int",
        "KERNEL": facts.eca_kernel,
        "HIDDEN": facts.hidden,
    }
