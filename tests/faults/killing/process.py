"""A process that gives birth to processes: each executes one history on one engine until it ends, or dies of it.

It has loaded everything, so that a child costs little. Each line it reads is a birth, each line it writes a death.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from sqlalchemy import select

import playbooks
from bot.adapters.bell import LocalBell
from bot.adapters.procrastinate.jobs import defer
from bot.adapters.procrastinate.worker import DistributedWorker
from bot.adapters.sql.alerts import SqlAlerts
from bot.adapters.sql.engines import conninfo
from bot.adapters.sql.marks import SqlMarks
from bot.adapters.sql.notices import Notices
from bot.adapters.sql.sessions import SqlSessions, SqlTokens
from bot.adapters.sql.surfaces import SqlSurfaces
from bot.adapters.sql.tables import mark, memo, run
from bot.adapters.sql.timeline import SqlTimeline
from bot.adapters.sql.tx import opened
from bot.adapters.worker import EmbeddedWorker
from bot.domain.alerts import Do
from bot.domain.anchor import Anchored
from bot.domain.anchor import read as read_anchors
from bot.domain.timeline import verify
from bot.engine.playbook import load
from bot.engine.ports import Ports
from bot.engine.runner import Runner
from bot.ports import Engine, Tx
from tests.fakes import NOON
from tests.faults.killing.log import Line, Log
from tests.faults.killing.parts import Watch, WatchedJournal, WatchedStore
from tests.faults.killing.people import People
from tests.faults.killing.time import Clock, Loop
from tests.faults.killing.world import world

DISTRIBUTED = "distributed"
_LEASE_S = 0.3
_LONGEST_S = 40
_REGISTRY = load(playbooks)


@dataclass(frozen=True)
class Birth:
    """What a process is to do: bring a playbook to its end on an engine, or die at its fate."""

    engine: str
    url: str
    folder: str
    playbook: str
    fate: str = ""


async def live(birth: Birth, loop: Loop) -> None:
    """Ask for the playbook unless an earlier life has, and see it through."""
    folder = Path(birth.folder)
    log = Log(folder / "log", birth.fate)
    async with _wired(birth, folder, log, loop) as (people, engine):
        log.write("up", known=await people.store.read(_known))
        await people.ask()
        await engine.start()
        await people.see_through()
        await engine.stop(0)
        anchors = read_anchors(await people.ports.anchors.lines())
        account = await people.store.read(partial(_account, people.ports, anchors))
        (folder / "account").write_text(json.dumps(account))


@asynccontextmanager
async def _wired(birth: Birth, folder: Path, log: Log, loop: Loop) -> AsyncIterator[tuple[People, Engine]]:
    clock, is_distributed = Clock(folder, loop), birth.engine == DISTRIBUTED
    bell, watch = LocalBell(clock), Watch(log)
    # Time that passes here does not pass for the database: a run's worker waits for it.
    journal = WatchedJournal(clock, lambda sql, run_id, _: defer(sql, run_id, None)) if is_distributed else None
    async with AsyncExitStack() as stack:
        if is_distributed:
            notices = Notices(birth.url, bell.ring)
            await notices.start()
            stack.push_async_callback(notices.stop)
            store = WatchedStore(birth.url, bell.ring, notices.tell)
        else:
            store = WatchedStore(birth.url, bell.ring)
        stack.push_async_callback(store.close)
        store.log, store.journal = log, journal or WatchedJournal(clock)
        ports = replace(
            world(folder, log),
            store=store,
            timeline=SqlTimeline(),
            journal=store.journal,
            alerts=SqlAlerts(),
            marks=SqlMarks(),
            sessions=SqlSessions(),
            tokens=SqlTokens(),
            clock=clock,
            bell=bell,
        )
        registry = watch.registry(_REGISTRY)
        runner = Runner(registry, ports)
        engine: Engine = (
            DistributedWorker(runner, ports, conninfo(birth.url), tidy_s=0.5, lease_s=_LEASE_S)
            if is_distributed
            else EmbeddedWorker(runner, ports, folder / "lock")
        )
        yield People(birth.playbook, registry, ports, store, watch, clock), engine


def _known(tx: Tx) -> list[str]:
    """Name all that the journal holds."""
    rows = opened(tx).connection.execute(select(memo.c.run_id, memo.c.key))
    return [f"{row.run_id} {row.key}" for row in rows]


def _account(ports: Ports, anchors: Anchored, tx: Tx) -> Line:
    """Give an account of how it all ended."""
    chains = {one: ports.timeline.entries(tx, one) for one in ports.timeline.chains(tx)}
    entries: dict[str, list[str]] = {}
    for chain, told in chains.items():
        for each in told:
            said = json.dumps(each.facts if each.body is not None else None, sort_keys=True)
            entries.setdefault(f"{chain} {each.run_id}", []).append(f"{each.kind} {each.step} {said}")
    rows = opened(tx).connection.execute(select(run.c.id, run.c.playbook, run.c.status, run.c.reason))
    return {
        "breaks": [*anchors.flaws, *(flaw for chain, told in chains.items() for flaw in verify(chain, told).breaks)],
        "entries": entries,
        "runs": {row.id: [row.playbook, row.status, row.reason] for row in rows},
        "alerts": [
            [one.key, one.opener, one.incident_id, one.proposed, one.fired, one.resolved, one.told]
            for do in Do
            for one in ports.alerts.begun(tx, do, NOON - timedelta(days=1))
        ],
        "marks": sorted(opened(tx).connection.scalars(select(mark.c.key))),
        "replies": {owed.key: owed.reply.text for owed in SqlSurfaces().owed(tx, 99)},
    }


def bear(birth: Birth) -> int:
    """Give birth to a process, and wait for how it ends."""
    pid = os.fork()
    if pid == 0:
        _live(birth)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _live(birth: Birth) -> None:
    """Live, and leave nothing but files behind."""
    said = os.open(Path(birth.folder) / "said", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(said, stream)
    signal.alarm(_LONGEST_S)
    code = 1
    try:
        loop = Loop()
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(live(birth, loop))
        code = 0
    except BaseException:  # noqa: BLE001 - the parent's code must not be gone on with, whatever happens
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Give birth until nobody asks for more."""
    gc.freeze()
    for line in sys.stdin:
        code = bear(Birth(**json.loads(line)))
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()


def spoken(birth: Birth) -> str:
    """Write a birth as the line that asks for it."""
    return f"{json.dumps(asdict(birth))}\n"


if __name__ == "__main__":
    main()
