"""Bytes of files, in and out, and what the app posts to a response url."""

import re

from aiohttp import web

from bot.emulator.bodies import json_object
from bot.emulator.box import Box
from bot.emulator.errors import SlackError
from bot.emulator.files import SAFE_IMAGES

LARGEST_FILE = 64 * 1024 * 1024


class Transfers:
    """Answers /upload, /files and /response."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Take the bytes of a file: as they are, or as a form's first file."""
        file = self._box.workspace.files.get(request.match_info["file"])
        if file is None:
            raise web.HTTPNotFound
        content = await _content(request)
        if len(content) != file.size:
            return web.Response(status=400, text=f"The length is {len(content)} and was announced as {file.size}.")
        file.content = content
        return web.Response(text=f"OK - {len(content)}")

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Hand out a file; only images that cannot carry scripts are shown in the browser."""
        file = self._box.workspace.files.get(request.match_info["file"])
        if file is None or file.content is None:
            raise web.HTTPNotFound
        shown = file.mimetype in SAFE_IMAGES and "download" not in request.query
        name = re.sub(r"[^\w. ()+-]", "_", file.name, flags=re.ASCII)
        return web.Response(
            body=file.content,
            content_type=file.mimetype if shown else "application/octet-stream",
            headers={"Content-Disposition": "inline" if shown else f'attachment; filename="{name}"'},
        )

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Take an answer at a response url."""
        try:
            self._box.response_urls.use(request.match_info["key"], await json_object(request))
        except SlackError as error:
            gone = error.error in ("used_url", "expired_url", "invalid_url")
            return web.json_response(error.body(), status=404 if gone else 400)
        return web.Response(text="ok")


async def _content(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for field in (await request.post()).values():
        if isinstance(field, web.FileField):
            return field.file.read()
    return b""
