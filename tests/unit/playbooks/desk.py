"""The real verbs on fakes: words in, the ended run out."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import count
from time import process_time
from typing import Any

import playbooks
from bot.domain.authority import People
from bot.domain.incident import Incident, fold
from bot.domain.run import Run, RunStatus, Source
from bot.domain.service import Catalog, Service, Target
from bot.domain.timeline import Entry, Person
from bot.engine.admission import Admission, Command
from bot.engine.grammar import parse
from bot.engine.playbook import load
from bot.engine.ports import Ports
from bot.engine.runner import Runner
from tests.fakes import FakeClock, FakeStore, fake_ports

ADA, BEN = Person("U1", "Ada"), Person("U2", "Ben")
TARGETS = tuple(Target(f"checkout-{n}", "checkout", f"http://127.0.0.1:606{n}") for n in (1, 2, 3))
PEOPLE = People(approve=("U1", "U2"), break_glass=("U1",))
CATALOG = Catalog((Service("checkout", TARGETS, people=PEOPLE), Service("payment", ())), on_call=("@ben",))
REGISTRY = load(playbooks)
PATIENCE_S = 5.0
"""Of this process's own CPU: on a busy machine it may not run for that long."""
AT_ONCE = 200
"""So often it looks without a pause."""


@dataclass
class Desk:
    """Runs verbs one after the other, and the runs they begin when they are asked for."""

    ports: Ports

    def __post_init__(self) -> None:
        self._ids = count(1)
        self._runner = Runner(REGISTRY, self.ports)
        self.admission = Admission(REGISTRY, self.ports, lambda: f"r{next(self._ids)}")

    async def say(self, words: str, by: Person = ADA) -> Run:
        parsed = parse(REGISTRY, words, self.ports.catalog)
        return await self.run(parsed.playbook, parsed.params, by, parsed.incident_id)

    async def begin(self, playbook: str, params: Mapping[str, Any], by: Person = ADA, incident_id: str = "") -> str:
        command = Command(playbook, params, by, Source(via="test"), incident_id=incident_id)
        return (await self.admission.admit(command)).run_id

    async def run(self, playbook: str, params: Mapping[str, Any], by: Person = ADA, incident_id: str = "") -> Run:
        run_id = await self.begin(playbook, params, by, incident_id)
        await self.work(lambda: bool(self.state.runs[run_id].status.ended))
        ended: Run = self.state.runs[run_id]
        return ended

    async def text(self, words: str, by: Person = ADA) -> str:
        """Give what the person is told."""
        ended = await self.say(words, by)
        return str(ended.result["text"]) if ended.status is RunStatus.DONE else ended.reason

    async def work(self, reached: Callable[[], bool]) -> None:
        """Be the worker: execute what is due, and what an earlier one left, until something is reached; then die."""
        tasks: dict[str, asyncio.Task[Any]] = {}
        until_s, looked = process_time() + PATIENCE_S, 0
        while not reached():
            if process_time() > until_s:
                raise TimeoutError
            looked += 1
            now, both = self.ports.clock.now(), [RunStatus.QUEUED, RunStatus.RUNNING]
            for run_id in self.ports.journal.due(self.state, now, both):
                if run_id not in tasks:
                    tasks[run_id] = asyncio.create_task(self._runner.execute(run_id))
            await asyncio.sleep(0 if looked < AT_ONCE else 0.001)  # a thread that works for us needs the interpreter
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def reach(self, phase: str) -> None:
        """Work until a phase of the SOP has begun."""
        await self.work(lambda: any(each.name == phase for each in self.incident().phases))

    async def resume_later(self, run_id: str) -> Run | None:
        """Execute a run again, as after a restart that took more than five minutes."""
        self.later(301)
        return await self._runner.execute(run_id)

    def later(self, seconds: float) -> None:
        assert isinstance(self.ports.clock, FakeClock)
        self.ports.clock.at += timedelta(seconds=seconds)

    @property
    def state(self) -> Any:
        assert isinstance(self.ports.store, FakeStore)
        return self.ports.store.now

    def chain(self, incident_id: str = "INC-1") -> list[Entry]:
        return list(self.state.chains.get(incident_id, []))

    def incident(self, incident_id: str = "INC-1") -> Incident:
        return fold(self.chain(incident_id))


def desk(**parts: Any) -> Desk:
    """Give a desk; `parts` replace ports."""
    return Desk(replace(fake_ports(CATALOG), **parts))
