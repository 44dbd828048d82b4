"""Of all replicas one speaks to Slack, so that nothing is said twice and the workspace's limits are kept."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from bot.domain.errors import StoreUnusable
from bot.ports import Clock, Journal, Store

log = structlog.get_logger()

_KEY = "slack"
_LEASE = timedelta(seconds=4)
# Silent this long before somebody else may speak: the replicas' clocks are not quite the same.
_MARGIN = timedelta(seconds=1)
_RENEW_S = 1.0

Act = Callable[[], Awaitable[None]]


class Speaker:
    """Takes the word when nobody has it, keeps it while this process lives, and falls silent when it is lost."""

    def __init__(self, store: Store, journal: Journal, clock: Clock, me: str) -> None:
        self._store = store
        self._journal = journal
        self._clock = clock
        self._me = me
        self._until: datetime | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def may_speak(self) -> bool:
        """Tell whether this process has the word, now."""
        return self._until is not None and self._clock.now() < self._until - _MARGIN

    async def start(self, begin: Act, cease: Act) -> None:
        """From now on call `begin` whenever the word is taken, `cease` whenever it is lost."""
        self._task = asyncio.create_task(self._keep(begin, cease), name="speaker")

    async def stop(self) -> None:
        """Take the word no more; whoever has spoken calls `release` when all is said."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def release(self) -> None:
        """Let go of the word, so that another process need not wait for it."""
        if self._until is None:
            return
        now, self._until = self._clock.now(), None
        try:
            await self._hold(now, now)
        except StoreUnusable as error:
            log.info("the word lapses by itself", reason=str(error))

    async def _keep(self, begin: Act, cease: Act) -> None:
        while True:
            before = self._until
            taken = await self._take()
            if before is not None and not (taken and self._clock.now() < before - _MARGIN):
                log.warning("the word was lost", replica=self._me)
                await cease()
                before = None
            if taken and before is None:
                log.info("speaks to slack", replica=self._me)
                await begin()
            await self._clock.sleep_until(self._clock.now() + timedelta(seconds=_RENEW_S))

    async def _take(self) -> bool:
        """Take or renew the word; tell whether we have it. What cannot be asked changes nothing: time decides."""
        now = self._clock.now()
        try:
            holder = await self._hold(now, now + _LEASE)
        except StoreUnusable:
            if not self.may_speak:
                self._until = None
            return self._until is not None
        self._until = now + _LEASE if holder == self._me else None
        return self._until is not None

    async def _hold(self, now: datetime, until: datetime) -> str:
        return await self._store.write(lambda tx: self._journal.hold(tx, _KEY, self._me, now, until))
