"""Every method the bot calls fails in every way it can, once; what Slack shows in the end is what it should.

Socket Mode's own call is made by Slack's client: see test_slack_sockets.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import playbooks
from bot.domain.errors import ChatFailed
from bot.domain.run import Source
from bot.domain.timeline import Kind, Person
from bot.engine.admission import Admission, Command
from bot.engine.playbook import load
from tests.integration.emulator_process import ADA, BEN, Emulator
from tests.integration.slack_bot import Bot, incident_channels, town, until
from tests.unit.slack.methods import called

TIMEOUT_S = 2.0
# `late` is done when nobody waits for it any more and it was repeated, but before the bot looks again: at 3 timeouts.
LATE: Mapping[str, Any] = {"mode": "delay", "delay_ms": int(2 * TIMEOUT_S * 1_000)}
MODES: Mapping[str, Mapping[str, Any]] = {
    "late": LATE,
    **{mode: {"mode": mode} for mode in ("http500", "drop", "after", "429", "error:fatal_error")},
}
LOBBY = "incidents"

Act = Callable[[Bot, Emulator, str], Awaitable[Any]]


async def _nothing(*_: object) -> None:
    """Do what every incident needs, no more."""


async def _page(bot: Bot, _: Emulator, __: str) -> None:
    await bot.side.home.pager.page(Person(BEN, "ben"), "INC-1 needs you", "key")


async def _ask_without_response_url(bot: Bot, _: Emulator, channel: str) -> None:
    command = Command("list", {}, Person(ADA, "ada"), Source(channel=channel, via="slack"))
    await Admission(load(playbooks), bot.ports).admit(command)


def _types(text: str) -> Act:
    async def act(_: Bot, slack: Emulator, channel: str) -> None:
        await slack.act("command", user=ADA, channel=channel, command=text)

    return act


async def _marks(_: Bot, slack: Emulator, channel: str) -> None:
    """Mark a message and take the mark off: then nothing tells that it is not pinned but the list of pins."""
    said = await slack.act("message", user=ADA, channel=channel, text="it began at the router")
    for remove in (False, True):
        at = {"channel": channel, "message_ts": said["ts"]}
        await slack.act("reaction", user=ADA, name="stopwatch", remove=remove, **at)


async def _asks_the_group(bot: Bot, _: Emulator, __: str) -> None:
    for _try in range(2):
        with suppress(ChatFailed):
            await bot.side.home.usergroups.people("oncall")


async def _asks_who_is_there(bot: Bot, _: Emulator, channel: str) -> None:
    for _try in range(2):
        await bot.side.home.transcript.members(channel)


def _finds(mention: str) -> Act:
    async def act(bot: Bot, _: Emulator, __: str) -> None:
        await bot.side.home.directory.find(mention)

    return act


async def _looks_at_home(_: Bot, slack: Emulator, __: str) -> None:
    await slack.act("home", user=ADA)


@dataclass(frozen=True)
class Way:
    """What makes the bot call a method that no ordinary incident needs: an earlier fault, or something done."""

    fault: tuple[str, str] = ("", "")
    is_early: bool = True
    act: Act = _nothing


WAYS = {
    "auth.test": Way(("chat.postMessage", "http500")),
    "bookmarks.list": Way(("bookmarks.add", "after")),
    "bookmarks.remove": Way(("bookmarks.add", "late")),
    "chat.getPermalink": Way(act=_marks),
    "chat.delete": Way(("chat.postMessage", "late")),
    "chat.postEphemeral": Way(act=_ask_without_response_url),
    "conversations.history": Way(("chat.postMessage", "after")),
    "conversations.info": Way(("conversations.setTopic", "error:channel_not_found"), is_early=False),
    "conversations.join": Way(("conversations.setTopic", "error:not_in_channel"), is_early=False),
    "conversations.members": Way(act=_asks_who_is_there),
    "conversations.open": Way(act=_page),
    "conversations.replies": Way(("chat.postMessage", "after"), is_early=False),
    "pins.list": Way(act=_marks),
    "reactions.get": Way(act=_marks),
    "users.conversations": Way(("conversations.create", "after")),
    "usergroups.list": Way(act=_asks_the_group),
    "usergroups.users.list": Way(act=_asks_the_group),
    "users.info": Way(act=_types(f"/incident role scribe <@{BEN}>")),
    "users.list": Way(act=_finds("ben")),
    "views.publish": Way(act=_looks_at_home),
    "users.lookupByEmail": Way(act=_finds("ben@example.com")),
    "views.open": Way(act=_types("/incident start")),
}


def test_every_way_leads_to_a_method_that_is_called() -> None:
    assert set(WAYS) <= called()


@pytest.mark.matrix(sample=2)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", sorted(called()))
async def test_it_converges(tmp_path: Path, method: str, mode: str) -> None:
    way = WAYS.get(method, Way())
    async with town(tmp_path, announcements=LOBBY, timeout_s=TIMEOUT_S) as (bot, slack):
        if way.is_early and way.act is _nothing:
            await _arm(slack, way, method, mode)
        assert (await slack.act("command", user=ADA, channel="general", command="/incident start checkout 5xx"))["ok"]
        channel = (await until(lambda: _channel_with_card(bot, slack), 30))["id"]
        if not way.is_early or way.act is not _nothing:
            await _arm(slack, way, method, mode)
        await _types("/incident note seen at the router")(bot, slack, channel)
        await way.act(bot, slack, channel)
        await _types("/incident severity sev1")(bot, slack, channel)
        if not way.is_early:
            await until(lambda: _has_happened(slack), 20)
        await _types("/incident resolve")(bot, slack, channel)
        await _types("/incident postmortem")(bot, slack, channel)
        await until(lambda: _all_done(bot, slack), 30)
        await _becomes_right(bot, slack)


async def _arm(slack: Emulator, way: Way, method: str, mode: str) -> None:
    first, how = way.fault
    if first:
        await slack.act("faults", method=first, **MODES.get(how, {"mode": how}))
    await slack.act("faults", method=method, **MODES[mode])


async def _has_happened(slack: Emulator) -> bool:
    return not (await slack.read("state"))["faults"]


async def _channel_with_card(bot: Bot, slack: Emulator) -> dict[str, Any] | None:
    channels = await incident_channels(slack)
    idle = await bot.incidents() and not bot.side.pending
    return channels[0] if idle and channels and channels[0]["pins"] else None


async def _all_done(bot: Bot, slack: Emulator) -> bool:
    """Tell whether every fault has happened, every late call is done, and everything is told."""
    state, calls = await slack.read("state"), (await slack.read("calls"))["calls"]
    kinds = [entry.kind for entry in await bot.entries("INC-1")]
    under_way = any(call["outcome"] == "under way" for call in calls)
    return not (state["faults"] or under_way or bot.side.pending) and Kind.POSTMORTEM in kinds


async def _becomes_right(bot: Bot, slack: Emulator, seconds: float = 20) -> None:
    """Look until all is right: what came late is taken away a little later still."""
    until_at = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            await _is_right(bot, slack)
        except AssertionError:
            if asyncio.get_running_loop().time() > until_at:
                raise
            await asyncio.sleep(0.1)
        else:
            return


async def _is_right(bot: Bot, slack: Emulator) -> None:
    assert len(await incident_channels(slack)) == 1
    channel = (await incident_channels(slack))[0]
    cards = [m for m in channel["messages"] if m.get("blocks") and m["blocks"][0]["type"] == "header"]
    assert [card["text"].partition(" ")[0] for card in cards] == ["SEV1"]
    assert "resolved" in cards[0]["text"], cards[0]["text"]
    assert channel["pins"] == [cards[0]["ts"]]
    assert channel["topic"]["value"].startswith("SEV1 resolved")
    assert ADA in channel["members"]
    assert len(channel["bookmarks"]) == 1
    lines = [m["text"] for m in (await slack.channel(LOBBY))["messages"] if m.get("metadata")]
    assert len(lines) == 1
    assert lines[0].startswith("*SEV1 resolved*")
    assert f"<#{channel['id']}>" in lines[0]
    assert len([m for m in channel["messages"] if m.get("files")]) == 1
    assert len([m for m in channel["messages"] if "seen at the router" in m["text"]]) == 1
    keys = Counter(m["metadata"]["event_payload"]["key"] for m in channel["messages"] if m.get("metadata"))
    assert set(keys.values()) == {1}
    entries = await bot.entries("INC-1")
    assert [entry.kind for entry in entries].count(Kind.CHANNEL_OPENED) == 1
    assert not [entry for entry in entries if entry.kind == Kind.CHAT_FAILED]
