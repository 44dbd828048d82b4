"""The clock's way in: what is due at a slot becomes a run, once, however many clocks there are.

Every process runs a scheduler of its own with its jobs in memory. A tick says only "look": what is due follows from the
cron line and from the last slot served, which is in the database, so that a tick that came late, twice or not at all
changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog
from apscheduler.executors.asyncio import AsyncIOExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger

from bot.domain.errors import StoreUnusable
from bot.domain.reminders import Reminder, due
from bot.domain.run import VIA_CLOCK, Source
from bot.domain.service import Catalog, ReminderRules
from bot.domain.timeline import FIRSTFIVE, HOUSE, Author, Draft, Kind
from bot.engine.admission import Admission, Command
from bot.engine.ports import Ports
from bot.engine.slots import Slots, name_of, slot_named
from bot.ports import Tx

log = structlog.get_logger()

_TRIES = 5
_MINUTE = timedelta(minutes=1)
_SHOWN = 20
_OPEN = 500


@dataclass(frozen=True)
class Timed:
    """Something that is due at slots: which playbook, with which params.

    A slot that nobody served is made up for within `grace`; older ones, and all but the newest, are skipped. What was
    never seen before waits for its first slot, or has one `at_once`.
    """

    name: str
    slots: Slots
    playbook: str
    params: Mapping[str, Any] = field(default_factory=dict)
    grace: timedelta = timedelta(hours=1)
    at_once: bool = False

    @property
    def key(self) -> str:
        """The part of its slots' names that stays the same; another cron line is another schedule."""
        return f"{self.name}:{self.slots.revision}"


def digests(catalog: Catalog) -> list[Timed]:
    """Give the configured digests."""
    return [
        Timed(
            f"digest:{plan.team}",
            Slots(plan.cron, plan.timezone),
            "digest",
            {"team": plan.team},
            timedelta(minutes=plan.grace_min),
        )
        for plan in catalog.digests
    ]


def drills(catalog: Catalog) -> list[Timed]:
    """Give the configured drills."""
    return [
        Timed(
            f"drill:{plan.service}:{plan.fault or 'blind'}",
            Slots(plan.cron, plan.timezone),
            "drill",
            {"service": plan.service, "size": plan.size, **({"class": plan.fault} if plan.fault else {"blind": True})},
            timedelta(minutes=plan.grace_min),
        )
        for plan in catalog.drills
    ]


def guards(catalog: Catalog) -> list[Timed]:
    """Give the looks at what the guarded services run."""
    guarded = [(one.name, one.guard) for one in catalog.services if one.guard is not None]
    return [Timed(f"guard:{name}", Slots(plan.cron), "guard", {"service": name}) for name, plan in guarded]


def watches(catalog: Catalog) -> list[Timed]:
    """Give the watches over canaries: each minute has one, which lasts until the next."""
    return [
        Timed(f"watch:{one.name}", Slots("* * * * *"), "watch", {"service": one.name}, _MINUTE, at_once=True)
        for one in catalog.services
        if one.canary is not None and one.route is not None
    ]


def chores() -> list[Timed]:
    """Give what is done every night: the anchor, and retention. Late is better than never."""
    grace = timedelta(hours=23)
    anchor = Timed("anchor", Slots("10 3 * * *"), "anchor", grace=grace)
    return [anchor, Timed("retention", Slots("40 3 * * *"), "retention", grace=grace)]


