"""Which workspace is meant, and what becomes of one that comes, goes, or gives another token."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar

import pytest

from bot.adapters.slack.blocks import Around
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.workspace import Shared
from bot.adapters.slack.workspaces import Workspaces, lost
from bot.domain.errors import ChatFailed, StoreUnusable
from bot.domain.service import Catalog
from bot.ports import Installation, Tx
from tests.fakes import NOON, FakeArtifacts, FakeInstallations, FakeMarks, FakeStore, FakeSurfaces, FakeTimeline
from tests.unit.slack.fake_slack import HandClock

T = TypeVar("T")
TOKEN = "xoxb-1"
# Nobody listens there: what is asked of Slack fails at once.
CONFIG = SlackConfig("", "secret", api_url="http://127.0.0.1:9/api/")


class CountingStore(FakeStore):
    """Counts how often it is read; `away` is its excuse for not answering."""

    reads = 0
    away = ""

    async def read(self, act: Callable[[Tx], T]) -> T:
        self.reads += 1
        if self.away:
            raise StoreUnusable(self.away)
        return await super().read(act)


def given(team: str, token: str = TOKEN) -> Installation:
    return Installation(team, f"name of {team}", f"U{team}", f"B{team}", token, ("commands",), "U1", NOON)


class Scene:
    def __init__(self, config: SlackConfig = CONFIG, *, by_oauth: bool = True) -> None:
        self.store, self.clock, self.marks = CountingStore(self.heard), HandClock(), FakeMarks()
        self.installations = FakeInstallations()
        shared = Shared(
            store=self.store,
            timeline=FakeTimeline(),
            surfaces=FakeSurfaces(),
            marks=self.marks,
            artifacts=FakeArtifacts(),
            clock=self.clock,
            catalog=Catalog(),
            around=Around("http://pages"),
            draw=lambda reply: {"text": reply.text},
            ailments=tuple,
        )
        self.workspaces = Workspaces(config, shared, self.installations if by_oauth else None)

    def heard(self, topics: Iterable[str]) -> None:
        if "installations" in topics:
            self.workspaces.changed()

    async def elsewhere(self, act: Callable[[Tx], object]) -> None:
        """Change the database as another process does whose notice is lost."""
        act(self.store.now)
        await asyncio.sleep(0)

    def teams(self, *asked: str) -> list[str | None]:
        found = (self.workspaces.of(team) for team in asked)
        return [None if one is None else one.team or "own" for one in found]


@asynccontextmanager
async def begun(scene: Scene) -> AsyncIterator[Scene]:
    await scene.workspaces.start()
    await scene.workspaces.begin()
    try:
        yield scene
    finally:
        await scene.workspaces.end()


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with begun(Scene()) as made:
        yield made


async def test_the_token_of_the_configuration_has_everything_where_there_is_no_oauth() -> None:
    async with begun(Scene(replace(CONFIG, bot_token="xoxb-own"), by_oauth=False)) as scene:
        assert scene.teams("", "T1", "T2") == ["own", "own", "own"]
        assert await scene.workspaces.admits("T9")
        assert list(scene.workspaces) == [scene.workspaces.default]


async def test_nobody_is_there_before_somebody_has_installed_it(scene: Scene) -> None:
    assert scene.teams("", "T1") == [None, None]
    assert not await scene.workspaces.admits("T1")


async def test_each_has_its_own_and_the_first_what_belongs_to_none(scene: Scene) -> None:
    await scene.workspaces.keep(given("T2"))
    await scene.workspaces.keep(given("T1"))
    assert scene.teams("", "T1", "T2", "T3") == ["T2", "T1", "T2", None]
    one, other = scene.workspaces.of("T1"), scene.workspaces.of("T2")
    assert one is not None
    assert other is not None
    assert one.chat is not other.chat
    assert one.directory is not other.directory


async def test_the_configured_one_has_what_belongs_to_none() -> None:
    async with begun(Scene(replace(CONFIG, team="T1"))) as scene:
        await scene.workspaces.keep(given("T2"))
        assert scene.teams("", "T2") == [None, "T2"]
        await scene.workspaces.keep(given("T1"))
        assert scene.teams("") == ["T1"]


async def test_the_tokens_own_workspace_goes_before_the_first_that_came() -> None:
    async with begun(Scene(replace(CONFIG, bot_token="xoxb-own"))) as scene:
        await scene.workspaces.keep(given("T2"))
        assert scene.teams("", "T1", "T2") == ["own", "own", "T2"]
        (own, _) = scene.workspaces
        own.chat.know({"team_id": "T1"})
        assert scene.teams("", "T1", "T2", "T3") == ["T1", "T1", "T2", None]


async def test_what_is_known_is_fresh_for_a_minute(scene: Scene) -> None:
    await scene.workspaces.keep(given("T1"))
    await scene.elsewhere(lambda tx: scene.installations.revoke(tx, "T1", NOON + timedelta(seconds=1)))
    reads = scene.store.reads
    for _ in range(50):
        assert await scene.workspaces.admits("T1")
    assert scene.store.reads == reads
    scene.clock.advance(61)
    assert not await scene.workspaces.admits("T1")


async def test_a_database_that_is_away_takes_nobody_out(scene: Scene) -> None:
    await scene.workspaces.keep(given("T1"))
    scene.store.away = "it is away"
    scene.clock.advance(61)
    assert await scene.workspaces.admits("T1")


async def test_who_takes_the_token_back_is_sent_nothing_more_at_once(scene: Scene) -> None:
    await scene.workspaces.keep(given("T1"))
    (before,) = scene.workspaces
    await scene.workspaces.revoke("T1", NOON + timedelta(seconds=1))
    assert scene.teams("T1", "") == [None, None]
    with pytest.raises(ChatFailed, match="speechless"):
        await before.chat.call("chat.postMessage", channel="C1", text="x")
    (gone,) = scene.workspaces.lost
    assert lost(gone) == "name of T1 (T1) has removed FirstFive at 2026-03-01 12:00 UTC"
    await scene.workspaces.keep(given("T1", "xoxb-2"))
    assert (scene.teams("T1"), scene.workspaces.lost) == (["T1"], [])


async def test_a_late_word_does_not_take_back_what_was_given_since(scene: Scene) -> None:
    await scene.workspaces.keep(given("T1"))
    await scene.workspaces.revoke("T1", NOON - timedelta(seconds=1))
    assert scene.teams("T1") == ["T1"]


async def test_another_token_is_another_line(scene: Scene) -> None:
    await scene.workspaces.keep(given("T1"))
    before = scene.workspaces.of("T1")
    await scene.workspaces.keep(given("T1"))
    assert scene.workspaces.of("T1") is before
    await scene.workspaces.keep(given("T1", "xoxb-2"))
    assert scene.workspaces.of("T1") is not before


async def test_a_token_that_cannot_be_read_is_named(scene: Scene) -> None:
    await scene.workspaces.keep(given("T1", ""))
    assert scene.teams("T1") == [None]
    assert "SLACK_CLIENT_SECRET is not what it was: install again" in lost(scene.workspaces.lost[0])


async def test_what_another_process_installs_is_there_when_it_is_told(scene: Scene) -> None:
    await scene.elsewhere(lambda tx: scene.installations.keep(tx, given("T1")))
    assert scene.teams("T1") == [None]
    scene.workspaces.changed()
    async with asyncio.timeout(5):
        while scene.teams("T1") != ["T1"]:  # noqa: ASYNC110 - it is done in the background
            await asyncio.sleep(0)
