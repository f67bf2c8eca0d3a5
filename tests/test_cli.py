import csv
import errno
import io
import json
import os
import socket
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from xml.etree import ElementTree

import numpy
import pytest
import torch
from PIL import Image

from explorer.architecture.variant import parse_variant
from explorer.cli import main
from explorer.network.build import build_network
from explorer.network.checkpoints import export_state, save_weights
from explorer.network.pretrained import load_pretrained
from witness import COUNTS, fill_with_seed, is_one_clear_sentence

LABELS = ("dark", "light")
TINY = "resnet8,width=4,classes=2,input=3x16x16"
COMMANDS = (
    "serve", "summary", "graph", "train", "evaluate", "predict", "code", "export", "diff", "search", "measure", "runs",
    "recipes", "study",
)  # fmt: skip


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    network = build_network(parse_variant(TINY), seed=0).eval()
    fill_with_seed(network, 1)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    card = {"mean": [0.5] * 3, "std": [0.25] * 3, "classes": LABELS}
    save_weights(network, path, {"variant": TINY, **{key: json.dumps(value) for key, value in card.items()}})
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """20 pictures in two classes."""
    folder, rng = tmp_path_factory.mktemp("data"), numpy.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 128)):
        (folder / name).mkdir()
        for number in range(10):
            pixels = rng.integers(low, low + 128, (16, 16, 3), dtype=numpy.uint8)
            Image.fromarray(pixels).save(folder / name / f"{number}.png")
    return folder


@pytest.fixture
def run(capsys):
    """Run a command that has to succeed without a complaint; returns what it printed."""

    def call(*arguments):
        code = main([*map(str, arguments)])
        out, err = capsys.readouterr()
        assert (code, err) == (0, ""), err
        return out

    return call


@pytest.fixture
def refuse(capsys):
    """Run a command that has to fail: exit code 2, nothing printed, one sentence on stderr, which is returned."""

    def call(*arguments):
        code = main([*map(str, arguments)])
        out, err = capsys.readouterr()
        assert (code, out) == (2, ""), (code, out)
        assert err.endswith("\n") and err.count("\n") == 1 and is_one_clear_sentence(err[:-1]), err
        return err[:-1]

    return call


def test_every_command_explains_itself(run):
    text = run("--help")
    assert all(command in text for command in COMMANDS)
    for command in COMMANDS:
        words = run(command, "--help")
        assert "Usage" in words and len(words.splitlines()) > 4
    assert "--share" in run("serve", "--help") and "--no-browser" in run("--help")


# summary


@pytest.mark.parametrize("row", [row for row in COUNTS if row["macs"]], ids=lambda row: row["variant"])
def test_summary_as_json(run, row):
    content = json.loads(run("summary", row["variant"], "--json"))
    assert (content["variant"], content["input"]) == (row["variant"], [int(n) for n in row["input"].split("x")])
    assert (content["params"], content["macs"]) == (int(row["params"]), int(row["macs"]))
    assert content["flops"] == 2 * content["macs"]
    assert sum(layer["params"] for layer in content["layers"]) == content["params"]
    assert sum(layer["macs"] for layer in content["layers"]) == content["macs"]


def test_summary_writes_the_canonical_text(run):
    content = json.loads(run("summary", " ResNet34 , block=BOTTLENECK,stem = imagenet", "--json"))
    assert content["variant"] == "resnet50"


def test_summary_as_text_csv_and_markdown(run):
    assert "11,689,512 parameters, 1,814,073,344 MACs" in run("summary", "resnet18")
    rows = list(csv.DictReader(io.StringIO(run("summary", "resnet18", "--csv"))))
    assert sum(int(row["macs"]) for row in rows) == 1_814_073_344
    assert "**11689512**" in run("summary", "resnet18", "--markdown")


def test_summary_as_latex_and_as_the_papers_table(run):
    latex = run("summary", "resnet18", "--latex")
    assert "\\toprule" in latex and "11689512 & 1814073344" in latex
    text = run("summary", "resnet18", "--paper")
    assert text.startswith("layer") and "⎣ 3×3, 512 ⎦" in text
    assert "| [3×3, 64; 3×3, 64] × 2 |" in run("summary", "resnet18", "--paper", "--markdown")
    assert "\\right] \\times 2" in run("summary", "resnet18", "--paper", "--latex")
    assert "64×64" in run("summary", "resnet18", "--paper", "--input", "3x128x128")


