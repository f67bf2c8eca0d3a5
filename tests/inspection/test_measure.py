import json
import statistics

import pytest
import torch
from torch import nn

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import DeviceError, MeasureError
from explorer.inspection import measure
from explorer.inspection.clocks import PartTimer
from explorer.inspection.measure import check_batch, check_memory, measure_network, measure_plan, spread
from explorer.inspection.settings import RANGES, MeasureSettings
from explorer.network.build import build_network
from explorer.network.memory import read_free_memory
from explorer.records import Measurement, MeasureProgress, read_measurement, write_record
from witness import count_macs, is_one_clear_sentence

TINY = "resnet8,width=4,classes=2,input=3x8x8"
PARTS = ["stem", "layer1.0", "layer2.0", "layer3.0", "head"]


@pytest.fixture(autouse=True)
def few_repeats(monkeypatch):
    monkeypatch.setattr(measure, "MAX_REPEATS", 8)


class FakeClock:
    """Time passes only where a test says so."""

    def __init__(self):
        self.seconds = 0.0

    def settle(self):
        pass

    def now(self):
        return self.seconds

    mark = now

    def read(self, begin, end):
        return end - begin


class Sleep(torch.autograd.Function):
    """An identity that takes time, forward and backward."""

    @staticmethod
    def forward(context, x, clock, there, back):
        context.clock, context.back = clock, back
        clock.seconds += there
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        context.clock.seconds += context.back
        return gradient, None, None, None


class Sleeper(nn.Module):
    def __init__(self, module, clock, there, back):
        super().__init__()
        self.module, self.clock, self.there, self.back = module, clock, there, back

    def forward(self, x):
        return Sleep.apply(self.module(x), self.clock, self.there, self.back)


def build(text=TINY):
    return build_network(expand_plan(parse_variant(text)), seed=0)


def finish(records):
    *progress, last = records
    assert all(isinstance(record, MeasureProgress) for record in progress)
    assert isinstance(last, Measurement)
    return last


def take(text=TINY, **settings):
    return finish(measure_plan(expand_plan(parse_variant(text)), MeasureSettings(**settings)))


@pytest.fixture
def slow():
    """A network whose second block alone takes time, 2 s forward and 3 s backward, and the clock that says so."""
    network, clock = build(), FakeClock()
    network.layer2[0].branch = Sleeper(network.layer2[0].branch, clock, 2.0, 3.0)
    return network, clock


def test_time_is_found_in_the_block_that_takes_it(slow):
    network, clock = slow
    measured = finish(measure_network(network, MeasureSettings(batch=2, budget=1.0), clock))
    forward, train = measured.passes
    assert [part.name for part in forward.parts] == [part.name for part in train.parts] == PARTS
    assert [part.time.median for part in forward.parts] == [0, 0, 2, 0, 0]
    assert [part.forward for part in train.parts] == [0, 0, 2, 0, 0]
    assert [part.backward for part in train.parts] == [0, 0, 3, 0, 0]
    assert [part.time.median for part in train.parts] == [0, 0, 5, 0, 0]
    assert (forward.total.median, train.total.median) == (2, 5)
    assert (forward.instrumented.median, train.instrumented.median) == (2, 5)
    assert {name: each.median for name, each in train.outside.items()} == {"loss": 0, "optimizer": 0}


def test_the_backward_pass_of_the_stem_and_of_shortcuts_is_told_apart():
    network, clock = build("resnet8,width=4,classes=2,input=3x8x8,shortcut=B"), FakeClock()
    network.stem = Sleeper(network.stem, clock, 1.0, 10.0)
    network.layer2[0].shortcut = Sleeper(network.layer2[0].shortcut, clock, 2.0, 20.0)
    network.head = Sleeper(network.head, clock, 4.0, 40.0)
    (train,) = finish(measure_network(network, MeasureSettings(batch=2, mode="train", budget=1.0), clock)).passes
    assert [part.forward for part in train.parts] == [1, 0, 2, 0, 4]
    assert [part.backward for part in train.parts] == [10, 0, 20, 0, 40]


def test_time_between_the_parts_is_in_the_whole_alone(slow):
    network, clock = slow
    before = network.forward
    network.forward = lambda x: Sleep.apply(before(x), clock, 0.5, 0.25)
    forward, train = finish(measure_network(network, MeasureSettings(batch=2, budget=1.0), clock)).passes
    assert forward.total.median == 2.5 and sum(part.time.median for part in forward.parts) == 2
    assert train.outside["loss"].median == 0.75  # between the last part and the gradient of what it gave
    assert train.total.median == 5.75


