"""Whatever a call does, Slack ends up showing one channel, one card, one pin; state is never touched by it."""

import asyncio
from typing import Any

import pytest

from bot.adapters.slack.reconciler import Reconciler
from bot.domain.timeline import Kind, to_us
from tests.unit.slack.fake_slack import ADA, AFTER, BEFORE, BEN, BOT, LATE, World, settled

METHODS = (
    "conversations.create",
    "chat.postMessage",
    "chat.update",
    "conversations.invite",
    "pins.add",
    "conversations.setTopic",
    "bookmarks.add",
    "upload",
)


async def show(world: World, incident_id: str) -> None:
    """Let a reconciler of its own, as after a restart, do all there is to do."""
    reconciler = Reconciler(world.studio)
    await reconciler.start()
    reconciler.touch(incident_id)
    await settled(world.clock, lambda: not reconciler.pending)
    await reconciler.stop()


def channels(world: World) -> list[dict[str, Any]]:
    return [channel for channel in world.slack.channels.values() if channel["name"].startswith("inc-")]


def cards(channel: dict[str, Any]) -> list[dict[str, Any]]:
    return [m for m in channel["messages"] if m.get("blocks") and m["blocks"][0]["type"] == "header"]


def posts(channel: dict[str, Any]) -> list[str]:
    return [str(m.get("text") or m["files"][0]["name"]) for m in channel["messages"] if m not in cards(channel)]


async def busy_incident(world: World) -> str:
    incident_id = await world.open()
    await world.append(incident_id, Kind.ROLE_SET, role="commander", person=BEN.id, name=BEN.name)
    await world.append(incident_id, Kind.SEVERITY_SET, severity="SEV1", was="SEV2")
    await world.append(incident_id, Kind.UPDATE, text="Rolling back.")
    stored = await world.artifacts.put("snapshot.tar.gz", b"bytes")
    await world.append(
        incident_id, Kind.ARTIFACT, name="snapshot.tar.gz", sha256=stored.sha256, bytes=stored.bytes, what="3 targets"
    )
    return incident_id


def assert_shown_once(world: World, incident_id: str) -> None:
    assert [channel["name"] for channel in channels(world)] == ["inc-1-checkout-5xx"]
    channel = channels(world)[0]
    assert len(cards(channel)) == 1
    assert channel["pins"] == [cards(channel)[0]["ts"]]
    assert channel["members"] == {BOT, ADA.id, BEN.id}
    assert channel["topic"].startswith("SEV1 open, commander: ben")
    assert [bookmark["link"] for bookmark in channel["bookmarks"]] == ["http://pages/incidents/INC-1"]
    assert posts(channel) == [
        "ben is commander now, handed over by ada",
        "ada changed the severity from SEV2 to *SEV1*",
        "Update: Rolling back.",
        "snapshot.tar.gz",
    ]
    assert world.kinds(incident_id).count(Kind.CHANNEL_OPENED) == 1
    assert world.failures(incident_id) == []


async def test_an_incident_is_shown_and_a_second_look_calls_nothing() -> None:
    world = World()
    incident_id = await busy_incident(world)
    await show(world, incident_id)
    assert_shown_once(world, incident_id)
    calls = len(world.slack.calls)
    await show(world, incident_id)
    assert len(world.slack.calls) == calls


@pytest.mark.parametrize("mode", [BEFORE, AFTER, "ratelimited"])
@pytest.mark.parametrize("method", METHODS)
async def test_a_call_that_fails_is_made_up_for(method: str, mode: str) -> None:
    world = World()
    if (method, mode) == ("upload", "ratelimited"):
        mode = BEFORE
    world.slack.faults = [(method, mode)]
    incident_id = await busy_incident(world)
    await show(world, incident_id)
    await world.append(incident_id, Kind.SERVICE_SET, service="checkout", was="")
    await show(world, incident_id)
    assert not world.slack.faults
    channel = channels(world)[0]
    assert posts(channel).pop() == "ada named the service: *checkout*"
    channel["messages"].pop()
    assert_shown_once(world, incident_id)


@pytest.mark.parametrize("mode", ["", BEFORE, AFTER])
async def test_each_verdict_has_one_reply_with_its_picture_even_where_two_pictures_are_alike(mode: str) -> None:
    world = World()
    incident_id = await world.open()
    stored = await world.artifacts.put("proof.png", b"bytes")
    facts = {"verdict": "deadlock", "target": "c-1", "statement": "c-1: two wait.", "picture": stored.sha256}
    await world.append(incident_id, Kind.VERDICT, **facts)
    await show(world, incident_id)
    world.slack.faults = [("upload", mode)] if mode else []
    await world.append(incident_id, Kind.VERDICT, **facts)
    await show(world, incident_id)
    assert not world.slack.faults
    shown = [name for name in posts(channels(world)[0]) if name.endswith(".png")]
    assert len(shown) == len(set(shown)) == 2
    assert all(name.startswith("deadlock-c-1-") for name in shown)


