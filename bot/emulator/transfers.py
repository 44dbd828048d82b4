"""Bytes of files, in and out, and what the app posts to a response url."""

import re

from aiohttp import web

from bot.emulator.bodies import json_object
from bot.emulator.errors import SlackError
from bot.emulator.files import SAFE_IMAGES, StoredFile
from bot.emulator.town import Town

LARGEST_FILE = 64 * 1024 * 1024
_LOGIN = "<!doctype html><title>Sign in</title><p>You need to sign in to see this file.</p>"


class Transfers:
    """Answers /upload, /files, /files-pri and /response."""

    def __init__(self, town: Town) -> None:
        self._town = town

    async def upload(self, request: web.Request) -> web.StreamResponse:
        """Take the bytes of a file: as they are, or as a form's first file."""
        found = self._town.file(request.match_info["file"])
        if found is None:
            raise web.HTTPNotFound
        box, file = found
        content = await _content(request)
        size, team = {"bytes": len(content)}, box.settings.team_id
        with self._town.common.exchanges.note("from_app", "upload", file.name, size, team=team) as exchange:
            if len(content) != file.size:
                exchange.outcome = "wrong length"
                return web.Response(status=400, text=f"The length is {len(content)} and was announced as {file.size}.")
            file.content = content
            exchange.outcome, exchange.answer = "ok", f"OK - {len(content)}"
            return web.Response(text=exchange.answer)

    async def download(self, request: web.Request) -> web.StreamResponse:
        """Hand a file to the page."""
        found = self._town.file(request.match_info["file"])
        if found is None:
            raise web.HTTPNotFound
        return _sent(found[1], download="download" in request.query)

    async def download_private(self, request: web.Request) -> web.StreamResponse:
        """Hand a file to the app; without a token of the file's workspace and its scope, a page that asks to log in."""
        found = self._town.file(request.match_info["file"])
        if found is None:
            raise web.HTTPNotFound
        box, file = found
        team = box.settings.team_id
        with self._town.common.exchanges.note("from_app", "download", file.name, team=team) as exchange:
            exchange.outcome = "ok" if self._may_read(request, team) else "login page"
            if exchange.outcome != "ok":
                return web.Response(text=_LOGIN, content_type="text/html")
            return _sent(file, download=True)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Take an answer at a response url."""
        key = request.match_info["key"]
        box = self._town.answered(key)
        team = box.settings.team_id
        with self._town.common.exchanges.note("from_app", "response_url", "", team=team) as exchange:
            try:
                exchange.body = await json_object(request)
                box.response_urls.use(key, exchange.body)
            except SlackError as error:
                exchange.outcome, exchange.answer = error.error, error.body()
                gone = error.error in ("used_url", "expired_url", "invalid_url")
                return web.json_response(exchange.answer, status=404 if gone else 400)
            exchange.outcome, exchange.answer = "ok", "ok"
            return web.Response(text="ok")

    def _may_read(self, request: web.Request, team: str) -> bool:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        try:
            grant = self._town.common.grants.holder(token if scheme == "Bearer" else "")
        except SlackError:
            return False
        return grant.team == team and "files:read" in grant.scopes


def _sent(file: StoredFile, *, download: bool) -> web.Response:
    # Only images that cannot carry scripts are shown in the browser.
    if file.content is None:
        raise web.HTTPNotFound
    shown = file.mimetype in SAFE_IMAGES and not download
    name = re.sub(r"[^\w. ()+-]", "_", file.name, flags=re.ASCII)
    return web.Response(
        body=file.content,
        content_type=file.mimetype if shown else "application/octet-stream",
        headers={"Content-Disposition": "inline" if shown else f'attachment; filename="{name}"'},
    )


async def _content(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    for field in (await request.post()).values():
        if isinstance(field, web.FileField):
            return field.file.read()
    return b""
