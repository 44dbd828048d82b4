"""The postmortem of an incident: everything its timeline can say, and room for what only people can.

It is a fold of the timeline without the entries that postmortems themselves leave, so writing it again gives the same.
Every string in it is plain text that may hold what anybody typed.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from bot.domain import hindsight
from bot.domain.actions import ActionItem
from bot.domain.bisect.bisects import culprit
from bot.domain.exhibits import Evidence, Found, Judged, Kept, evidence, found, judged, kept
from bot.domain.incident import Incident, Severity, Status
from bot.domain.measures import Measure, Milestone, duration
from bot.domain.narrative import by_itself, is_child, tell, unmarked, who
from bot.domain.phases import SOP
from bot.domain.timeline import Entry, Kind, in_time, to_us

_PLAYBOOK = "postmortem"
_SECOND_US = 1_000_000
_SAY_IT = {Kind.VERDICT, Kind.ARTIFACT}


@dataclass(frozen=True)
class Row:
    """One line of the timeline: when, who, what, and what proves it."""

    at: datetime
    who: str
    what: str
    proof: Evidence | None


@dataclass(frozen=True)
class ActionRow:
    """Something to do: written down by somebody, or suggested by a finding; then nobody owns it yet."""

    what: str
    because: str
    owner: str = ""
    due: str = ""


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
    rollback: tuple[Row, ...]
    resolution: tuple[str, ...]
    judged: Judged | None
    findings: tuple[Found, ...]
    measures: tuple[Measure, ...]
    milestones: tuple[tuple[str, datetime | None], ...]
    well: tuple[str, ...]
    badly: tuple[str, ...]
    actions: tuple[ActionRow, ...]
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
    matters = _what_matters(incident, told)
    rows = tuple(Row(entry.at, who(entry), tell(entry), evidence(entry, artifacts)) for entry in matters)
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
        one_day=len({entry.at.date() for entry in matters}) == 1,
        summary=_summary(incident, told),
        impact=_impact(incident, told),
        rollback=tuple(row for row, entry in zip(rows, matters, strict=True) if entry.kind in _ROLLBACK),
        resolution=_resolution(told),
        judged=_judged(told),
        findings=findings,
        measures=incident.measures,
        milestones=tuple((each.value, incident.milestones.get(each)) for each in Milestone),
        well=hindsight.well(incident, told),
        badly=hindsight.badly(incident, told),
        actions=(*(_action(each) for each in incident.actions), *_suggested(findings)),
        rows=rows,
        responders=_responders(incident, matters),
        artifacts=artifacts,
        entries=len(told),
        redacted=sum(1 for entry in told if entry.body is None),
        head=told[-1].hash,
    )


_ROLLBACK = {Kind.JUDGED, Kind.TRAFFIC_SET, Kind.DRIFTED}


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
        for sentence in (
            _beginning(incident, entries[0]),
            _cause(entries),
            _culprit(incident),
            _lead(incident),
            _end(incident),
        )
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


def _judged(entries: Sequence[Entry]) -> Judged | None:
    """Give the last verdict that named a fault class, or else the last: a clean diagnosis later changes no cause."""
    verdicts = judged(entries)
    named = [each for each in verdicts if each.verdict]
    return next(reversed(named or verdicts), None)


def _cause(entries: Sequence[Entry]) -> str:
    last = _judged(entries)
    if last is None:
        return ""
    because = f": {last.statement}" if last.statement else "."
    return f"FirstFive's verdict was {last.verdict}{because}" if last.verdict else f"No fault class was named{because}"


def _culprit(incident: Incident) -> str:
    named = culprit(incident.bisects)
    return f"{named.rstrip('.')}." if named else ""


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
    return (_length(incident, in_time(entries)[-1].at), *_severities(incident, entries), *_first_look(incident))


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
    until = incident.milestones.get(Milestone.RESOLVED) or in_time(entries)[-1].at
    first = entries[0].facts.get("severity") or changes[0].facts.get("was", "")
    spans = [(first, incident.opened_at), *((entry.facts["severity"], entry.at) for entry in changes)]
    ends = [*pairwise(spans), (spans[-1], ("", max(until, spans[-1][1])))]
    return ["It was " + ", then ".join(f"{name} for {duration(end - at)}" for (name, at), (_, end) in ends) + "."]


def _first_look(incident: Incident) -> list[str]:
    """Quote what the first phase of the SOP measured: the probe's answer, error ratio, builds."""
    return [f"At the start: {unmarked(phase.summary)}" for phase in incident.phases[:1] if phase.summary]


