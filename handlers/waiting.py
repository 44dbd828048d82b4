"""What waits for a second person, as somebody sees it: on the pages and in the API, by the same rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.approval import Decision, Refused, Request, requests
from bot.domain.authority import GRANTED
from bot.domain.narrative import unmarked
from bot.domain.run import Run
from bot.domain.timeline import HOUSE, Person
from bot.engine import authority
from bot.engine.approval import POLICY, RIGHTS, Press, decide
from bot.engine.ports import Ports
from bot.ports import ASKED, Listed, Tx
from handlers.visible import is_theirs, row_of, visible_run

_LOOKED_AT = 200


@dataclass(frozen=True)
class Plea:
    """A request, the run that waits with it, and the row of the incident it is about; None where it is about none."""

    asked: Request
    run: Run
    incident: Listed | None


@dataclass(frozen=True)
class Waiting(Plea):
    """A request as somebody sees it: `why_not` says why they cannot approve, "" when they can.

    `alone`: whether they are offered to break the glass now.
    """

    why_not: str
    alone: bool = False


async def waiting(ports: Ports, person: Person) -> list[Waiting]:
    """Give all that waits of what somebody may see: first what they can decide about, of each the oldest first."""
    now = ports.clock.now()
    found = await ports.store.read(lambda tx: pleas(ports, tx, person, now))
    seen = [await seen_by(ports, each, person) for each in found]
    return sorted(seen, key=lambda each: bool(each.why_not))


async def seen_by(ports: Ports, plea: Plea, person: Person) -> Waiting:
    """Look at a request as somebody does, by the same rules by which their word will be judged."""
    now, asked = ports.clock.now(), plea.asked
    why_not = unmarked(await _objection(ports, plea, Decision.APPROVED, person, now))
    is_time = asked.alone_at is not None and now >= asked.alone_at
    alone = is_time and not await _objection(ports, plea, Decision.ALONE, person, now)
    return Waiting(asked, plea.run, plea.incident, why_not, alone)


async def _objection(ports: Ports, plea: Plea, decision: Decision, person: Person, now: datetime) -> str:
    asked, there, ruling = plea.asked, ports.within(plea.run.source.team), GRANTED
    if asked.service and decision in RIGHTS:
        ruling = await authority.may(there, person, RIGHTS[decision], asked.service)
    told = decide(POLICY, asked, Press(person, decision, asked.plan, reason="-"), now, ruling)
    return told.reason if isinstance(told, Refused) else ""


def pleas(ports: Ports, tx: Tx, person: Person, now: datetime) -> Sequence[Plea]:
    """Give what waits of what somebody may see, the oldest first."""
    runs = ports.journal.asking(tx)[:_LOOKED_AT]
    rows = {each: row_of(ports, tx, each) for each in dict.fromkeys(run.incident_id for run in runs)}
    found = (_plea(ports, tx, run, rows[run.incident_id], person) for run in runs)
    return [each for each in found if each is not None and each.asked.decided is None and now < each.asked.expires_at]


def plea_of(ports: Ports, tx: Tx, run_id: str, person: Person) -> Plea | None:
    """Give what a run has asked for, and the incident it is about; None if it is not theirs to see, or was blanked."""
    run = visible_run(ports, tx, run_id, person)
    asked = _asked(ports, tx, run) if run is not None else None
    return Plea(asked, run, row_of(ports, tx, run.incident_id)) if run is not None and asked is not None else None


def _plea(ports: Ports, tx: Tx, run: Run, row: Listed | None, person: Person) -> Plea | None:
    asked = _asked(ports, tx, run) if is_theirs(ports, tx, run, row, person) else None
    return Plea(asked, run, row) if asked is not None else None


def asked_of(ports: Ports, tx: Tx, run_id: str, person: Person) -> tuple[Request, Run] | None:
    """Give what a run has asked for; None if it is not theirs to see, or was blanked."""
    found = plea_of(ports, tx, run_id, person)
    return (found.asked, found.run) if found is not None else None


def _asked(ports: Ports, tx: Tx, run: Run) -> Request | None:
    """Read it from the timeline, without what came before it there."""
    after = ports.journal.memo(tx, run.id, ASKED)
    entries = ports.timeline.entries(tx, run.incident_id or HOUSE, int(after)) if after is not None else ()
    return next((each for each in requests(entries) if each.run_id == run.id), None)
