"""Every update is told once under the line of the announcements channel, whatever a call does."""

from typing import Any

import pytest

from bot.domain.timeline import Kind, to_us
from tests.fakes import NOON
from tests.unit.slack.fake_slack import AFTER, BEFORE, LATE, World
from tests.unit.slack.test_reconciler import show


def announced(world: World) -> list[dict[str, Any]]:
    channel = next(each for each in world.slack.channels.values() if each["name"] == "incidents")
    return list(channel["messages"])


def world_of_stakeholders() -> World:
    world = World(announcements="#incidents")
    world.slack.add_channel("incidents", creator="U0ZOE0009")
    return world


def replies(world: World) -> list[str]:
    (line,) = [each for each in announced(world) if not each["thread_ts"]]
    assert {each["thread_ts"] for each in announced(world)} <= {"", line["ts"]}
    return [each["text"] for each in announced(world) if each["thread_ts"]]


async def test_updates_are_replies_to_the_line_which_shows_the_promise() -> None:
    world = world_of_stakeholders()
    incident_id = await world.open()
    await world.append(incident_id, Kind.UPDATE, text="Rolling back.", next_at=to_us(NOON))
    await show(world, incident_id)
    await world.append(incident_id, Kind.UPDATE, text="Rolled back.")
    await show(world, incident_id)
    assert replies(world) == ["Update: Rolling back.", "Update: Rolled back."]
    assert "next by <!date^" in announced(world)[1]["blocks"][0]["text"]["text"]
    assert "next update by" not in announced(world)[0]["text"]
    calls = len(world.slack.calls)
    await show(world, incident_id)
    assert len(world.slack.calls) == calls


@pytest.mark.parametrize("mode", [BEFORE, AFTER, LATE, "ratelimited", "not_in_channel"])
@pytest.mark.parametrize("nth", range(4))
async def test_each_is_told_once_whatever_a_post_does(mode: str, nth: int) -> None:
    world = world_of_stakeholders()
    incident_id = await world.open()
    await world.append(incident_id, Kind.UPDATE, text="Rolling back.")
    world.slack.faults += [("chat.postMessage", "")] * nth + [("chat.postMessage", mode)]
    await show(world, incident_id)
    assert replies(world) == ["Update: Rolling back."]


async def test_a_process_that_died_before_it_remembered_is_made_up_for() -> None:
    world = world_of_stakeholders()
    incident_id = await world.open()
    await world.append(incident_id, Kind.UPDATE, text="Rolling back.")
    await show(world, incident_id)
    (key,) = [key for key in world.store.now.surfaces if key[1].startswith("update:")]
    del world.store.now.surfaces[key]
    await show(world, incident_id)
    assert replies(world) == ["Update: Rolling back."]


async def test_of_what_is_private_nothing_is_told() -> None:
    world = world_of_stakeholders()
    incident_id = await world.open(private=True)
    await world.append(incident_id, Kind.UPDATE, text="Rolling back.")
    await show(world, incident_id)
    assert announced(world) == []
