"""An engine over a journal in which nothing moves by itself: whatever runs stands still until it is let go."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.marks import SqlMarks
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.tables import memo, run
from bot.adapters.sql.timeline import SqlTimeline
from bot.adapters.sql.tx import opened
from bot.adapters.worker import EmbeddedWorker
from bot.domain.run import Run, Source
from bot.domain.timeline import Kind, Person, verify
from bot.engine.admission import Admission, Command
from bot.engine.playbook import Danger, Params, Playbook, Registry
from bot.engine.ports import Ports
from bot.engine.runner import Runner
from bot.engine.tools import Tools
from bot.ports import Tx
from playbooks import approve, refuse
from tests.databases import fresh_postgres, fresh_sqlite
from tests.fakes import FakeClock, FakeStore, FakeTx, fake_ports

ANN, BEN = Person("U1", "Ann"), Person("U2", "Ben")
Place = tuple[str, int, str, str]
"""A run, its fence, a part of it, and on which side of its effect it stands."""


class Stage:
    """Where tasks stand still."""

    def __init__(self) -> None:
        self.standing: dict[asyncio.Task[Any], asyncio.Future[None]] = {}
        self.moves = 0

    async def stand(self) -> None:
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None
        self.standing[task] = loop.create_future()
        try:
            await self.standing[task]
        finally:
            self.standing.pop(task, None)

    def let_go(self, task: asyncio.Task[Any]) -> None:
        self.moves += 1
        future = self.standing.pop(task, None)
        if future is not None and not future.done():
            future.set_result(None)

    async def still(self) -> None:
        """Wait until nobody moves."""
        me = asyncio.current_task()
        while any(task is not me and task not in self.standing for task in asyncio.all_tasks()):  # noqa: ASYNC110 - tasks end without an event
            await asyncio.sleep(0.000_2)


class StageBell:
    """A bell for those who stand: no time passes but the clock's, and no ring is missed."""

    def __init__(self, stage: Stage, clock: FakeClock) -> None:
        self._stage = stage
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._rung = Counter[str]()
        self._heard: dict[tuple[Any, str], int] = {}
        self._waiting: dict[asyncio.Task[Any], tuple[str, datetime]] = {}

    def ring(self, topics: Iterable[str]) -> None:
        self._loop.call_soon_threadsafe(self._ring, frozenset(topics))

    def _ring(self, topics: frozenset[str]) -> None:
        self._stage.moves += 1
        self._rung.update(topics)
        self._wake(lambda topic, _: topic in topics)

    def time_has_passed(self) -> None:
        self._wake(lambda _, until: until <= self._clock.now())

    def _wake(self, is_meant: Callable[[str, datetime], bool]) -> None:
        for task, (topic, until) in list(self._waiting.items()):
            if is_meant(topic, until):
                self._stage.let_go(task)

    async def wait(self, topic: str, until: datetime) -> None:
        task = asyncio.current_task()
        assert task is not None
        if self._rung[topic] == self._heard.get((task, topic), 0) and until > self._clock.now():
            self._waiting[task] = topic, until
            try:
                await self._stage.stand()
            finally:
                del self._waiting[task]
        self._heard[task, topic] = self._rung[topic]


class Asked(Params):
    """`how` is what the second step waits for."""

    how: str = ""


