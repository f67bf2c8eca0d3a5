"""Serve the page until it is stopped."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time

from explorer.errors import ExplorerError
from explorer.ui.app import create_page, launch
from explorer.ui.heavy import load_torch

FIRST_PORT, PORTS = 7860, 100
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def run_server(host: str, port: int | None, share: bool, browser: bool) -> None:
    """Serve the page on `host`, until Ctrl-C. Raises `ExplorerError` where the port is taken."""
    shared = share or host not in LOOPBACK  # others can come: they see only the runs they started
    if os.environ.get("GRADIO_VIBE_MODE") and shared:
        raise ExplorerError("GRADIO_VIBE_MODE lets visitors run code: unset it before the page is reachable by others.")
    port = _find_port(host, port)
    page = create_page(shared)
    address = launch(page, host, port, share, browser)
    print(f"ResNet Explorer is at {address}  (Ctrl-C stops it; runs go on.)", flush=True)
    threading.Thread(target=_warm_up, daemon=True).start()
    try:
        page.block_thread()
    except (KeyboardInterrupt, OSError):
        page.close(verbose=False)


def _find_port(host: str, port: int | None) -> int:
    """The port asked for, or the first free one; checked before anything slow happens."""
    wanted = [port] if port is not None else list(range(FIRST_PORT, FIRST_PORT + PORTS))
    if port is not None and not 1 <= port <= 65535:
        raise ExplorerError(f"port={port} is out of range: ports go from 1 to 65535.")
    for candidate in wanted:
        try:
            with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, candidate))
                return candidate
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise ExplorerError(f"host={host} can't be listened on ({error.strerror}): try 127.0.0.1.") from None
    taken = f"port {port} is" if port is not None else f"all ports from {FIRST_PORT} to {FIRST_PORT + PORTS - 1} are"
    raise ExplorerError(f"On {host} {taken} taken: choose another with --port.")


def _warm_up() -> None:
    """Import torch once the page is up, so that the first run and the first picture need not wait for it."""
    time.sleep(1.5)
    load_torch()
    import explorer.inspection.feature_maps
    import explorer.network.pretrained
    import explorer.training.worker  # noqa: F401
