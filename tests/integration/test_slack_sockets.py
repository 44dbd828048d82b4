"""Socket Mode stays connected: asked to leave, cut off, or gone deaf."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.sockets import SocketLink
from tests.integration.emulator_process import ADA, Emulator
from tests.integration.slack_bot import Bot, incident_channels, town, until


async def connections(slack: Emulator) -> int:
    return int((await slack.read("state"))["socket_connections"])


async def test_asked_to_leave_it_comes_back(tmp_path: Path) -> None:
    async with town(tmp_path, "--socket-mode", socket_mode=True) as (_, slack):
        await until(lambda: connections(slack))
        assert (await slack.act("disconnect"))["asked"] == 1

        async def starts() -> bool:
            await slack.act("command", user=ADA, channel="general", command="/incident start checkout 5xx")
            return bool(await incident_channels(slack))

        await until(starts, 20)


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("mode", ["http500", "drop", "after", "429", "error:fatal_error"])
async def test_a_connection_that_is_not_given_is_asked_for_again(tmp_path: Path, mode: str) -> None:
    async with town(tmp_path, "--socket-mode", socket_mode=True) as (_, slack):
        await until(lambda: connections(slack))
        await slack.act("faults", method="apps.connections.open", mode=mode)
        await slack.act("disconnect")

        async def is_back() -> bool:
            return bool(await connections(slack)) and not (await slack.read("state"))["faults"]

        await until(is_back, 20)


async def test_it_tells_that_it_is_connected(tmp_path: Path) -> None:
    async with town(tmp_path, "--socket-mode", socket_mode=True) as (bot, slack):
        await until(lambda: connections(slack))
        await until(lambda: _connected(bot))
        assert bot.side.ailment() is None


async def _connected(bot: Bot) -> bool:
    return bot.side.socket_connected


@dataclass
class Deaf:
    """Takes connections and then never says a word, not even to a ping."""

    url: str = ""
    sockets: list[web.WebSocketResponse] = field(default_factory=list)

    async def connections_open(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": self.url.replace("http:", "ws:") + "/link"})

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self.sockets.append(socket)
        async for _ in socket:
            pass
        return socket


@asynccontextmanager
async def deaf_slack() -> AsyncIterator[Deaf]:
    deaf, app = Deaf(), web.Application()
    app.router.add_post("/api/apps.connections.open", deaf.connections_open)
    app.router.add_get("/link", deaf.link)
    async with TestServer(app) as server:
        deaf.url = str(server.make_url("")).rstrip("/")
        yield deaf


async def test_gone_deaf_it_connects_anew() -> None:
    async with deaf_slack() as deaf, ClientSession() as session:
        client = AsyncWebClient("xoxb-1", base_url=f"{deaf.url}/api/", session=session)
        link = SocketLink("xapp-1", client, deaf_after_s=0.3)
        await link.start(AsyncApp(signing_secret="-", process_before_response=True, token="xoxb-1"))

        async def again() -> bool:
            return len(deaf.sockets) > 1

        await until(again)
        await link.stop()
        assert not link.connected
