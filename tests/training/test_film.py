import base64
import io
import subprocess
import sys
from itertools import pairwise

import numpy
import pytest
import torch
from PIL import Image

from explorer.architecture.plan import expand_plan
from explorer.architecture.variant import parse_variant
from explorer.errors import RunError
from explorer.training.config import TrainConfig
from explorer.training.film import Film, draw_sheet, scale_maps
from explorer.training.probe import check_probe
from watched import VARIANTS, build, draw_batch


def open_sheet(record):
    return numpy.asarray(Image.open(io.BytesIO(base64.b64decode(record.maps))))


def film(network, probe="", **settings):
    return Film(network, TrainConfig(probe=probe, **settings), draw_batch()[0][0])


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_frame_holds_what_the_first_stages_last_block_puts_out(variant):
    network = build(variant).train()
    record = film(network).shoot(7)
    with torch.no_grad():
        network.eval()
        maps = network.layer1(network.stem(draw_batch()[0][:1]))[0]
    assert record.op == f"layer1.{len(network.layer1) - 1}" and record.step == 7
    assert record.shape == tuple(maps.shape)
    sheet, (height, width) = open_sheet(record), maps.shape[1:]
    for index, tile in enumerate(maps.tolist()):
        row, column = divmod(index, record.columns)
        seen = sheet[row * height : (row + 1) * height, column * width : (column + 1) * width]
        flat = [value for line in tile for value in line]
        least, reach = min(flat), (max(flat) - min(flat)) or 1
        expected = [[round((value - least) / reach * 255) for value in line] for line in tile]
        assert numpy.abs(seen.astype(int) - numpy.array(expected)).max() <= 1


def test_shooting_leaves_everything_as_it_was():
    network = build("resnet8,width=4,dropout=0.3").train()
    network.stem.eval()
    modes = [module.training for module in network.modules()]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    drawn = torch.get_rng_state()
    first, second = (film(network).shoot(1) for _ in range(2))
    assert first == second
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert torch.equal(torch.get_rng_state(), drawn) and torch.is_grad_enabled()
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(
    ("probe", "shape", "size"),
    [
        ("stem.conv1", (4, 8, 8), (8, 32)),
        ("layer3.0.branch.conv2", (16, 2, 2), (4, 16)),
        ("layer2.0", (8, 4, 4), (4, 32)),
        ("layer2.0.merge", (8, 4, 4), (4, 32)),
        ("layer2.0.after", (8, 4, 4), (4, 32)),
        ("head.flatten", (16, 1, 1), (2, 8)),
        ("head.fc", (3, 1, 1), (1, 3)),
    ],
)
def test_any_operation_or_block_can_be_filmed(probe, shape, size):
    record = film(build("post"), probe).shoot(1)
    assert (record.op, record.shape, open_sheet(record).shape) == (probe, shape, size)


def test_every_operation_of_the_plan_puts_something_out():
    network = build("se")
    for name, op in network.plan.ops():
        assert film(network, name).shoot(1).shape == (*op.output, 1, 1)[:3], name


def test_many_and_large_maps_are_kept_small():
    network = build("resnet8,width=80")
    record = film(network).shoot(1)
    assert record.shape == (80, 8, 8) and record.columns == 8 and open_sheet(record).shape == (64, 64)
    large = Film(network, TrainConfig(), torch.zeros(1, 130, 130)).shoot(1)
    assert large.shape == (80, 130, 130) and open_sheet(large).shape == (8 * 44, 8 * 44)  # by 3, rounded up


def test_maps_are_scaled_by_themselves():
    maps = numpy.array([[[0.0, 1.0], [2.0, 4.0]], [[-1e30, 0.0], [1e30, 0.0]], [[3.0] * 2] * 2], dtype=numpy.float32)
    assert scale_maps(maps).tolist() == [[[0, 64], [128, 255]], [[0, 128], [255, 128]], [[0, 0], [0, 0]]]
    none = numpy.array([[[numpy.nan, 1.0], [numpy.inf, 3.0]]], dtype=numpy.float32)
    assert scale_maps(none).tolist() == [[[0, 85], [0, 255]]]


def test_a_sheet_is_filled_row_by_row():
    maps = numpy.arange(1, 11, dtype=numpy.uint8)[:, None, None].repeat(2, 1).repeat(3, 2)
    sheet = draw_sheet(maps)
    assert sheet.shape == (4, 24)
    assert sheet[0, ::3].tolist() == list(range(1, 9)) and sheet[3, 2::3].tolist() == [9, 10, 0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("steps", [1, 2, 5, 10, 11, 25, 99, 250, 990, 991, 1000, 64000])
def test_frames_are_the_first_the_last_and_evenly_between(steps):
    camera = film(build("post"))
    frames = [step for step in range(1, steps + 1) if camera.due(step, steps)]
    gaps = [b - a for a, b in pairwise(frames)]
    assert frames[0] == 1 and frames[-1] == steps and len(frames) <= 100
    assert max(gaps, default=0) - min(gaps, default=0) <= 1
    assert steps < 991 or len(frames) == 100
    assert steps <= 10 or min(gaps) >= 10
    assert not camera.due(0, steps) and not camera.due(steps + 1, steps)


def test_without_the_instrument_no_frame_is_due():
    assert not any(film(build("post"), watch="gradients").due(step, 100) for step in range(1, 101))


def test_other_names_are_refused_with_what_is_near():
    plan = expand_plan(parse_variant("resnet20"))
    assert check_probe(plan, "") == "layer1.2" and check_probe(plan, "layer3.1") == "layer3.1"
    with pytest.raises(RunError, match=r"probe=layer1.0.branch.cnv1 is no .*: did you mean layer1.0.branch.conv1"):
        check_probe(plan, "layer1.0.branch.cnv1")
    with pytest.raises(RunError, match=r"name one of its graph, such as layer3\.2"):
        check_probe(plan, "?" * 1000)
    with pytest.raises(RunError, match=r"layer9\.0"):
        film(build("post"), "layer9.0")


def test_the_name_is_checked_without_torch():
    code = "import sys, explorer.training.probe; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
