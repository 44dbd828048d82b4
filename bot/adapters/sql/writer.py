"""One thread that writes: whatever has gathered while it was busy shares the next commit.

A commit costs a flush to disk, so sixteen acts one by one cost sixteen flushes and together cost one.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from itertools import groupby
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from types import TracebackType
from typing import Any, Self

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from bot.adapters.sql.engines import NO_SUCH_TABLE, sqlstate, unusable
from bot.adapters.sql.tx import SqlTx
from bot.domain.errors import AnswerLost, StoreUnusable
from bot.ports import Tx

log = structlog.get_logger()

_MOST = 256
# Serialization failure, deadlock, unique violation: another process came first; the second try sees what it did.
_RACES = {"40001", "40P01", "23505"}


class _Caught:
    """Keeps the error of a block of somebody else's code, so that it can be given to whoever awaits it."""

    def __init__(self) -> None:
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> bool:
        self.error = error if isinstance(error, Exception) else None
        return self.error is not None


class _TryAgain(Exception):
    """Nothing was committed, and one more try may well succeed."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__(str(error.orig))
        self.error = error


class _GivenUp(Exception):
    """Whoever awaited an act has gone, and was told so; nothing was committed."""


@dataclass(eq=False)
class _Job:
    """An act, who awaits it, and what came of it."""

    act: Callable[[Tx], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    value: Any = None
    error: Exception | None = None
    topics: set[str] = field(default_factory=set)
    within: Context = field(default_factory=copy_context)


class Writer:
    """The writing thread. An act may be run twice (nothing of its first run was kept), so it must only use its tx."""

    def __init__(
        self,
        engine: Engine,
        on_commit: Callable[[frozenset[str]], None],
        before_commit: Callable[[Connection, frozenset[str]], None] = lambda *_: None,
    ) -> None:
        """`before_commit` is told inside the transaction what it touches, `on_commit` once it is durable."""
        self._engine = engine
        self._on_commit = on_commit
        self._before_commit = before_commit
        self._queue: SimpleQueue[_Job | None] = SimpleQueue()
        self._gate = Lock()
        self._closed = False
        self.ailment = ""
        self.commits = 0
        self._thread = Thread(target=self._work, name="sql-writer", daemon=True)
        self._thread.start()

    def submit(self, act: Callable[[Tx], Any]) -> asyncio.Future[Any]:
        """Queue an act; the future is done once it is durable, or was refused."""
        loop = asyncio.get_running_loop()
        job = _Job(act, loop, loop.create_future())
        with self._gate:
            if self._closed:
                raise StoreUnusable("FirstFive is stopping; its database is closed.")
            self._queue.put(job)
        return job.future

    def close(self, *, wait: bool = True) -> None:
        """Write what is queued, then end the thread; wait for that unless told not to."""
        with self._gate:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        if wait:
            self._thread.join()

    def _work(self) -> None:
        going = True
        while going:
            gathered = self._gather()
            going = None not in gathered
            group = [job for job in gathered if job is not None]
            if group:
                self._serve(group)

    def _gather(self) -> list[_Job | None]:
        gathered = [self._queue.get()]
        while len(gathered) < _MOST:
            try:
                gathered.append(self._queue.get_nowait())
            except Empty:
                break
        return gathered

    def _serve(self, group: list[_Job]) -> None:
        try:
            self._write(group)
        except (_TryAgain, _GivenUp) as lost:
            log.info("writing again", acts=len(group), reason=str(lost).splitlines()[0])
            # One by one, so that two processes cannot lock each other out the same way again.
            for job in group:
                self._write_last([job])
        # Whoever awaits an acknowledgement comes before whoever is told that there is work.
        _hand_out(group)
        topics = _touched(group)
        if topics:
            with _Caught() as caught:
                self._on_commit(topics)
            if caught.error is not None:
                log.error("nobody was told of a commit", exc_info=caught.error)

    def _write_last(self, group: list[_Job]) -> None:
        try:
            self._write(group)
        except _TryAgain as lost:
            self._fail(group, lost.error, unsure=False)
        except _GivenUp:
            log.info("an act was given up before its commit")

    def _write(self, group: list[_Job]) -> None:
        """Run the acts of a group and commit them.

        :raises _TryAgain: nothing was committed, but could be the next time.
        :raises _GivenUp: nothing was committed; somebody would have been told wrongly that nothing of theirs was.
        """
        group = [job for job in group if not job.future.cancelled()]
        if not group:
            return
        sealing = False
        try:
            with self._engine.connect() as connection:
                transaction = connection.begin()
                for job in group:
                    _attempt(connection, job)
                self._before_commit(connection, _touched(group))
                if any(job.future.cancelled() for job in group):
                    raise _GivenUp("somebody gave up waiting")
                sealing = True
                transaction.commit()
        except DBAPIError as error:
            is_race = sqlstate(error) in _RACES
            if is_race or (error.connection_invalidated and not sealing):
                raise _TryAgain(error) from error
            self._fail(group, error, unsure=sealing and error.connection_invalidated)
        else:
            self.commits += 1
            self.ailment = ""

    def _fail(self, group: list[_Job], error: DBAPIError, *, unsure: bool) -> None:
        if sqlstate(error) == "23505":  # no race after all: the act itself breaks the rule
            for job in group:
                job.error = error
            return
        self.ailment = unusable(error)
        log.error("the database did not take a write", acts=len(group), reason=self.ailment)
        for job in group:
            job.error = AnswerLost(self.ailment) if unsure else StoreUnusable(self.ailment)


def _touched(group: list[_Job]) -> frozenset[str]:
    return frozenset[str]().union(*(job.topics for job in group if job.error is None))


def _attempt(connection: Connection, job: _Job) -> None:
    """Run one act so that its failure undoes only itself; errors of the database itself go up."""
    tx = SqlTx(connection)
    job.error = None
    connection.exec_driver_sql("SAVEPOINT act")
    with _Caught() as caught:
        job.value = job.within.run(job.act, tx)
    if caught.error is None:
        connection.exec_driver_sql("RELEASE SAVEPOINT act")
        job.topics = tx.topics
        return
    if isinstance(caught.error, DBAPIError):
        _escalate(caught.error)
    connection.exec_driver_sql("ROLLBACK TO SAVEPOINT act")
    job.error = caught.error


def _escalate(error: DBAPIError) -> None:
    """Raise what concerns every act of the group, not only the one that met it."""
    state = sqlstate(error)
    if isinstance(error, OperationalError | InterfaceError) or state in _RACES or state == NO_SUCH_TABLE:
        raise error


def _hand_out(group: list[_Job]) -> None:
    """Resolve the futures, with one wake-up for each loop."""
    for loop, jobs in groupby(sorted(group, key=lambda job: id(job.loop)), key=lambda job: job.loop):
        if not loop.is_closed():
            loop.call_soon_threadsafe(_resolve, list(jobs))


def _resolve(jobs: list[_Job]) -> None:
    for job in jobs:
        if job.future.done():
            continue
        if job.error is None:
            job.future.set_result(job.value)
        else:
            job.future.set_exception(job.error)
