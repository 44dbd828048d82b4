"""Deliveries by Socket Mode: the app opens a WebSocket, envelopes go out, acknowledgements come back."""

import asyncio
import itertools
import json
import logging
import uuid

import aiohttp
from aiohttp import web

from bot.emulator.delivery import Answer, Kind, Retry
from bot.emulator.errors import SlackError
from bot.emulator.identifiers import secret
from bot.emulator.messages import Json
from bot.emulator.settings import Settings

MOST_CONNECTIONS = 10
log = logging.getLogger(__name__)


class SocketMode:
    """The app's open connections; each envelope goes to one of them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tickets: set[str] = set()
        self._connections: list[web.WebSocketResponse] = []
        self._turn = itertools.count()
        self._waiting: dict[str, asyncio.Future[Json]] = {}

    @property
    def connections(self) -> int:
        """Return how many connections are open."""
        return len(self._connections)

    def ticket(self) -> str:
        """Give out a WebSocket URL that opens one connection."""
        if len(self._connections) >= MOST_CONNECTIONS:
            raise SlackError("too_many_websockets")
        ticket = secret()
        self._tickets.add(ticket)
        return f"ws://{self._settings.host}:{self._settings.port}/link/?ticket={ticket}&app_id={self._settings.app_id}"

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """Hold one connection of the app until it closes."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._tickets:
            return web.Response(status=401, text="The ticket is unknown or used.")
        self._tickets.discard(ticket)
        socket = web.WebSocketResponse(heartbeat=30)
        await socket.prepare(request)
        self._connections.append(socket)
        try:
            await socket.send_json(self._hello())
            async for frame in socket:
                if frame.type is aiohttp.WSMsgType.TEXT:
                    self._acknowledged(frame.data)
        finally:
            self._connections.remove(socket)
        return socket

    async def deliver(self, kind: Kind, payload: Json, retry: Retry | None = None) -> Answer:
        """Send one envelope and wait for its acknowledgement."""
        envelope_id = str(uuid.uuid4())
        envelope: Json = {"envelope_id": envelope_id, "type": kind, "payload": payload}
        envelope["accepts_response_payload"] = kind != "events_api"
        if kind == "events_api":
            envelope["retry_attempt"] = retry.number if retry else 0
            envelope["retry_reason"] = retry.reason if retry else ""
        if not self._connections:
            return Answer("connection_failed")
        socket = self._connections[next(self._turn) % len(self._connections)]
        acknowledged: asyncio.Future[Json] = asyncio.get_running_loop().create_future()
        self._waiting[envelope_id] = acknowledged
        try:
            async with asyncio.timeout(self._settings.ack_timeout_s):
                await socket.send_json(envelope)
                return Answer(body=await acknowledged)
        except TimeoutError:
            return Answer("http_timeout")
        except (aiohttp.ClientError, OSError) as error:
            log.info("the connection broke: %s", error)
            return Answer("connection_failed")
        finally:
            del self._waiting[envelope_id]

    async def disconnect(self, reason: str = "refresh_requested") -> int:
        """Ask every connection to leave, as Slack does every few hours; return how many were asked."""
        asked = list(self._connections)
        for socket in asked:
            await socket.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "emulator"}})
        return len(asked)

    async def close(self) -> None:
        """Close every connection."""
        for socket in list(self._connections):
            await socket.close(code=aiohttp.WSCloseCode.GOING_AWAY)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._connections),
            "debug_info": {"host": "emulator", "build_number": 1, "approximate_connection_time": 18060},
            "connection_info": {"app_id": self._settings.app_id},
        }

    def _acknowledged(self, text: str) -> None:
        try:
            frame = json.loads(text)
        except ValueError:
            log.warning("the app sent a frame that is not JSON: %.200s", text)
            return
        future = self._waiting.get(str(frame.get("envelope_id", "")))
        if future is not None and not future.done():
            payload = frame.get("payload") or {}
            future.set_result(payload if isinstance(payload, dict) else {"text": str(payload)})
