"""Slack's clock: wall time, which a test may push forward."""

import asyncio
import time


class Clock:
    """Seconds since the epoch, plus what was skipped."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._moved = asyncio.Event()

    def now(self) -> float:
        """Return Slack's time: message ts, expiry of trigger ids and response urls."""
        return time.time() + self._ahead_s

    def real(self) -> float:
        """Return unskipped time: signatures are checked against the app's own clock."""
        return time.time()

    def advance(self, seconds: float) -> None:
        """Skip ahead and wake whoever sleeps."""
        self._ahead_s += seconds
        self._moved.set()
        self._moved = asyncio.Event()

    def rewind(self) -> None:
        """Forget what was skipped."""
        self._ahead_s = 0.0

    async def sleep_until(self, deadline: float) -> None:
        """Sleep until Slack's time reaches the deadline."""
        while (left := deadline - self.now()) > 0:
            try:
                await asyncio.wait_for(self._moved.wait(), timeout=left)
            except TimeoutError:
                return
