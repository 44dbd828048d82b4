"""The page's own files, sent compressed to who can read that."""

import gzip
from pathlib import Path

from aiohttp import web

PAGE = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}


async def index(request: web.Request) -> web.StreamResponse:
    """Send the page itself."""
    return _sent(request, PAGE / "index.html")


async def asset(request: web.Request) -> web.StreamResponse:
    """Send one of the page's files; only names that are there are found."""
    names = {file.name: file for file in PAGE.iterdir() if file.suffix in _TYPES}
    file = names.get(request.match_info["name"])
    if file is None:
        raise web.HTTPNotFound
    return _sent(request, file)


def _sent(request: web.Request, file: Path) -> web.Response:
    response = web.Response(body=file.read_bytes(), content_type=_TYPES[file.suffix], charset="utf-8")
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.body = gzip.compress(file.read_bytes(), 5)
        response.headers["Content-Encoding"] = "gzip"
    return response
