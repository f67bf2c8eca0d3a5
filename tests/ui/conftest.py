"""A real server and a real browser. A page that complains, or asks another host for anything, fails its test."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlparse

import pytest

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")  # the first starts twice as fast


@dataclass
class Server:
    """The page, served by ``python -m explorer`` from a process of its own; `how` may say another way to start it."""

    home: Path
    port: int
    how: tuple[str, ...] = ("-m", "explorer")
    process: subprocess.Popen | None = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/"

    def start(self):
        command = [sys.executable, *self.how, "--port", str(self.port), "--no-browser"]
        environment = {**os.environ, "EXPLORER_HOME": str(self.home), "TORCH_HOME": str(self.home / "torch")}
        environment |= {"OMP_NUM_THREADS": "1"}  # the other tests need a core too
        with open(self.home / "server.log", "ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=self.home)
        for _ in range(600):
            try:
                with urllib.request.urlopen(self.url, timeout=5):
                    return self
            except OSError:
                assert self.process.poll() is None, (self.home / "server.log").read_text()
                time.sleep(0.1)
        raise TimeoutError("the server did not answer")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_runs(home):
    """Stop what the tests left running, and wait for it."""
    from explorer.training.runs import Run

    runs = [Run(path.parent) for path in (home / "runs").glob("*/run.json")]
    for run in runs:
        run.ask_to_stop()
    deadline = time.time() + 60
    while time.time() < deadline and any(run.state() in ("running", "starting") for run in runs):
        time.sleep(0.3)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("home"), free_port()).start()
    yield server
    end_runs(server.home)
    server.stop()


@pytest.fixture
def own_server(tmp_path):
    server = Server(tmp_path, free_port()).start()
    yield server
    end_runs(tmp_path)
    server.stop()


@pytest.fixture(scope="module")
def serve(tmp_path_factory):
    """Start a server otherwise: `serve("-c", code)`; each has a home of its own."""
    servers = []

    def start(*how):
        servers.append(Server(tmp_path_factory.mktemp("home"), free_port(), how=how))
        return servers[-1].start()

    yield start
    for server in servers:
        end_runs(server.home)
        server.stop()


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "the browser tests need Chromium: install it, or set CHROMIUM to its path"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def contexts(browser):
    """Browser contexts, as many as were ever needed at the same time; each keeps the scripts that it once fetched."""
    opened = []
    yield opened
    for context in opened:
        context.close()


@pytest.fixture
def visit(browser, contexts):
    """Open pages in browser contexts of their own, as different people have; at the end none may have complained."""
    pages, complaints = [], []

    def open_page(url, width=1280, height=900, ready=".rx-build svg", permissions=(), color_scheme=None):
        if len(pages) == len(contexts):
            contexts.append(browser.new_context())
        page = contexts[len(pages)].new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=color_scheme)
        page.set_default_timeout(60_000)
        _forget(page, url)
        page.context.grant_permissions(list(permissions))
        host = urlparse(url).netloc
        page.complaints = complaints
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: _note_foreign(request.url, host, complaints))
        page.goto(url)
        page.locator(ready).first.wait_for(timeout=60_000)
        return page

    yield open_page
    for page in pages:
        page.close()
    assert complaints == []


def _forget(page, url):
    """What an earlier visitor left in the browser is gone, but for files that it fetched."""
    page.context.set_offline(False)
    page.context.clear_permissions()
    page.context.clear_cookies()
    parts = urlparse(url)
    if parts.scheme != "file":
        asked = {"origin": f"{parts.scheme}://{parts.netloc}", "storageTypes": "local_storage,indexeddb"}
        page.context.new_cdp_session(page).send("Storage.clearDataForOrigin", asked)


def _note_foreign(url, host, complaints):
    parts = urlparse(url)
    if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != host:
        complaints.append(f"asked another host: {url}")
