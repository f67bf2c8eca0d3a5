"""What ended a run, in a sentence: what happened and what to try. It needs no torch, and knows its errors by words."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from explorer.errors import ExplorerError
from explorer.training.runs import Run

_KEPT = " The last checkpoint is kept: resume goes on from there."
_MEMORY = re.compile(
    r"out of memory|n't allocate|unable to allocate|cannot allocate|not enough mem|enough memory|bad_alloc"
    r"|CUBLAS_STATUS_ALLOC_FAILED|can't start new thread",
    re.IGNORECASE,
)
_GPU_MEMORY = re.compile(r"(CUDA|HIP|MPS)\b.*out of memory|CUBLAS_STATUS_ALLOC_FAILED", re.IGNORECASE | re.DOTALL)
_LESS = "with accumulate=2, checkpointing=yes, a smaller batch_size or a smaller network"
_OTHERS: tuple[tuple[str, str], ...] = (  # words of an error, and what they mean; the first that is found counts
    (
        r"shared memory|\(shm\)|bus error",
        "The memory that processes share (/dev/shm) is full: use fewer workers, or workers=0.",
    ),
    (
        r"DataLoader worker .*(killed|exited|crash)",
        "A process that reads images was killed, mostly for lack of memory: resume it with fewer workers or workers=0.",
    ),
    (
        r"no space left on device",
        "The disk is full: free some space, then resume.",
    ),
    (
        r"\bnan\b|not finite|non-?finite",
        "A number in the network is no longer finite: try a third of the learning rate, or clip=1.",
    ),
    (
        r"NCCL|gloo|TCPStore|connection (closed|reset) by peer",
        "Another process of this run ended, or can't be reached: look at what it said, then start all of them again.",
    ),
    (
        r"CUDA error|device-side assert|cuDNN error|CUDNN_STATUS",
        "The GPU stopped with an error: resume once; if it happens again, try device=cpu or precision=float32.",
    ),
)
_FILES: dict[int, str] = {
    errno.ENOSPC: "The disk is full: free some space, then resume.",
    errno.EDQUOT: "Your quota on this disk is used up: free some space, then resume.",
    errno.EROFS: "The disk can only be read: make it writable again, then resume.",
    errno.EFBIG: "A file became too large for what is allowed here: raise the limit (ulimit -f), then resume.",
    errno.EMFILE: "Too many files are open: use fewer workers, or raise the limit (ulimit -n), then resume.",
    errno.ENFILE: "Too many files are open on this machine: end other programs, then resume.",
}


def describe_failure(error: BaseException, folder: Path | None = None) -> str:
    """One line about what ended a run and what to try; with the run's `folder` also whether a checkpoint is left."""
    if isinstance(error, ExplorerError):
        return _flatten(str(error))
    text = " ".join(f"{type(each).__name__} {each}" for each in _list_causes(error))
    words = _describe_file(error, text, folder) or _describe_memory(error, text) or _describe_other(text)
    words = words or f"The run failed: {_flatten(str(error))[:200] or type(error).__name__}"
    return words + _say_what_is_kept(words, folder)


def _flatten(text: str) -> str:
    return "".join(c if c.isprintable() else "�" for c in " ".join(text.split()))


def _list_causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what led to it: torch tells of a killed worker in the cause."""
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        yield cause
        cause = cause.__cause__ or cause.__context__


def _describe_memory(error: BaseException, text: str) -> str:
    if _GPU_MEMORY.search(text):
        return f"The GPU ran out of memory: resume when others have left it, or start again {_LESS}."
    if isinstance(error, MemoryError) or _MEMORY.search(text):
        return f"The device ran out of memory: resume when more is free, or start again {_LESS}."
    return ""


def _describe_file(error: BaseException, text: str, folder: Path | None) -> str:
    if not isinstance(error, OSError):
        return ""
    number, reason, name = _read_error(error, text)
    if folder is not None and number in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE) and not folder.is_dir():
        return f"The run's directory {_flatten(str(folder))} was moved or deleted: put it back, or start a new run."
    if number in _FILES:
        return _FILES[number]
    if number == errno.ENOMEM or (number is None and not reason):
        return ""
    if number in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE) and name:
        return f"{name} is gone: put it back where it was, then resume."
    if number in (errno.EACCES, errno.EPERM) and name:
        return f"{name} may not be used: allow this user to, then resume."
    return f"A file could not be used: {reason}{f' ({name})' if name else ''}."


def _read_error(error: OSError, text: str) -> tuple[int | None, str, str]:
    """Number, reason and file; one that was raised in another process carries them in its words alone."""
    if error.errno is not None:
        names = [name for name in (error.filename, error.filename2) if name is not None]
        return error.errno, _flatten(error.strerror or str(error)), _flatten(os.fsdecode(names[0])) if names else ""
    found = re.findall(r"\[Errno (\d+)\] ([^:\n]+?)(?:: ['\"]([^'\"\n]*)['\"])?\s*$", text, re.MULTILINE)
    if found:
        number, reason, name = found[-1]
        return int(number), _flatten(reason), _flatten(name)
    return None, _flatten(str(error))[:200], ""


def _describe_other(text: str) -> str:
    return next((words for pattern, words in _OTHERS if re.search(pattern, text, re.IGNORECASE | re.DOTALL)), "")


def _say_what_is_kept(words: str, folder: Path | None) -> str:
    kept = folder is not None and (folder / "checkpoints" / "last.pt").is_file()
    return ("" if words[-1] in ".!?" else ".") + _KEPT if kept else ""


def explain_run(run: Run) -> str:
    """A sentence on why a run is as it is: its last word, or what an interruption means; empty while it works."""
    state = run.state()
    last = run.last_record()
    if state in ("finished", "stopped", "paused", "failed") and last:
        return _flatten(str(last.get("message", "")))
    if state != "interrupted":
        return ""
    resume = "goes on from the last checkpoint" if run.checkpoint_path.exists() else "begins anew"
    if last is None and (said := _read_last_words(run)):
        return f"Its worker could not begin ({said}): mend that, then resume, which {resume}."
    return (
        "Its worker ended without a last word: it was killed, often for lack of memory, or the machine was restarted. "
        f"Resume {resume}."
    )


def _read_last_words(run: Run) -> str:
    """The last line that a worker printed, without its end; empty without one."""
    try:
        with open(run.folder / "worker.log", "rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    said = [_flatten(line) for line in lines if line.strip()]
    return said[-1][:200].rstrip(".") if said else ""
