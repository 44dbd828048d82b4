"""What of all there is somebody may see: everything but private incidents they take no part in."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain.audit_log import Question
from bot.domain.errors import IncidentNotFound
from bot.domain.incident import ONGOING, Incident, may_see
from bot.domain.outcomes import Outcome
from bot.domain.run import Run, RunStatus
from bot.domain.timeline import Entry, Person
from bot.engine.ports import Ports
from bot.ports import Listed, Selection, Tx

_RUN = re.compile(r"[\w.:-]{1,200}", re.ASCII)
_NAMED = re.compile(r"(?<![a-z0-9])INC-\d{1,9}(?!\d)", re.IGNORECASE | re.ASCII)
_INCIDENT = re.compile(r"INC-\d{1,9}", re.IGNORECASE | re.ASCII)


async def timeline_of(ports: Ports, incident_id: str, person: Person) -> list[Entry]:
    """Give the timeline of an incident as an address names it; none when there is none, or it is not theirs to see."""
    return (await incident_of(ports, incident_id, person))[1]


async def incident_of(ports: Ports, incident_id: str, person: Person) -> tuple[Incident | None, list[Entry]]:
    """Give an incident and its timeline as an address names it; None and nothing in the same cases."""
    wanted = incident_id.upper()
    if not _INCIDENT.fullmatch(incident_id):
        return None, []
    return await ports.store.read(lambda tx: _seen(ports, tx, wanted, person))


def visible_entries(ports: Ports, tx: Tx, incident_id: str, person: Person) -> list[Entry]:
    """Give the timeline of an incident; none when there is no such incident, or it is not theirs to see."""
    return _seen(ports, tx, incident_id, person)[1]


def _seen(ports: Ports, tx: Tx, incident_id: str, person: Person) -> tuple[Incident | None, list[Entry]]:
    incident, entries = ports.readings.read(ports.timeline, tx, incident_id)
    return (incident, entries) if incident is not None and may_see(incident, person) else (None, [])


def visible_run(ports: Ports, tx: Tx, run_id: str, person: Person) -> Run | None:
    """Give a run; None when there is none, or it is not theirs to see."""
    run = ports.journal.get(tx, run_id) if _RUN.fullmatch(run_id) else None
    return run if run is not None and is_theirs(ports, tx, run, row_of(ports, tx, run.incident_id), person) else None


def is_theirs(ports: Ports, tx: Tx, run: Run, row: Listed | None, person: Person) -> bool:
    """Tell whether somebody may see a run: its page, what the API says of it, what it asks for, and live.

    Who may see the incident that a run is about sees the run; if there is no such incident nobody does, not even who
    asked: or they would learn of a private one by asking for it. Where its answer names a private incident, they must
    be allowed to see that one too, or have asked themselves. A name that FirstFive only repeats does not count: it was
    typed, as a parameter or in the title, and who asked never took part in what it names. What is to open a private
    incident is seen by who asked, until the incident is there.

    `row`: that of its incident, None where it is about none that is there.
    """
    if run.incident_id and (row is None or not may_see(row, person)):
        return False
    if run.actor.id == person.id:
        return True
    if not run.incident_id and run.plan.params.get("private"):
        return False
    told = names_in([run.result, run.reason if run.status is RunStatus.FAILED else ""])
    typed = names_in([run.plan.params, row.title if row is not None else ""])
    hidden = (each for each in told if not is_visible(ports, tx, each, person))
    return all(each in typed and not _ever_knew(ports, tx, each, run.actor) for each in hidden)


def _ever_knew(ports: Ports, tx: Tx, incident_id: str, person: Person) -> bool:
    """Tell whether somebody may know of an incident, or once did: then they are named on its timeline."""
    named, entries = json.dumps(person.id), ports.timeline.entries(tx, incident_id)
    on_it = any(entry.actor == person.id or named in (entry.body or "") for entry in entries)
    return on_it or is_visible(ports, tx, incident_id, person)


def names_in(said: Any) -> set[str]:
    """Give the incidents that JSON names, in whatever words and wherever in it; `INC-7` each."""
    if isinstance(said, str):
        return {match.upper() for match in _NAMED.findall(said)}
    if isinstance(said, Mapping):
        said = [*said, *said.values()]
    return set().union(*map(names_in, said)) if isinstance(said, list | tuple) else set()


def is_visible(ports: Ports, tx: Tx, incident_id: str, person: Person) -> bool:
    """Tell whether somebody may know of what belongs to an incident, without reading its timeline."""
    row = row_of(ports, tx, incident_id)
    return row is None or may_see(row, person)


def row_of(ports: Ports, tx: Tx, incident_id: str) -> Listed | None:
    """Give what lists show of an incident, whoever may see it; None for "" and for one that is not there."""
    try:
        return ports.timeline.listed(tx, incident_id) if incident_id else None
    except IncidentNotFound:
        return None


def visible_artifact(ports: Ports, tx: Tx, sha256: str, person: Person) -> bool:
    """Tell whether somebody may have an artifact: one that no incident names, or one that is theirs to see does."""
    named = ports.timeline.naming(tx, sha256)
    return not named or any(may_see(ports.timeline.listed(tx, one), person) for one in named)


def visible_incidents(ports: Ports, tx: Tx, person: Person, *, ended: bool = False, limit: int = 50) -> list[Listed]:
    """Give the latest incidents first, closed and resolved ones only if `ended`; of private ones, theirs only."""
    return found(ports, tx, person, Selection(statuses=() if ended else ONGOING, limit=limit))


def found(ports: Ports, tx: Tx, person: Person, selection: Selection) -> list[Listed]:
    """Give a page of a selection of what somebody may see, the latest incidents first."""
    return ports.timeline.find(tx, theirs(ports, tx, person, selection))


def counted(ports: Ports, tx: Tx, person: Person, selection: Selection) -> int:
    """Tell how many incidents of what somebody may see are in a selection."""
    return ports.timeline.count(tx, theirs(ports, tx, person, selection))


def theirs(ports: Ports, tx: Tx, person: Person, selection: Selection) -> Selection:
    """Let a selection take in those private incidents that are somebody's to see, and no others."""
    return replace(selection, private=[row.id for row in ports.timeline.private(tx) if may_see(row, person)])


def outcomes(ports: Ports, tx: Tx, person: Person, selection: Selection) -> list[Outcome]:
    """Give how each incident of a selection went that somebody may see."""
    return ports.timeline.outcomes(tx, theirs(ports, tx, person, selection))


def audited(ports: Ports, tx: Tx, person: Person, question: Question) -> list[Entry]:
    """Give a page of what the audit log may show somebody."""
    private = theirs(ports, tx, person, Selection()).private
    return ports.timeline.audited(tx, replace(question, private=private))
