from bot.emulator.clock import Clock
from bot.emulator.rates import PER_MINUTE, POST_BURST, RateLimits


def test_the_call_after_the_last_allowed_one_waits() -> None:
    limits = RateLimits(Clock())
    for _ in range(PER_MINUTE["conversations.create"]):
        assert limits.retry_after("conversations.create") == 0
    assert 0 < limits.retry_after("conversations.create") <= 60


def test_a_minute_later_it_may_pass() -> None:
    clock = Clock()
    limits = RateLimits(clock)
    for _ in range(PER_MINUTE["chat.update"] + 1):
        limits.retry_after("chat.update")
    clock.advance(61)
    assert limits.retry_after("chat.update") == 0


def test_methods_are_counted_apart() -> None:
    limits = RateLimits(Clock())
    for _ in range(PER_MINUTE["pins.add"]):
        limits.retry_after("pins.add")
    assert limits.retry_after("pins.list") == 0


def test_posting_is_limited_per_channel_with_a_burst() -> None:
    clock = Clock()
    limits = RateLimits(clock)
    assert [limits.retry_after("chat.postMessage", "C1") for _ in range(POST_BURST + 1)] == [0] * POST_BURST + [1]
    assert limits.retry_after("chat.postMessage", "C2") == 0
    clock.advance(1.1)
    assert limits.retry_after("chat.postMessage", "C1") == 0


def test_off_means_never() -> None:
    limits = RateLimits(Clock(), on=False)
    assert {limits.retry_after("pins.add") for _ in range(200)} == {0}
