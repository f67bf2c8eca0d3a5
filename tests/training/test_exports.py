import json
import re

import pytest

from explorer.architecture.variant import parse_variant
from explorer.errors import RunError
from explorer.exports import FORMATS, export_run
from explorer.records import EpochRecord, FinalRecord, StepRecord
from explorer.training.config import TrainConfig
from explorer.training.notes import Notes, write_notes
from explorer.training.runs import RecordWriter, Run, create_run
from explorer.training.settings import SETTINGS
from explorer.training.summary import list_changes, list_settings, summarise_run
from witness import is_one_clear_sentence


def make_run(variant="resnet8,width=4", **settings) -> Run:
    config = TrainConfig(**settings)
    run = create_run(parse_variant(variant), "digits", (1, 32, 32), 10, config, recipe="quick,seed=3")
    (run.folder / "starting").unlink()
    writer = RecordWriter(run)
    for record in (
        StepRecord(1, 0.1, 2.0, 0.5, 0.1, 9.0),
        StepRecord(2, 0.2, 1.0, 0.5, 0.1, 9.0),
        EpochRecord(2, 1, 0.5, 0.75),
    ):
        writer.write(record)
    writer.write(StepRecord(1, 0.1, 3.0, 0.5, 0.1, 9.0))  # a resumed worker repeats it
    writer.write(FinalRecord(2, "finished", "Finished <at> last.", 0.7))
    writer.close()
    return run


def test_a_run_in_plain_values():
    run = make_run(seed=3)
    write_notes(run.folder, Notes("why", ("a", "b")))
    found = summarise_run(run)
    assert found.items() >= {
        "state": "finished", "step": 2, "accuracy": 0.75, "test_accuracy": 0.7, "message": "Finished <at> last.",
        "note": "why", "tags": ["a", "b"],
    }.items()  # fmt: skip
    assert found["settings"]["seed"] == 3 and found["recipe"] == "quick,seed=3" and found["position"] is None
    assert json.loads(json.dumps(found)) == found


def test_settings_stand_in_order_and_say_what_is_usual():
    rows = list_settings(TrainConfig(seed=3, lr=0.2, compile=True))
    changed = {label: (value, usual) for _, label, value, usual in rows if usual}
    assert changed == {"Seed": ("3", "0"), "Learning rate": ("0.2", "auto"), "torch.compile": ("yes", "no")}
    assert rows[0][:3] == ("Budget", "Epochs", "10") and len(rows) == len(SETTINGS)


def test_what_runs_do_not_have_in_common():
    runs = [make_run(), make_run(seed=1), make_run("resnet14,width=4", lr=0.2)]
    assert list_changes(runs) == [
        ("variant", ["resnet8,width=4", "resnet8,width=4", "resnet14,width=4"]),
        ("lr", ["auto", "auto", "0.2"]),
        ("seed", ["0", "1", "0"]),
    ]
    assert list_changes(runs[:1]) == list_changes([runs[0], runs[0]]) == []


@pytest.mark.parametrize("format", sorted(set(FORMATS) - {"tensorboard"}))
def test_every_format_has_a_name_and_whole_content(format):
    run = make_run(seed=3)
    name, content = export_run(run, format)
    assert re.fullmatch(r"resnet8_[0-9a-f]{16}(\.watch)?\.(csv|json|html)", name) and content.decode().endswith("\n")
    if format == "csv":
        assert [line.split(b",")[:3] for line in content.splitlines()[1:]] == [
            [b"1", b"0.1", b"3.0"],
            [b"2", b"0.2", b"1.0"],
        ]
    if format == "json":
        assert [record["kind"] for record in json.loads(content)["records"]] == ["step", "step", "epoch", "final"]


def test_another_format_is_refused_in_a_sentence():
    with pytest.raises(RunError, match="format=xlsx is no format for a run") as caught:
        export_run(make_run(), "xlsx")
    assert is_one_clear_sentence(str(caught.value))


def test_the_page_is_escaped_whole_and_asks_nobody(tmp_path):
    run = make_run(seed=3)
    write_notes(run.folder, Notes("<script>alert(1)</script>", ("a",)))
    text = export_run(run, "html")[1].decode()
    outside = text[: text.index("<script>")] + text[text.index('<script type="application/json"') :]
    assert "alert(1)" in outside and "<script>alert" not in outside and "Finished &lt;at&gt; last." in outside
    assert not re.findall(r"(?:src|href)=|@import|url\(", outside) and "plotly.js v" in text