def test_summary_of_another_input(run):
    large = json.loads(run("summary", "resnet18", "--input", "3x448x448", "--json"))
    assert large["input"] == [3, 448, 448] and large["params"] == 11_689_512
    assert large["macs"] == (1_814_073_344 - 512_000) * 4 + 512_000  # all but the classifier see four times as much


# graph


@pytest.mark.parametrize("level", ["stage", "block", "op"])
@pytest.mark.parametrize("suffix", ["svg", "png", "pdf", "dot", "SVG"])
def test_graphs_are_written(run, tmp_path, level, suffix):
    path = tmp_path / f"graph.{suffix}"
    assert run("graph", "resnet20", "--level", level, "-o", path) == f"{path}\n"
    content = path.read_bytes()
    assert content.startswith({"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF", "dot": b"digraph"}[suffix.lower()])
    if suffix == "svg":
        names = {group.get("data-name") for group in ElementTree.fromstring(content).iter()}
        assert {"stage": "layer2", "block": "layer2.0", "op": "layer2.0.branch.conv2"}[level] in names
    assert list(tmp_path.iterdir()) == [path]


def test_a_graph_that_can_not_be_written_leaves_what_was_there(refuse, tmp_path, monkeypatch):
    (tmp_path / "old.svg").write_text("old")
    (tmp_path / "folder.svg").mkdir()
    assert "gif" in refuse("graph", "resnet18", "-o", tmp_path / "old.gif")
    assert "svg, png, pdf, dot" in refuse("graph", "resnet18", "-o", tmp_path / "old")
    assert "No such file" in refuse("graph", "resnet18", "-o", tmp_path / "nowhere" / "a.svg")
    assert "Not a directory" in refuse("graph", "resnet18", "-o", tmp_path / "old.svg" / "a.svg")
    assert "folder.svg" in refuse("graph", "resnet18", "-o", tmp_path / "folder.svg")
    assert "level=layer" in refuse("graph", "resnet18", "--level", "layer", "-o", tmp_path / "old.svg")

    def fail(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    assert "No space left" in refuse("graph", "resnet18", "-o", tmp_path / "old.svg")
    assert (tmp_path / "old.svg").read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.svg", "old.svg"]


# evaluate and predict


def test_evaluate_says_what_it_counted(run, weights, data):
    content = json.loads(run("evaluate", "--weights", weights, "--data", f"folder:{data}", "--json"))
    assert content["total"] == 20 and content["accuracy"] == content["correct"] / 20
    assert content["weights"] == "tiny.safetensors" and content["split"] == "all" and content["loss"] > 0
    text = run("evaluate", "--weights", weights, "--data", f"folder:{data}")
    assert text.startswith(f"{content['correct']} of 20 correct ({content['accuracy']:.2%})")
    tenth = run("evaluate", "--weights", weights, "--data", f"folder:{data}", "--every", 10, "--json")
    assert json.loads(tenth)["total"] == 2


def test_evaluate_takes_mean_and_std(run, weights, data):
    base = ["evaluate", "--weights", weights, "--data", f"folder:{data}", "--json"]
    own, same, other = (
        json.loads(run(*base, *more))["loss"]
        for more in ([], ["--mean", "0.5,0.5,0.5", "--std", "0.25 0.25 0.25"], ["--mean=-1,-1,-1"])
    )
    assert own == same != other


def test_evaluate_refuses_in_one_sentence(refuse, weights, data, tmp_path, monkeypatch):
    base = ["evaluate", "--weights", weights, "--data", f"folder:{data}"]
    assert "mean=a,b,c" in refuse(*base, "--mean", "a,b,c")
    assert "mean=" in refuse(*base, "--mean", "")
    assert "2 numbers" in refuse(*base, "--std", "1,2")
    assert "not finite" in refuse(*base, "--mean", "nan,0,0")
    assert "every=0" in refuse(*base, "--every", "0")
    assert "--every" in refuse(*base, "--every", "ten")
    assert "split=half" in refuse(*base, "--split", "half")
    assert "use --split all" in refuse(*base, "--split", "held-out")
    assert "is no device" in refuse(*base, "--device", "gpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "device=cuda is not on this machine" in refuse(*base, "--device", "cuda")
    (tmp_path / "empty").mkdir()
    for spec in ("mnist", "folder:", f"folder:{tmp_path / 'nowhere'}", f"folder:{tmp_path / 'empty'}"):
        refuse("evaluate", "--weights", weights, "--data", spec)
    (tmp_path / "empty" / "class").mkdir()
    assert "no images" in refuse("evaluate", "--weights", weights, "--data", f"folder:{tmp_path / 'empty'}")
    for wrong in ("resnet19", "", tmp_path, tmp_path / "none.pth", data / "dark" / "0.png", "a\nb", "~nobody-here/a"):
        refuse("evaluate", "--weights", wrong, "--data", f"folder:{data}")
    assert "do not fit" in refuse(*base, "--variant", "resnet18")
    assert "weights" in refuse("evaluate", "--data", "digits")


def test_predict_names_classes_with_their_probabilities(run, capsys, weights, data):
    picture = data / "light" / "0.png"
    content = json.loads(run("predict", picture, "--weights", weights, "--json"))
    loaded = load_pretrained(str(weights))
    pixels = torch.from_numpy(numpy.array(Image.open(picture))).permute(2, 0, 1).float() / 255
    with torch.no_grad():
        logits = loaded.network(((pixels - 0.5) / 0.25).unsqueeze(0))[0].double().numpy()
    shares = numpy.exp(logits) / numpy.exp(logits).sum()
    order = numpy.argsort(-shares)
    assert [row["label"] for row in content["top"]] == [LABELS[index] for index in order]
    assert [row["probability"] for row in content["top"]] == pytest.approx(shares[order].tolist(), rel=1e-4)
    first = run("predict", picture, "--weights", weights).splitlines()[0]
    assert first.split() == [f"{shares.max():.2%}", LABELS[order[0]]]


def test_predict_notes_what_was_done_to_the_picture(capsys, weights, tmp_path):
    Image.new("L", (20, 20), 99).save(tmp_path / "grey.png")
    assert main(["predict", str(tmp_path / "grey.png"), "--weights", str(weights)]) == 0
    out, err = capsys.readouterr()
    assert len(out.splitlines()) == 2 and err.startswith("Greyscale")
    assert main(["predict", str(tmp_path / "grey.png"), "--weights", str(weights), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["notes"] and err == ""


def write_bomb(path):
    """The header of an RGB PNG of 13,000 x 13,000, and a few of its rows."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", 13_000, 13_000, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(39_001) * 20)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def test_predict_refuses_what_is_no_picture(refuse, weights, data, tmp_path):
    def refused(name):
        message = refuse("predict", tmp_path / name, "--weights", weights)
        assert name in message
        return message

    assert "does not exist" in refused("none.jpg")
    (tmp_path / "text.jpg").write_text("no picture")
    assert "not an image" in refused("text.jpg")
    (tmp_path / "cut.png").write_bytes((data / "dark" / "0.png").read_bytes()[:300])
    assert "cut off" in refused("cut.png")
    write_bomb(tmp_path / "bomb.png")
    assert "13,000 × 13,000" in refused("bomb.png")
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    assert "1 × 1" in refused("dot.png")
    (tmp_path / "folder").mkdir()
    assert "is a folder" in refused("folder")
    refuse("predict", data / "dark" / "0.png", "--weights", "nothing")


# what is wrong before a command begins


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dance"], "dance"),
        (["summary"], "variant"),
        (["summary", "resnet18", "resnet34"], "resnet34"),
        (["summary", "resnet18", "--bogus"], "--bogus"),
        (["summary", "resnet18", "--json", "--csv"], "choose one"),
        (["summary", "resnet18", "--latex", "--memory"], "choose one"),
        (["summary", "resnet18", "--paper", "--csv"], "--paper is no table for --csv"),
        (["summary", "resnet18", "--input"], "--input"),
        (["summary", "resnet18", "--input", ""], "channels x height x width"),
        (["summary", "resnet18", "--input", "224"], "input=224"),
        (["summary", "resnet18", "--input", "3x0x224"], "out of range"),
        (["summary", "resnet19"], "No ResNet has depth 19"),
        (["summary", "vgg16"], "vgg16"),
        (["summary", ""], "empty"),
        (["summary", "resnet18\nresnet34"], "no known network"),
        (["summary", "resnet18,width=wide"], "width=wide"),
        (["summary", "resnet18,stride_on=1x1"], "block=bottleneck"),
        (["summary", "resnet18," * 100], "characters"),
        (["graph", "resnet18"], "output"),
        (["train"], "nothing to train"),
        (["train", "resnet8", "--epochs", "many"], "--epochs"),
        (["train", "resnet8", "--epochs", "0"], "epochs=0"),
        (["train", "resnet8", "--lr", "nan"], "lr=nan"),
        (["train", "resnet8", "--data", "cats"], "data=cats"),
        (["train", "resnet8", "--device", "tpu"], "tpu"),
        (["train", "--run", "nowhere-at-all"], "no run nowhere-at-all"),
        (["predict"], "image"),
        (["--port", "http"], "--port"),
    ],
)
def test_a_wrong_command_is_refused_in_one_sentence(refuse, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert words in refuse(*arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_can_not_be_written_is_refused(refuse, tmp_path):
    (tmp_path / "file").write_text("old")
    assert "can't be written" in refuse("train", TINY, "--run", tmp_path / "file" / "run")
    assert (tmp_path / "file").read_text() == "old" and [path.name for path in tmp_path.iterdir()] == ["file"]


# in a process of its own


def start(*arguments, **options):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, **options)


def test_a_walk_from_training_to_a_prediction_imports_no_page(weights, data, tmp_path):
    """In a fresh interpreter, one verb after the other: neither gradio nor plotly is loaded by any."""
    state = export_state(load_pretrained(str(weights)).network)
    torch.save({"state_dict": state}, tmp_path / "wild.th")
    picture = data / "dark" / "3.png"
    walk = [
        ["summary", "resnet18", "--csv"],
        ["train", "resnet8,width=4", "--data", f"folder:{data}", "--epochs", "1", "--batch-size", "6", "--device",
         "cpu", "--run", tmp_path / "run"],
        ["evaluate", "--weights", tmp_path / "run", "--data", f"folder:{data}", "--split", "held-out", "--json"],
        ["predict", picture, "--weights", tmp_path / "run", "--json"],
        ["predict", picture, "--weights", tmp_path / "wild.th", "--variant", TINY, "--json"],
    ]  # fmt: skip
    code = (
        "import json, sys; from explorer.cli import main\n"
        "for arguments in json.loads(sys.argv[1]):\n"
        "    print(arguments[0], main(arguments), sorted({'gradio', 'plotly'} & set(sys.modules)), file=sys.stderr)\n"
        "    if arguments[0] == 'summary': assert 'torch' not in sys.modules\n"
    )
    ended = start("-c", code, json.dumps([[*map(str, arguments)] for arguments in walk]))
    assert ended.stderr.splitlines() == [f"{arguments[0]} 0 []" for arguments in walk], ended.stderr
    found = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith("{")]
    assert found[0]["total"] == 2  # a tenth of both classes
    assert {row["label"] for row in found[1]["top"]} == set(LABELS)
    assert (tmp_path / "run" / "model.safetensors").is_file()


def test_the_commands_exit_code_reaches_the_shell():
    good, bad = start("-m", "explorer", "summary", "resnet18"), start("-m", "explorer", "summary", "resnet19")
    assert good.returncode == 0 and "11,689,512" in good.stdout and good.stderr == ""
    assert bad.returncode == 2 and bad.stdout == "" and bad.stderr.count("\n") == 1


def test_a_taken_port_is_one_line():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = start("-m", "explorer", "--port", port, "--no-browser")
    assert ended.returncode == 2
    assert ended.stderr == f"On 127.0.0.1 port {port} is taken: choose another with --port.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_is_full_is_one_line():
    with open("/dev/full", "w") as full:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "explorer", "summary", "resnet152"]
        ended = subprocess.run(command, env=environment, stdout=full, stderr=subprocess.PIPE, text=True, timeout=100)
    assert ended.returncode == 2 and ended.stderr == "No space left on device: the output.\n"


def test_a_reader_that_leaves_early_is_no_error():
    command = [sys.executable, "-m", "explorer", "summary", "resnet200"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait(100) == 0
    process.stderr.close()
