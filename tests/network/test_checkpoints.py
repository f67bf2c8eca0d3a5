import errno
import io
import os
import pickle
import tarfile
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from explorer.architecture.variant import parse_variant
from explorer.errors import WeightsError
from explorer.files import write_atomically
from explorer.network.build import build_network
from explorer.network.checkpoints import (
    export_state,
    import_state,
    load_network,
    read_checkpoint,
    save_weights,
)
from witness import build_empty, draw_images, fill_with_seed, is_one_clear_sentence

SMALL = "resnet20,depths=1-1,width=4,input=3x8x8"


def build_filled(text=SMALL, seed=5):
    network = build_empty(build_network, parse_variant(text))
    fill_with_seed(network, seed)
    return network.eval()


@pytest.fixture
def state():
    return {name: tensor.clone() for name, tensor in export_state(build_filled()).items()}


def assert_equal_states(actual, expected):
    assert list(actual) == list(expected)
    for name in expected:
        assert torch.equal(actual[name], expected[name]), name


# -- names ---------------------------------------------------------------------------------------------------------


def test_exported_tensors_are_contiguous_whatever_the_memory_format():
    network = build_filled().to(memory_format=torch.channels_last)
    assert all(tensor.is_contiguous() for tensor in export_state(network).values())


# -- reading -------------------------------------------------------------------------------------------------------


def test_weights_and_metadata_survive_saving(tmp_path):
    network = build_filled()
    save_weights(network, tmp_path / "model.safetensors", {"variant": SMALL})
    state, metadata = read_checkpoint(tmp_path / "model.safetensors")
    assert metadata == {"variant": SMALL}
    images = draw_images((3, 8, 8))
    assert torch.equal(load_network(state, parse_variant(metadata["variant"]))(images), network(images))


WRAPPINGS = {
    "bare": lambda state: state,
    "state_dict": lambda state: {"epoch": 3, "state_dict": state, "best": torch.tensor(0.9)},
    "model": lambda state: {"model": state},
    "model_state_dict": lambda state: {"model_state_dict": state, "optimizer": {"lr": 0.1}},
    "net": lambda state: {"net": state, "acc": 91.2},
    "module.": lambda state: {f"module.{name}": tensor for name, tensor in state.items()},
    "_orig_mod.": lambda state: {f"_orig_mod.{name}": tensor for name, tensor in state.items()},
    "module._orig_mod.": lambda state: {f"module._orig_mod.{name}": tensor for name, tensor in state.items()},
    "_orig_mod.module.": lambda state: {f"_orig_mod.module.{name}": tensor for name, tensor in state.items()},
    "both": lambda state: {"state_dict": {f"module.{name}": tensor for name, tensor in state.items()}},
    "averaged": lambda state: {"n_averaged": torch.tensor(3)} | {f"module.{key}": state[key] for key in state},
    "lightning": lambda state: {"state_dict": {f"model.{name}": tensor for name, tensor in state.items()}},
    "nested": lambda state: {"model": {"state_dict": state, "epoch": 2}},
    "exponential average": lambda state: {"epoch": 2, "state_dict_ema": state},
    "model_ema": lambda state: {"model_ema": state, "args": {"lr": 0.1}},
}


@pytest.mark.parametrize("wrap", WRAPPINGS.values(), ids=WRAPPINGS)
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_torch_files_are_read_however_they_are_wrapped(tmp_path, state, wrap, legacy):
    torch.save(wrap(state), tmp_path / "model.th", _use_new_zipfile_serialization=not legacy)
    read, metadata = read_checkpoint(tmp_path / "model.th")
    assert metadata == {}
    assert_equal_states(read, state)


def test_a_wrapped_safetensors_file_is_read_too(tmp_path, state):
    save_file({f"module.{name}": tensor for name, tensor in state.items()}, tmp_path / "model.safetensors")
    read, _ = read_checkpoint(tmp_path / "model.safetensors")
    assert_equal_states({name: read[name] for name in state}, state)


