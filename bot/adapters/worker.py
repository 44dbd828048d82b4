"""The embedded engine: one process executes every run of its database, each in a task of its own."""

import asyncio
import fcntl
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any

import structlog

from bot.domain.errors import StoreUnusable
from bot.domain.run import RunStatus
from bot.engine.ports import Ports
from bot.engine.runner import Runner
from bot.ports import Counts, Pulse

log = structlog.get_logger()

_LOOK_AGAIN_S = 1.0
_STALE_S = 15.0
_LONGEST_PAUSE_S = 60.0
_LONGEST_OUTAGE_PAUSE_S = 4.0


class EmbeddedWorker:
    """Executes due runs until it is stopped. What it leaves unfinished, the next one takes over from the journal."""

    def __init__(self, runner: Runner, ports: Ports, lock_path: Path) -> None:
        self._runner = runner
        self._ports = ports
        self._lock_path = lock_path
        self._lock: IO[str] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._tasks: dict[str, asyncio.Task[Any]] = {}
        self._pauses: dict[str, tuple[int, datetime]] = {}
        self._ticked_at = 0.0
        self._counts = Counts()

    @property
    def counts(self) -> Counts:
        """What it is doing and has done."""
        self._counts.executing = len(self._tasks)
        return self._counts

    def healthy(self) -> bool:
        """Tell whether its loop still turns."""
        is_on = self._watch is not None and not self._watch.done()
        return is_on and asyncio.get_running_loop().time() - self._ticked_at < _STALE_S

    async def pulse(self) -> Pulse:
        """Tell that it is the only one, and how long ago its loop last turned."""
        if self._watch is None:
            return Pulse()
        return Pulse(1, asyncio.get_running_loop().time() - self._ticked_at)

    async def is_served(self) -> bool:
        """Tell whether a process holds the lock."""
        if self._lock is None:
            try:
                take_lock(self._lock_path).close()
            except StoreUnusable:
                return True
        return self._lock is not None

    async def start(self) -> None:
        """Take the lock and over whatever an earlier process left running, then go on by itself.

        :raises StoreUnusable: another process holds the lock, or the database cannot be read.
        """
        self._lock = take_lock(self._lock_path)
        try:
            left = await self._due(RunStatus.RUNNING, RunStatus.PARKED)
        except StoreUnusable:
            self._unlock()
            raise
        self._counts.taken_over = len(left)
        for run_id in left:
            self._launch(run_id)
        self._ticked_at = asyncio.get_running_loop().time()
        self._watch = asyncio.create_task(self._keep_watch(), name="worker")

    async def stop(self, grace_s: float = 5.0) -> None:
        """Take on nothing new, give steps that work some seconds to end, then leave the rest to the next process."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self._runner.settle(grace_s)
        left = list(self._tasks.values())
        for task in left:
            task.cancel()
        if left:
            log.info("runs left for the next start", runs=len(left))
            await asyncio.wait(left)
        self._unlock()

    async def _keep_watch(self) -> None:
        loop, clock = asyncio.get_running_loop(), self._ports.clock
        ailment = ""
        while True:
            self._ticked_at = loop.time()
            try:
                due = await self._due(RunStatus.QUEUED)
                ailment = ""
            except StoreUnusable as error:
                due = []
                if str(error) != ailment:
                    log.error("no runs are executed", reason=str(error))  # noqa: TRY400 - the reason says it all
                ailment = str(error)
            for run_id in [*due, *self._paused(clock.now())]:
                self._launch(run_id)
            await self._ports.bell.wait("runs", clock.now() + timedelta(seconds=_LOOK_AGAIN_S))

    async def _due(self, *statuses: RunStatus) -> list[str]:
        ports = self._ports
        return await ports.store.read(lambda tx: ports.journal.due(tx, ports.clock.now(), statuses))

    def _paused(self, now: datetime) -> list[str]:
        """Name the runs whose last execution broke off long enough ago."""
        return [run_id for run_id, (_, until) in self._pauses.items() if until <= now]

    def _launch(self, run_id: str) -> None:
        is_paused = run_id in self._pauses and run_id not in self._paused(self._ports.clock.now())
        if run_id in self._tasks or is_paused:
            return
        task = asyncio.create_task(self._runner.execute(run_id), name=f"run {run_id}")
        self._tasks[run_id] = task
        task.add_done_callback(lambda done: self._finished(run_id, done))

    def _finished(self, run_id: str, task: asyncio.Task[Any]) -> None:
        del self._tasks[run_id]
        error = None if task.cancelled() else task.exception()
        if error is None:
            self._pauses.pop(run_id, None)
            self._counts.executed += 0 if task.cancelled() else 1
            return
        self._counts.interrupted += 1
        times = self._pauses[run_id][0] + 1 if run_id in self._pauses else 0
        is_ours = not isinstance(error, StoreUnusable)
        pause_s = min(_LONGEST_PAUSE_S if is_ours else _LONGEST_OUTAGE_PAUSE_S, 2.0**times)
        self._pauses[run_id] = times, self._ports.clock.now() + timedelta(seconds=pause_s)
        log.error(
            "run broke off", run=run_id, reason=str(error), again_in_s=pause_s, exc_info=error if is_ours else None
        )

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def take_lock(path: Path) -> IO[str]:
    """Take a lock that lasts until the file is closed or this process ends, however it ends.

    :raises StoreUnusable: another process holds it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
    except OSError as error:
        raise StoreUnusable(f"The lock file {path} cannot be made: {error.strerror}.") from None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        holder = file.read(20).strip() or "unknown"
        file.close()
        raise StoreUnusable(
            f"another FirstFive serves this database (pid {holder}); stop it or give this one another DATABASE_URL"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