CLEARING = [
    (late, [(clearing, mode)])
    for late, clearing in (("bookmarks.add", "bookmarks.remove"), ("chat.postMessage", "chat.delete"))
    for mode in (BEFORE, AFTER, "ratelimited")
]


@pytest.mark.parametrize(("method", "then"), [*((method, []) for method in METHODS), *CLEARING])
async def test_a_call_that_is_done_after_its_repetition_changes_nothing(
    method: str, then: list[tuple[str, str]]
) -> None:
    world = World(announcements="incidents")
    lobby = world.slack.add_channel("incidents")
    world.slack.faults = [(method, LATE), *then]
    incident_id = await busy_incident(world)
    reconciler = Reconciler(world.studio)
    await reconciler.start()
    for severity in ("SEV3", "SEV2", "SEV4"):
        await settled(world.clock, lambda: not reconciler.pending)
        await world.append(incident_id, Kind.SEVERITY_SET, severity=severity, was="SEV1")
        reconciler.touch(incident_id)
    await pass_time(world, 60)
    assert not world.slack.faults
    assert [late.done() for late in world.slack.late] == [True]
    assert not reconciler.pending
    channel = channels(world)[0]
    assert [card["text"][:4] for card in cards(channel)] == ["SEV4"]
    assert channel["pins"] == [cards(channel)[0]["ts"]]
    assert channel["topic"].startswith("SEV4")
    assert [line["text"][:5] for line in lobby["messages"]] == ["*SEV4", "Updat"]
    assert len(channel["bookmarks"]) == 1
    assert len(posts(channel)) == len(set(posts(channel)))
    assert len(channels(world)) == 1
    await reconciler.stop()


async def pass_time(world: World, seconds: int) -> None:
    for _ in range(seconds):
        world.clock.advance(1)
        for _ in range(60):
            await asyncio.sleep(0)


@pytest.mark.parametrize("stop_after", range(1, 14))
async def test_killed_after_any_call_it_goes_on(stop_after: int) -> None:
    world = World()
    incident_id = await busy_incident(world)
    reconciler = Reconciler(world.studio)
    await reconciler.start()
    await settled(world.clock, lambda: len(world.slack.calls) >= stop_after or not reconciler.pending)
    await reconciler.stop()
    await show(world, incident_id)
    assert_shown_once(world, incident_id)


async def test_a_post_in_doubt_that_grew_meanwhile_is_not_repeated() -> None:
    world = World()
    incident_id = await world.open()
    await show(world, incident_id)
    await world.append(incident_id, Kind.NOTE, text="first")
    world.slack.faults = [("chat.postMessage", AFTER)]
    reconciler = Reconciler(world.studio)
    await reconciler.start()
    reconciler.touch(incident_id)
    await settled(world.clock, lambda: not world.slack.faults)
    await reconciler.stop()
    await world.append(incident_id, Kind.NOTE, text="second")
    await show(world, incident_id)
    assert posts(channels(world)[0]) == ["Note by ada: first", "Note by ada: second"]


async def test_a_taken_name_gets_a_number() -> None:
    world = World()
    world.slack.add_channel("inc-1-checkout-5xx", creator="U0SOMEONE")
    incident_id = await world.open()
    await show(world, incident_id)
    assert [channel["name"] for channel in channels(world)] == ["inc-1-checkout-5xx", "inc-1-checkout-5xx-2"]
    assert channels(world)[0]["messages"] == []


async def test_an_old_channel_of_the_bot_is_another_database_s() -> None:
    world = World()
    old = world.slack.add_channel("inc-1-checkout-5xx")
    old["created"] -= 3_600
    await show(world, await world.open())
    assert old["messages"] == []
    assert len(channels(world)) == 2


async def test_a_stranger_is_told_of_once_and_the_rest_goes_on() -> None:
    world = World()
    world.slack.strangers = {BEN.id}
    incident_id = await world.open()
    await world.append(incident_id, Kind.ROLE_SET, role="commander", person=BEN.id, name="ben")
    await show(world, incident_id)
    await show(world, incident_id)
    failures = world.failures(incident_id)
    assert [failure["surface"] for failure in failures] == [f"invite:{BEN.id}"]
    assert "/incident role" in failures[0]["reason"]
    assert any("Slack refused to invite" in post for post in posts(channels(world)[0]))
    assert len(cards(channels(world)[0])) == 1


