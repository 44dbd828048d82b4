"""Tests of a bisect that run at once, within one step: each result is kept as it ends, and none is had twice."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.domain.bisect.question import Running, Wanted
from bot.domain.bisect.results import Trial
from bot.domain.bisect.subject import Subject
from bot.domain.errors import RunFailed
from bot.engine.tools import Tools

_HEAD, _TAIL = 100_000, 100_000
_LOOK_S = 0.25


@dataclass
class _Started:
    """A test that runs under a key."""

    key: str
    run: Running
    stop: asyncio.Event = field(default_factory=asyncio.Event)


class Probes:
    """Begins where an earlier life of the run has ended; leaves nothing running behind."""

    def __init__(self, tools: Tools, place: Path, subject: Subject) -> None:
        self._tools = tools
        self._place = place
        self._subject = subject
        self._kept = tools.parts(Trial)
        self._tasks: dict[asyncio.Task[Trial], _Started] = {}

    @property
    def ended(self) -> tuple[Trial, ...]:
        """Those that have ended, in the order in which they were started."""
        return tuple(self._kept[key] for key in sorted(self._kept))

    @property
    def running(self) -> tuple[Running, ...]:
        """Those that have not, and were not told to stop."""
        return tuple(each.run for each in self._tasks.values() if not each.stop.is_set())

    def follow(self, start: Sequence[Wanted], stop: Sequence[str]) -> None:
        """Stop the running ones at some commits, and start others."""
        for each in self._tasks.values():
            if each.run.commit in stop:
                each.stop.set()
        for wanted in start:
            started = _Started(self._free(), Running(wanted.commit, wanted.purpose))
            self._tasks[asyncio.create_task(self._keep(started))] = started

    async def next(self) -> None:
        """Return when one more has ended, or when more may run at once than before.

        :raises RunFailed: none runs.
        """
        if not self._tasks:
            raise RunFailed("The bisect has come to a commit from which it knows no way on; ask with other ends.")
        prober, done = self._tools.ports.prober, set[asyncio.Task[Trial]]()
        before = prober.at_once
        while not done and prober.at_once <= before:
            done, _ = await asyncio.wait(self._tasks, timeout=_LOOK_S, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            self._kept[self._tasks.pop(task).key] = task.result()

    async def finish(self) -> None:
        """Stop all that runs, and wait for it."""
        for each in self._tasks.values():
            each.stop.set()
        while self._tasks:
            await self.next()

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        """End what runs; what it would have told is not waited for when the step has failed."""
        if kind is None:
            await self.finish()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _free(self) -> str:
        taken = self._kept.keys() | {each.key for each in self._tasks.values()}
        return next(key for key in (f"{number:04}" for number in range(len(taken) + 1)) if key not in taken)

    async def _keep(self, started: _Started) -> Trial:
        return await self._tools.once(started.key, Trial, lambda: self._run(started))

    async def _run(self, started: _Started) -> Trial:
        ports, commit = self._tools.ports, started.run.commit
        probed = await ports.prober.test(self._place, commit, self._subject, stop=started.stop)
        trial = replace(probed.trial, purpose=started.run.purpose)
        if trial.moot:
            return trial
        said = f"{commit} is {trial.result}: {probed.why}\n".encode() + _short(probed.said)
        kept = await ports.artifacts.put(f"bisect-{commit[:10]}.txt", said)
        return replace(trial, log=kept.sha256)


def _short(said: bytes) -> bytes:
    """Leave out the middle of what is long."""
    if len(said) <= _HEAD + _TAIL:
        return said
    return said[:_HEAD] + f"\n[{len(said) - _HEAD - _TAIL} bytes left out]\n".encode() + said[-_TAIL:]
