"""The postmortem of an incident: everything its timeline can say, and room for what only people can.

It is a fold of the timeline without the entries that postmortems themselves leave, so writing it again gives the same.
Every string in it is plain text that may hold what anybody typed.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from bot.domain import hindsight
from bot.domain.incident import SOP, Incident, Severity, Status
from bot.domain.measures import Measure, Milestone, duration, measure
from bot.domain.narrative import Evidence, Found, Kept, by_itself, evidence, found, is_child, kept, tell, who
from bot.domain.timeline import Entry, Kind, from_us

_PLAYBOOK = "postmortem"
_SECOND_US = 1_000_000


@dataclass(frozen=True)
class Row:
    """One line of the timeline: when, who, what, and what proves it."""

    at: datetime
    who: str
    what: str
    proof: Evidence | None


@dataclass(frozen=True)
class ActionItem:
    """Something to do, and the finding that suggests it. Owner and due date are for people to give."""

    what: str
    because: str


@dataclass(frozen=True)
class Responder:
    """Somebody who acted; `deeds` counts their entries."""

    name: str
    roles: tuple[str, ...]
    since: datetime
    deeds: int


@dataclass(frozen=True)
class Postmortem:
    """What a postmortem says, section by section. All times UTC; a time is None when it was never recorded."""

    id: str
    title: str
    severity: Severity
    service: str
    status: Status
    reporter: str
    commander: str
    opened_at: datetime
    started_at: datetime | None
    resolved_at: datetime | None
    one_day: bool
    summary: tuple[str, ...]
    impact: tuple[str, ...]
    resolution: tuple[str, ...]
    verdict: str
    statement: str
    verdict_proof: Evidence | None
    findings: tuple[Found, ...]
    measures: tuple[Measure, ...]
    milestones: tuple[tuple[str, datetime | None], ...]
    well: tuple[str, ...]
    badly: tuple[str, ...]
    actions: tuple[ActionItem, ...]
    rows: tuple[Row, ...]
    responders: tuple[Responder, ...]
    artifacts: tuple[Kept, ...]
    entries: int
    redacted: int
    head: str


def compose(incident: Incident, entries: Sequence[Entry]) -> Postmortem:
    """Write the postmortem of an incident from its whole timeline (at least its opening entry)."""
    told = without_postmortems(entries)
    artifacts, findings = kept(told), found(told)
    verdict = next((entry for entry in reversed(told) if entry.kind == Kind.VERDICT), None)
    rows = _rows(incident, told, artifacts)
    return Postmortem(
        id=incident.id,
        title=incident.title,
        severity=incident.severity,
        service=incident.service,
        status=incident.status,
        reporter=incident.reporter.name,
        commander=incident.commander.name if incident.commander else "",
        opened_at=incident.opened_at,
        started_at=incident.milestones.get(Milestone.STARTED),
        resolved_at=incident.milestones.get(Milestone.RESOLVED),
        one_day=len({row.at.date() for row in rows}) == 1,
        summary=_summary(incident, told),
        impact=_impact(incident, told),
        resolution=_resolution(told),
        verdict=incident.verdict,
        statement=incident.statement,
        verdict_proof=evidence(verdict, artifacts) if verdict else None,
        findings=findings,
        measures=measure(incident.milestones),
        milestones=tuple((each.value, incident.milestones.get(each)) for each in Milestone),
        well=hindsight.well(incident, told),
        badly=hindsight.badly(incident, told),
        actions=_actions(findings),
        rows=rows,
        responders=_responders(incident, told),
        artifacts=artifacts,
        entries=len(told),
        redacted=sum(1 for entry in told if entry.body is None),
        head=told[-1].hash,
    )


def without_postmortems(entries: Iterable[Entry]) -> list[Entry]:
    """Give a timeline without what writing a postmortem adds to it."""
    listed = list(entries)
    runs = {
        entry.run_id
        for entry in listed
        if entry.run_id and (entry.kind == Kind.POSTMORTEM or entry.facts.get("playbook") == _PLAYBOOK)
    }
    return [entry for entry in listed if entry.kind != Kind.POSTMORTEM and entry.run_id not in runs]


def _summary(incident: Incident, entries: Sequence[Entry]) -> tuple[str, ...]:
    return tuple(
        sentence
        for sentence in (_beginning(incident, entries[0]), _cause(incident, entries), _lead(incident), _end(incident))
        if sentence
    )


def _beginning(incident: Incident, opening: Entry) -> str:
    severity = opening.facts.get("severity", incident.severity.value)
    on = f" on {incident.service}" if incident.service else ""
    said = f"{incident.reporter.name} opened {incident.id}{on} as {severity} at {incident.opened_at:%H:%M:%S} UTC"
    started = incident.milestones.get(Milestone.STARTED)
    if started is None:
        return f"{said}."
    if started >= incident.opened_at:
        return f"{said}, as it started."
    return f"{said}, {duration(incident.opened_at - started)} after it had started."


def _cause(incident: Incident, entries: Iterable[Entry]) -> str:
    if incident.verdict:
        return f"FirstFive's verdict was {incident.verdict}" + (
            f": {incident.statement}" if incident.statement else "."
        )
    if any(entry.kind == Kind.VERDICT for entry in entries):
        return "FirstFive named no fault class" + (f": {incident.statement}" if incident.statement else ".")
    return ""


def _lead(incident: Incident) -> str:
    return f"{incident.commander.name} was its commander." if incident.commander else "It had no commander."


def _end(incident: Incident) -> str:
    times = incident.milestones
    since = times.get(Milestone.STARTED) or incident.opened_at
    counted = "its start" if Milestone.STARTED in times else "its opening"
    ends = [
        f"{each.value} after {duration(times[each] - since)}"
        for each in (Milestone.MITIGATED, Milestone.RESOLVED)
        if each in times
    ]
    if not ends:
        return f"It is {incident.status.value}."
    return f"It was {' and '.join(ends)}, counted from {counted}."


def _impact(incident: Incident, entries: Sequence[Entry]) -> tuple[str, ...]:
    return (_length(incident, entries[-1].at), *_severities(incident, entries), *_first_look(incident))


def _length(incident: Incident, last: datetime) -> str:
    started = incident.milestones.get(Milestone.STARTED)
    ended = incident.milestones.get(Milestone.RESOLVED)
    since = started or incident.opened_at
    began = "from its start" if started else "from its opening (when it started was not recorded)"
    if ended is None:
        return f"Not resolved by its last entry, {duration(last - since)} {began}."
    return f"It lasted {duration(ended - since)}, {began} until it was resolved."


def _severities(incident: Incident, entries: Sequence[Entry]) -> list[str]:
    """Tell how long it had which severity, if that ever changed."""
    changes = [entry for entry in entries if entry.kind == Kind.SEVERITY_SET and entry.body is not None]
    if not changes:
        return []
    until = incident.milestones.get(Milestone.RESOLVED) or entries[-1].at
    first = entries[0].facts.get("severity") or changes[0].facts.get("was", "")
    spans = [(first, incident.opened_at), *((entry.facts["severity"], entry.at) for entry in changes)]
    ends = [*pairwise(spans), (spans[-1], ("", max(until, spans[-1][1])))]
    return ["It was " + ", then ".join(f"{name} for {duration(end - at)}" for (name, at), (_, end) in ends) + "."]


def _first_look(incident: Incident) -> list[str]:
    """Quote what the first phase of the SOP measured: the probe's answer, error ratio, builds."""
    return [f"At the start: {phase.summary}" for phase in incident.phases[:1] if phase.summary]


