"""An incident is the fold of its timeline: nothing about it is stored anywhere else."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from bot.domain.actions import ActionItem, change
from bot.domain.approval import Request, request
from bot.domain.bisect.bisects import Bisect
from bot.domain.bisect.bisects import follow as follow_bisects
from bot.domain.drill_words import was
from bot.domain.errors import IncidentNotFound, TransitionRefused
from bot.domain.measures import Measure, measure
from bot.domain.phases import SOP, Phase, end_blanked
from bot.domain.phases import follow as follow_phases
from bot.domain.rollout import Rollout
from bot.domain.rollout import follow as follow_rollout
from bot.domain.timeline import BLANK, FIRSTFIVE, TOKEN, Entry, Kind, Person, from_us, in_place

SOP_S = 300


class Severity(StrEnum):
    """How bad it is; SEV1 and SEV2 page people."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"

    @classmethod
    def _missing_(cls, value: object) -> "Severity | None":
        """Take small letters too, wherever people type it: the command line, the API, the configuration."""
        return cls.__members__.get(str(value).upper())

    @property
    def pages(self) -> bool:
        """Tell whether an unmitigated incident of this severity pages somebody."""
        return self in {Severity.SEV1, Severity.SEV2}


class Status(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"
    CLOSED = "closed"


ONGOING = (Status.OPEN, Status.MITIGATED)
"""Where somebody still works on it."""
ENDED = (Status.RESOLVED, Status.CLOSED)


class Role(StrEnum):
    """Who does what."""

    COMMANDER = "commander"
    SCRIBE = "scribe"


@dataclass(frozen=True)
class Said:
    """A note or an update: who, when, what."""

    at: datetime
    who: str
    text: str


@dataclass(frozen=True)
class Incident:
    """What the timeline says about an incident up to entry `seq`.

    `was` is the class that a verdict named before the last, which names none; `gone_at` is since when nobody finds it,
    None while it cannot be told. `proof` is of the last class that was named.
    """

    id: str
    title: str
    severity: Severity
    opened_at: datetime
    reporter: Person
    status: Status = Status.OPEN
    service: str = ""
    channel: str = ""
    channel_name: str = ""
    roles: Mapping[Role, Person] = field(default_factory=dict)
    milestones: Mapping[str, datetime] = field(default_factory=dict)
    phases: tuple[Phase, ...] = ()
    sop_started_at: datetime | None = None
    verdict: str = ""
    statement: str = ""
    proof: str = ""
    fix: str = ""
    was: str = ""
    gone_at: datetime | None = None
    escalation: str = ""
    answered: str = ""
    alerts: Mapping[str, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    private: bool = False
    drill: bool = False
    drilled: str = ""
    team: str = ""
    impact: str = ""
    next_update_at: datetime | None = None
    on_call: tuple[Person, ...] = ()
    joined: tuple[Person, ...] = ()
    left: tuple[str, ...] = ()
    merged_into: str = ""
    cancelled: str = ""
    last_update: Said | None = None
    waiting: tuple[Request, ...] = ()
    actions: tuple[ActionItem, ...] = ()
    rollout: Rollout | None = None
    bisects: tuple[Bisect, ...] = ()
    seq: int = 0
    changed_at: datetime | None = None

    @property
    def number(self) -> int:
        """The number in its id."""
        return int(self.id.rpartition("-")[2])

    @property
    def commander(self) -> Person | None:
        """Who leads, if anybody does yet."""
        return self.roles.get(Role.COMMANDER)

    @property
    def people(self) -> tuple[Person, ...]:
        """Whoever takes part: reporter, roles, who is on call, who joined; each once, and nobody who has left."""
        everybody = (self.reporter, *self.roles.values(), *self.on_call, *self.joined)
        return tuple({person.id: person for person in everybody if person.id not in self.left}.values())

    @property
    def is_over(self) -> bool:
        """Tell whether nobody works on it any more."""
        return self.status in {Status.RESOLVED, Status.CLOSED}

    @property
    def counts(self) -> bool:
        """Tell whether counts and measures include it: not when it was called off, or is part of another one now."""
        return not self.cancelled and not self.merged_into

    @property
    def measures(self) -> tuple[Measure, ...]:
        """Its five measures; none when it does not count."""
        return measure(self.milestones) if self.counts else ()

    @property
    def deadline_at(self) -> datetime:
        """When the five minutes are over."""
        return (self.sop_started_at or self.opened_at) + timedelta(seconds=SOP_S)


def fold(entries: Iterable[Entry], since: Incident | None = None) -> Incident:
    """Compute an incident from its entries, in order; `since` is what those before them came to.

    :raises IncidentNotFound: there are none, or the first does not open an incident.
    """
    incident, told = since, list(entries)
    changed_at = since.changed_at if since else None
    for entry in in_place(told):
        if incident is None:
            incident = _opened(entry)
        apply = _APPLY.get(entry.kind)
        if apply is not None and entry.body is not None:
            incident = apply(incident, entry)
        elif entry.kind == Kind.STEP_ENDED:
            incident = replace(incident, phases=end_blanked(incident.phases, entry))
        # A message is recorded at the time it was said, which may be long before the entry in front of it.
        changed_at = entry.at if changed_at is None else max(changed_at, entry.at)
    if incident is None:
        raise IncidentNotFound("There is no such incident. /incident list shows the open ones.")
    return replace(incident, seq=told[-1].seq, changed_at=changed_at) if told else incident


_NEXT = {
    Status.OPEN: {Status.MITIGATED, Status.RESOLVED, Status.CLOSED},
    Status.MITIGATED: {Status.OPEN, Status.RESOLVED, Status.CLOSED},
    Status.RESOLVED: {Status.OPEN, Status.CLOSED},
    Status.CLOSED: {Status.OPEN},
}


class Seen(Protocol):
    """What may be seen by some only: an incident, or its row in a list."""

    @property
    def id(self) -> str:
        """Its name."""

    @property
    def private(self) -> bool:
        """Tell whether only those who take part may know of it."""

    @property
    def people(self) -> tuple[Person, ...]:
        """Whoever takes part."""


def may_see(incident: Seen, person: Person) -> bool:
    """Tell whether somebody may know of an incident: everybody, unless it is private and they take no part (any more).

    FirstFive itself and whoever has the bot's machine (`cli:`) know of all; a script that shows a token, and whoever
    asks without being known, of none that is private.
    """
    if not incident.private or person.id == FIRSTFIVE.id or person.id.startswith("cli:"):
        return True
    return not person.id.startswith(("api:", TOKEN)) and person.id in {each.id for each in incident.people}


def seen(entries: Sequence[Entry], incident_id: str, person: Person, channel: str = "") -> Incident:
    """Give an incident to somebody who may know of it; whoever speaks in its `channel` does.

    :raises IncidentNotFound: there is none, or they may not know of it: in the same words, so that it stays private.
    """
    incident = fold(entries) if entries else None
    if incident is None or not (may_see(incident, person) or (channel and channel == incident.channel)):
        raise IncidentNotFound(f"There is no {incident_id}. /incident list shows the open ones.")
    return incident


def impact_of(words: str) -> str:
    """Give the impact that somebody means: "" when they say that nobody is hit."""
    return "" if words.strip().lower().rstrip(".") in {"none", "nobody"} else words


def check_transition(incident: Incident, to: Status) -> None:
    """Tell whether an incident may go to a status.

    :raises TransitionRefused: it is there already, or cannot go there from where it is.
    """
    if incident.status is to:
        at = incident.milestones.get(to.value)
        when = f" since {at:%H:%M} UTC" if at else ""
        raise TransitionRefused(f"{incident.id} is {to.value} already{when}. Nothing was changed.")
    if to not in _NEXT[incident.status]:
        raise TransitionRefused(f"{incident.id} is {incident.status.value}; it cannot become {to.value} any more.")


def _opened(entry: Entry) -> Incident:
    if entry.kind != Kind.OPENED:
        raise IncidentNotFound(f"{entry.incident_id} does not begin with an opening entry; run `firstfive verify`.")
    facts = entry.facts
    return Incident(
        id=entry.incident_id,
        title=str(facts.get("title", BLANK)),
        severity=Severity(facts.get("severity", Severity.SEV2)),
        service=str(facts.get("service", "")),
        opened_at=entry.at,
        reporter=Person(entry.actor, entry.actor_name),
        warnings=tuple(facts.get("warnings", ())),
        private=bool(facts.get("private", False)),
        drill=bool(facts.get("drill", False)),
        team=str(facts.get("team", "")),
    )


def _open_channel(incident: Incident, entry: Entry) -> Incident:
    facts = entry.facts
    team = str(facts.get("team", incident.team))
    return replace(incident, channel=facts["channel"], channel_name=facts["name"], team=team)


def _set_role(incident: Incident, entry: Entry) -> Incident:
    facts = entry.facts
    role, person = Role(facts["role"]), Person(facts["person"], facts["name"])
    others = {other: holder for other, holder in incident.roles.items() if other is not role}
    roles = {**others, role: person} if person.id else others
    return replace(incident, roles=roles, left=_without(incident.left, person.id))


def _set_milestone(incident: Incident, entry: Entry) -> Incident:
    facts = entry.facts
    return replace(incident, milestones={**incident.milestones, facts["milestone"]: from_us(facts["at"])})


def _start_run(incident: Incident, entry: Entry) -> Incident:
    if entry.facts["playbook"] != SOP:
        return incident
    return replace(incident, sop_started_at=entry.at, phases=())


def _follow_step(incident: Incident, entry: Entry) -> Incident:
    if entry.facts["playbook"] != SOP:
        return incident
    return replace(incident, phases=follow_phases(incident.phases, entry))


def _judge(incident: Incident, entry: Entry) -> Incident:
    facts, verdict, was = entry.facts, entry.facts["verdict"] or "", incident.verdict or incident.was
    judged = replace(incident, verdict=verdict, statement=facts["statement"], fix=facts.get("fix", ""))
    if verdict or not was:
        return replace(judged, proof=facts.get("proof", ""), was="", gone_at=None)
    is_clean = bool(facts.get("clean")) and facts.get("service") == incident.service
    return replace(judged, was=was, gone_at=incident.gone_at or (entry.at if is_clean else None))


def _update(incident: Incident, entry: Entry) -> Incident:
    facts, next_at = entry.facts, entry.facts.get("next_at")
    said = Said(entry.at, entry.actor_name, facts["text"])
    return replace(incident, last_update=said, next_update_at=from_us(next_at) if next_at else None)


def _set_status(incident: Incident, entry: Entry) -> Incident:
    """Follow a status; what is opened again is neither mitigated nor resolved any more."""
    status = Status(entry.facts["status"])
    if status is not Status.OPEN:
        return replace(incident, status=status)
    undone = {Status.MITIGATED.value, Status.RESOLVED.value}
    milestones = {name: at for name, at in incident.milestones.items() if name not in undone}
    again = replace(incident, status=status, merged_into="", cancelled="", next_update_at=None)
    return replace(again, milestones=milestones)


def _join(incident: Incident, entry: Entry) -> Incident:
    facts = entry.facts
    others = tuple(person for person in incident.joined if person.id != facts["person"])
    left = _without(incident.left, facts["person"])
    if entry.kind == Kind.LEFT:
        return replace(incident, joined=others, left=(*left, facts["person"]))
    return replace(incident, joined=(*others, Person(facts["person"], facts["name"])), left=left)


def _without(left: tuple[str, ...], *back: str) -> tuple[str, ...]:
    return tuple(person for person in left if person not in back)


def _call(incident: Incident, entry: Entry) -> Incident:
    people = tuple(Person(who["id"], who["name"]) for who in entry.facts["people"])
    called = {who.id for who in people} - {who.id for who in incident.on_call}
    return replace(incident, on_call=people, left=_without(incident.left, *called))


def _count_alerts(incident: Incident, entry: Entry) -> Incident:
    return replace(incident, alerts={**incident.alerts, entry.facts["group"]: int(entry.facts["firing"])})


def _ask_approval(incident: Incident, entry: Entry) -> Incident:
    return replace(incident, waiting=(*incident.waiting, request(entry)))


def _end_wait(incident: Incident, entry: Entry) -> Incident:
    """Forget the requests of a run that was decided about, or has ended in another way."""
    if entry.kind == Kind.RUN_ENDED:
        incident = _bisect(incident, entry)
    run_id = entry.facts.get("run") or entry.run_id
    return replace(incident, waiting=tuple(asked for asked in incident.waiting if asked.run_id != run_id))


def _bisect(incident: Incident, entry: Entry) -> Incident:
    return replace(incident, bisects=follow_bisects(incident.bisects, entry))


def _roll(incident: Incident, entry: Entry) -> Incident:
    return replace(incident, rollout=follow_rollout(incident.rollout, entry))


_APPLY: Mapping[str, Callable[[Incident, Entry], Incident]] = {
    Kind.CHANNEL_OPENED: _open_channel,
    Kind.SERVICE_SET: lambda i, e: replace(i, service=e.facts["service"]),
    Kind.SEVERITY_SET: lambda i, e: replace(i, severity=Severity(e.facts["severity"])),
    Kind.STATUS_SET: _set_status,
    Kind.ROLE_SET: _set_role,
    Kind.MILESTONE: _set_milestone,
    Kind.RUN_STARTED: _start_run,
    Kind.STEP_STARTED: _follow_step,
    Kind.STEP_ENDED: _follow_step,
    Kind.VERDICT: _judge,
    Kind.ESCALATED: lambda i, e: replace(i, escalation=e.facts["text"]),
    Kind.UPDATE: _update,
    Kind.IMPACT_SET: lambda i, e: replace(i, impact=e.facts["text"]),
    Kind.ON_CALL: _call,
    Kind.JOINED: _join,
    Kind.LEFT: _join,
    Kind.MERGED: lambda i, e: replace(i, merged_into=e.facts["into"]),
    Kind.MADE_PRIVATE: lambda i, _: replace(i, private=True),
    # Also where the opening, which says so too, was blanked.
    Kind.DRILL_STARTED: lambda i, _: replace(i, drill=True),
    Kind.DRILL_ENDED: lambda i, e: replace(i, drilled=was(e.facts)),
    Kind.CANCELLED: lambda i, e: replace(i, cancelled=e.facts["reason"]),
    Kind.ALERT_FIRED: _count_alerts,
    Kind.ALERT_RESOLVED: _count_alerts,
    Kind.APPROVAL_ASKED: _ask_approval,
    **dict.fromkeys((Kind.APPROVAL_DECIDED, Kind.BROKE_GLASS, Kind.RUN_ENDED), _end_wait),
    Kind.ACTION: lambda i, e: replace(i, actions=change(i.actions, e)),
    Kind.BISECTING: _bisect,
    Kind.BISECTED: _bisect,
    Kind.JUDGED: _roll,
    Kind.TRAFFIC_SET: _roll,
    Kind.DRIFTED: _roll,
    Kind.PAGE_ANSWERED: lambda i, e: replace(i, answered=e.facts["person"]),
}