def test_three_repeats_are_made_however_short_the_budget_and_fewer_only_far_beyond_it(slow):
    network, clock = slow  # a turn of both passes takes 14 s, warming up 7 + 9
    short = finish(measure_network(network, MeasureSettings(batch=2, budget=10.0), clock))
    assert {each.total.count for each in short.passes} == {3}
    assert short.seconds == 16 + 3 * 14
    shorter = finish(measure_network(network, MeasureSettings(batch=2, budget=1.0), clock))
    assert {each.total.count for each in shorter.passes} == {1}  # a second turn would end beyond 30 s
    long = finish(measure_network(network, MeasureSettings(batch=2, budget=100.0), clock))
    assert {each.total.count for each in long.passes} == {(100 - 16) // 14}


def test_repeats_end_at_their_most_where_calls_take_no_time():
    measured = finish(measure_network(build(), MeasureSettings(batch=2, mode="forward"), FakeClock()))
    assert measured.passes[0].total.count == measure.MAX_REPEATS


def test_progress_says_what_is_done_and_how_long_it_will_take(slow):
    network, clock = slow
    records = list(measure_network(network, MeasureSettings(batch=2, budget=10.0), clock))[:-1]
    assert [record.doing for record in records[:3]] == [
        "warming up, forward pass", "warming up, training step", "measuring, forward pass"]  # fmt: skip
    assert [record.repeats for record in records[2:]] == sorted(record.repeats for record in records[2:])
    spent = [record.elapsed for record in records]
    assert spent == sorted(spent) and spent[0] == 0
    last = records[-1]  # before the third turn's last call
    assert last.elapsed + last.left == pytest.approx(16 + 3 * 14, abs=14)


def test_quartiles_are_those_of_the_times():
    times = [5.0, 1.0, 4.0, 2.0, 3.0]
    measured = spread(times)
    assert (measured.low, measured.median, measured.high, measured.count) == (2, 3, 4, 5)
    assert measured.median == statistics.median(times)
    assert spread([7.0]).low == spread([7.0]).high == 7


def test_the_memory_of_a_forward_pass_written_out():
    """One convolution network: 3x8x8 images, 4 channels, no norm; the most lives at a merge in the first stage."""
    measured = take("resnet8,width=4,classes=2,input=3x8x8,norm=none", batch=3, mode="forward", budget=1.0)
    image, maps = 3 * 8 * 8, 4 * 8 * 8  # numbers of one image, and of a map of the first stage
    convs = 3 * 4 + 2 * 4 * 4 + 4 * 8 + 8 * 8 + 8 * 16 + 16 * 16  # input times output channels of 3x3 convolutions
    weights = 9 * convs + 16 * 2 + 2
    bias = sum(
        parameter.numel()
        for name, parameter in build("resnet8,width=4,classes=2,input=3x8x8,norm=none").named_parameters()
        if "conv" in name and "bias" in name
    )
    # x, the branch's output and their sum; beside them the images, which the caller holds
    assert measured.passes[0].memory.measured == 4 * (weights + bias + 3 * (image + 3 * maps))
    assert measured.passes[0].memory.estimated == measured.passes[0].memory.measured


def test_what_autograd_keeps_written_out():
    """Maps that convolutions read and ReLUs gave, the pooled vector, the logarithms and labels; positions none."""
    measured = take("resnet8,width=4,classes=2,input=3x8x8,norm=none,shortcut=none", batch=3, mode="train", budget=1.0)
    image, first, second, third = 3 * 8 * 8, 4 * 8 * 8, 8 * 4 * 4, 16 * 2 * 2
    maps = image + first * (1 + 2) + second * 2 + third * 2  # the stem's ReLU, two a block; each is read or given
    memory = measured.passes[0].memory
    assert memory.kept == 3 * 4 * (maps + 16 + 2) + 3 * 8 + 4
    assert memory.kept_estimated == memory.kept
    assert memory.measured == pytest.approx(memory.estimated, rel=0.25)  # 16 numbers of overhead weigh much here


def test_macs_are_torchs_own():
    measured = take(TINY, batch=2, budget=1.0)
    forward, train = measured.passes
    assert forward.macs == sum(part.macs for part in forward.parts) == count_macs(build(), (3, 8, 8))
    images = 3 * 3 * 3 * 4 * 8 * 8  # of the stem, whose images need no gradient
    assert train.macs == 3 * forward.macs - images


def test_densenet_has_its_transitions():
    names = [part.name for part in take("densenet40_k12,depths=1-1,input=3x8x8", batch=2, budget=1.0).passes[0].parts]
    assert names == ["stem", "layer1.0", "layer2.transition", "layer2.0", "head"]


@pytest.mark.parametrize("training", [True, False])
def test_everything_is_as_before(training):
    network = build("resnet8,width=4,classes=2,input=3x8x8,dropout=0.5").train(training)
    network.layer1.eval()
    network(torch.randn(2, 3, 8, 8)).sum().backward()
    modes = [module.training for module in network.modules()]
    gradients = [parameter.grad for parameter in network.parameters()]
    state = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    copies = [gradient.clone() for gradient in gradients]
    threads, random = torch.get_num_threads(), torch.random.get_rng_state()
    finish(measure_network(network, MeasureSettings(batch=2, budget=1.0)))
    assert [module.training for module in network.modules()] == modes
    assert all(parameter.grad is gradient for parameter, gradient in zip(network.parameters(), gradients, strict=True))
    assert all(torch.equal(gradient, copy) for gradient, copy in zip(gradients, copies, strict=True))
    assert all(torch.equal(tensor, state[name]) for name, tensor in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert torch.get_num_threads() == threads and torch.equal(torch.random.get_rng_state(), random)
    assert torch.is_grad_enabled()


def test_whoever_stops_in_the_middle_leaves_nothing_behind():
    network = build().eval()
    records = measure_network(network, MeasureSettings(batch=2, budget=60.0))
    while "measuring" not in next(records).doing:
        pass
    records.close()
    assert not network.training
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert all(parameter.grad is None for parameter in network.parameters())


def test_hooks_go_also_where_the_network_fails():
    network = build()
    with pytest.raises(RuntimeError), PartTimer(network, ["stem", "head"], FakeClock()):
        network(torch.randn(1, 2, 8, 8))  # two channels
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_a_measurement_survives_json():
    measured = take(batch=2, budget=1.0)
    assert read_measurement(json.loads(write_record(measured))) == measured
    assert measured.environment.device == "cpu" and measured.environment.torch == torch.__version__
    assert measured.environment.threads == torch.get_num_threads()
    assert measured.seconds > 0 and measured.variant == parse_text(TINY)


def parse_text(text):
    from explorer.architecture.variant import format_variant

    return format_variant(parse_variant(text))


@pytest.mark.parametrize("mode", ["forward", "train"])
def test_what_does_not_fit_is_refused_with_the_largest_batch_that_does(mode):
    plan, settings = expand_plan(parse_variant("resnet50")), MeasureSettings(batch=1000, mode=mode)
    with pytest.raises(MeasureError, match="GB are free: the largest batch that fits is") as caught:
        check_memory(plan, settings, 4 * 10**9)
    assert is_one_clear_sentence(str(caught.value))
    largest = int(str(caught.value).rsplit(" ", 1)[1].rstrip("."))
    check_memory(plan, MeasureSettings(batch=largest, mode=mode), 4 * 10**9)
    with pytest.raises(MeasureError):
        check_memory(plan, MeasureSettings(batch=largest + 1, mode=mode), 4 * 10**9)
    with pytest.raises(MeasureError, match="not even one image fits"):
        check_memory(plan, settings, 10**6)
    check_memory(plan, settings, None)  # nobody knows


def test_nothing_is_built_before_it_is_refused(monkeypatch):
    monkeypatch.setattr(measure, "build_network", lambda *_, **__: pytest.fail("it was built"))
    monkeypatch.setattr(measure, "read_free_memory", lambda device: 10**6)
    with pytest.raises(MeasureError, match="not even one image"):
        take("resnet50")


def test_a_single_number_can_not_be_normalised():
    plan = expand_plan(parse_variant("resnet18,input=3x32x32"))  # the last stage has maps of one pixel
    with pytest.raises(MeasureError, match=r"batch of 2 or more here: layer4\.0\.branch") as caught:
        check_batch(plan, MeasureSettings(batch=1))
    assert is_one_clear_sentence(str(caught.value))
    check_batch(plan, MeasureSettings(batch=2))
    check_batch(plan, MeasureSettings(batch=1, mode="forward"))
    with pytest.raises(ValueError, match="Expected more than 1 value per channel"):  # torch's own word
        build_network(plan, seed=0).train()(torch.zeros(1, 3, 32, 32))


def test_a_device_that_ran_full_is_a_sentence(monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")

    monkeypatch.setattr(measure, "build_network", fail)
    with pytest.raises(MeasureError, match="ran out of memory"):
        take()


@pytest.mark.parametrize("device", ["tpu", "\x00", "\ud800", "cuda:1;ls", "", "x" * 10_000])
def test_what_is_no_device_is_refused(device):
    with pytest.raises(MeasureError, match="is no device"):
        take(device=device)


def test_a_device_that_is_not_here_is_refused():
    with pytest.raises(DeviceError, match="device=cuda:999 is not on this machine"):
        take(device="cuda:999")


@pytest.mark.parametrize("name", RANGES)
@pytest.mark.parametrize("value", [0, -1, 1e9, "8", True, None, float("nan")])
def test_settings_out_of_range_are_refused(name, value):
    with pytest.raises(MeasureError, match=f"^{name}=") as caught:
        MeasureSettings(**{name: value})
    assert is_one_clear_sentence(str(caught.value))


@pytest.mark.parametrize(("name", "value"), [("mode", "backward"), ("mode", None), ("device", 3), ("batch", 1.5)])
def test_other_settings_are_refused(name, value):
    with pytest.raises(MeasureError, match=f"^{name}="):
        MeasureSettings(**{name: value})


def test_free_memory_is_less_than_all_of_it():
    free = read_free_memory(torch.device("cpu"))
    assert free is None or 0 < free < 2**50
