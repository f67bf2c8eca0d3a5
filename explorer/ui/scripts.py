"""The page's scripts as browsers get them: compressed once, and kept for good, under an address of their own."""

from __future__ import annotations

import gzip
from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from explorer.resources import assets, find_plotly

_MOUNT = "explorer-assets"
_LASTING = "max-age=31536000, immutable"


@cache
def list_scripts() -> dict[str, Path]:
    """Our modules and the installed package's plotly.js, by the end of their address. Raises `OSError`."""
    ours = {f"js/{path.name}": path for path in sorted((assets() / "js").glob("*.js"))}
    return {**ours, "plotly.min.js": find_plotly()}


@cache
def locate_scripts() -> str:
    """The address that scripts lie below; it is another one when any of them is, so that versions never mix."""
    digest = sha256()
    for name, path in list_scripts().items():
        digest.update(name.encode() + path.read_bytes())
    return f"{_MOUNT}/{digest.hexdigest()[:10]}"


@cache
def _compress(path: Path) -> bytes:
    return gzip.compress(path.read_bytes())


def _send(request: Request) -> Response:
    """One script; a page from before the newest version asks for it each time."""
    name, stamp = request.path_params["name"], request.path_params["stamp"]
    path = list_scripts().get(name)
    if path is None:
        return Response("There is no such script.", 404)
    lasting = f"{_MOUNT}/{stamp}" == locate_scripts()
    headers = {"Cache-Control": _LASTING if lasting else "no-cache", "Vary": "Accept-Encoding"}
    packed = "gzip" in request.headers.get("accept-encoding", "")
    if packed:
        headers["Content-Encoding"] = "gzip"
    return Response(_compress(path) if packed else path.read_bytes(), headers=headers, media_type="text/javascript")


def script_routes() -> list[Route]:
    """What the page's server answers with scripts."""
    return [Route(f"/{_MOUNT}/{{stamp}}/{{name:path}}", _send)]
