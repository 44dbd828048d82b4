"""A post stands in its channel once, whatever its calls did."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bot.adapters.slack.blocks import Around
from bot.adapters.slack.channels import Channels
from bot.adapters.slack.poster import SlackPoster
from bot.domain.errors import ChatFailed
from bot.domain.run import Choice, Reply
from bot.ports import Picture
from tests.unit.slack.fake_slack import AFTER, BEFORE, BOT, LATE, FakeSlack, HandClock, settled

TEXT = "*Health of shop*\n• New: checkout-1 answers 3 x 503\n<!channel>"


def workspace() -> tuple[FakeSlack, SlackPoster]:
    slack = FakeSlack(HandClock())
    slack.add_channel("shop")
    return slack, SlackPoster(slack, Channels(slack), slack.clock, Around("http://pages"))


def said(slack: FakeSlack) -> list[str]:
    return [message["text"] for channel in slack.channels.values() for message in channel["messages"]]


async def test_a_slot_is_posted_once_by_all_who_try() -> None:
    slack, poster = workspace()
    for _ in range(3):
        assert (await poster.post("#shop", TEXT, "digest:shop:1")).ok
    _, another = slack, SlackPoster(slack, Channels(slack), slack.clock, Around("http://pages"))
    assert (await another.post("shop", TEXT, "digest:shop:1")).ok
    assert len(said(slack)) == 1
    assert "<!channel>" not in said(slack)[0]
    await poster.post("#shop", TEXT, "digest:shop:2")
    assert len(said(slack)) == 2


@pytest.mark.parametrize("mode", [BEFORE, AFTER, "ratelimited"])
async def test_a_call_that_fails_is_tried_again_without_a_second_message(mode: str) -> None:
    slack, poster = workspace()
    slack.faults = [("chat.postMessage", mode)]
    first = await poster.post("#shop", TEXT, "k")
    assert (first.ok, first.again) == (False, True)
    slack.clock.advance(20)
    assert (await poster.post("#shop", TEXT, "k")).ok
    assert len(said(slack)) == 1


async def test_what_may_still_come_is_not_repeated() -> None:
    slack, poster = workspace()
    slack.faults = [("chat.postMessage", LATE)]
    assert not (await poster.post("#shop", TEXT, "k")).ok
    await asyncio.sleep(0)
    for _ in range(4):
        early = await poster.post("#shop", TEXT, "k")
        assert (early.ok, early.again) == (False, True)
        slack.clock.advance(2)
    assert (await poster.post("#shop", TEXT, "another")).ok
    slack.clock.advance(10)
    await asyncio.gather(*slack.late)
    assert (await poster.post("#shop", TEXT, "k")).ok
    assert len(said(slack)) == 2


async def test_it_enters_a_channel_it_is_not_in() -> None:
    slack, poster = workspace()
    channel = next(iter(slack.channels.values()))
    channel["members"].discard(BOT)
    assert (await poster.post("#shop", TEXT, "k")).ok
    assert BOT in channel["members"]


async def test_a_channel_that_is_not_there_is_said_and_not_tried_again() -> None:
    _, poster = workspace()
    posted = await poster.post("#nowhere", TEXT, "k")
    assert (posted.ok, posted.again, posted.reason) == (False, False, "#nowhere: there is no such channel")


async def test_what_is_shown_is_one_message_that_changes_with_its_buttons() -> None:
    slack, poster = workspace()
    proposed = Reply("Proposed: slow", (Choice("Open an incident", "alert group=k"),))
    first = await poster.show("#shop", proposed, "proposal:k:1")
    assert await poster.show("#shop", Reply("INC-7 was opened."), "proposal:k:1") == first
    await poster.show("#shop", proposed, "proposal:k:2")
    assert said(slack) == ["INC-7 was opened.", "Proposed: slow"]


PICTURE = Picture("Trend: incidents per day, 14 days", "2 at the end", b"\x89PNG")


class Gallery(FakeSlack):
    """Keeps what is uploaded without a channel."""

    async def upload(self, name: str, title: str, content: bytes, **where: Any) -> dict[str, Any]:
        assert not where
        if self._fault("upload"):
            raise ChatFailed("ratelimited", retryable=True)
        assert content == PICTURE.png
        return {"files": [{"id": "F1", "name": name, "title": title}]}


@pytest.mark.parametrize(
    ("faults", "pictures"),
    [
        ([], ["2 at the end"]),
        ([("chat.postMessage", "invalid_blocks")], ["2 at the end"]),
        ([("chat.postMessage", "invalid_blocks")] * 3, []),
        ([("upload", BEFORE)], []),
    ],
)
async def test_a_picture_is_in_the_message_or_the_words_must_do(
    faults: list[tuple[str, str]], pictures: list[str]
) -> None:
    slack = Gallery(HandClock())
    slack.add_channel("shop")
    slack.faults = faults
    poster = SlackPoster(slack, Channels(slack), slack.clock, Around("http://pages"))
    posting = asyncio.create_task(poster.post("#shop", TEXT, "k", PICTURE))
    await settled(slack.clock, posting.done)
    assert (await posting).ok
    (message,) = next(iter(slack.channels.values()))["messages"]
    assert [each["alt_text"] for each in message["blocks"] if each["type"] == "image"] == pictures
    assert (await poster.post("#shop", TEXT, "k", PICTURE)).ok
    assert len(said(slack)) == 1


async def test_a_message_whose_answer_was_lost_is_found_with_its_picture() -> None:
    slack = Gallery(HandClock())
    slack.add_channel("shop")
    slack.faults = [("chat.postMessage", AFTER)]
    poster = SlackPoster(slack, Channels(slack), slack.clock, Around("http://pages"))
    assert (await poster.post("#shop", TEXT, "k", PICTURE)).again
    assert (await poster.post("#shop", TEXT, "k", PICTURE)).ok
    assert len(said(slack)) == 1


def words(value: Any) -> Iterator[str]:
    """Give every string that a block shows."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from [inner] if name in {"text", "alt_text"} and isinstance(inner, str) else words(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from words(inner)


@pytest.mark.parametrize("text", ["word " * 8_000, "&<>" * 8_000, "- a line\n" * 4_000])
async def test_the_longest_post_stays_below_what_slack_was_seen_to_refuse(text: str) -> None:
    slack = Gallery(HandClock())
    slack.add_channel("shop")
    poster = SlackPoster(slack, Channels(slack), slack.clock, Around("http://pages"))
    await poster.post("#shop", text, "long", replace(PICTURE, title="title " * 100, words=text))
    choices = tuple(Choice("label " * 100, "start " + "x" * 1_900) for _ in range(12))
    await poster.show("#shop", Reply(text, choices), "longer")
    [channel] = slack.channels.values()
    shown = [message["blocks"] for message in channel["messages"] if message.get("blocks")]
    assert [blocks[-1]["type"] for blocks in shown] == ["image", "actions"]
    for blocks in shown:
        assert sum(map(len, words(blocks))) < 10_000
        assert "more on the incident" in blocks[2]["text"]["text"]
