"""Socket Mode: deliveries over WebSockets that we open: two, so that Slack has always one to hand a command to."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app
from slack_bolt.async_app import AsyncApp
from slack_bolt.error import BoltError
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.config import CONNECTIONS
from bot.adapters.slack.refusal import reason

log = structlog.get_logger()

_CONNECT_S = 20.0
_DEAF_S = 15.0
_OK, _NOT_FOUND = 200, 404
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0
# Whoever is sent away sooner than this comes back after a wait.
_SETTLED_S = 10.0
# Slack closes what it has asked to leave after about ten seconds; it waits three for an acknowledgement.
_LEAVING_S, _DRAIN_S, _CLOSE_S = 30.0, 3.0, 2.0
Acknowledged = Callable[[float], None]
_NO_ENVELOPE = (ValueError, TypeError, AttributeError, LookupError, RecursionError, BoltError)


class SocketLink:
    """Holds two connections, each replaced by itself: a new one is there before the old one ends, where Slack warns.

    A connection over which nothing was heard for `deaf_after_s`, not even the answer to a ping, has ended.
    `acknowledged` is told how many seconds each delivery has waited.
    """

    def __init__(
        self,
        app_token: str,
        web_client: AsyncWebClient,
        deaf_after_s: float = _DEAF_S,
        acknowledged: Acknowledged = lambda _: None,
    ) -> None:
        self._app_token = app_token
        self._web_client = web_client
        self._acknowledged = acknowledged
        # A ping that is not answered in half the time to the next one ends the connection.
        self._ping_s = deaf_after_s / 1.5
        self._opening = asyncio.Lock()
        self._places: list[asyncio.Task[None]] = []
        self._open: dict[asyncio.Task[None], _Connection] = {}

    @property
    def held(self) -> int:
        """Tell over how many connections Slack reaches us, of the two wanted."""
        return min(len(self._open), CONNECTIONS)

    def ailment(self) -> str | None:
        """Say in a line that a connection is away, and what that means; None when both are there."""
        if self.held == CONNECTIONS:
            return None
        meaning = "commands still arrive" if self.held else "no command arrives"
        return f"Socket Mode: {self.held} of {CONNECTIONS} connections; {meaning}"

    async def start(self, app: AsyncApp) -> None:
        """Connect in the background; nothing waits for Slack."""
        self._places = [
            asyncio.create_task(self._hold(app), name=f"slack socket {number}") for number in range(CONNECTIONS)
        ]

    async def stop(self) -> None:
        """Acknowledge what has arrived, then close the connections."""
        for place in self._places:
            place.cancel()
        await asyncio.gather(*self._places, return_exceptions=True)
        reading = list(self._open)
        await asyncio.gather(*(connection.leave() for connection in self._open.values()), *reading)

    async def _hold(self, app: AsyncApp) -> None:
        """Keep one place filled for ever."""
        wait_s = _FIRST_WAIT_S
        while True:
            asked_s, least_s = 0.0, asyncio.get_running_loop().time() + _SETTLED_S
            try:
                connection = await self._connect(app)
                await connection.leaving.wait()
                if asyncio.get_running_loop().time() > least_s:
                    wait_s = _FIRST_WAIT_S
                    continue
            except SlackApiError as error:
                asked_s = _retry_after(error)
                log.warning("socket mode not connected", error=reason(error))
            except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError, ValueError, TypeError) as error:
                log.warning("socket mode not connected", error=str(error) or type(error).__name__)
            await asyncio.sleep(max(wait_s, asked_s))
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def _connect(self, app: AsyncApp) -> "_Connection":
        """Open a connection, one at a time, as Slack counts who asks for them."""
        async with self._opening, asyncio.timeout(_CONNECT_S):
            given = await self._web_client.apps_connections_open(app_token=self._app_token)
            session: Any = self._web_client.session
            limit = aiohttp.ClientWSTimeout(ws_close=_CLOSE_S)
            socket = await session.ws_connect(str(given["url"]), heartbeat=self._ping_s, timeout=limit)
            connection = _Connection(socket, app, self._open.values, self._acknowledged)
            async with AsyncExitStack() as unheard:
                unheard.push_async_callback(socket.close)
                await connection.hear_hello()
                unheard.pop_all()
        reading = asyncio.create_task(connection.read(), name="slack socket")
        self._open[reading] = connection
        reading.add_done_callback(self._open.pop)
        log.info("socket mode connected", connections=len(self._open))
        return connection


class _Connection:
    """One WebSocket. `leaving` is set once another one should take its place: it was asked to leave, or has ended."""

    def __init__(
        self,
        socket: aiohttp.ClientWebSocketResponse,
        app: AsyncApp,
        known: Callable[[], Iterable["_Connection"]],
        acknowledged: Acknowledged,
    ) -> None:
        self._socket = socket
        self._app = app
        self._known = known
        self._acknowledged = acknowledged
        self._answering: set[asyncio.Task[None]] = set()
        self._is_closing = False
        self.leaving = asyncio.Event()

    async def hear_hello(self) -> None:
        """Wait until Slack says that it uses this connection.

        :raises ConnectionError: it says something else.
        """
        hello = await self._socket.receive_json()
        if hello.get("type") != "hello":
            raise ConnectionError(f"Slack says {hello.get('reason') or hello.get('type')!r} instead of hello")

    async def read(self) -> None:
        """Take envelopes in until Slack closes the connection, or has asked to leave and forgets to close it."""
        try:
            async with asyncio.timeout(None) as until:
                async for frame in self._socket:
                    if frame.type is aiohttp.WSMsgType.TEXT and self._take(frame.data):
                        until.reschedule(asyncio.get_running_loop().time() + _LEAVING_S)
        except TimeoutError:
            log.info("socket mode closes a connection that was to leave")
        finally:
            self.leaving.set()
            await self._socket.close()
        log.info("socket mode connection ended", code=self._socket.close_code)

    async def leave(self) -> None:
        """Acknowledge what has arrived, then close; what arrives from then on is not taken, and Slack says so."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_DRAIN_S):
                while self._answering:
                    await asyncio.wait(set(self._answering))
        self._is_closing = True
        await self._socket.close()

    def _take(self, text: str) -> bool:
        """Take a frame in; tell whether it asks to leave."""
        try:
            message = json.loads(text)
            request = SocketModeRequest.from_dict(message)
            is_farewell = message.get("type") == "disconnect"
        except _NO_ENVELOPE as error:
            log.warning("envelope not understood", error=str(error))
            return False
        if request is not None and not self._is_closing:
            task = asyncio.create_task(self._answer(request, time.perf_counter()))
            self._answering.add(task)
            task.add_done_callback(self._answering.discard)
        elif is_farewell:
            log.info("socket mode asked to leave", reason=message.get("reason"))
            self.leaving.set()
            return True
        return False

    async def _answer(self, request: SocketModeRequest, came: float) -> None:
        """Hand one envelope to its listener; what cannot be read is no envelope, and is not acknowledged."""
        try:
            answered = await run_async_bolt_app(self._app, request)
        except _NO_ENVELOPE as error:
            log.warning("envelope not understood", error=str(error))
            return
        if answered.status not in {_OK, _NOT_FOUND}:
            log.info("envelope refused", status=answered.status)
            return
        if await self._acknowledge({"envelope_id": request.envelope_id, **_payload(answered)}):
            self._acknowledged(time.perf_counter() - came)

    async def _acknowledge(self, answer: dict[str, Any]) -> bool:
        """Answer over this connection, or over another one when this one is on its way out, as Slack's SDK does."""
        ways = sorted((self, *self._known()), key=lambda way: (way.leaving.is_set(), way is not self))
        for way in ways:
            try:
                await way._socket.send_json(answer)  # noqa: SLF001 - of its own kind
            except ConnectionError:
                continue
            return True
        log.warning("no connection left to acknowledge over", envelope=answer["envelope_id"])
        return False


def _payload(answered: BoltResponse) -> dict[str, Any]:
    """Give the answer that goes with an acknowledgement; what nobody listens to is acknowledged, as over HTTP."""
    if answered.status == _NOT_FOUND or not answered.body:
        return {}
    is_json = answered.headers.get("content-type", [""])[0].startswith("application/json")
    return {"payload": json.loads(answered.body) if is_json else {"text": answered.body}}


def _retry_after(error: SlackApiError) -> float:
    headers = {name.lower(): value for name, value in (error.response.headers or {}).items()}
    try:
        return float(headers.get("retry-after", 0))
    except ValueError:
        return 0.0
