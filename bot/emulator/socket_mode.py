"""Deliveries by Socket Mode: the app opens a WebSocket, envelopes go out, acknowledgements come back."""

import asyncio
import itertools
import json
import logging
import uuid
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

import aiohttp
from aiohttp import web

from bot.emulator.clock import Clock
from bot.emulator.delivery import Answer, Kind, Retry, Spoiled
from bot.emulator.errors import SlackError
from bot.emulator.exchanges import Exchanges
from bot.emulator.identifiers import secret
from bot.emulator.messages import Json
from bot.emulator.settings import Settings

MOST_CONNECTIONS = 10
TICKET_LIFE_S = 30.0
CONNECTION_LIFE_S, DEBUG_LIFE_S = 18_060.0, 360.0
WARNING_S = 10.0
"""How long after `disconnect` the connection is closed."""
GARBAGE = '{"envelope_id": \x00'
REASONS = ("warning", "refresh_requested", "link_disabled")
CUT = "cut"
"""No reason that Slack gives: the connection breaks without a word."""
log = logging.getLogger(__name__)


class SocketMode:
    """The app's open connections; each envelope goes to one of them."""

    def __init__(self, settings: Settings, clock: Clock, exchanges: Exchanges) -> None:
        self._settings = settings
        self._clock = clock
        self._exchanges = exchanges
        self._tickets: dict[str, float] = {}
        self._connections: dict[web.WebSocketResponse, asyncio.Transport | None] = {}
        self._turn = itertools.count()
        self._waiting: dict[str, asyncio.Future[Json]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def connections(self) -> int:
        """Return how many connections are open."""
        return len(self._connections)

    def ticket(self) -> str:
        """Give out a WebSocket URL that opens one connection, soon."""
        if len(self._connections) >= MOST_CONNECTIONS:
            raise SlackError("too_many_websockets")
        ticket = secret()
        self._tickets[ticket] = self._clock.now() + TICKET_LIFE_S
        return f"ws://{self._settings.host}:{self._settings.port}/link/?ticket={ticket}&app_id={self._settings.app_id}"

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """Hold one connection of the app until it closes."""
        if self._tickets.pop(request.query.get("ticket", ""), 0.0) < self._clock.now():
            return web.Response(status=401, text="The ticket is unknown, used or too old.")
        life_s = DEBUG_LIFE_S if request.query.get("debug_reconnects") == "true" else CONNECTION_LIFE_S
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        self._connections[socket] = request.transport
        ends = self._keep(self._end_of_life(socket, life_s))
        try:
            await self._send(socket, "hello", self._hello(life_s))
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._acknowledged(frame.data)
        finally:
            ends.cancel()
            self._connections.pop(socket, None)
        return socket

    async def deliver(self, kind: Kind, payload: Json, retry: Retry | None = None, spoiled: Spoiled = "") -> Answer:
        """Send one envelope and wait for its acknowledgement."""
        envelope_id = str(uuid.uuid4())
        envelope: Json = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            envelope["retry_attempt"] = retry.number if retry else 0
            envelope["retry_reason"] = retry.reason if retry else ""
        if not self._connections:
            return Answer("connection_failed")
        acknowledged: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = acknowledged
        try:
            async with asyncio.timeout(self._settings.ack_timeout_s):
                await self.post(GARBAGE if spoiled == "garbage" else json.dumps(envelope))
                return Answer(body=await acknowledged)
        except TimeoutError:
            return Answer("http_timeout")
        except (aiohttp.ClientError, OSError) as error:
            log.info("the connection broke: %s", error)
            return Answer("connection_failed")
        finally:
            del self._waiting[envelope_id]

    async def post(self, frame: str) -> None:
        """Send a text frame over the next connection, whatever it is.

        :raises ConnectionError: there is no connection, or it broke.
        """
        if not self._connections:
            raise ConnectionError("the app has no connection open")
        await list(self._connections)[next(self._turn) % len(self._connections)].send_str(frame)

    async def disconnect(self, reason: str = "refresh_requested", most: int = MOST_CONNECTIONS) -> int:
        """Ask so many connections to leave, and close them after a while, or cut them; return how many those are."""
        asked = list(self._connections)[:most]
        for socket in asked:
            if reason == CUT:
                self._cut(socket)
            else:
                await self._part(socket, reason)
        return len(asked)

    async def close(self) -> None:
        """Close every connection."""
        for task in list(self._tasks):
            task.cancel()
        for socket in list(self._connections):
            await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)

    def _cut(self, socket: web.WebSocketResponse) -> None:
        transport = self._connections.pop(socket)
        if transport is not None:
            transport.abort()

    async def _part(self, socket: web.WebSocketResponse, reason: str) -> None:
        await self._send(socket, "disconnect", self._farewell(reason))
        self._keep(self._shut(socket, 0 if reason == "link_disabled" else WARNING_S, warned=reason == "warning"))

    async def _end_of_life(self, socket: web.WebSocketResponse, life_s: float) -> None:
        await self._clock.sleep_until(self._clock.now() + life_s - WARNING_S)
        await self._part(socket, "warning")

    async def _shut(self, socket: web.WebSocketResponse, after_s: float, *, warned: bool) -> None:
        await self._clock.sleep_until(self._clock.now() + after_s)
        if warned and not socket.closed:
            await self._send(socket, "disconnect", self._farewell("refresh_requested"))
        await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)

    def _keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _send(self, socket: web.WebSocketResponse, name: str, frame: Json) -> None:
        with self._exchanges.note("to_app", "socket", name, frame), suppress(ConnectionError):
            await socket.send_json(frame)

    def _hello(self, life_s: float) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "debug_info": {"host": "emulator", "build_number": 1, "approximate_connection_time": int(life_s)},
            "connection_info": {"app_id": self._settings.app_id},
        }

    def _farewell(self, reason: str) -> Json:
        return {"type": "disconnect", "reason": reason, "debug_info": {"host": "emulator"}}

    def _acknowledged(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            frame = None
        envelope_id = str(frame.get("envelope_id", "")) if isinstance(frame, dict) else ""
        future = self._waiting.get(envelope_id)
        if future is None or future.done():
            with self._exchanges.note("from_app", "socket", "not an acknowledgement", text):
                log.warning("the app sent a frame that acknowledges nothing: %.200s", text)
            return
        payload = frame.get("payload") or {}
        future.set_result(payload if isinstance(payload, dict) else {"text": str(payload)})
