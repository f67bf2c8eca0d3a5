"""Servers to measure: ours, and a Gradio app with next to nothing in it, both as processes of their own."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

HOST = "127.0.0.1"
PATIENCE = 120  # seconds

# launched as explorer.ui.app launches; one event that answers with one word, which is Gradio's own cost
EMPTY_APP = """
import os, sys
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_ANALYTICS_CACHE_FREQUENCY", "1000000")
import gradio as gr

with gr.Blocks(analytics_enabled=False) as page:
    choice = gr.Radio(["one", "two"], value="one", label="Choice")
    answer = gr.HTML("one", elem_id="answer")
    choice.input(lambda word: word, choice, answer, queue=False, show_progress="hidden", trigger_mode="always_last")
page.queue(api_open=False, max_size=64, default_concurrency_limit=4)
page.launch(
    server_name=sys.argv[1], server_port=int(sys.argv[2]), inbrowser=False, prevent_thread_lock=True, quiet=True,
    pwa=True, run_history=False, enable_monitoring=False, ssr_mode=False, state_session_capacity=200, footer_links=[],
)
page.block_thread()
"""


def our_command(port: int) -> list[str]:
    """Start the explorer."""
    return [sys.executable, "-m", "explorer", "--no-browser", "--host", HOST, "--port", str(port)]


def empty_command(port: int) -> list[str]:
    """Start the empty app."""
    return [sys.executable, "-c", EMPTY_APP, HOST, str(port)]


def find_port() -> int:
    """Find a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(command: Sequence[str], port: int) -> Iterator[float]:
    """Run a server, and yield the seconds from its process's start to the first page. It is ended afterwards."""
    # bytecode is kept, as it is on a user's second start, even where the shell says otherwise
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - started > PATIENCE:
                raise SystemExit(f"No page came from: {' '.join(command[:4])} ...")
            time.sleep(0.005)
        yield time.perf_counter() - started
    finally:
        process.kill()
        process.wait()


def _answers(port: int) -> bool:
    """Whether GET / comes back whole with status 200."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        response.read()
        return response.status == 200
    except OSError:
        return False
    finally:
        connection.close()