@dataclass
class World:
    """One implementation of what keeps, an engine on it, and what its runs have done."""

    kind: str
    folder: Path
    stage: Stage
    clock: FakeClock = field(default_factory=FakeClock)
    release: int = 1
    effects: list[tuple[str, str, int]] = field(default_factory=list)
    late: Counter[tuple[str, int]] = field(default_factory=Counter)
    places: dict[Place, asyncio.Task[Any]] = field(default_factory=dict)
    holders: dict[tuple[str, int], asyncio.Task[Any]] = field(default_factory=dict)
    _newest: dict[str, int] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)

    async def start(self) -> None:
        self.bell = StageBell(self.stage, self.clock)
        self.ports = self._ports()
        await self.deploy(self.release)

    def _ports(self) -> Ports:
        fakes = fake_ports()
        if self.kind == "fake":
            return replace(fakes, store=FakeStore(self.bell.ring), clock=self.clock, bell=self.bell)
        url = fresh_sqlite(self.folder) if self.kind == "sqlite" else self._open.enter_context(fresh_postgres())
        journal, store_ = SqlJournal(self.clock), SqlStore(url, self.bell.ring)
        kept: dict[str, Any] = {"timeline": SqlTimeline(), "journal": journal, "marks": SqlMarks()}
        return replace(fakes, store=store_, clock=self.clock, bell=self.bell, **kept)

    async def deploy(self, release: int) -> None:
        """Start the engine of a release."""
        self.release, registry = release, self.registry(release)
        self.admission = Admission(registry, self.ports)
        self.engine = EmbeddedWorker(Runner(registry, self.ports), self.ports, self.folder / f"{self.kind}.lock")
        await self.engine.start()
        await self.settle()

    async def die(self) -> None:
        """End the engine as kill -9 does: nothing more comes of what it was at."""
        tasks = list(self.engine._tasks.values())
        await self.be_taken_for_dead()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def be_taken_for_dead(self) -> None:
        """Stop the engine for longer than its lease lasts; its runs still go on, as zombies."""
        watch = self.engine._watch
        assert watch is not None
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        self.engine._unlock()

    async def settle(self) -> None:
        """Wait until nobody moves, and nobody is about to be told of a commit."""
        moves = -1
        while moves != self.stage.moves:
            await self.stage.still()
            moves = self.stage.moves
            await self.ports.store.write(lambda _: None)
            await asyncio.sleep(0)
            await self.stage.still()

    async def go(self, place: Place) -> None:
        """Let a run go on from where it stands."""
        self.stage.let_go(self.places[place])
        await self.settle()

    async def pass_time(self, to: datetime) -> None:
        self.clock.at = to
        self.bell.time_has_passed()
        await self.settle()

    async def admit(self, run_id: str, command: Command) -> str:
        self.admission._new_id = lambda: run_id
        held_by = (await self.admission.admit(command)).run_id
        await self.settle()
        return held_by

    async def signal(self, run_id: str) -> None:
        await self.ports.store.write(lambda tx: self.ports.journal.signal(tx, run_id, "go", "yes"))
        await self.settle()

    async def close(self) -> None:
        await self.die()
        for task in list(self.places.values()):
            task.cancel()
        await asyncio.gather(*self.places.values(), return_exceptions=True)
        if isinstance(self.ports.store, SqlStore):
            await self.ports.store.close()
        self._open.close()

    # What the runs do

    def registry(self, release: int) -> Registry:
        """Give the playbooks of a release; the second has a step more."""
        work, part = Playbook("work", "x", Asked), Playbook("part", "x", Asked)
        work.step("One")(self.one)
        if release == 2:
            work.step("Extra")(self.extra)
        work.step("Two")(self.two)
        work.step("Last")(self.last)
        part.step("Part")(self.part)
        change = Playbook("change", "x", Asked, approvals=1)
        change.step("Look")(self.look)
        change.step("Change", danger=Danger.MUTATING)(self.change)
        return {"work": work, "part": part, "change": change, "approve": approve.playbook, "refuse": refuse.playbook}

    async def one(self, tools: Tools, params: Asked) -> int:
        del params
        tools.record(Kind.NOTE, text=await self.effect(tools, "one"))
        return 1

    async def extra(self, tools: Tools, params: Asked) -> float:
        del params
        await self.effect(tools, "extra")
        return 1.5

    async def two(self, tools: Tools, params: Asked) -> bool:
        for name in ("two a", "two b"):
            await tools.once(name, str, lambda name=name: self.effect(tools, name))  # type: ignore[misc]
        if params.how == "signal":
            await tools.wait("go")
        elif params.how == "child":
            await tools.run("part", {})
        return True

    async def last(self, tools: Tools, params: Asked) -> str:
        del params
        return await self.effect(tools, "last")

    async def part(self, tools: Tools, params: Asked) -> str:
        del params
        return await self.effect(tools, "part")

    async def look(self, tools: Tools, params: Asked) -> int:
        del params
        await self.effect(tools, "look")
        return 7

    async def change(self, tools: Tools, params: Asked, seen: int) -> str:
        del params, seen
        assert tools.approved_by == BEN
        return await self.effect(tools, "change")

    async def effect(self, tools: Tools, part: str) -> str:
        """Do something to the world that no database can undo; stand still before it and after it."""
        run_id, fence = tools.run_id, tools.run_row.fence
        task = asyncio.current_task()
        assert task is not None
        assert self.holders.setdefault((run_id, fence), task) is task, f"{run_id} has two holders"
        self._newest[run_id] = max(fence, self._newest.get(run_id, 0))
        await self._stand((run_id, fence, part, "before"), task)
        self.effects.append((run_id, part, fence))
        if fence < self._newest[run_id]:
            self.late[run_id, fence] += 1
        await self._stand((run_id, fence, part, "after"), task)
        return part

    async def _stand(self, place: Place, task: asyncio.Task[Any]) -> None:
        self.places[place] = task
        try:
            await self.stage.stand()
        finally:
            del self.places[place]

    # What is there to see

    async def runs(self) -> dict[str, Run]:
        return await self.ports.store.read(self._runs)

    def _runs(self, tx: Tx) -> dict[str, Run]:
        if isinstance(tx, FakeTx):
            return dict(tx.runs)
        ids = list(opened(tx).connection.scalars(select(run.c.id)))
        return {id_: found for id_ in ids if (found := self.ports.journal.get(tx, id_))}

    async def memos(self) -> Mapping[tuple[str, str], str]:
        """Give every kept result."""
        return await self.ports.store.read(_memos)

    async def entries(self) -> Counter[tuple[str, str, str]]:
        """Count the timelines' entries by kind, run and step; their chains hold."""
        timeline = self.ports.timeline
        chains = await self.ports.store.read(
            lambda tx: {chain: timeline.entries(tx, chain) for chain in timeline.chains(tx)}
        )
        for chain, found in chains.items():
            assert verify(chain, found).breaks == ()
        return Counter((entry.kind, entry.run_id, entry.step) for found in chains.values() for entry in found)


def _memos(tx: Tx) -> dict[tuple[str, str], str]:
    if isinstance(tx, FakeTx):
        return {(run_id, key): value for run_id, kept in tx.memos.items() for key, value in kept.items()}
    rows = opened(tx).connection.execute(select(memo.c.run_id, memo.c.key, memo.c.value))
    return {(row.run_id, row.key): row.value for row in rows}


def asked(playbook: str, slot: str, how: str = "", wake_at: datetime | None = None) -> Command:
    """Give a command of Ann's."""
    return Command(playbook, {"how": how}, ANN, Source(via="test"), slot, wake_at=wake_at)


def decision(verb: str, run_id: str) -> Command:
    """Give Ben's word on a run of Ann's."""
    return Command(verb, {"run": run_id}, BEN, Source(via="test"))
