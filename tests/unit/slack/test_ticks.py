"""Time alone touches an incident once, at the moment that was asked for last."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from bot.adapters.slack.reconciler import Reconciler
from bot.adapters.slack.ticks import Ticks
from tests.fakes import NOON
from tests.unit.slack.fake_slack import HandClock, World, settled


async def rest() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_latest_moment_counts() -> None:
    clock, touched = HandClock(), list[str]()
    ticks = Ticks(clock, touched.append)
    ticks.at("INC-1", NOON + timedelta(seconds=10))
    ticks.at("INC-1", NOON + timedelta(seconds=20))
    ticks.at("INC-2", NOON + timedelta(seconds=10))
    ticks.at("INC-2", None)
    await rest()
    clock.advance(15)
    await rest()
    assert touched == []
    clock.advance(5)
    await rest()
    assert touched == ["INC-1"]
    await ticks.stop()


async def test_what_is_stopped_touches_nothing() -> None:
    clock, touched = HandClock(), list[str]()
    ticks = Ticks(clock, touched.append)
    ticks.at("INC-1", NOON + timedelta(seconds=10))
    await ticks.stop()
    clock.advance(15)
    await rest()
    assert touched == []


async def test_the_card_is_edited_once_at_the_deadline_though_nothing_happened() -> None:
    world = World()
    incident_id = await world.open(service="checkout")
    moments: list[datetime | None] = []
    reconciler = Reconciler(replace(world.studio, wake=lambda _, when: moments.append(when)))
    await reconciler.start()
    reconciler.touch(incident_id)
    await settled(world.clock, lambda: not reconciler.pending)
    assert moments[-1] == NOON + timedelta(minutes=5)
    edits = world.slack.called("chat.update")
    for minutes in (4, 1, 10):
        world.clock.advance(minutes * 60)
        reconciler.touch(incident_id)
        await rest()
        await settled(world.clock, lambda: not reconciler.pending)
    assert world.slack.called("chat.update") == edits + 1
    assert moments[-1:] == [None]
    [channel] = [channel for channel in world.slack.channels.values() if channel["name"].startswith("inc-")]
    assert any("Five minutes were over" in message["text"] for message in channel["messages"])
    await reconciler.stop()
