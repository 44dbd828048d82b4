"""Room for large answers: few at a time are in memory, whatever all targets together send."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self, TypeVar

T = TypeVar("T")

SMALL_BYTES = 1024 * 1024
"""Answers up to here need no room; most profiles are a hundredth of it."""
LARGE_AT_ONCE = 2
PATIENCE_S = 60.0


class Room:
    """Shared by all captures of a process. `read` runs what decodes or redacts, one answer after the other."""

    def __init__(self, large: int = LARGE_AT_ONCE, patience_s: float = PATIENCE_S) -> None:
        self._free = asyncio.Semaphore(large)
        self.patience_s = patience_s
        # One thread: it takes many times an answer's size, and each thread keeps what it once had.
        self._reader = ThreadPoolExecutor(1, "reader")

    async def read(self, act: Callable[[], T]) -> T:
        """Run what takes its time and memory, off the event loop."""
        return await asyncio.get_running_loop().run_in_executor(self._reader, act)

    def claim(self, monotonic: Callable[[], float]) -> "Claim":
        """Give the claim of one answer; it is let go with whatever room it has."""
        return Claim(self._free, self.patience_s, monotonic)


class Claim:
    """The room of one answer, from its first byte until it is kept; `waited_s`: that was not the target's doing."""

    def __init__(self, free: asyncio.Semaphore, patience_s: float, monotonic: Callable[[], float]) -> None:
        self._free = free
        self._patience_s = patience_s
        self._monotonic = monotonic
        self._held = False
        self.waited_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._held:
            self._free.release()

    async def grow(self, size: int, limit: asyncio.Timeout) -> None:
        """Wait for room once an answer is large; the target's time stands still meanwhile, its sending too.

        :raises TimeoutError: none came free.
        """
        if self._held or size <= SMALL_BYTES:
            return
        started, due = self._monotonic(), limit.when()
        limit.reschedule(None)
        async with asyncio.timeout(self._patience_s):
            await self._free.acquire()
        self._held = True
        self.waited_s = self._monotonic() - started
        limit.reschedule(None if due is None else due + self.waited_s)
