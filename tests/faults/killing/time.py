"""Time that passes only when somebody says so, for the clock and the event loop alike; a restart does not lose it."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from tests.fakes import NOON

_TICK = timedelta(microseconds=1)
_RESTART = timedelta(milliseconds=1)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose timers can be brought forward."""

    ahead_s = 0.0

    def time(self) -> float:
        """Give the seconds that timers count."""
        return super().time() + self.ahead_s


class Clock:
    """Noon, and whatever has passed since. It ticks a little whenever it is looked at, so that no two moments are one.

    Timers of the loop go on as ever, so that a deadline is not missed because the machine is slow.
    """

    def __init__(self, folder: Path, loop: Loop) -> None:
        self._path = folder / "passed"
        passed_s = float(self._path.read_text()) if self._path.exists() else 0.0
        self._now = NOON + timedelta(seconds=passed_s) + _RESTART
        self._loop = loop
        self.sleepers: list[datetime] = []
        self.pass_(0.0)

    def now(self) -> datetime:
        """Give the present."""
        self._now += _TICK
        return self._now

    async def sleep_until(self, at: datetime) -> None:
        """Return when `at` has come."""
        self.sleepers.append(at)
        try:
            await asyncio.sleep(max(0.0, (at - self.now()).total_seconds()))
        finally:
            self.sleepers.remove(at)

    def pass_(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._loop.ahead_s += seconds
        self._path.write_text(str((self._now - NOON).total_seconds()))
