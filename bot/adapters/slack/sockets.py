"""Socket Mode: deliveries over a WebSocket that we open, watched so that it cannot go deaf unnoticed."""

import asyncio
import logging
import time
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.error import BoltError
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger()

_CONNECT_S = 20.0
_LOOKS = 15
_NOT_FOUND = 404
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0


class _Handler(AsyncSocketModeHandler):
    """Acknowledges what nobody listens to, as over HTTP; Bolt's own leaves a person with an error."""

    async def handle(self, client: Any, req: SocketModeRequest) -> None:
        """Hand one envelope to its listener; what cannot be read is no envelope, and is not acknowledged."""
        try:
            answered = await run_async_bolt_app(self.app, req)
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError, BoltError) as error:
            log.warning("envelope not understood", error=str(error))
            return
        if answered.status == _NOT_FOUND:
            answered = BoltResponse(status=200)
        await send_async_response(client, req, answered, time.time())


class SocketLink:
    """Holds one connection; a new one when nothing was heard for `deaf_after_s`, not even the answer to a ping."""

    def __init__(self, app_token: str, web_client: AsyncWebClient, deaf_after_s: float = 75.0) -> None:
        self._app_token = app_token
        self._web_client = web_client
        self._deaf_after_s = deaf_after_s
        self._task: asyncio.Task[None] | None = None
        self._heard_at = 0.0
        self.connected = False

    async def start(self, app: AsyncApp) -> None:
        """Connect in the background; nothing waits for Slack."""
        self._task = asyncio.create_task(self._run(app), name="slack sockets")

    async def stop(self) -> None:
        """Close the connection."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, app: AsyncApp) -> None:
        wait_s = _FIRST_WAIT_S
        while True:
            # A handler of its own for each attempt: the SDK would try a used-up address again and again.
            handler = _Handler(
                app, self._app_token, logger=logging.getLogger("slack_sdk.socket_mode"), web_client=self._web_client
            )
            client: Any = handler.client
            try:
                async with asyncio.timeout(_CONNECT_S):
                    await client.connect()
                log.info("socket mode connected")
                wait_s = _FIRST_WAIT_S
                await self._watch(client)
            except (TimeoutError, SlackClientError, aiohttp.ClientError, OSError) as error:
                log.warning("socket mode not connected", error=str(error) or type(error).__name__)
            finally:
                self.connected = False
                await client.close()
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    async def _watch(self, client: Any) -> None:
        """Return when the connection has gone deaf."""
        self._heard_at = time.time()
        client.on_message_listeners.append(self._heard)
        client.on_error_listeners.append(lambda _: client.connect_to_new_endpoint(force=True))
        while time.time() - max(self._heard_at, client.last_ping_pong_time or 0.0) < self._deaf_after_s:
            self.connected = await client.is_connected()
            await asyncio.sleep(self._deaf_after_s / _LOOKS)
        log.warning("socket mode deaf, connecting anew", silent_s=self._deaf_after_s)

    async def _heard(self, _: object) -> None:
        self._heard_at = time.time()
