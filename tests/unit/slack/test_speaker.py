"""Of several replicas one has the word, and a word that is lost is not used."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest

from bot.adapters.slack.chat import Chat
from bot.adapters.slack.speaker import Speaker
from bot.domain.errors import ChatFailed, StoreUnusable
from bot.ports import Tx
from tests.fakes import FakeClock, FakeJournal, FakeStore
from tests.unit.slack.fake_slack import CONFIG, HandClock

T = TypeVar("T")


class Broken(FakeStore):
    """A store that can be away."""

    away = False

    async def write(self, act: Callable[[Tx], T]) -> T:
        if self.away:
            raise StoreUnusable("gone")
        return await super().write(act)


@dataclass
class Town:
    clock: HandClock = field(default_factory=HandClock)
    store: Broken = field(default_factory=Broken)
    said: list[str] = field(default_factory=list)

    async def replica(self, name: str) -> Speaker:
        async def begin() -> None:
            self.said.append(f"{name} begins")

        async def cease() -> None:
            self.said.append(f"{name} ceases")

        speaker = Speaker(self.store, FakeJournal(FakeClock()), self.clock, name)
        await speaker.start(begin, cease)
        await self.settle()
        return speaker

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def pass_time(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            await self.settle()


def speaking(*speakers: Speaker) -> list[bool]:
    return [speaker.may_speak for speaker in speakers]


@pytest.fixture
def town() -> Town:
    return Town()


async def test_one_speaks_and_keeps_the_word(town: Town) -> None:
    one, other = await town.replica("one"), await town.replica("other")
    await town.pass_time(20)
    assert speaking(one, other) == [True, False]
    assert town.said == ["one begins"]
    await one.stop()
    await other.stop()


async def test_another_takes_the_word_of_one_that_died(town: Town) -> None:
    one, other = await town.replica("one"), await town.replica("other")
    await one.stop()
    await town.pass_time(3)
    assert speaking(one, other) == [False, False]
    await town.pass_time(2)
    assert speaking(one, other) == [False, True]
    assert town.said == ["one begins", "other begins"]
    await other.stop()


async def test_who_stops_lets_the_next_speak_at_once(town: Town) -> None:
    one, other = await town.replica("one"), await town.replica("other")
    await one.stop()
    await one.release()
    await town.pass_time(1)
    assert speaking(one, other) == [False, True]
    await other.stop()


async def test_a_zombie_is_silent_before_it_knows_why(town: Town) -> None:
    one = await town.replica("one")
    town.clock.at += timedelta(seconds=8)  # it was stopped: no task of it has run since
    assert speaking(one) == [False]
    other = await town.replica("other")
    assert speaking(one, other) == [False, True]
    await town.pass_time(2)
    assert speaking(one, other) == [False, True]
    assert town.said == ["one begins", "other begins", "one ceases"]
    await one.stop()
    await other.stop()


async def test_one_that_was_late_begins_anew(town: Town) -> None:
    one = await town.replica("one")
    town.clock.at += timedelta(seconds=8)
    await town.pass_time(2)
    assert one.may_speak
    assert town.said == ["one begins", "one ceases", "one begins"]
    await one.stop()


async def test_without_its_database_it_falls_silent(town: Town) -> None:
    one = await town.replica("one")
    town.store.away = True
    await town.pass_time(5)
    assert speaking(one) == [False]
    town.store.away = False
    await town.pass_time(2)
    assert speaking(one) == [True]
    assert town.said == ["one begins", "one ceases", "one begins"]
    await one.stop()
    town.store.away = True
    await one.release()


async def test_a_call_without_the_word_is_not_sent() -> None:
    chat = Chat(CONFIG, HandClock()).under(lambda: False)
    with pytest.raises(ChatFailed, match="speechless") as refused:
        await chat.call("chat.postMessage", channel="C1", text="x")
    assert refused.value.retryable
    with pytest.raises(ChatFailed, match="speechless"):
        await chat.respond("http://127.0.0.1:1/", {})
    assert chat.health().ok
    await chat.close()
