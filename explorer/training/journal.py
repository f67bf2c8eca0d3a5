"""Files of records: lines of JSON that a worker appends and readers follow. A crash tears the last one at most."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from explorer.records import Record, write_record

PORTION = 1 << 20  # bytes that are read at once
_RANKS = {"units": 0, "watch": 1, "step": 2, "alarm": 3, "film": 4, "epoch": 5}  # the order within a step


class RecordWriter:
    """Appends records to a file, a line each. Raises `OSError`."""

    def __init__(self, path: Path) -> None:
        self.file = open(path, "ab")  # noqa: SIM115  (closed by `close`)
        if self.file.tell() and not _ends_with_newline(path):
            self.file.write(b"\n")

    def write(self, record: Record) -> None:
        """Append one record and hand it to the system. Raises `OSError`."""
        self.file.write(write_record(record).encode() + b"\n")
        self.file.flush()

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _ends_with_newline(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def read_records(path: Path, offset: int = 0, most: int = PORTION) -> tuple[list[dict[str, Any]], int]:
    """Return whole records behind `offset` bytes (about `most` bytes of them), and the offset to ask for next."""
    try:
        with open(path, "rb") as file:
            end = file.seek(0, os.SEEK_END)
            offset = file.seek(min(max(0, offset), end))  # a browser may send any
            chunk = file.read(min(most, end - offset))  # Python makes room for all it is asked for
            if b"\n" not in chunk:  # a line longer than a portion: readers would wait for ever
                chunk += file.readline()
    except FileNotFoundError:
        return [], 0
    whole = chunk.rfind(b"\n") + 1
    return list(parse_lines(chunk[:whole].split(b"\n"))), offset + whole


def read_last(path: Path) -> dict[str, Any] | None:
    """The last record that has a step, read from the file's end; None without one. Raises `OSError`."""
    with open(path, "rb") as file:
        records = parse_lines(_read_backwards(file))
        return next((record for record in records if record.get("kind") != "units"), None)


def read_last_accuracy(path: Path) -> float | None:
    """Held-out accuracy (0 to 1) of the last epoch record; None without one. Raises `OSError`."""
    with open(path, "rb") as file:
        epochs = (line for line in _read_backwards(file) if b'"epoch"' in line[:20])  # to parse all is slow
        accuracies = (record.get("accuracy") for record in parse_lines(epochs))
        return next((float(each) for each in accuracies if isinstance(each, int | float)), None)


def _read_backwards(file: BinaryIO, size: int = 1 << 14) -> Iterator[bytes]:
    """Lines from the last to the first, by growing pieces: lists of runs ask many files."""
    position, rest = file.seek(0, os.SEEK_END), b""
    while position:
        start = max(0, position - size)
        file.seek(start)
        rest, *lines = (file.read(position - start) + rest).split(b"\n")
        yield from reversed(lines)
        position, size = start, min(2 * size, PORTION)
    yield rest


def parse_lines(lines: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """Records of whole lines; a line torn by a crash is passed over."""
    for line in lines:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(record, dict):
            yield record


def merge_records(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the last record of every kind and step, in the order of training, the units before all.

    A resumed run repeats the steps after its checkpoint; a last word that was followed by more was not the last.
    Alarms of one step differ by their name and place.
    """
    latest: dict[tuple[Any, ...], dict[str, Any]] = {}
    final: list[dict[str, Any]] = []
    for record in records:
        kind, step = record.get("kind"), record.get("step", -1 if record.get("kind") == "units" else None)
        final = [record] if kind == "final" else []
        if kind in _RANKS and isinstance(step, int):
            latest[step, _RANKS[kind], str(record.get("name", "")), str(record.get("where", ""))] = record
    return [latest[key] for key in sorted(latest)] + final
