import pytest
import torch
from torch import nn

from explorer.architecture.plan import Kind, expand_plan
from explorer.architecture.receptive import Field, compute_fields
from explorer.architecture.variant import parse_variant
from explorer.network.build import build_network


def fields_of(text):
    plan = expand_plan(parse_variant(text))
    return plan, dict(zip((name for name, _ in plan.ops()), compute_fields(plan), strict=True))


@pytest.mark.parametrize(("depth", "size"), [(50, 483), (101, 1027), (152, 1507)])
def test_the_published_receptive_fields(depth, size):
    """Araujo et al. 2019, table 1: ResNet v1, whose stride is on the 1x1."""
    plan, fields = fields_of(f"resnet{depth},stride_on=1x1")
    last = list(fields)[-4]
    assert last == list(dict(plan.ops()))[-4]
    assert (fields[last].size, fields[last].reduction) == (size, 32)


def test_the_formula_along_the_longest_path():
    """Equation 2 of Araujo et al. written out for resnet18: 1 + sum of (kernel - 1) times the strides before it."""
    kernels = [(7, 2), (3, 2)] + [(3, 1)] * 4 + [(3, 2), (3, 1), (3, 1), (3, 1)] * 3
    size, jump = 1, 1
    for kernel, stride in kernels:
        size, jump = size + (kernel - 1) * jump, jump * stride
    _, fields = fields_of("resnet18")
    assert (fields["layer4.1.after"].size, fields["layer4.1.after"].reduction) == (size, jump)


def test_it_does_not_depend_on_the_input():
    small, large = (fields_of(f"resnet34,input=3x{side}x{side}")[1] for side in (64, 192))
    assert list(small.values())[:-3] == list(large.values())[:-3]


def replace_modules(network):
    """The same windows with positive weights everywhere, so that no gradient can vanish or cancel.

    Max-pooling passes a gradient to one pixel of its window; the mean of the same window to all. Weights of one over
    the fan-in keep the numbers in range; running statistics of 0 and 1 and positive activations leave maps as they are.
    """
    for module in list(network.modules()):
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 1 / module.weight[0].numel())
        for name, child in module.named_children():
            if isinstance(child, nn.MaxPool2d):
                setattr(module, name, nn.AvgPool2d(child.kernel_size, child.stride, child.padding))
    for name, parameter in network.named_parameters():
        if name.rpartition(".")[0].endswith(tuple(f"bn{number}" for number in "123")):
            nn.init.constant_(parameter, float(name.endswith("weight")))


def see(network, name, output, shape):
    """Rows and columns of the input that give a gradient to the position in the middle of an operation's output."""
    images = torch.ones(1, *shape, dtype=torch.float64, requires_grad=True)
    seen = []
    handle = network.get_submodule(name).register_forward_hook(lambda module, arguments, result: seen.append(result))
    network(images)
    handle.remove()
    middle = [(side - 1) // 2 for side in output[1:]]
    seen[0][0, :, *middle].sum().backward()
    support = images.grad[0].abs().sum(0) > 0
    return [torch.nonzero(support.any(axis)).flatten() for axis in (1, 0)]


GRADIENTS = [
    "resnet18,depths=1-2-1,input=3x96x80,width=4",
    "resnet18,depths=1-1,input=3x31x29,width=4",
    "resnet50,depths=2-2,input=3x72x72,width=4",
    "resnet50,depths=2-2,input=3x72x72,width=4,stride_on=1x1,shortcut=C",
    "resnet18,depths=1-2,input=3x48x48,width=4,shortcut=D,stem=deep,stem_width=8",
    "resnet18,depths=1-2,input=3x48x48,width=4,antialias=blur",
    "resnet18,depths=1-2,input=3x48x48,width=4,antialias=avg",
    "resnet20,depths=1-2-1,input=3x33x40,shortcut=A",
    "resnet20,depths=1-2-1,input=3x33x40,shortcut=none",
    "preresnet20,depths=1-2-1,input=3x33x40",
    "resnet20,depths=1-1,input=3x33x40,activation=bn_after",
    "densenet40_k12_bc,depths=2-2,input=3x32x36,growth=2",
    "resnet50,depths=1-1,branch=5x5-1x1-7x7,input=3x64x64,width=4",
]


@pytest.mark.parametrize("text", GRADIENTS)
def test_gradients_reach_as_far_as_the_field(text):
    """The middle position of every map, against the first and last pixel that a gradient reaches."""
    plan, fields = fields_of(text)
    architecture = plan.architecture
    network = build_network(architecture, seed=0).double().eval()
    replace_modules(network)
    for name, op in plan.ops():
        if op.kind is Kind.LINEAR or op.kind is Kind.FLATTEN or fields[name].whole:
            continue
        ends = []
        for axis, pixels in enumerate(architecture.input[1:]):
            middle = (op.output[1 + axis] - 1) // 2
            field = fields[name]
            first, last = (edge + field.reduction * middle for edge in (field.first, field.last))
            ends.append((max(first, 0), min(last, pixels - 1)))
        rows, columns = see(network, name, op.output, architecture.input)
        assert [(int(side.min()), int(side.max())) for side in (rows, columns)] == ends, name
        height, width = (last - first + 1 for first, last in ends)
        area = architecture.input[1] * architecture.input[2]
        assert fields[name].share(op.output, architecture.input) == pytest.approx(height * width / area), name


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("seresnet50,depths=1-1,input=3x40x40,width=16", "layer1.0.branch.se"),
        ("ecaresnet50d,depths=1-1,input=3x40x40,width=16", "layer1.0.branch.se"),
        ("resnet50,depths=1-1,input=3x40x40,width=16,norm=group", "stem.gn1"),
        ("resnet50,depths=1-1,input=3x40x40,width=16,norm=layer", "stem.ln1"),
        ("resnet50,depths=1-1,input=3x40x40,width=16", "head.avgpool"),
    ],
)
def test_what_looks_at_the_whole_map_sees_everything(text, first):
    plan, fields = fields_of(text)
    names = [name for name, _ in plan.ops()]
    assert next(name for name in names if fields[name].whole) == first
    network = build_network(plan.architecture, seed=0).double().eval()
    images = torch.rand(1, *plan.architecture.input, dtype=torch.float64, requires_grad=True)
    seen = []
    network.get_submodule(first).register_forward_hook(lambda module, arguments, result: seen.append(result))
    network(images)
    seen[0][0, :, 0, 0].square().sum().backward()
    assert (images.grad[0].abs().sum(0) > 0).float().mean() > 0.99
    assert fields[first].share(dict(plan.ops())[first].output, plan.architecture.input) == 1


def test_a_field_inside_another():
    outer = Field(-1, 1, 2).then(Field(-1, 1, 2))
    assert (outer.first, outer.last, outer.size, outer.reduction) == (-3, 3, 7, 4)
    assert Field(-3, 3, 4).share((1, 8, 8), (3, 32, 32)) == (7 / 32) ** 2
    assert Field(-3, 3, 4).share((1, 1, 1), (3, 4, 2)) == 1
    assert Field(-3, 3, 4).share((1, 1, 1), (3, 8, 8)) == 0.25
