"""Socket Mode: deliveries over a WebSocket that we open, watched so that it cannot go deaf unnoticed."""

import asyncio
import logging
import time
from typing import Any

import aiohttp
import structlog
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

log = structlog.get_logger()

_CONNECT_S = 20.0
_LOOKS = 15
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0


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
            handler = AsyncSocketModeHandler(
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
        while time.time() - max(self._heard_at, client.last_ping_pong_time or 0.0) < self._deaf_after_s:
            self.connected = await client.is_connected()
            await asyncio.sleep(self._deaf_after_s / _LOOKS)
        log.warning("socket mode deaf, connecting anew", silent_s=self._deaf_after_s)

    async def _heard(self, _: object) -> None:
        self._heard_at = time.time()
