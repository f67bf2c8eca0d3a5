"""Where files of this program live, and writing them so that nothing is ever half-written."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def home() -> Path:
    """The folder of runs and data: ``$EXPLORER_HOME``, by default ``~/.resnet-explorer``."""
    return Path(os.environ.get("EXPLORER_HOME") or "~/.resnet-explorer").expanduser()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a reader, or a crash at any moment, sees the old content or the new. Raises `OSError`."""
    if not path.name:  # the root, or the empty text, which stands for this folder
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
