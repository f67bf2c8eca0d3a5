"""Torch, loaded when it is first needed."""

from __future__ import annotations

import threading

_LOCK = threading.Lock()


def load_torch() -> None:
    """Import torch and torchvision; call it before anything that imports them in an event.

    One thread at a time: torchvision's own imports are circular, and a second thread that meets a first in them finds
    half a module.
    """
    with _LOCK:
        import torchvision  # noqa: F401
