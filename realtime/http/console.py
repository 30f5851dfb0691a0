"""The dashboard: index.html at /, and the files beside it under /dashboard/.

One of these, words.js, is made of the vocabulary.
"""

import re
from pathlib import Path

import structlog
from aiohttp import web

from realtime.http import words

log = structlog.get_logger()

FOLDER = Path(__file__).resolve().parent.parent / "console"
# Fetched from npm's registry when the package is built, by dev.packing.client.
CLIENT = "socket.io.esm.min.js"
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".map": "application/json",
    ".json": "application/json",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}


async def index(_: web.Request) -> web.StreamResponse:
    """Answer with the page, or with 503 and one that says that its client is missing."""
    if not is_complete():
        text = (FOLDER / "incomplete.html").read_text(encoding="utf-8")
        return web.Response(
            text=text, status=503, content_type="text/html", headers={"Cache-Control": "no-cache"}
        )
    return _serve("index.html")


def is_complete() -> bool:
    return (FOLDER / CLIENT).is_file()


async def warn_if_incomplete(_: web.Application) -> None:
    """Log where the dashboard lacks its client, on start-up."""
    if not is_complete():
        log.warning("dashboard_incomplete", missing=CLIENT)


async def file(request: web.Request) -> web.StreamResponse:
    name = request.match_info["name"]
    return words.answer() if name == words.NAME else _serve(name)


def _serve(name: str) -> web.StreamResponse:
    """Answer with a file of the folder, by its plain name. Raises HTTPNotFound for all else.

    aiohttp adds the ETag and answers 304.
    """
    path = FOLDER / name
    kind = TYPES.get(path.suffix)
    if (
        kind is None
        or not _NAME.fullmatch(name)
        or path.resolve().parent != FOLDER
        or not path.is_file()
    ):
        raise web.HTTPNotFound
    return web.FileResponse(path, headers={"Content-Type": kind, "Cache-Control": "no-cache"})
