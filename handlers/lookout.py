"""What is seen of many things outside, asked anew when somebody looks, and never waited for longer than a moment.

An asking that takes longer goes on, once for each thing; whoever looks next sees what came of it. So a page does not
wait for a dead target, and many readers ask a target no more often than one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from bot.ports import Clock

T = TypeVar("T")

FRESH = timedelta(seconds=5)
"""What was seen so lately is not asked for again."""
PATIENCE_S = 0.5
"""For all that is asked anew by one look."""
_AT_ONCE = 64
_MOST = 2_000


@dataclass(frozen=True)
class Seen(Generic[T]):
    """What was seen, and when (UTC)."""

    at: datetime
    what: T


class Lookout(Generic[T]):
    """Remembers the last that was seen of each thing, by its name; the latest of them, as they come and go."""

    def __init__(self, clock: Clock, patience_s: float | None = None, fresh: timedelta = FRESH) -> None:
        self._clock = clock
        self._patience_s = PATIENCE_S if patience_s is None else patience_s
        self._fresh = fresh
        self._gate = asyncio.Semaphore(_AT_ONCE)
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._seen: dict[str, Seen[T]] = {}

    async def look(self, things: Mapping[str, Callable[[], Awaitable[T]]]) -> Mapping[str, Seen[T]]:
        """Give what is known of each thing: old where it does not answer now, nothing where it never did."""
        begun = [self._ask(name, ask) for name, ask in things.items() if self._is_due(name)]
        if begun:
            await asyncio.wait(begun, timeout=self._patience_s)
        return {name: self._seen[name] for name in things if name in self._seen}

    def _is_due(self, name: str) -> bool:
        seen = self._seen.get(name)
        return name not in self._asking and (seen is None or self._clock.now() - seen.at >= self._fresh)

    def _ask(self, name: str, ask: Callable[[], Awaitable[T]]) -> asyncio.Task[None]:
        task = self._asking[name] = asyncio.create_task(self._asked(name, ask))
        return task

    async def _asked(self, name: str, ask: Callable[[], Awaitable[T]]) -> None:
        try:
            async with self._gate:
                what = await ask()
            self._seen.pop(name, None)
            self._seen[name] = Seen(self._clock.now(), what)
            if len(self._seen) > _MOST:
                del self._seen[next(iter(self._seen))]
        finally:
            del self._asking[name]
