"""Slack is away, or says no, or the bot is: what Slack shows in the end is what it should."""

from pathlib import Path
from typing import Any

from fastapi import FastAPI

from bot.domain.timeline import Kind
from tests.integration.emulator_process import ADA, Emulator, running_emulator
from tests.integration.slack_bot import Bot, incident_channels, running_bot, served, town, until
from tests.samples import BOTS

pytestmark = BOTS

COMMAND = "/incident start checkout 5xx"


async def _shown(bot: Bot, slack: Emulator, incidents: int = 1) -> list[dict[str, Any]] | None:
    channels = await incident_channels(slack)
    rows = await bot.incidents()
    idle = not bot.side.pending and len(rows) == incidents
    has_card = all(channel["pins"] and channel["bookmarks"] for channel in channels)
    return channels if idle and len(channels) >= incidents and has_card else None


async def _wait(bot: Bot, slack: Emulator, incidents: int = 1, seconds: float = 30) -> list[dict[str, Any]]:
    channels: list[dict[str, Any]] = await until(lambda: _shown(bot, slack, incidents), seconds)
    return channels


def _cards(channel: dict[str, Any]) -> list[dict[str, Any]]:
    return [m for m in channel["messages"] if m.get("blocks") and m["blocks"][0]["type"] == "header"]


async def test_a_restart_in_the_middle_goes_on(tmp_path: Path) -> None:
    app = FastAPI()
    async with served(app) as url, running_emulator(f"{url}/slack/events") as slack:
        async with running_bot(tmp_path, app, slack.api_url):
            await slack.act("faults", method="chat.postMessage", mode="after", times=100)
            assert (await slack.act("command", user=ADA, channel="general", command=COMMAND))["ok"]
            await until(lambda: _posted(slack))
        await slack.act("faults", clear=True)
        async with running_bot(tmp_path, FastAPI(), slack.api_url) as bot:
            channel = (await _wait(bot, slack))[0]
            assert len(_cards(channel)) == 1


async def _posted(slack: Emulator) -> bool:
    return any(_cards(channel) for channel in await incident_channels(slack))


async def test_while_slack_is_down_the_incident_goes_on_and_is_shown_later(tmp_path: Path) -> None:
    async with town(tmp_path) as (bot, slack):
        await slack.act("faults", method="*", mode="http500", times=1_000)
        assert (await slack.act("command", user=ADA, channel="general", command=COMMAND))["ok"]
        await until(bot.incidents)
        await until(lambda: _ailing(bot, "http_500"))
        assert await incident_channels(slack) == []
        await slack.act("faults", clear=True)
        await _wait(bot, slack)
        assert bot.side.ailment() is None


async def _ailing(bot: Bot, error: str) -> bool:
    return error in (bot.side.ailment() or "")


async def test_a_storm_while_slack_is_away_meets_no_limit_after_it(tmp_path: Path) -> None:
    async with town(tmp_path, announcements="#incidents") as (bot, slack):
        await slack.act("faults", method="*", mode="drop", times=100_000)
        for number in range(5):
            command = f"/incident start checkout storm {number}"
            assert (await slack.act("command", user=ADA, channel="general", command=command))["ok"]
        await until(lambda: _ailing(bot, "unanswered"))
        await slack.act("faults", clear=True)
        await _wait(bot, slack, 5, 60)
        calls = (await slack.read("calls"))["calls"]
        assert {call["outcome"] for call in calls} == {"ok", "drop"}
        lobby = await slack.channel("incidents")
        assert len([message for message in lobby["messages"] if "storm" in message["text"]]) == 5


async def test_a_user_outside_of_the_workspace_and_an_archived_channel(tmp_path: Path) -> None:
    async with town(tmp_path) as (bot, slack):
        await slack.act("command", user=ADA, channel="general", command=COMMAND)
        channel = (await _wait(bot, slack))[0]["name"]
        await slack.act("faults", method="conversations.invite", mode="error:user_not_found")
        await slack.act("command", user=ADA, channel=channel, command="/incident role scribe @ben")
        failed = await until(lambda: _failures(bot))
        assert "/incident role commander" in failed[0]["reason"]
        await slack.act("faults", method="chat.update", mode="error:is_archived")
        await slack.act("command", user=ADA, channel=channel, command="/incident severity sev1")
        await until(lambda: _card_is(slack, "SEV1"))


async def _failures(bot: Bot) -> list[dict[str, Any]]:
    return [entry.facts for entry in await bot.entries("INC-1") if entry.kind == Kind.CHAT_FAILED]


async def _card_is(slack: Emulator, words: str) -> bool:
    return str(_cards((await incident_channels(slack))[0])[0]["text"]).startswith(words)
