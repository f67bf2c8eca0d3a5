"""What people say about a run: a note and tags, beside what its worker wrote."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from explorer.errors import RunError
from explorer.files import write_atomically

LONGEST_NOTE = 2000  # characters
MOST_TAGS = 12
LONGEST_TAG = 30


@dataclass(frozen=True, slots=True)
class Notes:
    """A note of at most 2,000 characters, and up to 12 tags of letters, digits, -, _ and space, 30 characters each.

    Raises `RunError` for others. A tag counts once; the space around notes and tags is dropped.
    """

    note: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.note, str) or not all(isinstance(tag, str) for tag in self.tags):
            raise RunError("A note and its tags must be text.")
        note = self.note.strip()
        tags = tuple(dict.fromkeys(" ".join(tag.split()) for tag in self.tags))
        _check(note, tags)
        object.__setattr__(self, "note", note)
        object.__setattr__(self, "tags", tags)


def _check(note: str, tags: tuple[str, ...]) -> None:
    if len(note) > LONGEST_NOTE:
        raise RunError(f"The note has {len(note):,} characters: {LONGEST_NOTE:,} are allowed.")
    if any("\ud800" <= character <= "\udfff" for character in note):
        raise RunError("The note holds half a character, which no file can keep: type it again.")
    if len(tags) > MOST_TAGS:
        raise RunError(f"There are {len(tags)} tags: {MOST_TAGS} are allowed.")
    for tag in tags:
        if not re.fullmatch(rf"[\w\- ]{{1,{LONGEST_TAG}}}", tag):
            shown = "".join(c if c.isprintable() else "�" for c in tag[:40])
            raise RunError(f"“{shown}” is no tag: use 1 to {LONGEST_TAG} letters, digits, -, _ and spaces.")


def read_notes(folder: Path) -> Notes:
    """The notes of the run in `folder`; empty ones where there are none, or what is there can't be read."""
    try:
        content: Any = json.loads((folder / "notes.json").read_text(encoding="utf-8"))
        return Notes(content.get("note", ""), tuple(content.get("tags", ())))
    except (OSError, ValueError, TypeError, AttributeError, RunError):
        return Notes()


def write_notes(folder: Path, notes: Notes) -> None:
    """Replace the notes of the run in `folder`, whole or not at all. Raises `RunError`."""
    try:
        write_atomically(folder / "notes.json", (json.dumps(asdict(notes), indent=1) + "\n").encode())
    except OSError as error:
        raise RunError(f"The notes of {folder.name} can't be written: {error.strerror or error}.") from None
