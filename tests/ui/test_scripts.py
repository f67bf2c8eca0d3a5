"""Scripts as a browser gets them: whole, compressed, kept for good under today's address and under no other."""

import gzip

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from explorer.resources import assets, find_plotly
from explorer.ui.scripts import list_scripts, locate_scripts, script_routes


@pytest.fixture(scope="module")
def client():
    return TestClient(Starlette(routes=script_routes()))


@pytest.mark.parametrize(
    "name", [f"js/{path.name}" for path in sorted((assets() / "js").glob("*.js"))] + ["plotly.min.js"]
)
def test_a_script_arrives_whole_compressed_or_not(client, name):
    content = (find_plotly() if name.startswith("plotly") else assets() / name).read_bytes()
    packed = client.get(f"/{locate_scripts()}/{name}", headers={"Accept-Encoding": "gzip"})
    plain = client.get(f"/{locate_scripts()}/{name}", headers={"Accept-Encoding": "identity"})
    assert packed.content == plain.content == content
    assert packed.headers["content-encoding"] == "gzip" and "content-encoding" not in plain.headers
    assert int(packed.headers["content-length"]) == len(gzip.compress(content))
    assert plain.headers["content-type"].startswith("text/javascript")  # else no browser takes it for a module


def test_only_todays_address_is_kept_for_good(client):
    old, new = (client.get(f"/{place}/js/build.js") for place in ("explorer-assets/0123456789", locate_scripts()))
    assert old.content == new.content
    assert (old.headers["cache-control"], "immutable" in new.headers["cache-control"]) == ("no-cache", True)


@pytest.mark.parametrize(
    "name", ["js/nothing.js", "js", "", "css/page.css", "../pyproject.toml", "js/..%2f..%2fpyproject.toml"]
)
def test_nothing_else_is_served(client, name):
    assert client.get(f"/{locate_scripts()}/{name}").status_code == 404


def test_another_script_is_another_address(monkeypatch, tmp_path):
    changed = tmp_path / "build.js"
    changed.write_text("// another\n")
    before = locate_scripts.__wrapped__()
    listed = {**list_scripts(), "js/build.js": changed}
    monkeypatch.setattr("explorer.ui.scripts.list_scripts", lambda: listed)
    assert locate_scripts.__wrapped__() != before == locate_scripts()
