"""A person types and presses in the emulator; the bot answers, by signed HTTP and by Socket Mode alike."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.timeline import Kind
from tests.integration.emulator_process import ADA, BEN, Emulator
from tests.integration.slack_bot import Bot, incident_channels, town, until
from tests.samples import BOTS

pytestmark = BOTS

Town = tuple[Bot, Emulator]


@pytest.fixture(params=["http", "socket"])
async def both(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    options = ["--socket-mode"] if request.param == "socket" else []
    async with town(tmp_path, *options, socket_mode=request.param == "socket") as (bot, slack):
        if request.param == "socket":
            await until(lambda: _connected(slack))
        yield bot, slack


async def _connected(slack: Emulator) -> bool:
    return bool((await slack.read("state"))["socket_connections"])


async def pinned(slack: Emulator) -> dict[str, Any] | None:
    """Give the card of the only incident, once it is pinned."""
    for channel in await incident_channels(slack):
        for message in channel["messages"]:
            if message["ts"] in channel["pins"]:
                return dict(message)
    return None


async def card_says(slack: Emulator, words: str) -> bool:
    card = await pinned(slack)
    return card is not None and words in card["text"]


async def whispers(slack: Emulator, channel: str = "general") -> list[str]:
    return [message["text"] for message in (await slack.channel(channel))["ephemerals"]]


async def press(slack: Emulator, user: str, label: str) -> dict[str, Any]:
    card = await until(lambda: pinned(slack))
    rows = [block for block in card["blocks"] if block["type"] == "actions"]
    button = next(one for row in rows for one in row["elements"] if one.get("text", {}).get("text") == label)
    channel = (await incident_channels(slack))[0]
    act = {"user": user, "channel": channel["id"], "message_ts": card["ts"], "action_id": button["action_id"]}
    return await slack.act("action", **act)


async def test_from_start_to_postmortem(both: Town) -> None:
    bot, slack = both
    text = "/incident start sev2 checkout 5xx after deploy"
    assert (await slack.act("command", user=ADA, channel="general", text=text))["ok"]
    card = await until(lambda: pinned(slack))
    channel = (await incident_channels(slack))[0]
    assert channel["name"] == "inc-1-checkout-5xx-after-deploy"
    assert ADA in channel["members"]
    assert card["blocks"][0]["text"]["text"] == "SEV2 INC-1 5xx after deploy"
    heard = await until(lambda: _last(slack, "is open"))
    assert heard.startswith("*INC-1* is open")
    assert (await press(slack, BEN, "Acknowledge"))["ok"]
    await until(lambda: card_says(slack, "commander Ben Lindqvist"))
    await until(lambda: _member(slack, BEN))
    assert (await press(slack, BEN, "Mitigated"))["ok"]
    await until(lambda: card_says(slack, ": mitigated"))
    assert (await press(slack, BEN, "Resolved"))["ok"]
    await until(lambda: card_says(slack, ": resolved"))
    assert (await press(slack, BEN, "Postmortem"))["ok"]
    await until(lambda: _file(slack))
    kinds = [entry.kind for entry in await bot.entries("INC-1")]
    assert kinds.count(Kind.CHANNEL_OPENED) == 1
    assert Kind.CHAT_FAILED not in kinds
    assert bot.side.ailment() is None


async def _last(slack: Emulator, words: str) -> str:
    return next((text for text in await whispers(slack) if words in text), "")


async def _member(slack: Emulator, user: str) -> bool:
    return user in (await incident_channels(slack))[0]["members"]


async def _file(slack: Emulator) -> bool:
    return any(one["name"].startswith("postmortem-") for one in (await slack.read("state"))["files"])


async def test_four_deliveries_make_one_incident(both: Town) -> None:
    bot, slack = both
    text = "/incident start checkout 5xx"
    answer = await slack.act("command", user=ADA, channel="general", text=text, times=4)
    assert answer["ok"], answer
    await until(lambda: pinned(slack))
    await until(lambda: _idle(bot))
    assert [row.id for row in await bot.incidents()] == ["INC-1"]
    assert len(await incident_channels(slack)) == 1
    assert (await whispers(slack)).count("Opening an incident…") == 4
    assert len([text for text in await whispers(slack) if "is open" in text]) == 1


async def _idle(bot: Bot) -> bool:
    return not bot.side.pending


async def test_the_form_starts_an_incident(both: Town) -> None:
    bot, slack = both
    assert (await slack.act("command", user=ADA, channel="general", text="/incident start"))["ok"]
    answer = await slack.act("submit", user=ADA, values={"title": {"title": "payments slow"}})
    assert answer["ok"], answer
    await until(lambda: pinned(slack))
    assert [row.title for row in await bot.incidents()] == ["payments slow"]


async def test_outside_of_a_channel_it_asks_which(both: Town) -> None:
    bot, slack = both
    await slack.act("command", user=ADA, channel="general", text="/incident start first")
    await until(lambda: pinned(slack))
    await slack.act("command", user=BEN, channel="general", text="/incident note it is the cache")
    await until(lambda: _last(slack, "Which incident"))
    state = await slack.channel("general")
    asked = next(message for message in state["ephemerals"] if "Which incident" in message["text"])
    button = next(block for block in asked["blocks"] if block["type"] == "actions")["elements"][0]
    act = {"user": BEN, "channel": "general", "message_ts": asked["ts"], "action_id": button["action_id"]}
    assert (await slack.act("action", **act))["ok"]
    await until(lambda: _last(slack, "Noted on INC-1"))
    assert [entry.facts["text"] for entry in await bot.entries("INC-1") if entry.kind == Kind.NOTE] == [
        "it is the cache"
    ]


async def test_wrong_words_are_answered_at_once(both: Town) -> None:
    _, slack = both
    await slack.act("command", user=ADA, channel="general", text="/incident strat checkout")
    assert "Did you mean `/incident start`?" in (await whispers(slack))[0]
