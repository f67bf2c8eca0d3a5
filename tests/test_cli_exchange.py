"""`explorer code` and `explorer export`."""

import subprocess
import sys

import onnxruntime
import pytest
import torch
from safetensors.torch import load_file

from explorer.cli import main
from explorer.network.pretrained import load_pretrained


def refuse(arguments, capsys):
    """The one line that a command is refused with."""
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    return captured.err


@pytest.mark.parametrize("style", ["module", "functional"])
def test_code_writes_a_file_that_runs(style, tmp_path, capsys):
    path = tmp_path / "network.py"
    assert main(["code", "resnet18,input=3x64x64", "--style", style, "-o", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    ended = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout == "(1, 1000) 11,689,512 parameters\n"  # torchvision's documentation


def test_code_goes_to_standard_output(capsys):
    assert main(["code", "plain20"]) == 0
    out = capsys.readouterr().out
    compile(out, "plain20.py", "exec")
    assert "class PlainNet" in out


def test_code_loads_no_torch():
    code = "import sys; from explorer.cli import main; main(['code', 'resnet20']); sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_code_refuses_in_one_line(tmp_path, capsys):
    assert "style is module or functional" in refuse(["code", "resnet18", "--style", "jax"], capsys)
    assert "is no known network" in refuse(["code", "resent18"], capsys)
    assert "can't be written" in refuse(["code", "resnet18", "-o", str(tmp_path / "none" / "x.py")], capsys)


@pytest.mark.parametrize("arguments", [[], ["resnet20"]])
def test_weights_are_exported_to_onnx(arguments, tmp_path, capsys):
    path = tmp_path / "network.onnx"
    assert main(["export", *arguments, "--weights", "resnet20-cifar10", "-o", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    x = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    logits = torch.from_numpy(session.run(None, {"input": x.numpy()})[0])
    with torch.no_grad():
        torch.testing.assert_close(logits, load_pretrained("resnet20-cifar10").network(x), rtol=1e-4, atol=1e-4)


def test_a_file_of_weights_names_its_variant(tmp_path, capsys):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    assert main(["export", "resnet20,width=8", "-o", str(first)]) == 0
    assert main(["export", "--weights", str(first), "-o", str(second)]) == 0
    one, two = load_file(first), load_file(second)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)


def test_export_refuses_in_one_line(tmp_path, capsys):
    path = tmp_path / "network.onnx"
    assert "end it in .onnx, .pt2, .safetensors" in refuse(["export", "resnet18", "-o", "x.tflite"], capsys)
    assert "name a variant, or weights" in refuse(["export", "-o", str(path)], capsys)
    wrong = refuse(["export", "resnet32", "--weights", "resnet20-cifar10", "-o", str(path)], capsys)
    assert "are of resnet20, not of resnet32" in wrong
    assert "does not exist" in refuse(["export", "--weights", "none.pth", "-o", str(path)], capsys)
    assert not path.exists()
