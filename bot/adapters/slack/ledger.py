"""Keeps in the database how much of Slack's limits is used, for the process that speaks next."""

import asyncio
import json
from datetime import timedelta

import structlog

from bot.adapters.slack.limits import Limits
from bot.domain.errors import StoreUnusable
from bot.domain.timeline import from_us, to_us
from bot.ports import Clock, Marks, Store

log = structlog.get_logger()


class Ledger:
    """Written before a scarce call is sent, so that not even a kill in the middle of a storm forgets one."""

    def __init__(self, store: Store, marks: Marks, clock: Clock, limits: Limits, team: str = "") -> None:
        """Slack counts by workspace; `team` is the id of one among several."""
        self._key = f"slack turns {team}".strip()
        self._store = store
        self._marks = marks
        self._clock = clock
        self._limits = limits
        self._writing = asyncio.Lock()
        self._asked = 0
        self._written = 0

    async def note(self) -> None:
        """Keep what is used by now; many at once are one write. A database that is away holds no call up."""
        self._asked += 1
        mine = self._asked
        async with self._writing:
            if self._written >= mine:
                return
            upto, now = self._asked, self._clock.now()
            used = {
                method: [to_us(now - timedelta(seconds=age)) for age in ages]
                for method, ages in self._limits.used().items()
            }
            try:
                await self._store.write(lambda tx: self._marks.put(tx, self._key, json.dumps(used)))
            except StoreUnusable as error:
                log.info("turns are not kept", reason=str(error))
            else:
                self._written = upto

    async def recall(self) -> None:
        """Count what was used by whoever spoke before."""
        try:
            kept = await self._store.read(lambda tx: self._marks.get(tx, self._key))
        except StoreUnusable as error:
            log.info("turns of an earlier speaker are not known", reason=str(error))
            return
        now = self._clock.now()
        used: dict[str, list[int]] = json.loads(kept or "{}")
        self._limits.take_over(
            {method: [(now - from_us(at)).total_seconds() for at in times] for method, times in used.items()}
        )
