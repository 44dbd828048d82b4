"""The Web API's door: who calls, how often, with what; then one method, or the fault a test asked for."""

import asyncio
import time
from typing import Any

from aiohttp import web

from bot.emulator.arguments import Arguments
from bot.emulator.bodies import json_object
from bot.emulator.box import Box
from bot.emulator.errors import SlackError
from bot.emulator.faults import Fault
from bot.emulator.messages import Json
from bot.emulator.methods.registry import METHODS

_NO_TOKEN_NEEDED = frozenset({"api.test"})


class WebApi:
    """Answers /api/METHOD."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call and log it."""
        started, name = time.perf_counter(), request.match_info["method"]
        entry: Json = {"method": name, "args": {}, "at": self._box.clock.now(), "outcome": "under way"}
        self._box.calls.append(entry)
        try:
            args = await read_arguments(request)
            token = _token(request, args)
            entry["args"] = args.values
            return await self._answer(request, name, args, token, entry)
        except SlackError as error:
            entry["outcome"] = error.error
            return web.json_response(error.body())
        finally:
            entry["elapsed_ms"] = round((time.perf_counter() - started) * 1000, 3)

    async def _answer(
        self, request: web.Request, name: str, args: Arguments, token: str, entry: Json
    ) -> web.StreamResponse:
        fault = self._box.faults.take(name)
        if fault is not None:
            await asyncio.sleep(fault.delay_ms / 1000)
            if fault.mode not in ("after", "delay"):
                entry["outcome"] = fault.mode
                return await _faulty(request, fault)
        if name not in METHODS:
            raise SlackError("unknown_method", req_method=name)
        self._check_token(name, token)
        wait_s = self._box.limits.retry_after(name, args.text("channel"))
        if wait_s:
            entry["outcome"] = "ratelimited"
            return _rate_limited(wait_s)
        body = {"ok": True, **METHODS[name](self._box, args)}
        entry["outcome"] = "ok"
        if fault is not None and fault.mode == "after":
            entry["outcome"] = "ok, answer lost"
            return _drop(request)
        return web.json_response(body)

    def _check_token(self, name: str, token: str) -> None:
        settings = self._box.settings
        if name in _NO_TOKEN_NEEDED:
            return
        if not token:
            raise SlackError("not_authed")
        if token not in (settings.bot_token, settings.app_token):
            raise SlackError("invalid_auth")
        wanted = settings.app_token if name == "apps.connections.open" else settings.bot_token
        if token != wanted:
            raise SlackError("not_allowed_token_type")


async def read_arguments(request: web.Request) -> Arguments:
    """Read the query, then the form or the JSON body."""
    values: dict[str, Any] = dict(request.query)
    if request.content_type == "application/json":
        values |= await json_object(request)
    elif request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        values |= {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    return Arguments(values)


def _token(request: web.Request, args: Arguments) -> str:
    in_body = str(args.values.pop("token", ""))
    scheme, _, in_header = request.headers.get("Authorization", "").partition(" ")
    return in_header if scheme == "Bearer" and in_header else in_body


async def _faulty(request: web.Request, fault: Fault) -> web.StreamResponse:
    if fault.mode.startswith("error:"):
        raise SlackError(fault.mode.removeprefix("error:"))
    if fault.mode == "http500":
        return web.Response(status=500, text="Internal Server Error")
    if fault.mode == "429":
        return _rate_limited(fault.retry_after_s)
    if fault.mode == "hang":
        while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110 - aiohttp has no event
            await asyncio.sleep(0.02)
    return _drop(request)


def _rate_limited(wait_s: int) -> web.Response:
    body = {"ok": False, "error": "ratelimited"}
    return web.json_response(body, status=429, headers={"Retry-After": str(wait_s)})


def _drop(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
