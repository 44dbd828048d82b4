"""Tells people how far a bisect is while it runs."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from bot.domain.bisect.question import Question
from bot.domain.bisect.results import Trial
from bot.domain.bisect.standing import Sought, standing
from bot.domain.timeline import Kind
from bot.engine.tools import Tools

_GAP_S, _SHARE = 3.0, 20


class Herald:
    """Puts on an incident's timeline where a bisect stands: at once, then ever more seldom the longer it takes."""

    def __init__(self, tools: Tools, began_at: datetime) -> None:
        self._tools = tools
        self._began_at = began_at
        self._latest: tuple[Sought, Question | None, tuple[Trial, ...]] | None = None
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def hear(self, sought: Sought, question: Question | None, trials: Sequence[Trial]) -> None:
        """Take in how far it is; there is no question while its old end is looked for."""
        self._latest = sought, question, tuple(trials)
        self._news.set()
        if self._task is not None and self._task.done():
            self._task.result()

    async def __aenter__(self) -> Self:
        """Begin to tell, if there is an incident that would be told."""
        if self._tools.incident_id:
            self._task = asyncio.create_task(self._tell())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        """Tell nothing more: the answer says it all."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _tell(self) -> None:
        clock = self._tools.ports.clock
        while True:
            await self._news.wait()
            self._news.clear()
            if self._latest is not None:
                await self._publish(*self._latest)
            now = clock.now()
            await clock.sleep_until(now + max(timedelta(seconds=_GAP_S), (now - self._began_at) / _SHARE))

    async def _publish(self, sought: Sought, question: Question | None, trials: tuple[Trial, ...]) -> None:
        elapsed_s = round((self._tools.now() - self._began_at).total_seconds(), 1)
        seen = await asyncio.to_thread(standing, question, trials, elapsed_s)
        key = f"bisecting:{seen.total}:{seen.runs}"
        await self._tools.publish(key, Kind.BISECTING, sought=sought.facts(), **seen.facts())
