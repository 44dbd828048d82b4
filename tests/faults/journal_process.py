"""A process that executes one run of several steps, and dies where it is told to."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from bot.adapters.bell import LocalBell
from bot.adapters.clock import SystemClock
from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.timeline import SqlTimeline
from bot.adapters.worker import EmbeddedWorker
from bot.domain.run import Reply, Source
from bot.domain.timeline import Kind, Person
from bot.engine.admission import Admission, Command
from bot.engine.playbook import Params, Playbook, Registry
from bot.engine.runner import Runner
from bot.engine.tools import Ports, Tools
from bot.ports import Tx
from tests.fakes import fake_ports

T = TypeVar("T")

where, folder, fate = sys.argv[1], Path(sys.argv[2]), sys.argv[3]


def die_at(point: str) -> None:
    if point == fate:
        os.kill(os.getpid(), signal.SIGKILL)


def effect(name: str) -> None:
    """Do something to the world that no database can undo."""
    die_at(f"before effect {name}")
    with (folder / "effects").open("a") as file:
        file.write(f"{name}\n")
    die_at(f"after effect {name}")


class DyingStore(SqlStore):
    """Counts transactions, and dies before or after one of them."""

    written = 0

    async def write(self, act: Callable[[Tx], T]) -> T:
        self.written += 1
        number = self.written
        die_at(f"before write {number}")
        value = await super().write(act)
        die_at(f"after write {number}")
        return value


class Nothing(Params):
    pass


def step(name: str) -> Callable[[Tools, Nothing], Awaitable[str]]:
    async def act(tools: Tools, params: Nothing) -> str:
        del params
        effect(name)
        tools.record(Kind.NOTE, text=name)
        return name

    act.__name__ = name
    return act


async def one(tools: Tools, params: Nothing) -> str:
    del params
    await tools.open_incident(title="killed", severity="SEV2", service="")
    effect("one")
    return "one"


async def three(tools: Tools, params: Nothing) -> str:
    del params

    async def part(name: str) -> str:
        effect(name)
        return name

    for name in ("part a", "part b"):
        await tools.once(name, str, lambda name=name: part(name))  # type: ignore[misc]
    outcome = await tools.run("child", {})
    return outcome.status.value


async def child(tools: Tools, params: Nothing) -> Reply:
    del params
    effect("child")
    tools.record(Kind.NOTE, text="child")
    return Reply("child")


async def five(tools: Tools, params: Nothing) -> Reply:
    del params
    effect("five")
    tools.record(Kind.NOTE, text="five")
    return Reply("all done")


def registry() -> Registry:
    whole, part = Playbook("whole", "x", Nothing), Playbook("child", "x", Nothing)
    for act in (one, step("two"), three, step("four"), five):
        whole.step(act.__name__)(act)
    part.step("Child")(child)
    return {"whole": whole, "child": part}


def ports(store: SqlStore, bell: LocalBell) -> Ports:
    clock = SystemClock()
    return replace(fake_ports(), store=store, timeline=SqlTimeline(), journal=SqlJournal(clock), clock=clock, bell=bell)


async def main() -> None:
    bell = LocalBell(SystemClock())
    store = DyingStore(where, bell.ring)
    wired, known = ports(store, bell), registry()
    worker = EmbeddedWorker(Runner(known, wired), wired, folder / "lock")
    await worker.start()
    asked = Command("whole", {}, Person("U1", "Ann"), Source(), slot="the command")
    run_id = (await Admission(known, wired).admit(asked)).run_id
    async with asyncio.timeout(30):
        while True:
            run = await store.read(lambda tx: wired.journal.get(tx, run_id))
            if run is not None and run.status.ended:
                break
            await bell.wait(f"run:{run_id}", wired.clock.now() + timedelta(seconds=1))
    await worker.stop()
    await store.close()
    sys.stdout.write(f"{run.status.value} {store.written}\n")


if __name__ == "__main__":
    asyncio.run(main())
