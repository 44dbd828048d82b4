"""Whoever is on call by a user group of the local Slack is invited when an incident opens."""

from pathlib import Path

from bot.adapters.paging.rota import KeptRota, Names
from bot.adapters.sql.marks import SqlMarks
from bot.domain.timeline import Kind
from tests.integration.emulator_process import ADA, BEN, Emulator
from tests.integration.slack_bot import Bot, incident_channels, town, until

CHEN = "U0CHEN003"


def kept(bot: Bot, handle: str = "oncall") -> KeptRota:
    ports = bot.ports
    return KeptRota(bot.side.home.usergroups, Names(handle, {}), ports.store, SqlMarks(), ports.clock)


async def test_the_people_of_the_group_are_in_the_channel_by_their_names(tmp_path: Path) -> None:
    async with town(tmp_path) as (bot, slack):
        bot.ports.rota.on_call = kept(bot).on_call  # type: ignore[method-assign]
        assert (await slack.act("command", user=ADA, channel="general", command="/incident start it is slow"))["ok"]
        await until(lambda: _are_in(slack, {ADA, BEN, CHEN}), 30)
        (told,) = [entry.facts for entry in await bot.entries("INC-1") if entry.kind == Kind.ON_CALL]
        assert [person["id"] for person in told["people"]] == [BEN, CHEN]
        assert all(person["name"] != person["id"] for person in told["people"])
        assert (told["source"], told["note"]) == ("Slack user group", "")


async def test_a_group_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with town(tmp_path) as (bot, _):
        found = await kept(bot, "@renamed").on_call("")
        assert found.people == ()
        assert "no user group has the handle @renamed" in found.note


async def test_people_are_found_by_their_mail(tmp_path: Path) -> None:
    async with town(tmp_path) as (bot, _):
        found = await bot.side.home.directory.find("ben@example.com")
        assert found is not None
        assert found.id == BEN
        assert await bot.side.home.directory.find("nobody@example.com") is None


async def _are_in(slack: Emulator, people: set[str]) -> bool:
    channels = await incident_channels(slack)
    return bool(channels) and people <= set(channels[0]["members"])
