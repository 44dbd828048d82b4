"""Incidents as the API tells of them: the list, and all that a timeline says of one."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import Field

from bot.domain import exhibits
from bot.domain.incident import ONGOING, Incident, Role, Severity, Status
from bot.domain.measures import Milestone
from bot.domain.phases import PhaseState
from bot.domain.timeline import Entry, storable
from bot.engine.ports import Ports
from bot.ports import Selection
from handlers import bisects
from handlers.api.answers import (
    Answer,
    Asked,
    Evidence,
    Page,
    Person,
    Seconds,
    named,
    page,
)
from handlers.api.approvals import Approval
from handlers.api.problems import Trouble, described, lost
from handlers.reader import Asks, Reader
from handlers.visible import found, incident_of

ONE = "/incidents/{incident_id}"
PATTERN = r"^[Ii][Nn][Cc]-[0-9]{1,9}$"
IncidentId = Annotated[str, Path(pattern=PATTERN, description="Its id, as in `INC-7`.", examples=["INC-7"])]


class IncidentRow(Answer):
    """An incident as the list has it."""

    id: str
    title: str
    severity: Severity
    status: Status
    service: str
    opened_at: datetime
    channel: str
    team: str
    private: bool
    drill: bool
    verdict: str
    counts: bool
    commander: Person | None
    people: list[Person]
    milestones: dict[Milestone, datetime]
    measures: list["MeasureTold"]


class MeasureTold(Answer):
    """A duration between two milestones; `seconds` is null when one of them was never recorded."""

    name: str
    since: Milestone
    until: Milestone
    seconds: Seconds = named("value")
    text: str


class PhaseTold(Answer):
    """A timed phase of the SOP."""

    name: str
    title: str
    budget_s: float
    state: PhaseState
    started_at: datetime
    ended_at: datetime | None
    summary: str


class FactTold(Answer):
    """One thing that was measured, in words, and where it can be read."""

    text: str
    proof: Evidence | None


class FindingTold(Answer):
    """A finding: a fault class at a target, with its evidence."""

    fault_class: str
    target: str
    claim: str
    confidence: str
    evidence: list[FactTold]
    fix: str
    verify: str
    proof: Evidence | None
    at: datetime | None


class ActionTold(Answer):
    """An action item: what is left to do."""

    number: int
    text: str
    owner: Person | None
    due: date | None
    done_on: date | None


class RolloutTold(Answer):
    """Where the canary of the service stands, in words."""

    service: str
    judgement: str
    words: str
    proposed: bool
    set: str = named("set_")
    safe: str
    drift: str


class CommitTold(Answer):
    """A commit as people know it."""

    commit: str
    author: str
    at: str
    subject: str
    files: list[str]
    changed: int


class BisectTold(Answer):
    """A bisect: where it stands, or what it told; `log` is the artifact that `git bisect replay` takes."""

    run: str
    at: datetime
    head: str
    words: list[str]
    culprit: CommitTold | None
    suspects: list[CommitTold]
    log: str


class UpdateTold(Answer):
    """What was last told to everybody."""

    at: datetime
    who: str
    text: str


class IncidentTold(IncidentRow):
    """All that an incident's timeline says of it, up to entry `seq`."""

    reporter: Person
    roles: dict[Role, Person]
    deadline_at: datetime
    phases: list[PhaseTold]
    statement: str
    fix: str
    findings: list[FindingTold]
    rollout: RolloutTold | None
    bisects: list[BisectTold]
    waiting: list[Approval]
    actions: list[ActionTold]
    impact: str
    last_update: UpdateTold | None
    next_update_at: datetime | None
    escalation: str
    answered: str
    on_call: list[Person]
    channel_name: str
    merged_into: str
    cancelled: str
    warnings: list[str]
    seq: int
    changed_at: datetime | None

    @classmethod
    def of(cls, incident: Incident, entries: Sequence[Entry]) -> "IncidentTold":
        """Tell of an incident, and of its whole timeline."""
        names = set(cls.model_fields) - {"findings", "bisects"}
        told = {name: getattr(incident, name) for name in names}
        made = {"findings": exhibits.found(entries), "bisects": bisects.of_incident(incident)}
        return cls.model_validate({**told, **made})


class IncidentsAsked(Asked):
    """Which incidents: those that everything given fits."""

    ended: bool = Field(default=False, description="Those too that are resolved or closed.")
    status: list[Status] = Field(default=[], max_length=4, description="One of these, whatever `ended` says.")
    severity: list[Severity] = Field(default=[], max_length=4, description="One of these.")
    service: str = Field("", max_length=100, description="Of this service.")
    drill: bool | None = Field(None, description="Drills only, or none of them.")
    words: str = Field(
        "", max_length=200, description="All of these are in its id, title, service, verdict or people's names."
    )

    def selection(self) -> Selection:
        """Say the same to whoever keeps the list; one more than is shown tells whether there is another page."""
        return Selection(
            words=storable(self.words).split(),
            statuses=self.status or (() if self.ended else ONGOING),
            severities=self.severity,
            service=storable(self.service),
            drill=self.drill,
            before=self.cursor,
            limit=self.limit + 1,
        )


@dataclass(frozen=True)
class Incidents:
    """The operations about them."""

    ports: Ports

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/incidents", self.list_incidents, responses=described(Trouble.NOT_VALID))
        routes.add_api_route(ONE, self.get_incident, responses=described(Trouble.NOT_THERE))

    async def list_incidents(self, reader: Asks, asked: Annotated[IncidentsAsked, Query()]) -> Page[IncidentRow]:
        """List the incidents, the latest first; those that ended only if asked for."""
        ports, wanted = self.ports, asked.selection()
        rows = await ports.store.read(lambda tx: found(ports, tx, reader.person, wanted))
        items, next_ = page(rows, asked.limit, lambda row: row.number)
        return Page(items=list(map(IncidentRow.model_validate, items)), next=next_)

    async def get_incident(self, reader: Asks, incident_id: IncidentId) -> IncidentTold:
        """Tell of one: what its timeline says it is, its measures, its findings."""
        return await asyncio.to_thread(IncidentTold.of, *await read(self.ports, reader, incident_id))


async def timeline(ports: Ports, reader: Reader, incident_id: str) -> list[Entry]:
    """Give the timeline of an incident that the reader may see.

    :raises ProblemMet: there is none.
    """
    return (await read(ports, reader, incident_id))[1]


async def read(ports: Ports, reader: Reader, incident_id: str) -> tuple[Incident, list[Entry]]:
    """Give an incident that the reader may see, and its timeline.

    :raises ProblemMet: there is none.
    """
    incident, entries = await incident_of(ports, incident_id, reader.person)
    if incident is None:
        raise lost("incident", incident_id)
    return incident, entries
