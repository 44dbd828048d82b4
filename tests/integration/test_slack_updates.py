"""Before the local Slack: an update is a reply to the line, which shows the promise; a role is handed over."""

from pathlib import Path
from typing import Any

from tests.integration.emulator_process import ADA, BEN, Emulator
from tests.integration.slack_bot import incident_channels, town, until

LOBBY = "incidents"


async def test_stakeholders_read_updates_where_the_incident_was_announced(tmp_path: Path) -> None:
    async with town(tmp_path, announcements=LOBBY) as (bot, slack):
        await _say(slack, "/incident start checkout 5xx")
        await until(lambda: _lines(slack, LOBBY), 30)
        await _say(slack, '/incident update incident=INC-1 impact="1 in 5 checkouts" Rolling back. next=20m')
        line, reply = await until(lambda: _two(bot, slack), 30)
        assert "hit: 1 in 5 checkouts" in line["text"]
        assert "next update by <!date^" in line["text"]
        assert reply["text"] == "Update: Rolling back."
        assert reply["thread_ts"] == line["ts"]


async def test_the_new_commander_is_called_in_the_channel(tmp_path: Path) -> None:
    async with town(tmp_path) as (_, slack):
        await _say(slack, "/incident start checkout 5xx")
        await until(lambda: incident_channels(slack), 30)
        await _say(slack, f"/incident role commander <@{BEN}> incident=INC-1")
        said = await until(lambda: _called(slack), 30)
        assert "Status: SEV2, open" in said


async def _say(slack: Emulator, words: str) -> None:
    assert (await slack.act("command", user=ADA, channel="general", command=words))["ok"]


async def _lines(slack: Emulator, channel: str) -> list[dict[str, Any]]:
    return [message for message in (await slack.channel(channel))["messages"] if message.get("metadata")]


async def _two(bot: Any, slack: Emulator) -> list[dict[str, Any]]:
    found = await _lines(slack, LOBBY)
    done = len(found) > 1 and not bot.side.pending
    return sorted(found, key=lambda message: float(message["ts"])) if done else []


async def _called(slack: Emulator) -> str:
    messages = (await incident_channels(slack))[0]["messages"]
    texts = [str(block.get("text", {}).get("text", "")) for one in messages for block in one.get("blocks") or ()]
    return next((text for text in texts if text.startswith(f"<@{BEN}> is *commander* now")), "")