def _resolution(entries: Iterable[Entry]) -> tuple[str, ...]:
    return tuple(
        f"{entry.at:%Y-%m-%d %H:%M:%S} UTC, {entry.actor_name}: {entry.facts['status']}"
        + (f". {entry.facts['text']}" if entry.facts.get("text") else ".")
        for entry in entries
        if entry.kind == Kind.STATUS_SET and entry.body is not None
    )


def _rows(incident: Incident, entries: Sequence[Entry], artifacts: Sequence[Kept]) -> tuple[Row, ...]:
    """Tell the entries that matter to a reader, by the time they happened."""
    marked = {(entry.run_id, entry.facts.get("status")) for entry in entries if entry.kind == Kind.STATUS_SET}
    phases = {phase.name for phase in incident.phases}
    return tuple(
        Row(entry.at, who(entry), tell(entry), evidence(entry, artifacts))
        for entry in sorted(entries, key=lambda entry: (entry.at_us, entry.seq))
        if not _is_noise(entry, phases) and not _says_it_twice(incident, entry, marked)
    )


def _is_noise(entry: Entry, phases: Collection[str]) -> bool:
    if entry.body is None:
        return False
    if entry.kind == Kind.STEP_ENDED:
        is_phase = entry.facts.get("playbook") == SOP and entry.facts.get("step") in phases
        return not is_phase and entry.facts.get("outcome") == "done"
    if entry.kind == Kind.RUN_ENDED:
        return is_child(entry.run_id) and entry.facts.get("status") == "done"
    if entry.kind == Kind.RUN_STARTED:
        return is_child(entry.run_id)
    return entry.kind in {Kind.STEP_STARTED, Kind.CHAT_FAILED}


def _says_it_twice(incident: Incident, entry: Entry, marked: set[tuple[str, str | None]]) -> bool:
    """Tell whether a milestone only repeats the opening, or a status that the same run set."""
    if entry.kind != Kind.MILESTONE or entry.body is None:
        return False
    facts = entry.facts
    if facts.get("milestone") == Milestone.DETECTED and from_us(facts["at"]) == incident.opened_at:
        return True
    return (entry.run_id, facts.get("milestone")) in marked and abs(facts["at"] - entry.at_us) < _SECOND_US


def _actions(findings: Iterable[Found]) -> tuple[ActionItem, ...]:
    """Suggest each finding's fix once."""
    fixes: dict[str, list[str]] = {}
    for finding in findings:
        if finding.fix:
            fixes.setdefault(finding.fix, []).append(" on ".join(filter(None, (finding.fault_class, finding.target))))
    return tuple(ActionItem(fix, ", ".join(dict.fromkeys(because))) for fix, because in fixes.items())


def _responders(incident: Incident, entries: Iterable[Entry]) -> tuple[Responder, ...]:
    """Name who acted or held a role, in the order they came in."""
    since: dict[str, datetime] = {}
    names: dict[str, str] = {}
    deeds: dict[str, int] = {}
    for entry in entries:
        if not by_itself(entry):
            since.setdefault(entry.actor, entry.at)
            names.setdefault(entry.actor, entry.actor_name)
            deeds[entry.actor] = deeds.get(entry.actor, 0) + 1
        if entry.kind == Kind.ROLE_SET and entry.body is not None:
            person = entry.facts["person"]
            since.setdefault(person, entry.at)
            names.setdefault(person, entry.facts["name"])
    roles = {role: person.id for role, person in incident.roles.items()}
    return tuple(
        Responder(names[one], tuple(sorted(r.value for r, p in roles.items() if p == one)), at, deeds.get(one, 0))
        for one, at in since.items()
    )
