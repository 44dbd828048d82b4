from datetime import UTC, timedelta

import pytest

from bot.adapters import clock
from bot.adapters.clock import SystemClock


async def test_tells_an_aware_time_and_waits_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_LOOK_AGAIN_S", 0.001)
    began = SystemClock().now()
    assert began.tzinfo is UTC
    await SystemClock().sleep_until(began + timedelta(milliseconds=5))
    assert SystemClock().now() >= began + timedelta(milliseconds=5)


async def test_a_time_that_has_passed_is_not_waited_for() -> None:
    await SystemClock().sleep_until(SystemClock().now() - timedelta(days=1))
