"""The Web API's door: who calls, how often, with what; then one method, or the fault a test asked for."""

import asyncio
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bot.emulator.arguments import Arguments
from bot.emulator.bodies import json_object
from bot.emulator.box import Box
from bot.emulator.errors import SlackError
from bot.emulator.exchanges import Exchange
from bot.emulator.faults import Fault
from bot.emulator.grants import basic_client
from bot.emulator.methods import Method
from bot.emulator.methods.registry import METHODS
from bot.emulator.scopes import missing
from bot.emulator.town import Town


class WebApi:
    """Answers /api/METHOD."""

    def __init__(self, town: Town) -> None:
        self._town = town

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer one call and keep it for the transcript."""
        name = request.match_info["method"]
        with self._town.common.exchanges.note("from_app", "api", name, {}) as exchange:
            exchange.outcome = "under way"
            headers: dict[str, str] = {}
            try:
                call = await read_call(request, name)
                exchange.body = {key: value for key, value in call.args.values.items() if key != "client_secret"}
                response = await self._answer(request, call, exchange, headers)
            except SlackError as error:
                exchange.outcome, exchange.answer = error.error, error.body()
                response = web.json_response(exchange.answer)
            response.headers.update(headers)
            return response

    async def _answer(
        self, request: web.Request, call: "Call", exchange: Exchange, headers: dict[str, str]
    ) -> web.StreamResponse:
        fault = self._town.common.faults.take(call.name)
        if fault is not None:
            await asyncio.sleep(fault.delay_ms / 1000)
            if fault.mode not in ("after", "delay"):
                exchange.outcome = fault.mode
                return await _faulty(request, fault)
        method = METHODS.get(call.name)
        if method is None:
            raise SlackError("unknown_method", req_method=call.name)
        box = self._box(method, call, exchange, headers)
        wait_s = box.limits.retry_after(call.name, call.args.text("channel"))
        if wait_s:
            exchange.outcome = "ratelimited"
            return _rate_limited(wait_s)
        exchange.answer = {"ok": True, **method.act(box, call.args)}
        exchange.outcome = "ok"
        if fault is not None and fault.mode == "after":
            exchange.outcome = "ok, answer lost"
            return _drop(request)
        return web.json_response(exchange.answer)

    def _box(self, method: Method, call: "Call", exchange: Exchange, headers: dict[str, str]) -> Box:
        """Find whose call this is; refuse who may not make it."""
        if method.token == "none":  # noqa: S105 - a kind of token
            return self._town.first
        grant = self._town.common.grants.holder(call.args.token)
        box = self._town.box(grant.team)
        exchange.team = box.settings.team_id
        if grant.kind != method.token:
            raise SlackError("not_allowed_token_type")
        headers["x-oauth-scopes"] = ",".join(sorted(grant.scopes))
        headers["x-accepted-oauth-scopes"] = ",".join(method.needs.accepted)
        if needed := missing(method.needs.groups(box, call.args), grant.scopes):
            words = ",".join(needed).replace("|", ",")
            raise SlackError("missing_scope", needed=words, provided=headers["x-oauth-scopes"])
        return box


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came in."""

    name: str
    args: Arguments


async def read_call(request: web.Request, name: str) -> Call:
    """Read the query and the form, or the JSON body where the method takes one; a token is never taken from a URL."""
    values: dict[str, Any] = dict(request.query)
    values.pop("token", None)
    in_form = ""
    if request.content_type == "application/json":
        method = METHODS.get(name)
        # What a method does not read is not there for it.
        values |= await json_object(request) if method is None or method.takes_json else {}
        values.pop("token", None)
    elif request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        values |= {key: value for key, value in (await request.post()).items() if isinstance(value, str)}
        in_form = str(values.pop("token", ""))
    authorization = request.headers.get("Authorization", "")
    scheme, _, credential = authorization.partition(" ")
    if scheme == "Basic":
        values["client_id"], values["client_secret"] = basic_client(authorization)
    token = credential if scheme == "Bearer" and credential else in_form
    return Call(name, Arguments(values, token))


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
