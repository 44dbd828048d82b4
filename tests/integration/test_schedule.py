"""Clocks, engine and SQLite together: what the peers lose at a restart is still here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from apscheduler.triggers.cron import CronTrigger

import playbooks
from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.marks import SqlMarks
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.timeline import SqlTimeline
from bot.domain.run import RunStatus
from bot.domain.service import Catalog, DigestPlan, ReminderRules
from bot.domain.timeline import HOUSE, Author, Draft, Entry, Kind, Person, to_us
from bot.engine.admission import Admission
from bot.engine.playbook import load
from bot.engine.ports import Ports
from bot.engine.runner import Runner
from bot.engine.slots import Slots
from handlers.schedule import Schedule, Timed, digests
from tests.databases import fresh_sqlite
from tests.fakes import NOON, FakeClock, FakePoster, fake_ports

ADA = Person("U1", "Ada")
REGISTRY = load(playbooks)
RULES = ReminderRules(no_commander_min=5, no_update_min=0, at_most=3)
CATALOG = Catalog(reminders=RULES, digests=(DigestPlan("shop", "0 * * * *", "UTC", "#shop", ()),))


@dataclass
class Process:
    """A bot between its start and its end: a scheduler, a runner, a clock that may be wrong."""

    ports: Ports
    clock: FakeClock
    schedule: Schedule
    runner: Runner
    skew: timedelta

    async def minute(self, at: datetime) -> None:
        self.clock.at = at + self.skew
        await self.schedule.look()
        ports = self.ports
        due = await ports.store.read(
            lambda tx: ports.journal.due(tx, self.clock.at + timedelta(minutes=5), [RunStatus.QUEUED])
        )
        for run_id in due:
            await self.runner.execute(run_id)


class Town:
    """One SQLite file, one channel to post to, and processes that come and go."""

    def __init__(self, folder: Path) -> None:
        self.url = fresh_sqlite(folder)
        self.poster = FakePoster()

    @asynccontextmanager
    async def process(self, skew_s: float = 0.0, timed: list[Timed] | None = None) -> AsyncIterator[Process]:
        store, clock = SqlStore(self.url), FakeClock()
        parts: Any = {"store": store, "clock": clock, "timeline": SqlTimeline(), "marks": SqlMarks()}
        ports = replace(fake_ports(CATALOG), journal=SqlJournal(clock), poster=self.poster, **parts)
        schedule = Schedule(Admission(REGISTRY, ports), ports, digests(CATALOG) if timed is None else timed)
        try:
            yield Process(ports, clock, schedule, Runner(REGISTRY, ports), timedelta(seconds=skew_s))
        finally:
            schedule.stop()
            await store.close()


async def open_incident(process: Process, title: str = "slow") -> str:
    timeline = process.ports.timeline
    draft = Draft(Kind.OPENED, {"title": title, "severity": "SEV2", "service": ""})
    return await process.ports.store.write(lambda tx: timeline.open(tx, draft, Author(ADA), NOON))


async def told(process: Process, kind: Kind, chain: str) -> list[Entry]:
    timeline = process.ports.timeline
    entries = await process.ports.store.read(lambda tx: timeline.entries(tx, chain))
    return [entry for entry in entries if entry.kind == kind]


async def test_three_processes_with_skewed_clocks_post_each_digest_once(tmp_path: Path) -> None:
    town = Town(tmp_path)
    async with town.process(-70) as slow, town.process() as right, town.process(70) as fast:
        await open_incident(right)
        for minute in range(-3, 125, 2):
            at = NOON + timedelta(minutes=minute)
            await asyncio.gather(*(each.minute(at) for each in (slow, right, fast)))
        posted = await told(right, Kind.DIGEST, HOUSE)
        skipped = await told(right, Kind.SLOTS_SKIPPED, HOUSE)
    assert [entry.facts["slot"][11:16] for entry in posted] == ["12:00", "13:00", "14:00"]
    assert len(town.poster.posts) == 3
    assert skipped == []


async def test_reminders_outlive_the_process_and_are_not_doubled(tmp_path: Path) -> None:
    town, minutes = Town(tmp_path), 0
    for lifetime in (4, 4, 1, 9, 22):
        async with town.process(timed=[]) as process:
            if not minutes:
                await open_incident(process)
            for _ in range(lifetime):
                minutes += 1
                await process.minute(NOON + timedelta(minutes=minutes))
            reminded = await told(process, Kind.REMINDED, "INC-1")
    assert [(entry.at - NOON).total_seconds() / 60 for entry in reminded] == [5, 10, 15]


async def test_an_approval_about_to_expire_is_told_once_by_three_processes_that_come_and_go(tmp_path: Path) -> None:
    town = Town(tmp_path)
    body: dict[str, Any] = {"run": "r1", "playbook": "rollback", "params": {}, "steps": [], "measured": {}}
    body |= {"plan": "ab" * 32, "person": "U1", "name": "Ada", "expires_at": to_us(NOON + timedelta(minutes=10))}
    for began in (0, 4, 8):
        async with town.process(-20, []) as slow, town.process(0, []) as right, town.process(20, []) as fast:
            if not began:
                await open_incident(right)
                draft = Draft(Kind.APPROVAL_ASKED, body)
                append = partial(right.ports.timeline.append, incident_id="INC-1", drafts=[draft])
                await right.ports.store.write(lambda tx, append=append: append(tx, author=Author(ADA), now=NOON))  # type: ignore[misc]
            for minute in range(began + 1, began + 5):
                at = NOON + timedelta(minutes=minute)
                await asyncio.gather(*(each.minute(at) for each in (slow, right, fast)))
            reminded = await told(right, Kind.REMINDED, "INC-1")
    (entry,) = [each for each in reminded if each.facts["about"] == "approval"]
    assert entry.facts["run"] == "r1"
    assert entry.facts["text"].startswith("rollback waits for a second person, for ")
    assert timedelta(minutes=7) <= entry.at - NOON < timedelta(minutes=8)


async def test_a_reminder_that_is_due_is_not_lost_on_a_clock_that_is_behind(tmp_path: Path) -> None:
    town, at = Town(tmp_path), NOON + timedelta(minutes=5)
    async with town.process(-20, []) as slow, town.process(0, []) as right:
        await open_incident(right)
        right.clock.at = at
        await right.schedule.look()
        await slow.minute(at)
        reminded = await told(right, Kind.REMINDED, "INC-1")
    assert [entry.at for entry in reminded] == [at]


async def test_a_digest_over_open_and_closed_incidents_is_posted(tmp_path: Path) -> None:
    town = Town(tmp_path)
    async with town.process() as process:
        await open_incident(process, "still slow")
        closed = await open_incident(process, "was slow")
        over = [
            Draft(Kind.STATUS_SET, {"status": status, "was": "open", "text": ""}) for status in ("resolved", "closed")
        ]
        timeline = process.ports.timeline
        await process.ports.store.write(lambda tx: timeline.append(tx, closed, over, Author(ADA), NOON))
        await process.minute(NOON - timedelta(minutes=1))
        await process.minute(NOON + timedelta(minutes=1))
    ((_, text),) = town.poster.posts.values()
    assert "still slow" in text
    assert "was slow" not in text


async def test_the_scheduler_itself_ticks_and_serves_the_slot_of_its_line(tmp_path: Path) -> None:
    slots = Slots("* * * * *")
    slots.trigger = CronTrigger(second="*", timezone=UTC)
    town = Town(tmp_path)
    async with town.process(timed=[Timed("digest:shop", slots, "digest")]) as process:
        real = datetime.now(UTC)
        process.clock.now = lambda: datetime.now(UTC)  # type: ignore[method-assign]
        process.schedule.start()
        async with asyncio.timeout(10):
            while not (due := await _runs(process)):  # noqa: ASYNC110 - the scheduler offers no event
                await asyncio.sleep(0.05)
    slot = due[0].removeprefix("digest:shop:").partition(":")[2]
    assert abs(datetime.fromisoformat(slot) - real) < timedelta(seconds=10)
    assert slot.endswith("Z")


async def _runs(process: Process) -> list[str]:
    ports = process.ports
    ids = await ports.store.read(lambda tx: ports.journal.due(tx, datetime.now(UTC), [RunStatus.QUEUED]))
    runs = [await ports.store.read(partial(ports.journal.get, run_id=run_id)) for run_id in ids]
    return [run.slot for run in runs if run is not None]
