"""The listing: a row of what each timeline comes to, so that lists, searches and measures need not read timelines."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, func, literal, or_, select, tuple_

from bot.adapters.sql.tables import AUDITED, entry, incident
from bot.adapters.sql.tx import moment, us
from bot.domain.audit_log import Question
from bot.domain.incident import Incident, Role, Severity, Status
from bot.domain.measures import Milestone
from bot.domain.outcomes import Outcome
from bot.domain.timeline import HOUSE, Kind, Person, from_us, storable, to_us
from bot.ports import Listed, Selection

_OUTCOME = tuple(incident.c[name] for name in Outcome._fields)
LISTED = frozenset(
    {
        Kind.OPENED,
        Kind.CHANNEL_OPENED,
        Kind.SERVICE_SET,
        Kind.SEVERITY_SET,
        Kind.STATUS_SET,
        Kind.MILESTONE,
        Kind.VERDICT,
        Kind.ROLE_SET,
        Kind.ON_CALL,
        Kind.JOINED,
        Kind.LEFT,
        Kind.MERGED,
        Kind.CANCELLED,
        Kind.MADE_PRIVATE,
        Kind.DRILL_STARTED,
    }
)
"""The kinds that change what a row says."""


@dataclass(frozen=True)
class Hidden:
    """A private incident, as far as it must be known to tell who may see it: every list asks that of each there is."""

    id: str
    people: tuple[Person, ...]
    private: bool = True


def row_of(it: Incident) -> dict[str, Any]:
    """Give the row of an incident."""
    words = (it.id, it.title, it.service, it.verdict, *(person.name for person in it.people))
    texts = {
        "title": it.title,
        "service": it.service,
        "channel": it.channel,
        "team": it.team,
        "verdict": it.verdict,
        "cancelled": it.cancelled,
        "merged_into": it.merged_into,
        "words": " ".join(words).casefold(),
    }
    return {
        "id": it.id,
        "number": it.number,
        "severity": it.severity.value,
        "status": it.status.value,
        "opened_at_us": to_us(it.opened_at),
        "private": int(it.private),
        "drill": int(it.drill),
        "people": _people(it),
        **{name: storable(text) for name, text in texts.items()},
        **{f"{each.value}_at_us": us(it.milestones.get(each)) for each in Milestone},
    }


def incident_of(row: RowMapping) -> Incident:
    """Give back the incident as far as its row tells of it: further entries can be folded onto it."""
    people: dict[str, Any] = json.loads(row["people"])
    return Incident(
        id=row["id"],
        title=row["title"],
        severity=Severity(row["severity"]),
        opened_at=from_us(row["opened_at_us"]),
        reporter=Person(*people["reporter"]),
        status=Status(row["status"]),
        service=row["service"],
        channel=row["channel"],
        roles={Role(role): Person(*person) for role, person in people["roles"].items()},
        milestones={each.value: at for each in Milestone if (at := moment(row[f"{each.value}_at_us"]))},
        verdict=row["verdict"],
        private=bool(row["private"]),
        drill=bool(row["drill"]),
        team=row["team"],
        on_call=tuple(Person(*person) for person in people["on_call"]),
        joined=tuple(Person(*person) for person in people["joined"]),
        left=tuple(people["left"]),
        merged_into=row["merged_into"],
        cancelled=row["cancelled"],
    )


def hidden(id_: str, people: str) -> Hidden:
    """Give who takes part in a private incident, from two fields of its row."""
    packed: dict[str, Any] = json.loads(people)
    everybody = (packed["reporter"], *packed["roles"].values(), *packed["on_call"], *packed["joined"])
    present = {person[0]: Person(*person) for person in everybody if person[0] not in packed["left"]}
    return Hidden(id_, tuple(present.values()))


def listed(row: RowMapping) -> Listed:
    """Give what lists show of a row."""
    return Listed.of(incident_of(row))


def fits(selection: Selection) -> ColumnElement[bool]:
    """Give the condition for a row to be in a selection, whichever page of it is meant."""
    table = incident.c
    wanted = [or_(table.private == 0, table.id.in_(selection.private))]
    wanted += [table.words.contains(word.casefold(), autoescape=True) for word in selection.words]
    if selection.statuses:
        wanted.append(table.status.in_([status.value for status in selection.statuses]))
    if selection.severities:
        wanted.append(table.severity.in_([severity.value for severity in selection.severities]))
    if selection.service:
        wanted.append(table.service == selection.service)
    if selection.drill is not None:
        wanted.append(table.drill == int(selection.drill))
    if selection.since is not None:
        wanted.append(table.opened_at_us >= to_us(selection.since))
    return and_(*wanted)


def outcomes_of(selection: Selection) -> Select[Any]:
    """Give the query for the outcomes of a selection."""
    counts = and_(incident.c.cancelled == "", incident.c.merged_into == "")
    return select(*_OUTCOME).where(fits(selection), counts).order_by(incident.c.number)


def audited_of(question: Question) -> Select[Any]:
    """Give the query for a page of the audit log."""
    place = tuple_(entry.c.at_us, entry.c.incident_id, entry.c.seq)
    open_ = or_(entry.c.incident_id == HOUSE, incident.c.private == 0, entry.c.incident_id.in_(question.private))
    wanted = select(entry).join(incident, incident.c.id == entry.c.incident_id, isouter=True).where(AUDITED, open_)
    if question.kinds:
        wanted = wanted.where(entry.c.kind.in_(question.kinds))
    if question.who:
        wanted = wanted.where(
            or_(entry.c.actor == question.who, func.lower(entry.c.actor_name) == question.who.lower())
        )
    if question.incident_id:
        wanted = wanted.where(entry.c.incident_id == question.incident_id)
    if question.before:
        wanted = wanted.where(place < tuple_(*map(literal, question.before)))
    latest = entry.c.at_us.desc(), entry.c.incident_id.desc(), entry.c.seq.desc()
    return wanted.order_by(*latest).limit(question.limit)


def _people(it: Incident) -> str:
    """Pack whoever takes part, or has left, as ASCII JSON."""

    def pair(person: Person) -> tuple[str, str]:
        return person.id, person.name

    return json.dumps(
        {
            "reporter": pair(it.reporter),
            "roles": {role.value: pair(person) for role, person in it.roles.items()},
            "on_call": [pair(person) for person in it.on_call],
            "joined": [pair(person) for person in it.joined],
            "left": it.left,
        },
        separators=(",", ":"),
    )
