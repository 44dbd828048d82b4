"""Wakes those in this process who wait for something that was committed."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from datetime import datetime
from threading import Lock
from weakref import WeakKeyDictionary

from bot.ports import Clock

_REMEMBERED = 4_096


class LocalBell:
    """Rung from any thread, heard in any event loop.

    Whoever waits has just looked at the database, and it may have changed since. So every ring is numbered and every
    task's last look remembered: a wait whose topic was rung since then returns at once, and no ring is missed.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._gate = Lock()
        self._rings = 0
        self._rung: OrderedDict[str, int] = OrderedDict()
        self._forgotten = 0
        self._heard: WeakKeyDictionary[asyncio.Task[object], dict[str, int]] = WeakKeyDictionary()
        self._waiting: dict[str, set[asyncio.Future[None]]] = {}

    def ring(self, topics: Iterable[str]) -> None:
        """Wake everybody who waits for one of the topics."""
        loops: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
        with self._gate:
            self._rings += 1
            for topic in topics:
                self._remember(topic)
                for future in self._waiting.get(topic, ()):
                    loops.setdefault(future.get_loop(), []).append(future)
        for loop, futures in loops.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_wake, futures)

    async def wait(self, topic: str, until: datetime) -> None:
        """Return when the topic is rung or `until` has come, whichever is first."""
        future = asyncio.get_running_loop().create_future()
        heard = self._heard_by_this_task()
        with self._gate:
            has_rung = self._rung.get(topic, self._forgotten) > heard.get(topic, 0)
            if not has_rung:
                self._waiting.setdefault(topic, set()).add(future)
        if not has_rung:
            await self._wait(topic, future, until)
        heard[topic] = self._rings

    async def _wait(self, topic: str, future: asyncio.Future[None], until: datetime) -> None:
        left_s = (until - self._clock.now()).total_seconds()
        try:
            await asyncio.wait([future], timeout=max(0.0, left_s))
        finally:
            with self._gate:
                waiting = self._waiting[topic]
                waiting.discard(future)
                if not waiting:
                    del self._waiting[topic]

    def _remember(self, topic: str) -> None:
        self._rung[topic] = self._rings
        self._rung.move_to_end(topic)
        if len(self._rung) > _REMEMBERED:
            self._forgotten = self._rung.popitem(last=False)[1]

    def _heard_by_this_task(self) -> dict[str, int]:
        task = asyncio.current_task()
        return {} if task is None else self._heard.setdefault(task, {})


def _wake(futures: list[asyncio.Future[None]]) -> None:
    for future in futures:
        if not future.done():
            future.set_result(None)