def _resolution(entries: Iterable[Entry]) -> tuple[str, ...]:
    return tuple(
        f"{entry.at:%Y-%m-%d %H:%M:%S} UTC, {entry.actor_name}: {entry.facts['status']}"
        + (f". {entry.facts['text']}" if entry.facts.get("text") else ".")
        for entry in entries
        if entry.kind == Kind.STATUS_SET and entry.body is not None
    )


def _what_matters(incident: Incident, entries: Sequence[Entry]) -> list[Entry]:
    """Give the entries that matter to a reader, by the time they happened."""
    phases = {phase.name for phase in incident.phases}
    marked = {(e.run_id, e.facts.get("status")) for e in entries if e.kind == Kind.STATUS_SET}
    marked |= {(e.run_id, Milestone.LOCATED) for e in entries if e.kind == Kind.VERDICT}
    said = {str(e.facts.get("statement") or e.facts.get("what")) for e in entries if e.kind in _SAY_IT}
    return [
        entry
        for entry in in_time(entries)
        if not (_is_noise(entry, phases) or _marks_it_twice(incident, entry, marked) or _says_it_twice(entry, said))
    ]


def _is_noise(entry: Entry, phases: Collection[str]) -> bool:
    if entry.body is None:
        return False
    if entry.kind == Kind.STEP_ENDED:
        is_phase = entry.facts.get("playbook") == SOP and entry.facts.get("step") in phases
        return not is_phase and entry.facts.get("outcome") != "failed"
    if entry.kind == Kind.RUN_ENDED:
        return is_child(entry.run_id) and entry.facts.get("status") == "done"
    if entry.kind == Kind.RUN_STARTED:
        return is_child(entry.run_id)
    return entry.kind in {Kind.STEP_STARTED, Kind.CHAT_FAILED, Kind.BISECTING}


def _marks_it_twice(incident: Incident, entry: Entry, marked: set[tuple[str, Any]]) -> bool:
    """Tell whether a milestone only repeats the opening, or a status or verdict of the same run."""
    if entry.kind != Kind.MILESTONE or entry.body is None:
        return False
    facts = entry.facts
    if facts.get("milestone") == Milestone.DETECTED:
        return abs(int(facts["at"]) - to_us(incident.opened_at)) < _SECOND_US
    return (entry.run_id, facts.get("milestone")) in marked and abs(int(facts["at"]) - entry.at_us) < _SECOND_US


def _says_it_twice(entry: Entry, said: Collection[str]) -> bool:
    """Tell whether a phase that ended well only repeats what a verdict or an artifact says."""
    facts = entry.facts
    if entry.kind != Kind.STEP_ENDED or facts.get("outcome") != "done":
        return False
    summary = str(facts.get("summary", ""))
    return any(each and summary.endswith(each) for each in said)


def _action(item: ActionItem) -> ActionRow:
    owner = item.owner.name if item.owner else ""
    return ActionRow(item.text, f"action item {item.number}", owner, item.state.removeprefix("due "))


def _suggested(findings: Iterable[Found]) -> tuple[ActionRow, ...]:
    """Suggest each finding's fix once."""
    fixes: dict[str, list[str]] = {}
    for finding in findings:
        if finding.fix:
            fixes.setdefault(finding.fix, []).append(" on ".join(filter(None, (finding.fault_class, finding.target))))
    return tuple(ActionRow(fix, ", ".join(dict.fromkeys(because))) for fix, because in fixes.items())


def _responders(incident: Incident, entries: Iterable[Entry]) -> tuple[Responder, ...]:
    """Name who acted or held a role, in the order they came in."""
    since: dict[str, datetime] = {}
    names: dict[str, str] = {}
    deeds: dict[str, int] = {}
    for entry in in_time(entries):
        if not by_itself(entry):
            since.setdefault(entry.actor, entry.at)
            names.setdefault(entry.actor, entry.actor_name)
            deeds[entry.actor] = deeds.get(entry.actor, 0) + 1
        if entry.kind == Kind.ROLE_SET and entry.facts.get("person"):
            person = entry.facts["person"]
            since.setdefault(person, entry.at)
            names.setdefault(person, entry.facts["name"])
    roles = {role: person.id for role, person in incident.roles.items()}
    return tuple(
        Responder(names[one], tuple(sorted(r.value for r, p in roles.items() if p == one)), at, deeds.get(one, 0))
        for one, at in since.items()
    )
