"""Messages come onto the timeline by a mark, a pin, their menu; what becomes of them there is told too."""

from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.slack.manifest import SCOPES
from bot.domain.messages import picked
from bot.domain.timeline import Entry, Kind, to_us, verify
from tests.integration.emulator_process import ADA, BEN, Emulator
from tests.integration.slack_bot import Bot, incident_channels, town, until
from tests.samples import BOTS

pytestmark = BOTS

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
MESSAGES = {Kind.MESSAGE, Kind.MESSAGE_EDITED, Kind.MESSAGE_REMOVED}


@dataclass
class Room:
    """An incident's channel, and people who do things there."""

    bot: Bot
    slack: Emulator
    channel: str = ""

    async def say(self, text: str, *, user: str = BEN, channel: str = "", thread_ts: str = "") -> str:
        where = channel or self.channel
        return str((await self.slack.act("message", user=user, channel=where, text=text, thread_ts=thread_ts))["ts"])

    async def say_and_be_heard(self, text: str) -> str:
        """Say something and wait until the bot has heard of it: what goes wrong from then on is another delivery."""
        ts = await self.say(text)

        async def look() -> bool:
            told = (await self.slack.read("deliveries"))["deliveries"]
            return any(each["payload"].get("event", {}).get("ts") == ts and not each["failure"] for each in told)

        await until(look)
        return ts

    async def share(self, name: str, content: bytes) -> str:
        file = {"name": name, "content": b64encode(content).decode()}
        return str((await self.slack.act("message", user=BEN, channel=self.channel, files=[file]))["ts"])

    async def do(self, what: str, ts: str, *, user: str = ADA, **more: Any) -> None:
        assert (await self.slack.act(what, user=user, channel=self.channel, message_ts=ts, **more))["ok"]

    async def mark(self, ts: str, name: str = "stopwatch", **more: Any) -> None:
        await self.do("reaction", ts, name=name, **more)

    async def kinds(self) -> list[str]:
        return [entry.kind for entry in await self.entries()]

    async def entries(self) -> list[Entry]:
        return [entry for entry in await self.bot.entries("INC-1") if entry.kind in MESSAGES]

    async def comes_to(self, *kinds: Kind) -> list[Entry]:
        async def look() -> bool:
            return await self.kinds() == list(kinds)

        await until(look)
        return await self.entries()

    async def settles(self) -> None:
        """Wait until a message that was marked last is there: what was done before it is done with."""
        ts = await self.say("the end")
        await self.mark(ts)

        async def look() -> bool:
            return picked(await self.entries(), self.channel, ts) is not None

        await until(look)


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    async with town(tmp_path) as (bot, slack):
        yield await opened(bot, slack)


async def opened(bot: Bot, slack: Emulator) -> Room:
    await slack.act("command", user=ADA, channel="general", text="/incident start checkout 5xx")
    await until(lambda: _pinned(slack))
    return Room(bot, slack, str((await incident_channels(slack))[0]["id"]))


async def _pinned(slack: Emulator) -> bool:
    return any(channel["pins"] for channel in await incident_channels(slack))


async def test_a_mark_puts_a_message_there_as_it_was_said(room: Room) -> None:
    ts = await room.say(f"<@{ADA}> it is the cache, see https://example.com/graph & more")
    await room.mark(ts, "stopwatch::skin-tone-3")
    (entry,) = await room.comes_to(Kind.MESSAGE)
    assert (entry.actor, entry.actor_name) == (BEN, "Ben Lindqvist")
    assert str(entry.at_us) == ts.replace(".", "")
    facts = entry.facts
    assert facts["text"] == "@Ada Okafor it is the cache, see https://example.com/graph & more"
    assert facts["permalink"].endswith(f"/archives/{room.channel}/p{ts.replace('.', '')}")
    assert (facts["how"], facts["by"], facts["channel"]) == ("stopwatch", "Ada Okafor", room.channel)


async def test_marks_of_several_people_are_one_entry_until_the_last_is_gone(room: Room) -> None:
    ts = await room.say("it is the cache")
    await room.mark(ts, user=ADA)
    await room.comes_to(Kind.MESSAGE)
    await room.mark(ts, user=BEN)
    await room.do("pin", ts)
    await room.mark(ts, user=ADA, remove=True)
    await room.mark(ts, user=BEN, remove=True)
    await room.settles()
    assert await room.kinds() == [Kind.MESSAGE, Kind.MESSAGE]
    await room.do("pin", ts, user=BEN, remove=True)
    removed = (await room.comes_to(Kind.MESSAGE, Kind.MESSAGE, Kind.MESSAGE_REMOVED))[-1]
    assert (removed.facts["why"], removed.actor_name) == ("unmarked", "Ben Lindqvist")


async def test_what_is_changed_and_deleted_is_told_and_the_old_words_stay(room: Room) -> None:
    ts = await room.say("it is the cache", user=ADA)
    await room.do("pin", ts)
    await room.comes_to(Kind.MESSAGE)
    await room.do("edit", ts, text="it is the router")
    await room.comes_to(Kind.MESSAGE, Kind.MESSAGE_EDITED)
    await room.do("delete", ts)
    said, edited, removed = await room.comes_to(Kind.MESSAGE, Kind.MESSAGE_EDITED, Kind.MESSAGE_REMOVED)
    assert (said.facts["text"], edited.facts["text"]) == ("it is the cache", "it is the router")
    assert (removed.facts["why"], removed.actor_name) == ("deleted", "FirstFive")
    assert not verify("INC-1", await room.bot.entries("INC-1")).breaks


