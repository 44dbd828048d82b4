"""Whoever FirstFive needs, and time: people give the command, agree, resolve; time passes when everybody waits."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from bot.domain.alerts import Sender, normalise
from bot.domain.approval import requests
from bot.domain.incident import Incident, Status, fold
from bot.domain.measures import Milestone
from bot.domain.run import VIA_CLOCK, Run, RunStatus, Source
from bot.domain.timeline import HOUSE, Entry, Kind, Person
from bot.engine.admission import Admission, Command
from bot.engine.intake import AlertPolicy, Intake
from bot.engine.playbook import Registry
from bot.engine.ports import Ports
from bot.ports import Tx
from tests.faults.killing.examples import example, incident_of
from tests.faults.killing.parts import Watch, WatchedStore
from tests.faults.killing.situation import ADA, BEN, MAIN, SLOT, prepare
from tests.faults.killing.time import Clock
from tests.unit.alerts import alert, delivery

_LOOK_S = 0.01
_CALM = 2
_LATER_S = 30.0
_DECIDE = {"approve": "redact", "refuse": "redact", "break-glass": "rollback"}
"""To decide takes something to be decided about: who wants that, and what is asked for then."""
_ALERTS = {"alert": "critical", "propose": "warning"}
_UNENDED = [status for status in RunStatus if not status.ended]


@dataclass
class People:
    """They want one playbook run, and see it through to its end."""

    wanted: str
    registry: Registry
    ports: Ports
    store: WatchedStore
    watch: Watch
    clock: Clock

    async def ask(self) -> None:
        """Ask for the playbook as it is usually asked for, by an alert, by the clock or by a command; once."""
        if await self.store.read(lambda tx: self.ports.journal.get(tx, MAIN)) is not None:
            return
        await self.store.write(lambda tx: prepare(self.ports, tx))
        if self.wanted in _ALERTS:
            labels = {"severity": _ALERTS[self.wanted]}
            alerts = normalise(delivery(alert(labels=labels, starts_at=self.clock.now())), Sender.ALERTMANAGER)
            intake = Intake(self.registry, self.ports, AlertPolicy(), lambda: MAIN)
            await intake.take(alerts, Sender.ALERTMANAGER)
            return
        playbook = self.registry[_DECIDE.get(self.wanted, self.wanted)]
        by_clock = self.wanted == "digest"
        command = Command(
            playbook.name,
            example(playbook),
            ADA,
            Source(via=VIA_CLOCK if by_clock else "test"),
            slot=SLOT if by_clock else MAIN,
            incident_id=incident_of(playbook),
        )
        await Admission(self.registry, self.ports, lambda: MAIN).admit(command)

    async def see_through(self) -> None:
        """Return when every run has ended."""
        calm, before = 0, (-1, tuple[str, ...]())
        while unended := await self._unended():
            now = self.store.written, tuple(run.id for run in unended)
            is_calm = now == before and not await self._help() and self._all_wait(unended)
            calm, before = (calm + 1 if is_calm else 0), now
            if calm >= _CALM:
                self._let_time_pass(unended)
                calm = 0
            await asyncio.sleep(_LOOK_S)

    def _all_wait(self, unended: list[Run]) -> bool:
        """Tell whether nobody works: every run waits to be told something, for a moment, or for another run."""
        if self.store.writing:
            return False
        at_work, now = self.watch.at_work, self.clock.now()
        return all(
            (run.wake_at is not None and run.wake_at > now) or (run.id in at_work and at_work[run.id].waits > 0)
            for run in unended
        )

    def _let_time_pass(self, unended: list[Run]) -> None:
        now = self.clock.now()
        moments = [*self.clock.sleepers, *(run.wake_at for run in unended if run.wake_at is not None)]
        left_s = [(at - now).total_seconds() for at in moments if at > now]
        self.clock.pass_(min(left_s, default=_LATER_S))

    async def _unended(self) -> list[Run]:
        far, journal = self.clock.now() + timedelta(days=999), self.ports.journal

        def read(tx: Tx) -> list[Run]:
            found = (journal.get(tx, run_id) for run_id in journal.due(tx, far, _UNENDED))
            return [run for run in found if run is not None]

        return await self.store.read(read)

    async def _help(self) -> bool:
        """Decide what waits for a decision, resolve what was answered; tell whether there was anything to do."""
        timeline = self.ports.timeline
        chains = await self.store.read(lambda tx: {one: timeline.entries(tx, one) for one in timeline.chains(tx)})
        helped = False
        for incident_id, entries in chains.items():
            for asked in requests(entries):
                if asked.decided is None:
                    verb = self.wanted if self.wanted in _DECIDE else "approve"
                    why = {"reason": "it burns"} if verb == "break-glass" else {}
                    helped |= await self._say(verb, BEN, incident_id, {"run": asked.run_id, **why})
            if incident_id != HOUSE and await self._is_answered(fold(entries), entries):
                helped |= await self._say("resolve", ADA, incident_id, {})
        return helped

    async def _is_answered(self, incident: Incident, entries: list[Entry]) -> bool:
        """Tell whether somebody has answered the page of an open incident, and all know."""
        kinds = {entry.kind for entry in entries}
        if incident.status is not Status.OPEN or Milestone.ACKNOWLEDGED not in incident.milestones:
            return False
        following = [tools for tools in self.watch.at_work.values() if tools.incident_id == incident.id]
        passed_on = any("part:follow:acknowledged" in tools.memos for tools in following)
        return Kind.PAGE_ANSWERED in kinds or passed_on

    async def _say(self, verb: str, by: Person, incident_id: str, params: dict[str, str]) -> bool:
        name = f"{verb}-{incident_id}"
        about = "" if incident_id == HOUSE else incident_id
        command = Command(verb, params, by, Source(via="test"), slot=name, incident_id=about)
        return (await Admission(self.registry, self.ports, lambda: name).admit(command)).fresh
