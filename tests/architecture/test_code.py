"""Generated files, run by themselves, against the module that is built from the same plan."""

import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from random import Random

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from explorer.architecture.code import Style, parse_style, write_code
from explorer.architecture.options import OPTIONS
from explorer.architecture.plan import expand_plan
from explorer.architecture.presets import NAMES, find_preset
from explorer.architecture.variant import apply_options, format_variant, parse_variant
from explorer.errors import VariantError
from explorer.network.build import build_network

SAMPLES = (
    "resnet50",
    "resnet152",
    "resnet20",
    "densenet121,dropout=0.1,attention=eca",
    "wrn28_10,dropout=0.3,dropout_kind=channel",
    "resnet50_gn,width=20,stem_width=30,activation=pre,attention=se,se_place=identity,shortcut=D,antialias=blur",
    "resnet18,norm=none,act=tanh,shortcut=A,drop_path=0.2,activation=bn_after",
    "resnet18,norm=layer,act=silu,shortcut=C,activation=relu_pre,attention=se,se_place=post,zero_init=yes",
    "resnext50_32x4d,attention=se",
    "resnext50_32x4d,stem=tiered,antialias=avg,attention=eca,se_place=pre,activation=relu_before",
    "plain18,depths=2,stem=cifar,norm=none",
)


def run_code(plan, style):
    """The class that a generated file defines."""
    namespace = {"__name__": "generated"}
    exec(compile(write_code(plan, style), "generated.py", "exec"), namespace)
    (network,) = (namespace[name] for name in ("ResNet", "PlainNet", "DenseNet") if name in namespace)
    return network


def fill(network):
    """Weights, shifts and running statistics that are neither zero nor one; weights keep their size."""
    generator = torch.Generator().manual_seed(1)
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
        elif tensor.is_floating_point() and tensor.ndim < 2:
            tensor.add_(torch.randn(tensor.shape, generator=generator) * 0.2)
        elif tensor.is_floating_point() and not tensor.any():  # what starts at zero would hide its branch
            tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.1)


def learn(network, x, training):
    """Logits, gradients and the state behind one forward and backward pass."""
    network.train(training).zero_grad()
    torch.manual_seed(3)
    logits = network(x)
    (logits * torch.linspace(-1, 1, logits.numel(), dtype=x.dtype).view_as(logits)).sum().backward()
    gradients = {name: parameter.grad.clone() for name, parameter in network.named_parameters()}
    state = {f"state {name}": tensor.clone() for name, tensor in network.state_dict().items()}
    return {"logits": logits.detach(), **gradients, **state}


def assert_same(plan, style):
    """In float64, so that what differs is the computation and not its rounding."""
    ours, theirs = build_network(plan, seed=0).double(), run_code(plan, style)().double()
    fill(ours)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, *plan.architecture.input, generator=torch.Generator().manual_seed(2)).double()
    for training in (False, True):
        expected, got = learn(ours, x, training), learn(theirs, x, training)
        assert expected.keys() == got.keys()
        for name, tensor in expected.items():
            scale = tensor.double().abs().max().item() + 1e-3
            assert (got[name] - tensor).double().abs().max().item() <= 1e-6 * scale, f"{name}, training={training}"


def shrink(architecture, channels, side):
    """The same network with fewer blocks and channels; the input is not square."""
    depths = tuple(min(depth, most) for depth, most in zip(architecture.depths, (2, 2, 1, 1), strict=False))
    stem_width = architecture.stem_width and min(architecture.stem_width, 30)
    sizes = {"width": min(architecture.width, 20), "widen": min(architecture.widen, 2.0), "stem_width": stem_width}
    return replace(architecture, **sizes, depths=depths, classes=7, input=(channels, side, side + 32))


@pytest.mark.parametrize("name", NAMES)
def test_every_preset_computes_what_the_module_does(name):
    architecture = find_preset(name).architecture
    plan = expand_plan(shrink(architecture, 3, 32 if architecture.input[1] > 32 else 8))
    for style in Style:
        assert_same(plan, style)


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("text", SAMPLES)
def test_many_options_and_odd_sides(text, style):
    architecture = parse_variant(text)
    side = 45 if architecture.antialias.value == "none" else 32
    assert_same(expand_plan(shrink(architecture, 2, side)), style)


