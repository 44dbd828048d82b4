import asyncio

import pytest

from bot.adapters.slack.limits import Limits, Rank, ranked
from bot.domain.errors import ChatFailed
from tests.unit.slack.fake_slack import HandClock, limits_of, settled


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
    ("method", "a_minute"), [("conversations.create", 19), ("chat.update", 47), ("users.info", 95)]
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
    for _ in range(19):
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


def _rank(severity: int, number: int) -> Rank:
    return Rank(after_announcements=True, severity=severity, number=number)


SEV1, SEV4, OLD_SEV4 = _rank(1, 9), _rank(4, 8), _rank(4, 7)


async def test_some_turns_are_kept_for_the_grave(limits: Limits, seconds: Seconds) -> None:
    with ranked(SEV4):
        for _ in range(17):
            await limits.turn("conversations.create")
        with pytest.raises(ChatFailed, match="busy"):
            await limits.turn("conversations.create")
    with ranked(SEV1):
        await limits.turn("conversations.create")
    await limits.turn("conversations.create")
    assert seconds.now == 1_000.0


async def test_who_waits_is_served_by_rank() -> None:
    clock = HandClock()
    limits, served = limits_of(clock), []

    async def ask(rank: Rank, method: str = "pins.add") -> None:
        with ranked(rank):
            await limits.turn(method, patience_s=100)
        served.append(rank)

    for _ in range(19):
        await limits.turn("pins.add")
        clock.advance(1)
    announcement = Rank(severity=4, number=9)
    asked = [asyncio.create_task(ask(rank)) for rank in (SEV4, OLD_SEV4, SEV1, announcement)]
    await settled(clock, lambda: all(task.done() for task in asked))
    assert served == [SEV1, announcement, OLD_SEV4, SEV4]  # some turns are only for the grave


async def test_one_that_gives_up_takes_no_turn(limits: Limits) -> None:
    for _ in range(18):
        await limits.turn("pins.add")
    limits.pause("pins.add", "", 10)
    waiting = asyncio.create_task(limits.turn("pins.add", patience_s=20))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await limits.turn("pins.add", patience_s=20)


async def test_what_an_earlier_speaker_used_counts(seconds: Seconds) -> None:
    before, after = Limits(seconds, seconds.sleep), Limits(seconds, seconds.sleep)
    for _ in range(19):
        await before.turn("pins.add")
    await before.turn("users.info")
    seconds.now += 40
    used = before.used()
    assert list(used) == ["pins.add"]
    after.take_over(used)
    with pytest.raises(ChatFailed) as failed:
        await after.turn("pins.add")
    assert failed.value.retry_after_s == 21