def test_half_precision_weights_are_loaded_as_float32(state):
    halves = {name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    network = load_network(halves, parse_variant(SMALL))
    torch.testing.assert_close(network.stem.conv1.weight, state["conv1.weight"], rtol=1e-3, atol=1e-3)


class Payload:
    """Unpickling it would create a file."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.touch, (self.marker,)


def corrupt(state, directory):
    """Files that must be refused, by what is wrong with them."""
    torch.save(state, directory / "whole.pth")
    save_file(state, directory / "whole.safetensors")
    noise = torch.randint(0, 256, (5000,), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    for suffix in (".pth", ".safetensors"):
        whole = (directory / f"whole{suffix}").read_bytes()
        yield f"truncated{suffix}", whole[: len(whole) // 2]
        yield f"cut_short{suffix}", whole[:-1]
        yield f"header_only{suffix}", whole[:40]
        yield f"random{suffix}", bytes(noise.tolist())
        yield f"text{suffix}", b"<!doctype html><title>404 not found</title>"
        yield f"empty{suffix}", b""
    yield "renamed.pth", (directory / "whole.safetensors").read_bytes()
    yield "renamed.safetensors", (directory / "whole.pth").read_bytes()


def test_a_damaged_file_is_refused_in_one_sentence_that_names_it(tmp_path, state):
    for name, content in corrupt(state, tmp_path):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(WeightsError, match=name) as refusal:
            read_checkpoint(tmp_path / name)
        assert is_one_clear_sentence(str(refusal.value)), str(refusal.value)


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("plain_pickle", [False, True])
def test_code_in_a_file_is_refused_and_not_run(tmp_path, state, wrapped, plain_pickle):
    marker = tmp_path / "executed"
    content = {"state_dict": state, "args": Payload(marker)} if wrapped else Payload(marker)
    if plain_pickle:
        (tmp_path / "evil.pth").write_bytes(pickle.dumps(content))
    else:
        torch.save(content, tmp_path / "evil.pth")
    with pytest.raises(WeightsError, match="read safely"):
        read_checkpoint(tmp_path / "evil.pth")
    assert not marker.exists()
    Payload(marker).__reduce__()[0](marker)  # it would have worked
    assert marker.exists()


@pytest.mark.parametrize(
    "content",
    [nn.Linear(2, 2), [torch.zeros(2)], torch.zeros(2), {}, {"state_dict": {}}, {"epoch": 3}, "text", None],
    ids=["module", "list", "tensor", "nothing", "wrapped nothing", "no tensors", "text", "none"],
)
def test_a_file_without_a_dictionary_of_tensors_is_refused(tmp_path, content):
    torch.save(content, tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=r"other\.pth") as refusal:
        read_checkpoint(tmp_path / "other.pth")
    assert is_one_clear_sentence(str(refusal.value))


STRANGE = {
    "sparse": lambda: torch.eye(4).to_sparse(),
    "complex": lambda: torch.ones(4, dtype=torch.complex64),
    "without storage": lambda: torch.empty(4, device="meta"),
    "one number claiming to be many": lambda: torch.zeros(1).expand(1000, 1000),
}


@pytest.mark.filterwarnings("ignore:.*[Ss]parse")  # torch.load's; it is no error outside of tests
@pytest.mark.parametrize("make", STRANGE.values(), ids=STRANGE)
def test_a_strange_tensor_is_refused(tmp_path, state, make):
    torch.save({**state, "fc.bias": make()}, tmp_path / "strange.pth")
    with pytest.raises(WeightsError, match=r"fc\.bias in strange\.pth"):
        read_checkpoint(tmp_path / "strange.pth")


def test_a_zip_that_unpacks_to_more_than_it_is_is_refused(tmp_path, state):
    """torch never compresses; 50 MB of zeros in a file of 60 kB would otherwise be unpacked."""
    torch.save(state | {"bomb": torch.zeros(50_000_000, dtype=torch.uint8)}, tmp_path / "whole.pth")
    bomb = zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(tmp_path / "whole.pth") as whole, bomb:
        for name in whole.namelist():
            bomb.writestr(name, whole.read(name))
    assert (tmp_path / "bomb.pth").stat().st_size < 1_000_000
    assert torch.load(tmp_path / "bomb.pth", weights_only=True)["bomb"].numel() == 50_000_000  # torch would
    with pytest.raises(WeightsError, match=r"bomb\.pth is compressed") as refusal:
        read_checkpoint(tmp_path / "bomb.pth")
    assert is_one_clear_sentence(str(refusal.value))


def test_a_tar_is_refused_unopened(tmp_path):
    with tarfile.open(tmp_path / "old.pth", "w") as archive:
        for name in ("storages", "tensors", "pickle"):
            archive.addfile(tarfile.TarInfo(name), io.BytesIO(b""))
    with pytest.raises(WeightsError, match=r"old\.pth is a tar archive"):
        read_checkpoint(tmp_path / "old.pth")


def test_tensors_that_share_their_numbers_are_refused(tmp_path):
    """A thousand weights of one megabyte each, in a file of one megabyte."""
    shared = torch.zeros(250_000)
    torch.save({f"layer1.{index}.conv1.weight": shared for index in range(1000)}, tmp_path / "shared.pth")
    assert (tmp_path / "shared.pth").stat().st_size < 2_000_000
    with pytest.raises(WeightsError, match=r"shared\.pth share their numbers"):
        read_checkpoint(tmp_path / "shared.pth")


@pytest.mark.parametrize("name", ["nothing.pth", "nothing.safetensors", "."])
def test_a_file_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(WeightsError, match="does not exist"):
        read_checkpoint(tmp_path / name)


# -- fitting -------------------------------------------------------------------------------------------------------


def spoil(state, changes):
    return {name: tensor for name, tensor in {**state, **changes}.items() if tensor is not None}


MISFITS = {
    "missing": ({"layer1.0.conv1.weight": None}, "1 is missing (layer1.0.conv1.weight 4×4×3×3)"),
    "missing statistics": ({"bn1.running_var": None}, "bn1.running_var"),
    "surplus": ({"layer9.0.conv1.weight": torch.zeros(1)}, "1 is not known (layer9.0.conv1.weight 1)"),
    "an unprintable surplus": ({"layer9\n\x1b" * 90: torch.zeros(1)}, "1 is not known (layer9��layer9"),
    "several": (
        {"bn1.bias": None, "bn1.weight": None, "fc.bias": None, "fc.weight": None, "a": torch.zeros(2, 3)},
        "4 are missing (bn1.weight 4, bn1.bias 4 and 2 more); 1 is not known (a 2×3)",
    ),
    "whole numbers": ({"fc.bias": torch.zeros(10, dtype=torch.int64)}, "fc.bias holds int64 numbers"),
    "bytes": ({"conv1.weight": torch.zeros(4, 3, 3, 3, dtype=torch.uint8)}, "conv1.weight holds uint8 numbers"),
    "eight bits": ({"fc.bias": torch.zeros(10).to(torch.float8_e4m3fn)}, "fc.bias holds float8_e4m3fn numbers"),
    "too large for float32": ({"fc.bias": torch.full((10,), 1e300, dtype=torch.float64)}, "fc.bias holds numbers that"),
    "negative variances": ({"bn1.running_var": torch.full((4,), -1.0)}, "bn1.running_var holds negative variances"),
    "a counter that is none": (
        {"bn1.num_batches_tracked": torch.tensor(0.5)},
        "counts batches, and holds torch.float32",
    ),
    "wrong shape": ({"fc.bias": torch.zeros(3)}, "fc.bias is 3, not 10"),
    "transposed": ({"fc.weight": torch.zeros(8, 10)}, "fc.weight is 8×10, not 10×8"),
    "one number": ({"fc.bias": torch.zeros(())}, "fc.bias is one number, not 10"),
    "not a number": ({"fc.bias": torch.full((10,), torch.nan)}, "fc.bias holds numbers that are not finite"),
    "infinite": ({"conv1.weight": torch.full((4, 3, 3, 3), torch.inf)}, "conv1.weight holds"),
}


@pytest.mark.parametrize(("changes", "named"), MISFITS.values(), ids=MISFITS)
def test_weights_that_do_not_fit_are_refused_and_change_nothing(state, changes, named):
    network = build_filled(seed=6)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with pytest.raises(WeightsError) as refusal:
        import_state(network, spoil(state, changes))
    assert named in str(refusal.value)
    assert is_one_clear_sentence(str(refusal.value))
    assert_equal_states(network.state_dict(), before)


def test_old_files_without_batch_counters_load(state):
    old = {name: tensor for name, tensor in state.items() if not name.endswith("num_batches_tracked")}
    assert len(old) < len(state)
    network = load_network(old, parse_variant(SMALL))
    assert torch.equal(network.state_dict()["head.fc.weight"], state["fc.weight"])


def test_a_checkpoint_of_another_depth_is_refused():
    with pytest.raises(WeightsError, match="do not fit") as refusal:
        load_network(export_state(build_filled("resnet20")), parse_variant("resnet56"))
    assert is_one_clear_sentence(str(refusal.value))


def test_a_few_tensors_that_claim_a_giant_take_no_memory():
    """Shapes alone would ask for 1.9 thousand million parameters here."""
    claim = {"conv1.weight": torch.zeros(500, 3, 7, 7), "fc.weight": torch.zeros(1000, 16_000)}
    ends = {"conv1": torch.zeros(500, 1, 1, 1), "conv2": torch.zeros(500, 1, 3, 3), "conv3": torch.zeros(2000, 1, 1, 1)}
    for stage, block in [(stage, block) for stage in range(1, 5) for block in range(4)]:
        claim |= {f"layer{stage}.{block}.{name}.weight": tensor for name, tensor in ends.items()}
    with pytest.raises(WeightsError, match="do not fit"):
        load_network(claim)


# -- writing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failing_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, call):
    path = tmp_path / "model.safetensors"
    write_atomically(path, b"old")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(OSError, match="No space left"):
            write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"


def test_a_folder_that_is_not_there_is_an_os_error(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        write_atomically(tmp_path / "nowhere" / "model.safetensors", b"new")


@pytest.mark.parametrize("path", ["", "/", "."])
def test_a_path_without_a_name_is_an_os_error(path):
    with pytest.raises(IsADirectoryError):
        write_atomically(Path(path), b"new")
