"""A digest's message against the local Slack: it carries its slot, and a second try finds it."""

from pathlib import Path

from tests.integration.slack_bot import town

KEY = "digest:shop:abc:2026-03-01T09:00:00Z"


async def test_a_slot_stands_in_the_channel_once(tmp_path: Path) -> None:
    async with town(tmp_path) as (bot, slack):
        first = await bot.ports.poster.post("#general", "*Health of shop*: nothing to say.", KEY)
        again = await bot.ports.poster.post("general", "*Health of shop*: nothing to say.", KEY)
        missing = await bot.ports.poster.post("#nowhere", "x", KEY)
        channels = (await slack.read("state"))["channels"]
    assert first.ok
    assert (again.ok, again.ref) == (True, first.ref)
    assert (missing.ok, missing.again) == (False, False)
    general = next(channel for channel in channels if channel["name"] == "general")
    assert general["id"] == first.ref.partition("/")[0]
