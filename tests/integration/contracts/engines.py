"""Both engines over their databases, with a playbook that shows what they do; as a program, one that can be killed.

`python -m tests.integration.contracts.engines KIND URL FOLDER` executes runs until it is killed.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from bot.adapters.bell import LocalBell
from bot.adapters.clock import SystemClock
from bot.adapters.procrastinate.jobs import defer
from bot.adapters.procrastinate.worker import DistributedWorker
from bot.adapters.sql.engines import conninfo
from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.notices import Notices
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.timeline import SqlTimeline
from bot.adapters.worker import EmbeddedWorker
from bot.domain.errors import StoreUnusable
from bot.domain.run import Plan, Run, RunStatus, Source
from bot.domain.timeline import Person
from bot.engine.playbook import Params, Playbook, Registry
from bot.engine.ports import Ports
from bot.engine.runner import Runner
from bot.engine.tools import Tools
from bot.ports import Engine
from tests.fakes import fake_ports


class Words(Params):
    """`how` is what the middle step does."""

    how: str = ""


@dataclass
class Done:
    summary: str


@dataclass
class Engines:
    """A database, and engines on it."""

    kind: str
    url: str
    folder: Path
    store: SqlStore
    ports: Ports
    notices: Notices | None
    traced_at: dict[str, float] = field(default_factory=dict)

    def engine(self, registry: Registry | None = None) -> Engine:
        runner = Runner(registry or self.registry(), self.ports)
        if self.kind == "embedded":
            return EmbeddedWorker(runner, self.ports, self.folder / "lock")
        return DistributedWorker(runner, self.ports, conninfo(self.url), tidy_s=0.5)

    def registry(self) -> Registry:
        whole, part = Playbook("whole", "x", Words), Playbook("part", "x", Words)
        whole.step("First")(self.first)
        whole.step("Middle")(self.middle)
        whole.step("Last")(self.last)
        part.step("Only")(self.only)
        return {"whole": whole, "part": part}

    def trace(self, what: str) -> None:
        self.traced_at.setdefault(what, time.monotonic())
        with (self.folder / "trace").open("a") as file:
            file.write(f"{what}\n")

    @property
    def traced(self) -> list[str]:
        path = self.folder / "trace"
        return path.read_text().splitlines() if path.exists() else []

    async def first(self, tools: Tools, params: Words) -> int:
        del params
        self.trace(f"{tools.run_id} first")
        return 1

    async def middle(self, tools: Tools, params: Words) -> Done:
        self.trace(f"{tools.run_id} middle")
        if params.how == "hang":
            await asyncio.sleep(600)
        elif params.how == "slow":
            await asyncio.sleep(0.5)
        elif params.how == "wait":
            await tools.wait("go")
        elif params.how == "child":
            await tools.run("part", {})
        elif params.how == "broken" and self.traced.count(f"{tools.run_id} middle") < 3:
            raise StoreUnusable("gone for a moment")
        return Done("middle")

    async def last(self, tools: Tools, params: Words) -> str:
        del params
        self.trace(f"{tools.run_id} last")
        return "last"

    async def only(self, tools: Tools, params: Words) -> str:
        del params
        self.trace(f"{tools.run_id} only")
        return "only"

    async def admit(self, run_id: str, how: str = "", **changes: object) -> str:
        run = Run(
            id=run_id,
            plan=Plan("whole", {"how": how}, ("first", "middle", "last")),
            actor=Person("U1", "Ann"),
            source=Source(),
            created_at=self.now(),
            slot=run_id,
        )
        given = replace(run, **changes)  # type: ignore[arg-type]
        return await self.store.write(lambda tx: self.ports.journal.admit(tx, given))

    def now(self, later_s: float = 0.0) -> datetime:
        return self.ports.clock.now() + timedelta(seconds=later_s)

    async def get(self, run_id: str) -> Run:
        run = await self.store.read(lambda tx: self.ports.journal.get(tx, run_id))
        assert run is not None
        return run

    async def until(self, *run_ids: str, status: RunStatus = RunStatus.DONE, within_s: float = 20.0) -> None:
        async with asyncio.timeout(within_s):
            for run_id in run_ids:
                while (await self.get(run_id)).status is not status:
                    await self.ports.bell.wait(f"run:{run_id}", self.now(0.2))

    async def until_traced(self, *what: str, within_s: float = 20.0) -> None:
        async with asyncio.timeout(within_s):
            while not set(what) <= set(self.traced):  # noqa: ASYNC110 - it may be another process that writes
                await asyncio.sleep(0.02)

    async def signal(self, run_id: str) -> None:
        await self.store.write(lambda tx: self.ports.journal.signal(tx, run_id, "go", "yes"))


@asynccontextmanager
async def engines_on(kind: str, url: str, folder: Path) -> AsyncIterator[Engines]:
    clock = SystemClock()
    bell = LocalBell(clock)
    notices = Notices(url, bell.ring) if kind == "distributed" else None
    store = SqlStore(url, bell.ring, notices.tell) if notices else SqlStore(url, bell.ring)
    journal = SqlJournal(clock, defer) if notices else SqlJournal(clock)
    ports = replace(fake_ports(), store=store, timeline=SqlTimeline(), journal=journal, clock=clock, bell=bell)
    if notices:
        await notices.start()
    try:
        yield Engines(kind, url, folder, store, ports, notices)
    finally:
        if notices:
            await notices.stop()
        await store.close()


async def _main(kind: str, url: str, folder: Path) -> None:
    async with engines_on(kind, url, folder) as engines:
        await engines.engine().start()
        engines.trace("up")
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