async def test_a_reply_in_a_thread_is_found(room: Room) -> None:
    first = await room.say("who sees it?")
    ts = await room.say("I do", user=ADA, thread_ts=first)
    await room.mark(ts)
    (entry,) = await room.comes_to(Kind.MESSAGE)
    assert (entry.facts["text"], entry.facts["thread_ts"]) == ("I do", first)


async def test_its_files_are_kept(room: Room) -> None:
    await room.mark(await room.share("graph.png", PICTURE))
    (entry,) = await room.comes_to(Kind.MESSAGE)
    (graph,) = entry.facts["files"]
    assert (graph["name"], graph["mimetype"]) == ("graph.png", "image/png")
    assert await room.bot.ports.artifacts.get(graph["sha256"]) == PICTURE


async def test_without_its_scope_no_login_page_is_taken_for_a_file(tmp_path: Path) -> None:
    scopes = ",".join(scope for scope in SCOPES if scope != "files:read")
    async with town(tmp_path, "--scopes", scopes) as (bot, slack):
        room = await opened(bot, slack)
        await room.mark(await room.share("graph.png", PICTURE))
        (entry,) = await room.comes_to(Kind.MESSAGE)
        assert "files:read" in entry.facts["files"][0]["missing"]


async def test_its_own_pins_posts_and_edits_are_not_heard(room: Room) -> None:
    card = (await incident_channels(room.slack))[0]["pins"][0]
    await room.mark(card)
    await room.slack.act("command", user=ADA, channel=room.channel, text="/incident ack")
    await room.mark(await room.say("unmarked"), "eyes")
    await room.settles()
    assert [entry.facts["text"] for entry in await room.entries()] == ["the end"]
    calls = (await room.slack.read("calls"))["calls"]
    assert [call["method"] for call in calls].count("reactions.get") == 1


async def test_the_menu_puts_a_message_there_and_says_so(room: Room) -> None:
    ts = await room.say("it is the cache")
    await room.do("shortcut", ts, callback_id="ff:pick")
    (entry,) = await room.comes_to(Kind.MESSAGE)
    assert (entry.facts["how"], entry.facts["by"]) == ("by hand", "Ada Okafor")

    async def answered() -> bool:
        state = next(each for each in await incident_channels(room.slack))
        return any("is on INC-1's timeline" in each["text"] for each in state["ephemerals"])

    await until(answered)
    await room.mark(ts)
    await room.mark(ts, remove=True)
    await room.settles()
    assert Kind.MESSAGE_REMOVED not in await room.kinds()


async def test_from_a_channel_that_the_app_is_not_in_it_asks_which(room: Room) -> None:
    ts = await room.say("it is the cache", channel="random")
    act = {"user": ADA, "channel": "random", "message_ts": ts}
    assert (await room.slack.act("shortcut", **act, callback_id="ff:pick"))["ok"]

    async def asked() -> dict[str, Any] | None:
        state = await room.slack.channel("random")
        return next((each for each in state["ephemerals"] if "Which incident" in each["text"]), None)

    question = await until(asked)
    button = next(block for block in question["blocks"] if block["type"] == "actions")["elements"][0]
    act["message_ts"] = question["ts"]
    assert (await room.slack.act("action", **act, action_id=button["action_id"]))["ok"]
    (entry,) = await room.comes_to(Kind.MESSAGE)
    assert (entry.facts["text"], entry.actor_name) == ("it is the cache", "Ben Lindqvist")
    assert entry.at_us < to_us((await room.bot.entries("INC-1"))[-1].at) + 1


@pytest.mark.parametrize("mishap", [{"mode": "duplicate", "copies": 4}, {"mode": "answer_lost"}, {"mode": "reorder"}])
async def test_events_that_come_twice_or_in_another_order_end_in_the_same(room: Room, mishap: dict[str, Any]) -> None:
    ts = await room.say_and_be_heard("it is the cache")
    await room.slack.act("deliveries-faults", kind="events_api", **mishap)
    await room.mark(ts)
    if mishap["mode"] != "reorder":
        await room.comes_to(Kind.MESSAGE)
    await room.mark(ts, remove=True)
    await room.settles()

    async def are_the_same() -> bool:  # what was taken last may still be at work beside what was taken after it
        kinds = [entry.kind for entry in await room.entries() if entry.facts["ts"] == ts]
        return kinds in ([], [Kind.MESSAGE, Kind.MESSAGE_REMOVED])

    await until(are_the_same)


async def test_what_is_heard_ten_minutes_late_is_of_its_time(room: Room) -> None:
    ts = await room.say_and_be_heard("it is the cache")
    await room.slack.act("deliveries-faults", kind="events_api", mode="late", delay_s=600)
    await room.mark(ts)
    await room.settles()
    await room.slack.act("clock", advance_s=601)
    entries = await room.comes_to(Kind.MESSAGE, Kind.MESSAGE)
    assert [str(entry.at_us) for entry in entries][-1] == ts.replace(".", "")
    assert entries[-1].at < entries[0].at