async def test_somebody_without_slack_is_not_invited() -> None:
    world = World()
    incident_id = await world.open()
    await world.append(incident_id, Kind.ROLE_SET, role="scribe", person="cli:root", name="root")
    await show(world, incident_id)
    assert world.failures(incident_id) == []
    assert world.slack.called("conversations.invite") == 1


async def test_an_incident_of_the_past_gets_no_channel() -> None:
    world = World(announcements="incidents")
    lobby = world.slack.add_channel("incidents")
    incident_id = await world.open()
    await world.append(incident_id, Kind.STATUS_SET, status="resolved", was="open", text="")
    world.clock.advance(86_400)
    await show(world, incident_id)
    assert channels(world) == []
    assert lobby["messages"] == []


async def test_a_topic_that_somebody_wrote_is_not_read_back() -> None:
    world = World()
    incident_id = await world.open()
    await show(world, incident_id)
    channels(world)[0]["topic"] = "SEV4 resolved, commander: mallory"
    await world.append(incident_id, Kind.ROLE_SET, role="scribe", person=BEN.id, name=BEN.name)
    await show(world, incident_id)
    assert cards(channels(world)[0])[0]["text"].startswith("SEV2 INC-1 checkout 5xx: open, commander nobody yet")
    await world.append(incident_id, Kind.SEVERITY_SET, severity="SEV1", was="SEV2")
    await show(world, incident_id)
    assert channels(world)[0]["topic"].startswith("SEV1 open, commander: nobody yet")


async def test_a_deleted_card_comes_back() -> None:
    world = World()
    incident_id = await world.open()
    await show(world, incident_id)
    channel = channels(world)[0]
    channel["messages"].clear()
    channel["pins"].clear()
    await world.append(incident_id, Kind.SEVERITY_SET, severity="SEV1", was="SEV2")
    await show(world, incident_id)
    assert channel["pins"] == [cards(channel)[0]["ts"]]


async def test_without_a_channel_the_rest_of_the_bot_is_told_why() -> None:
    world = World(announcements="incidents")
    lobby = world.slack.add_channel("incidents")
    world.slack.faults = [("conversations.create", "restricted_action")]
    incident_id = await world.open()
    await show(world, incident_id)
    assert "ask an admin" in world.failures(incident_id)[0]["reason"]
    assert len(lobby["messages"]) == 1


async def test_the_announcement_is_one_line_kept_up_to_date() -> None:
    world = World(announcements="#incidents")
    lobby = world.slack.add_channel("incidents")
    lobby["members"].clear()
    incident_id = await world.open()
    await show(world, incident_id)
    await world.append(incident_id, Kind.STATUS_SET, status="resolved", was="open", text="")
    await show(world, incident_id)
    assert len(lobby["messages"]) == 1
    assert lobby["messages"][0]["text"].startswith("*SEV2 resolved*")


async def test_one_that_hangs_does_not_hold_up_another() -> None:
    world = World()
    first, second = await world.open("first"), await world.open("second")
    world.slack.faults = [("conversations.create", BEFORE)]
    reconciler = Reconciler(world.studio)
    await reconciler.start()
    reconciler.touch(first)
    reconciler.touch(second)
    await settled(world.clock, lambda: len(channels(world)) == 1)
    assert channels(world)[0]["name"] == "inc-2-second"
    await settled(world.clock, lambda: not reconciler.pending)
    assert len(channels(world)) == 2
    await reconciler.stop()


async def test_card_changes_are_collapsed() -> None:
    world = World()
    incident_id = await world.open()
    reconciler = Reconciler(world.studio)
    await reconciler.start()
    reconciler.touch(incident_id)
    await settled(world.clock, lambda: not reconciler.pending)
    await world.append(incident_id, Kind.SERVICE_SET, service="checkout", was="")
    for number in range(10):
        at = to_us(world.clock.now())
        await world.append(incident_id, Kind.MILESTONE, milestone="acknowledged", at=at, source="test")
        await world.append(incident_id, Kind.SEVERITY_SET, severity=f"SEV{number % 4 + 1}", was="?")
        reconciler.touch(incident_id)
    await settled(world.clock, lambda: not reconciler.pending)
    assert world.slack.called("chat.update") == 1
    assert cards(channels(world)[0])[0]["text"].startswith("SEV2")
    await reconciler.stop()


async def test_the_house_s_own_chain_is_nobody_s_incident() -> None:
    world = World()
    reconciler = Reconciler(world.studio)
    await reconciler.start()
    reconciler.touch("house")
    reconciler.touch("INC-99")
    await settled(world.clock, lambda: not reconciler.pending)
    assert world.slack.calls == []
    await reconciler.stop()