CHOICES = {
    "depths": ["1", "2-1", "1-2-1"],
    "branch": ["3x3", "3x3-1x1", "1x1-3x3-1x1", "1x1-5x5-3x3-1x1", "3x3-3x3"],
    "width": ["8", "12", "16"],
    "widths": ["8-8-16", "12-24", "16-16", "10"],
    "stem_width": ["8", "9", "16"],
    "widen": ["2", "0.5"],
    "groups": ["2", "4"],
    "base_width": ["64", "32", "40"],
    "se_reduction": ["2", "4", "16"],
    "se_divisor": ["1", "4"],
    "dropout": ["0.2"],
    "drop_path": ["0.3"],
    "growth": ["4", "12"],
    "bn_size": ["2", "3"],
    "compression": ["0.3", "0.5", "1"],
    "classes": ["1", "5"],
}


@st.composite
def variants(draw):
    """Options of every kind, those that go together; evenly, where hypothesis would mostly draw the first."""
    chance = Random(draw(st.integers(0, 2**32)))
    base = chance.choice(["resnet18", "resnet50", "preresnet20", "resnet20", "densenet40_k12_bc", "seresnet50"])
    architecture = parse_variant(f"{base},depths=1-2,input=2x18x22,width=8")
    for name in chance.sample([*OPTIONS], chance.randint(0, len(OPTIONS))):
        choices = OPTIONS[name].choices or CHOICES.get(name)
        if choices:
            with suppress(VariantError):
                value = OPTIONS[name].parse(chance.choice(choices))
                architecture = apply_options(architecture, {name: value})
    return architecture


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(architecture=variants())
def test_any_architecture_computes_what_the_module_does(architecture):
    try:
        plan = expand_plan(architecture)
    except VariantError:
        assume(False)
    for style in Style:
        assert_same(plan, style)


@pytest.mark.parametrize("style", Style)
def test_the_files_are_tidy_and_run_by_themselves(style, tmp_path):
    for index, text in enumerate(SAMPLES):
        (tmp_path / f"sample{index}.py").write_text(write_code(expand_plan(parse_variant(text)), style))
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["check", "--isolated"], ["format", "--isolated", "--check", "--diff", "--line-length", "120"]):
        ended = subprocess.run([*ruff, *command, "."], cwd=tmp_path, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("style", Style)
def test_running_the_file_prints_shape_and_parameters(style, tmp_path):
    path = tmp_path / "network.py"
    path.write_text(write_code(expand_plan(parse_variant("resnet18")), style))
    ended = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout == "(1, 1000) 11,689,512 parameters\n"  # torchvision's documentation of resnet18


@pytest.mark.parametrize("style", Style)
@pytest.mark.parametrize("name", ["resnet152", "resnet1202", "densenet264", "seresnext101_32x4d"])
def test_deep_networks_are_short_files(name, style):
    text = write_code(expand_plan(find_preset(name).architecture), style)
    assert 60 <= text.count("\n") <= (150 if style is Style.MODULE else 170)
    assert "explorer" not in text


@pytest.mark.parametrize("style", Style)
def test_the_header_names_variant_and_paper(style):
    text = write_code(expand_plan(parse_variant("resnet56,shortcut=none")), style)
    assert text.startswith('"""resnet56, shortcut=none: ')
    assert "arXiv:1512.03385" in text.split('"""')[1]


def test_the_functional_style_has_no_layers():
    text = write_code(expand_plan(parse_variant("seresnet50,dropout=0.1,drop_path=0.1,stem=deep")), Style.FUNCTIONAL)
    layers = {part.split("(")[0].split("[")[0] for part in text.split("nn.")[1:]}
    assert {layer.split(")")[0].split(" ")[0] for layer in layers} <= {"functional", "Module", "Parameter"}


@pytest.mark.parametrize("text", ["resnet18", "resnet50,norm=none", "seresnet20", "resnet50d,zero_init=yes"])
def test_fresh_weights_of_a_seed_are_those_of_the_built_module(text):
    architecture = parse_variant(text)
    plan = expand_plan(replace(architecture, input=(3, 32, 32)))
    torch.manual_seed(5)
    theirs = run_code(plan, Style.MODULE)().state_dict()
    for name, tensor in build_network(plan, seed=5).state_dict().items():
        assert torch.equal(theirs[name], tensor), name


def test_an_unknown_style_is_refused():
    with pytest.raises(VariantError, match="style is module or functional"):
        parse_style("keras")


def test_the_variant_is_written_whole_in_long_headers():
    text = "resnet50,groups=32,base_width=4,attention=se,dropout=0.1,drop_path=0.1,act=silu,antialias=blur,stem=deep"
    architecture = parse_variant(text + ",depths=3-4-6-4,classes=123,input=3x256x256")
    header = write_code(expand_plan(architecture)).split('"""')[1]
    assert format_variant(architecture) in "".join(header.split())
