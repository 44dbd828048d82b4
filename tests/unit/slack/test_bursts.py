"""A burst of changes is one reply under the card; what concerns everybody at once does not wait for it to settle."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.adapters.slack.reconciler import Reconciler
from bot.domain.timeline import Kind
from tests.unit.slack.fake_slack import World, settled


class Room:
    """An incident whose card is shown, and what its channel is told after that."""

    def __init__(self, world: World, incident_id: str, reconciler: Reconciler) -> None:
        self.world, self.incident_id, self.reconciler = world, incident_id, reconciler
        self.known = len(self.messages)

    @property
    def messages(self) -> list[dict[str, Any]]:
        [channel] = [each for each in self.world.slack.channels.values() if each["name"].startswith("inc-")]
        return list(channel["messages"])

    @property
    def told(self) -> list[str]:
        return [str(message["text"]) for message in self.messages[self.known :]]

    async def append(self, kind: Kind, **body: Any) -> None:
        await self.world.append(self.incident_id, kind, **body)
        self.reconciler.touch(self.incident_id)
        await self.rest()

    async def note(self, text: str) -> None:
        await self.append(Kind.NOTE, text=text)

    async def later(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        await self.rest()

    async def rest(self) -> None:
        for _ in range(100):
            await asyncio.sleep(0)


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    world = World()
    incident_id = await world.open(service="checkout")
    reconciler = Reconciler(world.studio)
    await reconciler.start()
    reconciler.touch(incident_id)
    await settled(world.clock, lambda: not reconciler.pending)
    yield Room(world, incident_id, reconciler)
    await reconciler.stop()


async def test_twenty_notes_in_three_seconds_are_one_reply(room: Room) -> None:
    for number in range(20):
        await room.note(f"note {number}")
        await room.later(0.15)
    assert room.told == []
    await room.later(1.4)
    [told] = room.told
    assert "note 0" in told
    assert room.messages[-1]["thread_ts"] == room.messages[0]["ts"]
    assert "note 19" in str(room.messages[-1]["blocks"])


async def test_a_single_note_is_told_when_it_has_settled(room: Room) -> None:
    await room.note("it is the cache")
    await room.later(1.4)
    assert room.told == []
    await room.later(0.1)
    assert room.told == ["Note by ada: it is the cache"]


async def test_a_burst_without_an_end_is_told_every_five_seconds(room: Room) -> None:
    for number in range(12):
        await room.note(f"note {number}.")
        await room.later(1.0)
    assert len(room.told) == 2
    assert "note 0." in room.told[0]
    assert "note 5." in room.told[1]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Kind.UPDATE, {"text": "Rolling back."}),
        (Kind.ESCALATED, {"reached": [], "text": "Rolling back."}),
        (Kind.ASKED, {"text": "Rolling back.", "person": ""}),
    ],
)
async def test_what_concerns_everybody_at_once_does_not_wait_and_takes_the_rest_along(
    room: Room, kind: Kind, body: dict[str, Any]
) -> None:
    await room.note("it is the cache")
    await room.append(kind, **body)
    assert len(room.told) == 2
    assert room.told[0] == "Note by ada: it is the cache"
    assert "Rolling back." in room.told[1]


async def test_a_clock_that_was_set_back_holds_nothing_up(room: Room) -> None:
    await room.note("from the future")
    room.world.clock.at = room.world.clock.at.replace(year=2020)
    room.reconciler.touch(room.incident_id)
    await room.rest()
    assert room.told == ["Note by ada: from the future"]
