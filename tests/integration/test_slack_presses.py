"""What a press cannot do is told to whoever pressed: seen in the local Slack, whatever was acknowledged."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bot.domain.run import Reply, Source
from bot.domain.timeline import Kind, Person
from tests.integration.emulator_process import BEN, BOT_TOKEN, CHEN, Emulator
from tests.integration.slack_bot import Bot, incident_channels, town, until
from tests.samples import BOTS

pytestmark = BOTS

Town = tuple[Bot, Emulator]


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Town]:
    async with town(tmp_path) as (bot, slack):
        yield bot, slack


async def call(slack: Emulator, method: str, **args: Any) -> dict[str, Any]:
    """Call the Web API as the bot."""
    headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
    async with slack.session.post(f"{slack.api_url}{method}", json=args, headers=headers) as response:
        answer: dict[str, Any] = await response.json()
    assert answer["ok"], answer
    return answer


async def press(slack: Emulator, value: str) -> dict[str, Any]:
    """Press a button of this value, as on a message that another release has posted."""
    general = await slack.id_of("general")
    await call(slack, "conversations.join", channel=general)
    text = {"type": "plain_text", "text": "Do it"}
    button = {"type": "button", "text": text, "action_id": "ff:Do it", "value": value}
    blocks = [{"type": "actions", "elements": [button]}]
    posted = await call(slack, "chat.postMessage", channel=general, text="old", blocks=blocks)
    act = {"user": BEN, "channel": general, "message_ts": posted["ts"], "action_id": "ff:Do it"}
    return await slack.act("action", **act)


async def whispered(slack: Emulator, words: str) -> bool:
    """Tell whether the presser alone was told this."""
    said = (await slack.channel("general"))["ephemerals"]
    return any(words in message["text"] and message["visible_to"] == BEN for message in said)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("garbage", "another release"),
        (json.dumps({"do": "explode incident=INC-1"}), "It asks for `explode`"),
        (json.dumps({"again": "gone", "incident": "INC-1"}), "not known any more"),
        (json.dumps({"do": "severity sev9"}), "sev9"),
    ],
)
async def test_what_a_button_cannot_do_is_told_to_whoever_pressed_it(place: Town, value: str, words: str) -> None:
    _, slack = place
    assert (await press(slack, value))["ok"]
    await until(lambda: whispered(slack, words))


async def test_a_form_that_does_not_open_is_told_with_the_way_around_it(place: Town) -> None:
    _, slack = place
    await slack.act("faults", method="views.open", mode="error:fatal_error")
    assert (await press(slack, json.dumps({"do": "start"})))["ok"]
    await until(lambda: whispered(slack, "The form did not open"))


async def test_a_press_while_the_database_is_away_is_told_as_not_recorded(place: Town, tmp_path: Path) -> None:
    bot, slack = place
    with closing(sqlite3.connect(tmp_path / "bot.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert (await press(slack, json.dumps({"do": "note it is the cache"})))["ok"]
        await until(lambda: whispered(slack, "not recorded"))
        other.execute("ROLLBACK")
    assert bot.side.ailment() is None


async def test_a_press_without_a_response_url_is_told_directly(place: Town) -> None:
    """The Home tab's buttons have none, and no channel."""
    bot, slack = place
    bot.side.whisper(Source(via="slack"), Person(BEN, "ben"), Reply("You see this."))
    await until(lambda: _direct(slack, "You see this."))


async def _direct(slack: Emulator, words: str) -> bool:
    channels = (await slack.read("state"))["channels"]
    return any(
        words in message["text"] for channel in channels if not channel.get("name") for message in channel["messages"]
    )


async def card(slack: Emulator) -> tuple[dict[str, Any], str]:
    """Give the card of the only incident, once it is pinned, and the channel it is in."""

    async def look() -> tuple[dict[str, Any], str] | None:
        for channel in await incident_channels(slack):
            for message in channel["messages"]:
                if message["ts"] in channel["pins"]:
                    return message, str(channel["id"])
        return None

    found: tuple[dict[str, Any], str] = await until(look)
    return found


def element(message: dict[str, Any], action_id: str) -> dict[str, Any]:
    rows = [block["elements"] for block in message["blocks"] if block["type"] == "actions"]
    return next(each for row in rows for each in row if each["action_id"] == action_id)


async def test_an_entry_of_the_cards_menu_opens_its_form(place: Town) -> None:
    _, slack = place
    await slack.act("command", user=BEN, channel="general", text="/incident start slow")
    message, channel = await card(slack)
    options = element(message, "ff:More")["options"]
    value = next(each["value"] for each in options if each["text"]["text"] == "Change severity")
    act = {"user": BEN, "channel": channel, "message_ts": message["ts"], "action_id": "ff:More", "value": value}
    assert (await slack.act("action", **act))["ok"]
    await until(lambda: _form(slack, "severity"))


async def _form(slack: Emulator, words: str) -> bool:
    return words in json.dumps((await slack.read("state"))["views"].get(BEN, [])).lower()


async def test_of_two_who_take_command_at_the_same_moment_one_has_it_and_the_other_is_told(place: Town) -> None:
    bot, slack = place
    await slack.act("command", user=BEN, channel="general", text="/incident start slow")
    message, channel = await card(slack)
    act = {"channel": channel, "message_ts": message["ts"], "action_id": "ff:Take command"}
    both = await asyncio.gather(*(slack.act("action", user=user, **act) for user in (BEN, CHEN)))
    assert [answer["ok"] for answer in both] == [True, True]
    await until(lambda: _told(slack, channel, ("since this button was drawn", "at the same moment")))
    [set_] = [entry for entry in await bot.entries("INC-1") if entry.kind == Kind.ROLE_SET]
    assert set_.facts["person"] in {BEN, CHEN}


async def _told(slack: Emulator, channel_id: str, words: tuple[str, ...]) -> bool:
    channels = (await slack.read("state"))["channels"]
    said = next(each["ephemerals"] for each in channels if each["id"] == channel_id)
    return any(word in message["text"] for message in said for word in words)
