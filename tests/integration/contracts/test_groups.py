"""The contract of Groups: who is in a user group, whatever Slack does, for the fake and the adapter alike."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.nochat import NoGroups
from bot.adapters.slack.chat import Chat
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.limits import Limits
from bot.adapters.slack.usergroups import SlackGroups
from bot.domain.run import Missing
from bot.ports import Groups
from tests.fakes import FakeClock, FakeGroups

ADA, BEN = "U0ADA0001", "U0BEN0002"
GROUP = "S0SRE0001"


@dataclass
class Slack:
    """Slack's usergroups.users.list as its documentation has it. `mode` is how it fails."""

    members: list[str] = field(default_factory=list)
    mode: str = ""
    asked: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        form = await request.post()
        assert request.path == "/api/usergroups.users.list"
        self.asked += 1
        if self.mode == "slow":
            await asyncio.sleep(30)
        if self.mode in {"429", "500"}:
            return web.json_response({}, status=int(self.mode), headers={"Retry-After": "0"})
        error = self.mode or ("" if form["usergroup"] == GROUP else "no_such_subteam")
        return web.json_response({"ok": False, "error": error} if error else {"ok": True, "users": self.members})


@dataclass
class Ground:
    """One implementation, and what it asks."""

    groups: Groups
    slack: Slack
    clock: FakeClock

    def has(self, *members: str) -> None:
        self.slack.members = list(members)
        if isinstance(self.groups, FakeGroups):
            self.groups.known[GROUP] = frozenset(members)

    def fail(self, mode: str) -> None:
        self.slack.mode = mode
        if isinstance(self.groups, FakeGroups):
            self.groups.failure = mode


@pytest.fixture(params=["fake", "slack"])
async def ground(request: pytest.FixtureRequest) -> AsyncIterator[Ground]:
    slack, clock = Slack(), FakeClock()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", slack.answer)
    server = TestServer(app, shutdown_timeout=0)
    await server.start_server()
    limits = Limits(lambda: clock.now().timestamp())
    chat = Chat(SlackConfig("xoxb-test", "secret", api_url=str(server.make_url("/api/"))), clock, limits)
    yield Ground(FakeGroups() if request.param == "fake" else SlackGroups(chat, clock), slack, clock)
    await chat.close()
    await server.close()


async def test_it_gives_the_ids_of_everybody_in_it(ground: Ground) -> None:
    ground.has(ADA, BEN)
    assert await ground.groups.members(GROUP) == frozenset({ADA, BEN})


async def test_an_empty_group_is_no_failure(ground: Ground) -> None:
    ground.has()
    assert await ground.groups.members(GROUP) == frozenset()


async def test_a_group_that_is_not_there_has_no_members_and_says_so(ground: Ground) -> None:
    found = await ground.groups.members("S0GONE001")
    assert isinstance(found, Missing)
    assert found.reason


@pytest.mark.parametrize("mode", ["invalid_auth", "429", "500", "slow"])
async def test_while_slack_is_away_nobody_is_known_to_be_in_it(ground: Ground, mode: str) -> None:
    ground.has(ADA)
    await ground.groups.members(GROUP)
    ground.fail(mode)
    ground.clock.at += timedelta(seconds=61)
    found = await ground.groups.members(GROUP)
    assert isinstance(found, Missing)
    assert found.reason


@pytest.mark.parametrize("ground", ["slack"], indirect=True)
async def test_what_was_told_is_known_for_a_minute(ground: Ground) -> None:
    ground.has(ADA)
    await ground.groups.members(GROUP)
    ground.has(BEN)
    ground.clock.at += timedelta(seconds=59)
    assert (await ground.groups.members(GROUP), ground.slack.asked) == (frozenset({ADA}), 1)
    ground.clock.at += timedelta(seconds=2)
    assert (await ground.groups.members(GROUP), ground.slack.asked) == (frozenset({BEN}), 2)


async def test_without_a_chat_nobody_is_in_any_group() -> None:
    assert await NoGroups().members(GROUP) == Missing("no chat is configured: docs/slack.md says how")
