"""Touches an incident again when time alone changes what is shown of it."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from bot.ports import Clock


class Ticks:
    """One timer for each incident, the latest that was asked for."""

    def __init__(self, clock: Clock, touch: Callable[[str], None]) -> None:
        self._clock = clock
        self._touch = touch
        self._timers: dict[str, asyncio.Task[None]] = {}

    def at(self, incident_id: str, when: datetime | None) -> None:
        """Touch an incident then; None to forget what was asked for."""
        timer = self._timers.pop(incident_id, None)
        if timer is not None:
            timer.cancel()
        if when is not None:
            self._timers[incident_id] = asyncio.create_task(self._wait(incident_id, when))

    async def stop(self) -> None:
        """Forget everything."""
        timers = list(self._timers.values())
        self._timers.clear()
        for timer in timers:
            timer.cancel()
        await asyncio.gather(*timers, return_exceptions=True)

    async def _wait(self, incident_id: str, when: datetime) -> None:
        await self._clock.sleep_until(when)
        self._touch(incident_id)
