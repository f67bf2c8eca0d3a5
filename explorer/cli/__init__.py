"""The command line: one command a verb, each a thin call. Errors are one line on stderr and exit code 2.

Neither `train`, `summary`, `evaluate` nor `predict` imports gradio or plotly, and torch only where it computes.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import Any

import typer

from explorer.cli import look, runs, study, take, train, work
from explorer.cli.words import app
from explorer.errors import ExplorerError

__all__ = ["app", "look", "main", "runs", "study", "take", "train", "work"]
UsageError: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")  # Typer carries its own


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns its exit code: 0, or 2 after one line on stderr."""
    try:
        app(arguments, standalone_mode=False)
        sys.stdout.flush()
        return 0
    except ExplorerError as error:
        _complain(str(error))
    except UsageError as error:
        _complain(f"{error.format_message().rstrip('.')}. See explorer --help.")
    except typer.Exit as error:
        return int(error.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        print("Interrupted.", file=sys.stderr)
    except SystemExit as ended:  # Typer's own answer to EPIPE, also without its standalone mode
        return 0 if ended.code == 1 else 2
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of our output, `head` say, has gone
            _drop_output()
            return 0
        if error.filename is None:  # the output itself can't be written, on a full disk say
            _drop_output()
        _complain(f"{error.strerror or error}: {error.filename or 'the output'}.")
    return 2


def _complain(message: str) -> None:
    """One printable line, whatever a name from outside brought with it."""
    print("".join(c if c.isprintable() else "�" for c in " ".join(message.split())), file=sys.stderr)


def _drop_output() -> None:
    """Let what is still buffered go nowhere, or Python would complain about it at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
