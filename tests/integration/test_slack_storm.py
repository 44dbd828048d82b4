"""Many incidents against the limits of the local Slack, minutes in a moment: order, no 429, nothing twice."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bot.domain.timeline import Kind
from bot.emulator.channels import Channel
from tests.integration.boxed_slack import Storm, doubled
from tests.samples import BOTS
from tests.unit.slack.fake_slack import settled

pytestmark = BOTS

MIXED = (4, 3, 4, 2, 1)
UPDATE, POST, CREATE = "chat.update", "chat.postMessage", "conversations.create"


@pytest.fixture
async def storm() -> AsyncIterator[Storm]:
    storm = Storm()
    await storm.speak()
    yield storm
    await storm.reconciler.stop()
    await storm.chat.close()


async def opened(storm: Storm, count: int) -> None:
    for number in range(count):
        await storm.open(MIXED[number % len(MIXED)])


async def while_away(storm: Storm, count: int, away: str = "unreachable") -> None:
    """Open incidents while Slack is away for so long that everybody has noticed."""
    storm.chat.away = away
    await opened(storm, count)
    until = storm.clock.seconds() + 120
    await settled(storm.clock, lambda: storm.clock.seconds() >= until)
    assert storm.reconciler.pending == count
    storm.chat.away = ""


def channels(storm: Storm) -> list[Channel]:
    return [one for one in storm.box.workspace.channels.values() if one.name.startswith("inc-")]


def assert_all_shown(storm: Storm, count: int) -> None:
    assert len(channels(storm)) == count
    for channel in channels(storm):
        card, severity = channel.pinned()[0], storm.severity(f"INC-{channel.name.split('-')[1]}")
        assert card.text.startswith(f"{severity} INC-")
        assert channel.topic.startswith(f"{severity} open")
        assert len(channel.bookmarks) == 1
        assert len([message for message in channel.messages.values() if "note 0" in message.text]) == 1
    lobby = storm.box.workspace.channel(storm.lobby())
    lines = [message.text for message in lobby.messages.values() if "checkout 5xx" in message.text]
    assert len(lines) == count
    assert all("<#C" in line for line in lines)
    assert doubled(storm) == {}
    assert "ratelimited" not in storm.outcomes()


@pytest.mark.parametrize("away", ["unreachable", "unanswered", "http_503"])
async def test_five_incidents_are_shown_half_a_minute_after_an_outage(storm: Storm, away: str) -> None:
    await while_away(storm, 5, away)
    assert await storm.rest() <= 30
    assert_all_shown(storm, 5)


async def test_an_outage_of_two_minutes_is_a_call_every_two_seconds(storm: Storm) -> None:
    await while_away(storm, 50)
    assert 55 <= storm.chat.attempts <= 65
    assert storm.calls == []


async def test_fifty_incidents_are_shown_four_minutes_after_an_outage_the_gravest_first(storm: Storm) -> None:
    await while_away(storm, 50)
    assert await storm.rest() <= 240
    assert_all_shown(storm, 50)
    announced, made = storm.order(POST, channel=storm.lobby()), storm.order(CREATE)
    assert announced == sorted(announced, key=lambda one: (storm.severity(one), announced.index(one)))
    assert made == sorted(made, key=lambda one: (storm.severity(one), made.index(one)))
    for number in range(1, 51):
        methods = [(name, args) for _, name, args, _ in storm.calls if name in {POST, CREATE}]
        mine = [name for name, args in methods if f"inc-{number}-" in str(args) or f'"INC-{number}"' in str(args)]
        assert mine[:2] == [POST, CREATE]


async def test_fifty_incidents_in_a_burst(storm: Storm) -> None:
    await opened(storm, 50)
    assert await storm.rest() <= 240
    assert_all_shown(storm, 50)


async def test_a_late_sev1_is_shown_before_a_queue_of_lesser_ones(storm: Storm) -> None:
    for _ in range(50):
        await storm.open(4)
    until = storm.clock.seconds() + 20
    await settled(storm.clock, lambda: storm.clock.seconds() >= until)
    assert len(channels(storm)) < 50
    began = storm.clock.seconds()
    await storm.open(1)
    await settled(storm.clock, lambda: any(one.bookmarks for one in late(storm)))
    channel = late(storm)[0]
    assert storm.clock.seconds() - began <= 3
    assert channel.pinned()[0].text.startswith("SEV1 INC-51")
    assert channel.topic.startswith("SEV1")
    await storm.rest()
    assert_all_shown(storm, 51)


def late(storm: Storm) -> list[Channel]:
    return [channel for channel in channels(storm) if channel.name.startswith("inc-51-")]


@pytest.mark.parametrize("calls", [3, 40, 110, 200])
async def test_whoever_speaks_next_stays_below_the_limits(storm: Storm, calls: int) -> None:
    await opened(storm, 50)
    await settled(storm.clock, lambda: len(storm.calls) >= calls)
    await storm.reconciler.stop()
    await storm.chat.close()
    await storm.speak()
    await storm.rest()
    assert_all_shown(storm, 50)


async def test_changes_in_a_storm_are_joined_and_never_older(storm: Storm) -> None:
    await opened(storm, 20)
    await storm.rest()
    before = len(storm.calls)
    for severity in ("SEV3", "SEV2", "SEV1"):
        for number in range(1, 21):
            await storm.append(f"INC-{number}", Kind.SEVERITY_SET, severity=severity, was="?")
        storm.clock.advance(0.3)
        await asyncio.sleep(0)
    await storm.rest()
    updates = [args for _, name, args, _ in storm.calls[before:] if name == UPDATE]
    lines = [args for args in updates if args["channel"] == storm.lobby()]
    assert len(updates) - len(lines) <= 2 * 20
    assert {channel.pinned()[0].text.split(" ")[0] for channel in channels(storm)} == {"SEV1"}
    for channel in channels(storm):
        shown = [args["text"][:4] for args in updates if args["channel"] == channel.id]
        assert shown == sorted(shown, reverse=True)
    assert "ratelimited" not in storm.outcomes()
