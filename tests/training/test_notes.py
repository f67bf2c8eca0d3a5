import json

import pytest

from explorer.errors import RunError
from explorer.training.notes import Notes, read_notes, write_notes
from explorer.training.runs import Run
from witness import is_one_clear_sentence


def test_notes_come_back_as_they_were_written(tmp_path):
    for notes in (Notes("a note\nof “two” lines", ("first try", "lr-0_1", "größer")), Notes(), Notes("x" * 2000)):
        write_notes(tmp_path, notes)
        assert read_notes(tmp_path) == notes == Run(tmp_path).notes
    assert [path.name for path in tmp_path.iterdir()] == ["notes.json"]


def test_space_around_is_dropped_and_a_tag_counts_once():
    assert Notes("  a  ", (" b ", "b", "c   d")) == Notes("a", ("b", "c d"))


@pytest.mark.parametrize(
    ("note", "tags"),
    [
        ("x" * 2001, ()),
        ("\ud800", ()),
        (3, ()),
        ("", tuple(map(str, range(13)))),
        ("", ("x" * 31,)),
        ("", ("",)),
        ("", ("  ",)),
        ("", ("a,b",)),
        ("", ("<b>",)),
        ("", ("a\x1b[2J",)),
        ("", (3,)),
    ],
)
def test_others_are_refused_in_a_sentence(note, tags):
    with pytest.raises(RunError) as caught:
        Notes(note, tags)
    assert is_one_clear_sentence(str(caught.value)) and str(caught.value).isprintable()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", '{"note": 3}', '{"tags": 3}', '{"tags": [["a"]]}', '{"tags": ["<"]}']
)
def test_damaged_notes_are_none(tmp_path, content):
    (tmp_path / "notes.json").write_text(content)
    assert read_notes(tmp_path) == Notes() == Run(tmp_path).notes


def test_a_file_that_can_not_be_written_is_said(tmp_path):
    with pytest.raises(RunError, match="can't be written"):
        write_notes(tmp_path / "nothing", Notes("a"))


def test_a_run_sees_new_notes(tmp_path):
    run = Run(tmp_path)
    for number in range(20):
        write_notes(tmp_path, Notes(str(number)))
        assert run.notes.note == str(number)
    assert json.loads((tmp_path / "notes.json").read_text()) == {"note": "19", "tags": []}
