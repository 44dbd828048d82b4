"""The clock on the wall."""

import asyncio
from datetime import UTC, datetime

_LOOK_AGAIN_S = 10.0


class SystemClock:
    """Time as the machine has it."""

    def now(self) -> datetime:
        """Give the present, aware, UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, at: datetime) -> None:
        """Return when `at` has come, even if the clock is set meanwhile."""
        while (left_s := (at - self.now()).total_seconds()) > 0:  # noqa: ASYNC110 - waits for a time, not for a state
            await asyncio.sleep(min(left_s, _LOOK_AGAIN_S))
