"""A private incident in front of the local Slack: its channel, who is in it, and what nobody else is shown."""

from pathlib import Path
from typing import Any

from bot.domain.timeline import Kind
from tests.integration.emulator_process import ADA, BEN, CHEN, Emulator
from tests.integration.slack_bot import Bot, incident_channels, town, until

SECRET = "payroll"


async def card_stands(slack: Emulator) -> dict[str, Any] | None:
    return next((channel for channel in await incident_channels(slack) if channel["pins"]), None)


async def members(slack: Emulator, name: str, *wanted: str) -> bool:
    return set(wanted) <= set((await slack.channel(name))["members"])


async def heard(slack: Emulator, words: str) -> str:
    told = [message["text"] for message in (await slack.channel("general"))["ephemerals"]]
    return next((text for text in reversed(told) if words in text), "")


async def test_only_who_takes_part_is_in_its_channel_or_hears_of_it(tmp_path: Path) -> None:
    async with town(tmp_path, announcements="incidents") as (bot, slack):
        await slack.act("command", user=ADA, channel="general", text=f"/incident start private=yes {SECRET} leak")
        channel = await until(lambda: card_stands(slack))
        assert (await slack.channel(channel["name"]))["members"].count(ADA) == 1
        assert not await members(slack, channel["name"], BEN)
        await slack.act("command", user=BEN, channel="general", text="/incident note hello")
        await until(lambda: heard(slack, "No incident is open"))
        await slack.act("command", user=BEN, channel="general", text="/incident join INC-1")
        await until(lambda: heard(slack, "There is no INC-1"))
        await slack.act("command", user=ADA, channel=channel["name"], text=f"/incident join <@{BEN}|ben>")
        await until(lambda: members(slack, channel["name"], ADA, BEN))
        await slack.act("command", user=BEN, channel="general", text="/incident status INC-1")
        await until(lambda: heard(slack, SECRET))
        assert not await members(slack, channel["name"], CHEN)
        assert [entry.facts["how"] for entry in await _told(bot, Kind.JOINED)] == ["asked"]
        state = await slack.read("state")
        shown = [each for each in state["channels"] if SECRET in str(each["messages"])]
        assert [each["name"] for each in shown] == [channel["name"]]
        assert await _told(bot, Kind.CHAT_FAILED) == []


async def test_slack_s_own_invitations_count_and_leaving_takes_it_away(tmp_path: Path) -> None:
    async with town(tmp_path) as (bot, slack):
        await slack.act("command", user=ADA, channel="general", text=f"/incident start private=yes {SECRET} leak")
        name = (await until(lambda: card_stands(slack)))["name"]
        assert not (await slack.act("join", user=BEN, channel=name))["ok"]
        assert (await slack.act("command", user=ADA, channel=name, text="/invite @ben"))["ok"]
        await until(lambda: _told(bot, Kind.JOINED))
        await slack.act("home", user=BEN)
        await until(lambda: home_tells(slack, BEN))
        await slack.act("command", user=BEN, channel="general", text="/incident status INC-1")
        await until(lambda: heard(slack, SECRET))
        await slack.act("command", user=ADA, channel=name, text="/remove @ben")
        await until(lambda: _told(bot, Kind.LEFT))
        await until(lambda: home_is_silent(slack, BEN))
        await slack.act("command", user=BEN, channel="general", text="/incident status INC-1")
        await until(lambda: heard(slack, "There is no INC-1"))
        (came,), (went,) = await _told(bot, Kind.JOINED), await _told(bot, Kind.LEFT)
        assert (came.actor, came.facts["person"], went.facts["person"]) == (ADA, BEN, BEN)
        assert "joined, brought in by" not in str((await slack.channel(name))["messages"])
        # Whoever is asked by name again is invited again.
        await slack.act("command", user=ADA, channel=name, text=f"/incident join <@{BEN}|ben>")
        await until(lambda: members(slack, name, ADA, BEN))


async def test_back_in_its_channel_the_bot_looks_who_is_there_and_shows_what_it_could_not(tmp_path: Path) -> None:
    async with town(tmp_path) as (bot, slack):
        await slack.act("command", user=ADA, channel="general", text=f"/incident start private=yes {SECRET} leak")
        name = (await until(lambda: card_stands(slack)))["name"]
        await slack.act("command", user=ADA, channel=name, text="/invite @ben")
        await until(lambda: _told(bot, Kind.JOINED))
        await slack.act("command", user=ADA, channel=name, text="/remove @firstfive")
        await slack.act("command", user=ADA, channel=name, text="/remove @ben")
        await slack.act("command", user=ADA, channel=name, text="/invite @chen")
        await slack.act("command", user=ADA, channel="general", text="/incident severity sev1 INC-1")
        await until(lambda: _told(bot, Kind.CHAT_FAILED))
        await slack.act("command", user=ADA, channel=name, text="/invite @firstfive")
        (went,) = await until(lambda: _told(bot, Kind.LEFT))
        assert (went.facts["person"], (await _told(bot, Kind.JOINED))[-1].facts["person"]) == (BEN, CHEN)
        await until(lambda: shows(slack, name, "SEV1"))


async def shows(slack: Emulator, name: str, words: str) -> bool:
    return words in str((await slack.channel(name))["messages"])


async def home_tells(slack: Emulator, user: str) -> bool:
    return SECRET in str((await slack.read("state"))["homes"].get(user))


async def home_is_silent(slack: Emulator, user: str) -> bool:
    return not await home_tells(slack, user)


async def _told(bot: Bot, kind: Kind) -> list[Any]:
    return [entry for entry in await bot.entries("INC-1") if entry.kind == kind]