class Schedule:
    """The clock of one process. `timed` is admitted at its slots, reminders of open incidents every minute."""

    def __init__(self, admission: Admission, ports: Ports, timed: Sequence[Timed]) -> None:
        self._admission = admission
        self._ports = ports
        self._timed = tuple(timed)
        self._scheduler: AsyncIOScheduler | None = None
        self._ailment = ""

    def ailment(self) -> str | None:
        """Say in a line what keeps it from working, or None."""
        return self._ailment or None

    def start(self) -> None:
        """Begin to tick; the first look is at once, so that what was missed is made up for."""
        scheduler = AsyncIOScheduler(
            timezone=UTC,
            jobstores={"default": MemoryJobStore()},
            executors={"default": AsyncIOExecutor()},
            # A late tick is as good as one in time: what is due is decided by `serve`.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        at_once = datetime.now(UTC)
        for timed in self._timed:
            scheduler.add_job(self.serve, timed.slots.trigger, [timed], id=timed.name, next_run_time=at_once)
        scheduler.add_job(self.look, CronTrigger(second=0, timezone=UTC), id="look", next_run_time=at_once)
        scheduler.start()
        self._scheduler = scheduler

    def stop(self) -> None:
        """Stop ticking; what was admitted is the engine's."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

    async def look(self) -> None:
        """Do what every minute asks for: reminders, and slots whose own tick could not be served."""
        for timed in self._timed:
            await self.serve(timed)
        await self.remind()

    async def serve(self, timed: Timed) -> None:
        """Admit the newest slot that is due and not served yet; record the older ones as skipped."""
        try:
            for _ in range(_TRIES):
                if await self._serve(timed):
                    break
        except StoreUnusable as error:
            self._unusable(error)
        else:
            self._ailment = ""

    async def _serve(self, timed: Timed) -> bool:
        """Serve what is due; False when another clock was faster and it is to be looked at again."""
        ports, now = self._ports, self._ports.clock.now()
        mark = f"schedule:{timed.key}"
        was = await ports.store.read(lambda tx: ports.marks.get(tx, mark))
        if was is None and not timed.at_once:
            # Never seen before: nothing can have been missed.
            return await ports.store.write(lambda tx: ports.marks.swap(tx, mark, None, name_of(now)))
        waiting = timed.slots.between(now - _MINUTE if was is None else slot_named(was), now)
        if not waiting:
            return True
        newest = waiting[-1]
        late = now - newest > timed.grace
        missed = waiting if late else waiting[:-1]

        def along(tx: Tx) -> bool:
            """Move the mark, if nobody has; what was missed is recorded with it."""
            if not ports.marks.swap(tx, mark, was, name_of(newest)):
                return False
            if missed:
                ports.timeline.append(tx, HOUSE, [_skipped(timed, missed)], Author(FIRSTFIVE), now)
            return True

        if late:
            return await ports.store.write(along)
        return await self._admit(timed, newest, along)

    async def _admit(self, timed: Timed, slot: datetime, along: Any) -> bool:
        key = f"{timed.key}:{name_of(slot)}"
        command = Command(timed.playbook, timed.params, FIRSTFIVE, Source(via=VIA_CLOCK), slot=key)
        admitted = await self._admission.admit(command, along)
        if admitted.fresh:
            log.info("slot served", slot=key, run=admitted.run_id)
        return bool(admitted.run_id)

    async def remind(self) -> None:
        """Admit the reminders that are due for open incidents."""
        try:
            for incident_id, reminder in await self._due():
                key = f"remind:{incident_id}:{reminder.lack.about.value}:{name_of(reminder.slot)}"
                params = {"about": reminder.lack.about.value, "slot": name_of(reminder.slot)}
                source = Source(via=VIA_CLOCK)
                command = Command("remind", params, FIRSTFIVE, source, slot=key, incident_id=incident_id)
                await self._admission.admit(command)
        except StoreUnusable as error:
            self._unusable(error)

    async def _due(self) -> list[tuple[str, Reminder]]:
        ports = self._ports
        now, rules = ports.clock.now(), ports.catalog.reminders
        listed = await ports.store.read(lambda tx: ports.timeline.incidents(tx, limit=_OPEN, private=True))
        found: list[tuple[str, Reminder]] = []
        for row in listed:
            found += [(row.id, each) for each in await ports.store.read(partial(self._lacking, row.id, rules, now))]
        return found

    def _lacking(self, incident_id: str, rules: ReminderRules, now: datetime, tx: Tx) -> tuple[Reminder, ...]:
        """Give what is due for an incident. In the reader's thread: a long timeline holds no page and no command up."""
        incident, entries = self._ports.readings.read(self._ports.timeline, tx, incident_id)
        if incident is None:
            log.warning("timeline does not begin with an opening", incident=incident_id)
            return ()
        return due(incident, entries, rules, now)

    def _unusable(self, error: StoreUnusable) -> None:
        if str(error) != self._ailment:
            log.error("schedule not served", reason=str(error))
        self._ailment = str(error)


def _skipped(timed: Timed, slots: Sequence[datetime]) -> Draft:
    names = [name_of(slot) for slot in slots[-_SHOWN:]]
    return Draft(Kind.SLOTS_SKIPPED, {"schedule": timed.name, "slots": names, "count": len(slots)})
