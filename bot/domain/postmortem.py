"""The postmortem of an incident: everything its timeline can say, and beside it what only people can.

It is a fold of the timeline without the entries that postmortems themselves leave, but for the texts that people wrote
into it; so writing it again gives the same. Every string in it is plain text that may hold what anybody typed.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.domain import account, hindsight, publishing
from bot.domain.account import Chapter, Compared
from bot.domain.actions import ActionItem
from bot.domain.bisect.bisects import blamed
from bot.domain.bisect.telling import Told, in_a_line, spent
from bot.domain.exhibits import Evidence, Found, Judged, Kept, evidence, found, kept
from bot.domain.experience import is_experience
from bot.domain.incident import Incident, Severity, Status
from bot.domain.measures import Measure, Milestone
from bot.domain.narrative import by_itself, is_child, tell, who
from bot.domain.phases import SOP
from bot.domain.sections import Section, sections
from bot.domain.timeline import Entry, Kind, in_place, in_time, to_us

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
    status: str = "suggested"


@dataclass(frozen=True)
class Mark:
    """A milestone, and from where it is known; `at` is None when it was never recorded."""

    name: str
    at: datetime | None
    source: str


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
    drill: bool
    sections: tuple[Section, ...]
    summary: tuple[str, ...]
    impact: tuple[str, ...]
    rows: tuple[Row, ...]
    detection: Chapter
    response: Chapter
    responders: tuple[Responder, ...]
    recovery: Chapter
    steps: tuple[Row, ...]
    compared: tuple[Compared, ...]
    judged: Judged | None
    blamed: Told | None
    findings: tuple[Found, ...]
    well: tuple[str, ...]
    badly: tuple[str, ...]
    actions: tuple[ActionRow, ...]
    artifacts: tuple[Kept, ...]
    milestones: tuple[Mark, ...]
    counted: bool
    entries: int
    redacted: int
    head: str

    @property
    def one_day(self) -> bool:
        """Tell whether all of its rows, which are in the order of time, are of one day."""
        return self.rows[0].at.date() == self.rows[-1].at.date()

    @property
    def bisected(self) -> tuple[str, ...]:
        """Say which commit is to blame, what proves it, and what that cost; nothing when none is."""
        return (in_a_line(self.blamed), self.blamed.why, spent(self.blamed)) if self.blamed else ()

    @property
    def measures(self) -> tuple[Measure, ...]:
        """All its measures; none when it does not count."""
        chapters = (self.detection, self.response, self.recovery)
        return tuple(one.measure for chapter in chapters for one in chapter.measures)


def compose(incident: Incident, entries: Sequence[Entry]) -> Postmortem:
    """Write the postmortem of an incident from its whole timeline (at least its opening entry)."""
    written = without_postmortems(entries)
    told = in_place(written)
    artifacts, findings, matters = kept(told), found(told), _what_matters(incident, told)
    rows = tuple(Row(entry.at, who(entry), tell(entry), evidence(entry, artifacts)) for entry in matters)
    sources, bisect = account.sources(told), blamed(incident.bisects)
    return Postmortem(
        id=incident.id,
        title=incident.title,
        severity=incident.severity,
        service=incident.service,
        status=incident.status,
        reporter=incident.reporter.name,
        commander=incident.commander.name if incident.commander else "",
        opened_at=incident.opened_at,
        drill=incident.drill,
        sections=sections(entries),
        summary=account.summary(incident, told),
        impact=account.impact(incident, told),
        rows=rows,
        detection=account.detection(incident, told),
        response=account.response(incident, told),
        responders=_responders(incident, matters),
        recovery=account.recovery(incident),
        steps=tuple(row for row, entry in zip(rows, matters, strict=True) if entry.kind in _STEPS),
        compared=account.compared(incident, told),
        judged=account.final(told),
        blamed=bisect.told if bisect else None,
        findings=findings,
        well=hindsight.well(incident, told),
        badly=hindsight.badly(incident, told),
        actions=(*(_action(each) for each in incident.actions), *_suggested(findings)),
        artifacts=artifacts,
        milestones=tuple(Mark(e.value, incident.milestones.get(e), sources.get(e, "")) for e in Milestone),
        counted=incident.counts,
        entries=len(written),
        redacted=sum(1 for entry in written if entry.body is None),
        head=written[-1].hash,
    )


_STEPS = {Kind.STATUS_SET, Kind.JUDGED, Kind.TRAFFIC_SET, Kind.DRIFTED, Kind.ACTED, Kind.BROKE_GLASS}


def without_postmortems(entries: Iterable[Entry]) -> list[Entry]:
    """Give a timeline without what writing a postmortem adds to it."""
    listed = list(entries)
    runs = {
        entry.run_id
        for entry in listed
        if entry.run_id and (entry.kind in publishing.KINDS or entry.facts.get("playbook") == _PLAYBOOK)
    }
    return [
        entry for entry in listed if entry.kind not in publishing.KINDS and (entry.run_id not in runs or _stays(entry))
    ]


def _stays(entry: Entry) -> bool:
    """Tell whether an entry is of the incident, whatever run it is from: its opening, what its users saw."""
    return entry.kind == Kind.OPENED or is_experience(entry)


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
    owner, due = item.owner.name if item.owner else "", item.due.isoformat() if item.due else ""
    status = f"done {item.done_on}" if item.done_on else "open"
    return ActionRow(item.text, f"action item {item.number}", owner, due, status)


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
