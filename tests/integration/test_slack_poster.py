"""A digest's message against the local Slack: it carries its slot, and a second try finds it."""

from pathlib import Path

from bot.domain.picture import png
from bot.domain.trend import Panel, Trend
from bot.ports import Picture
from tests.integration.slack_bot import town

KEY = "digest:shop:abc:2026-03-01T09:00:00Z"


async def test_a_slot_stands_in_the_channel_once(tmp_path: Path) -> None:
    async with town(tmp_path) as (bot, slack):
        poster = bot.ports.within("").poster
        first = await poster.post("#general", "*Health of shop*: nothing to say.", KEY)
        again = await poster.post("general", "*Health of shop*: nothing to say.", KEY)
        missing = await poster.post("#nowhere", "x", KEY)
        channels = (await slack.read("state"))["channels"]
    assert first.ok
    assert (again.ok, again.ref) == (True, first.ref)
    assert (missing.ok, missing.again) == (False, False)
    general = next(channel for channel in channels if channel["name"] == "general")
    assert general["id"] == first.ref.partition("/")[0]


async def test_a_picture_is_in_the_message_with_its_words(tmp_path: Path) -> None:
    trend = Trend((Panel("incidents per day, 14 days", (0.0, 2.0), "03-01", "03-02"),))
    picture = Picture("Trend", trend.words, png(trend))
    async with town(tmp_path) as (bot, slack):
        poster = bot.ports.within("").poster
        first = await poster.post("#general", "*Health of shop*: 1 new", KEY, picture)
        again = await poster.post("#general", "*Health of shop*: 1 new", KEY, picture)
        (message,) = (await slack.channel("general"))["messages"]
        image = message["blocks"][-1]
        async with slack.session.get(f"{slack.url}files/{image['slack_file']['id']}/image") as answer:
            shown, kind = await answer.read(), answer.content_type
    assert (first.ok, again.ref) == (True, first.ref)
    assert (image["type"], image["alt_text"]) == ("image", trend.words)
    assert (shown, kind) == (picture.png, "image/png")
