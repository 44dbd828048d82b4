import asyncio

import pytest

from bot.adapters.slack.limits import Limits
from bot.domain.errors import ChatFailed


class Seconds:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def limits(seconds: Seconds) -> Limits:
    return Limits(seconds, seconds.sleep)


@pytest.mark.parametrize(
    ("method", "a_minute"), [("conversations.create", 20), ("chat.update", 50), ("users.info", 100)]
)
async def test_a_minute_holds_what_its_tier_allows(
    limits: Limits, seconds: Seconds, method: str, a_minute: int
) -> None:
    for _ in range(a_minute):
        await limits.turn(method)
    assert seconds.now == 1_000.0
    await limits.turn(method, patience_s=70)
    assert seconds.now == 1_061.0


async def test_one_message_a_second_and_channel_after_a_burst(limits: Limits, seconds: Seconds) -> None:
    times = []
    for _ in range(6):
        await limits.turn("chat.postMessage", "C1")
        times.append(seconds.now - 1_000)
    assert times == [0, 0, 0, 1, 2, 3]


async def test_channels_do_not_wait_for_each_other(limits: Limits, seconds: Seconds) -> None:
    for number in range(40):
        await limits.turn("chat.postMessage", f"C{number}")
    assert seconds.now == 1_000.0


async def test_the_impatient_are_told_how_long(limits: Limits, seconds: Seconds) -> None:
    for _ in range(20):
        await limits.turn("pins.add")
    seconds.now += 31
    with pytest.raises(ChatFailed) as failed:
        await limits.turn("pins.add")
    assert (failed.value.code, failed.value.retryable, failed.value.retry_after_s) == ("busy", True, 30)


async def test_a_429_is_heeded(limits: Limits, seconds: Seconds) -> None:
    limits.pause("chat.update", "C1", 2.5)
    await limits.turn("chat.update", "C2")
    assert seconds.now == 1_002.5


async def test_a_post_s_429_is_about_its_channel(limits: Limits, seconds: Seconds) -> None:
    limits.pause("chat.postMessage", "C1", 2)
    await limits.turn("chat.postMessage", "C2")
    assert seconds.now == 1_000.0
    await limits.turn("chat.postMessage", "C1")
    assert seconds.now == 1_002.0


async def test_many_at_once_reserve_their_turns(limits: Limits) -> None:
    await asyncio.gather(*(limits.turn("chat.postMessage", "C1", patience_s=100) for _ in range(10)))
    with pytest.raises(ChatFailed):
        await limits.turn("chat.postMessage", "C1", patience_s=0)
