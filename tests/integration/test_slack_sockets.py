"""Socket Mode keeps two connections: asked to leave, cut off, or gone deaf; what is typed meanwhile is done, once."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.sockets import SocketLink
from bot.demo import app_options
from bot.domain.timeline import Kind
from tests.integration.emulator_process import ADA, APP_TOKEN, BOT_TOKEN, Emulator, running_emulator
from tests.integration.slack_bot import Bot, incident_channels, town, until
from tests.integration.typist import Typist
from tests.samples import BOTS

pytestmark = BOTS


async def connections(slack: Emulator) -> int:
    return int((await slack.read("state"))["socket_connections"])


async def are(wanted: int, slack: Emulator) -> bool:
    return await connections(slack) == wanted


async def is_well(bot: Bot) -> bool:
    return bot.side.ailment() is None


@asynccontextmanager
async def linked(folder: Path) -> AsyncIterator[tuple[Bot, Emulator]]:
    """Run a bot with an open incident and both its connections."""
    async with town(folder, "--socket-mode", socket_mode=True) as (bot, slack):
        await slack.act("limits", on=False)
        await until(partial(is_well, bot))
        assert await connections(slack) == 2
        assert (await slack.act("command", user=ADA, channel="general", text="/incident start sev4 slow"))["ok"]
        await until(partial(incident_channels, slack))
        yield bot, slack


async def notes(bot: Bot) -> Counter[str]:
    return Counter(str(entry.facts["text"]) for entry in await bot.entries("INC-1") if entry.kind == Kind.NOTE)


async def all_noted(bot: Bot, typist: Typist) -> bool:
    return set(typist.done) <= set(await notes(bot))


@pytest.mark.parametrize("reason", ["warning", "refresh_requested"])
async def test_another_one_is_there_before_the_old_one_ends(tmp_path: Path, reason: str) -> None:
    async with linked(tmp_path) as (bot, slack):
        typist = Typist(slack)
        async with typist.typing():
            assert (await slack.act("disconnect", reason=reason))["asked"] == 2
            await until(partial(are, 4, slack))
            assert bot.side.ailment() is None
            await slack.act("clock", advance_s=11)
            await until(partial(are, 2, slack))
        assert await is_well(bot)
        assert typist.failed == []
        await until(partial(all_noted, bot, typist))
        assert set((await notes(bot)).values()) == {1}


@pytest.mark.parametrize("reason", ["link_disabled", "cut"])
async def test_with_one_of_two_everything_still_arrives(tmp_path: Path, reason: str) -> None:
    async with linked(tmp_path) as (bot, slack):
        typist = Typist(slack)
        async with typist.typing():
            await slack.act("faults", method="apps.connections.open", mode="http500", times=50)
            assert (await slack.act("disconnect", reason=reason, connections=1))["asked"] == 1

            async def lacks_one() -> bool:
                return bot.side.ailment() == "Socket Mode: 1 of 2 connections; commands still arrive"

            await until(lacks_one)
            await slack.act("faults", clear=True)
            await until(partial(is_well, bot), 20)
        assert typist.failed == []
        await until(partial(all_noted, bot, typist))
        assert set((await notes(bot)).values()) == {1}


async def test_with_none_it_says_that_nothing_arrives_and_comes_back(tmp_path: Path) -> None:
    async with linked(tmp_path) as (bot, slack):
        await slack.act("faults", method="apps.connections.open", mode="http500", times=50)
        await slack.act("disconnect", reason="cut")

        async def lacks_both() -> bool:
            return bot.side.ailment() == "Socket Mode: 0 of 2 connections; no command arrives"

        await until(lacks_both)
        answer = await slack.act("command", user=ADA, channel="general", text="/incident list")
        assert answer["failures"] == ["dispatch_failed"]
        await slack.act("faults", clear=True)
        await until(partial(is_well, bot), 20)


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("mode", ["http500", "drop", "after", "429", "error:fatal_error"])
async def test_a_connection_that_is_not_given_is_asked_for_again(tmp_path: Path, mode: str) -> None:
    async with town(tmp_path, "--socket-mode", socket_mode=True) as (bot, slack):
        await until(partial(is_well, bot))
        await slack.act("faults", method="apps.connections.open", mode=mode, times=2)
        await slack.act("disconnect", reason="link_disabled")

        async def is_back() -> bool:
            return await is_well(bot) and not (await slack.read("state"))["faults"]

        await until(is_back, 20)


async def test_what_has_arrived_is_acknowledged_before_it_leaves() -> None:
    async with running_emulator("http://127.0.0.1:9/", "--socket-mode", *app_options()) as slack:
        heard, said = asyncio.Event(), asyncio.Event()
        waited: list[float] = []

        async def slow(ack: Any) -> None:
            heard.set()
            await said.wait()
            await ack()

        async with ClientSession() as session:
            client = AsyncWebClient(BOT_TOKEN, base_url=slack.api_url, session=session)
            app = AsyncApp(signing_secret="-", process_before_response=True, client=client)
            app.command("/incident")(slow)
            link = SocketLink(APP_TOKEN, client, acknowledged=waited.append)
            await link.start(app)
            await until(partial(are, 2, slack))
            typed = asyncio.create_task(slack.act("command", user=ADA, channel="general", text="/incident list"))
            await asyncio.wait_for(heard.wait(), 10)
            stopping = asyncio.create_task(link.stop())
            await asyncio.sleep(0.1)
            assert waited == []
            said.set()
            assert (await typed)["ok"]
            await stopping
            assert len(waited) == 1
            await until(partial(are, 0, slack))


@dataclass
class Deaf:
    """Takes connections, says hello, and then never a word more, not even to a ping."""

    greeting: str = "hello"
    url: str = ""
    sockets: list[web.WebSocketResponse] = field(default_factory=list)

    async def connections_open(self, _: web.Request) -> web.Response:
        return web.json_response({"ok": True, "url": self.url.replace("http:", "ws:") + "/link"})

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(autoping=False)
        await socket.prepare(request)
        self.sockets.append(socket)
        await socket.send_json({"type": self.greeting})
        async for _ in socket:
            pass
        return socket


@asynccontextmanager
async def deaf_slack(greeting: str = "hello") -> AsyncIterator[tuple[Deaf, SocketLink]]:
    deaf, app = Deaf(greeting), web.Application()
    app.router.add_post("/api/apps.connections.open", deaf.connections_open)
    app.router.add_get("/link", deaf.link)
    async with TestServer(app) as server, ClientSession() as session:
        deaf.url = str(server.make_url("")).rstrip("/")
        client = AsyncWebClient("xoxb-1", base_url=f"{deaf.url}/api/", session=session)
        link = SocketLink("xapp-1", client, deaf_after_s=0.3)
        await link.start(AsyncApp(signing_secret="-", process_before_response=True, token="xoxb-1"))
        try:
            yield deaf, link
        finally:
            await link.stop()
            assert link.held == 0


async def test_gone_deaf_it_connects_anew() -> None:
    async with deaf_slack() as (deaf, _):

        async def again() -> bool:
            return len(deaf.sockets) > 2

        await until(again)


async def test_a_connection_without_a_hello_is_none() -> None:
    async with deaf_slack("disconnect") as (deaf, link):

        async def tried() -> bool:
            return bool(deaf.sockets) and deaf.sockets[0].closed

        await until(tried)
        assert link.held == 0
