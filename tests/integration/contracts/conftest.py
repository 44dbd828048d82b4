"""The grounds the contracts are tried on: the fakes, SQLite, Postgres."""

from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from bot.adapters.sql.alerts import SqlAlerts
from bot.adapters.sql.installations import SqlInstallations
from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.marks import SqlMarks
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.surfaces import SqlSurfaces
from bot.adapters.sql.timeline import SqlTimeline
from bot.domain.run import Plan, Reply, Run, Source
from bot.domain.timeline import HOUSE, Author, Draft, Kind, Person
from bot.ports import Alerts, Installations, Journal, Marks, Memory, Store, Surfaces, Timeline, Tx
from tests.databases import fresh_postgres, fresh_sqlite
from tests.fakes import (
    FakeAlerts,
    FakeClock,
    FakeInstallations,
    FakeJournal,
    FakeMarks,
    FakeStore,
    FakeSurfaces,
    FakeTimeline,
)

T = TypeVar("T")

ANN = Person("U1", "Ann")


@dataclass
class Ground:
    """One implementation of the database's ports, and short ways to use it."""

    store: Store
    timeline: Timeline
    journal: Journal
    surfaces: Surfaces
    marks: Marks
    alerts: Alerts
    installations: Installations
    clock: FakeClock
    rung: list[str] = field(default_factory=list)

    @property
    def now(self) -> datetime:
        return self.clock.now()

    async def write(self, act: Callable[[Tx], T]) -> T:
        return await self.store.write(act)

    async def read(self, act: Callable[[Tx], T]) -> T:
        return await self.store.read(act)

    async def heard(self) -> list[str]:
        """Give what was rung for all that was committed so far: a commit is told of before the next one is made."""
        await self.write(lambda _: None)
        return self.rung

    def run(self, id_: str = "r1", **changes: Any) -> Run:
        given = {
            "plan": Plan("note", {"text": "hi", "words": []}, ("say",)),
            "actor": ANN,
            "source": Source("C1", "inc-1", "https://x.test/r", "slack"),
            "created_at": self.now,
            "slot": f"slot of {id_}",
        }
        return Run(id=id_, **{**given, **changes})

    async def admit(self, id_: str = "r1", **changes: Any) -> str:
        run = self.run(id_, **changes)
        return await self.write(lambda tx: self.journal.admit(tx, run))

    async def claim(self, id_: str = "r1") -> Memory | None:
        return await self.write(lambda tx: self.journal.claim(tx, id_, self.now))

    async def running(self, id_: str = "r1", **changes: Any) -> Run:
        await self.admit(id_, **changes)
        memory = await self.claim(id_)
        assert memory is not None
        return memory.run

    async def get(self, id_: str = "r1") -> Run:
        run = await self.read(lambda tx: self.journal.get(tx, id_))
        assert run is not None
        return run

    async def end(self, run: Run) -> None:
        await self.write(lambda tx: self.journal.end(tx, run))

    async def remember(self, run: Run, key: str, value: str) -> None:
        await self.write(lambda tx: self.journal.remember(tx, run, key, value, self.now))

    async def signal(self, run_id: str, topic: str, value: str) -> None:
        await self.write(lambda tx: self.journal.signal(tx, run_id, topic, value))

    async def reply(self, key: str, reply: Reply, source: Source | None = None) -> None:
        await self.write(lambda tx: self.journal.reply(tx, key, source or Source(), ANN, reply))

    async def open(self, title: str = "Slow", at: datetime | None = None, **body: Any) -> str:
        draft = Draft(Kind.OPENED, {"title": title, "severity": "SEV2", "service": "", **body}, at)
        return await self.write(lambda tx: self.timeline.open(tx, draft, Author(ANN), self.now))

    async def append(self, *drafts: Draft, to: str = HOUSE, author: Author | None = None) -> None:
        who = author or Author(ANN)
        await self.write(lambda tx: self.timeline.append(tx, to, drafts, who, self.now))


@pytest.fixture(params=["fake", "sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
async def ground(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Ground]:
    clock, rung = FakeClock(), list[str]()
    if request.param == "fake":
        store = FakeStore(lambda topics: rung.extend(sorted(topics)))
        fakes = FakeTimeline(), FakeJournal(clock), FakeSurfaces(), FakeMarks(), FakeAlerts(), FakeInstallations()
        yield Ground(store, *fakes, clock, rung)
        return
    with ExitStack() as stack:
        url = fresh_sqlite(tmp_path) if request.param == "sqlite" else stack.enter_context(fresh_postgres())
        sql = SqlStore(url, lambda topics: rung.extend(sorted(topics)))
        installations = SqlInstallations("client-secret")
        real = SqlTimeline(), SqlJournal(clock), SqlSurfaces(), SqlMarks(), SqlAlerts(), installations
        yield Ground(sql, *real, clock, rung)
        await sql.close()
