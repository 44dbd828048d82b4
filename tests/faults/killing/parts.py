"""Our own parts, watched: the steps of the playbooks, the journal and the store tell the log how far they are."""

import functools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, TypeVar

from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.store import SqlStore
from bot.domain.run import Run
from bot.engine.playbook import Playbook, Registry, Step
from bot.engine.tools import Tools
from bot.ports import Memory, Tx
from tests.faults.killing.log import EVERY_COMMIT, SCOPE, Log, Scope

T = TypeVar("T")


class WatchedTools(Tools):
    """Tools that say which part of the step is being done."""

    async def once(self, key: str, gives: type[T], act: Callable[[], Awaitable[T]]) -> T:
        async def part() -> T:
            scope = SCOPE.get()
            with _scoped(replace(scope, part=key) if scope else None):
                return await act()

        return await super().once(key, gives, part)


@dataclass
class Watch:
    """What is watched of one process; `at_work` are the runs whose steps it has begun."""

    log: Log
    at_work: dict[str, Tools] = field(default_factory=dict)

    def registry(self, registry: Registry) -> Registry:
        """Let the steps of every playbook say when they begin, and when they are done but not kept."""
        for playbook in registry.values():
            playbook.steps[:] = [self._step(playbook, step) for step in playbook.steps]
        return registry

    def _step(self, playbook: Playbook, step: Step) -> Step:
        @functools.wraps(step.act)
        async def act(*, tools: Tools, **rest: Any) -> Any:
            tools.__class__ = WatchedTools
            self.at_work[tools.run_id] = tools
            scope = Scope(tools.run_id, playbook.name, step.name)
            self.log.write("begun", **vars(scope))
            self.log.reach(f"before {playbook.name}.{step.name}")
            try:
                with _scoped(scope):
                    return await step.act(tools=tools, **rest)
            finally:  # a step whose time is over has an end too
                self.log.reach(f"inside {playbook.name}.{step.name}")

        return replace(step, act=act)


@contextmanager
def _scoped(scope: Scope | None) -> Iterator[None]:
    token = SCOPE.set(scope)
    try:
        yield
    finally:
        SCOPE.reset(token)


class WatchedJournal(SqlJournal):
    """A journal that notes what the transaction at hand keeps; the store's one thread writes them one by one."""

    def __init__(self, clock: Any, queue: Callable[[Any, str, datetime | None], None] = lambda *_: None) -> None:
        super().__init__(clock, queue)
        self.noted: list[tuple[str, str]] = []

    def remember(self, tx: Tx, run_: Run, key: str, value: str, now: datetime) -> None:
        super().remember(tx, run_, key, value, now)
        kind, _, name = key.partition(":")
        point = f"after {run_.plan.playbook}.{name}" if kind == "step" else ""
        self.noted.append((point, f"{run_.id} {key}"))

    def claim(self, tx: Tx, run_id: str, now: datetime) -> Memory | None:
        self.noted.append(("", f"{run_id} claimed"))
        return super().claim(tx, run_id, now)

    def bind(self, tx: Tx, run_: Run, incident_id: str) -> None:
        super().bind(tx, run_, incident_id)
        self.noted.append(("", f"{run_.id} bound"))

    def hold(self, tx: Tx, key: str, holder: str, now: datetime, until: datetime) -> str:
        self.noted.append(("", f"{holder} holds {key}"))
        return super().hold(tx, key, holder, now, until)

    def admit(self, tx: Tx, run_: Run) -> str:
        holder = super().admit(tx, run_)
        if holder == run_.id:
            self.noted.append(("", f"{run_.id} admitted"))
        return holder

    def end(self, tx: Tx, run_: Run) -> None:
        super().end(tx, run_)
        self.noted.append(("", f"{run_.id} ended"))


class WatchedStore(SqlStore):
    """A store that tells the log what has become durable; `writing` counts what has not yet."""

    log: Log
    journal: WatchedJournal
    writing = written = 0

    async def write(self, act: Callable[[Tx], T]) -> T:
        kept: list[tuple[str, str]] = []

        def noted(tx: Tx) -> T:
            self.journal.noted.clear()
            value = act(tx)
            kept[:] = self.journal.noted
            return value

        self.writing += 1
        value = await super().write(noted)
        self.writing, self.written = self.writing - 1, self.written + 1
        for point, place in kept:
            if point:
                self.log.reach(point)
            self.log.reach(EVERY_COMMIT, place)
        return value
