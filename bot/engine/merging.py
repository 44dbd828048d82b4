"""Makes one incident part of another: two timelines, people and alerts, in one transaction."""

from dataclasses import replace

from bot.domain import alert_groups
from bot.domain.errors import CommandRejected, TransitionRefused
from bot.domain.incident import Incident, Status, check_transition, fold
from bot.domain.timeline import Author, Draft, Kind
from bot.engine.tools import Tools
from bot.ports import Tx


def check_merge(incident: Incident, into: Incident) -> None:
    """Tell whether an incident may become part of another.

    :raises CommandRejected: they are the same.
    :raises TransitionRefused: either is over, or only one of them is private.
    """
    if incident.id == into.id:
        raise CommandRejected(f"{incident.id} cannot become part of itself. Name the other: `/incident merge INC-7`.")
    if into.merged_into:
        raise TransitionRefused(f"{into.id} is part of {into.merged_into} now: `/incident merge {into.merged_into}`.")
    if into.is_over:
        raise TransitionRefused(f"{into.id} is {into.status.value}. `/incident reopen {into.id}` comes first.")
    if incident.drill != into.drill:
        one, other = (incident, into) if incident.drill else (into, incident)
        raise TransitionRefused(f"{one.id} is a drill and {other.id} is not: they are counted apart.")
    if incident.private != into.private:
        one, other = (incident, into) if incident.private else (into, incident)
        raise TransitionRefused(f"{one.id} is private and {other.id} is not: what one says must not show in the other.")
    check_transition(incident, Status.CLOSED)


def merge_into(tools: Tools, incident_id: str, into_id: str) -> None:
    """Close an incident as part of another, which takes over its people and alerts, together with the step's result."""
    timeline, alerts = tools.ports.timeline, tools.ports.alerts
    author = Author(tools.actor, tools.run_id, tools.step)

    def act(tx: Tx) -> None:
        # One merge at a time, or two could become parts of each other; and whoever tells of alerts takes this lock
        # before that of a timeline: in another order, two could wait for each other.
        alerts.lock(tx)
        incident, into = fold(timeline.entries(tx, incident_id)), fold(timeline.entries(tx, into_id))
        if incident.merged_into == into.id:
            return
        check_merge(incident, into)
        taken = [*_taken(incident, into), *_alerts(tools, tx, incident, into)]
        timeline.append(tx, into.id, taken, author, tools.now())
        timeline.append(tx, incident.id, _ended(incident, into), author, tools.now())

    tools.also(act)


def _taken(incident: Incident, into: Incident) -> list[Draft]:
    here = {person.id for person in into.people}
    return [
        Draft(Kind.TOOK_IN, {"incident": incident.id, "title": incident.title}),
        *(
            Draft(Kind.JOINED, {"person": person.id, "name": person.name, "how": f"from {incident.id}"})
            for person in incident.people
            if person.id not in here
        ),
    ]


def _ended(incident: Incident, into: Incident) -> list[Draft]:
    return [
        Draft(Kind.MERGED, {"into": into.id, "channel": into.channel}),
        Draft(Kind.STATUS_SET, {"status": Status.CLOSED.value, "was": incident.status.value, "text": ""}),
    ]


def _alerts(tools: Tools, tx: Tx, incident: Incident, into: Incident) -> list[Draft]:
    """Let the incident's groups go on the other one; give what tells that of those that fire."""
    alerts, drafts = tools.ports.alerts, list[Draft]()
    for key in incident.alerts:
        group = alerts.group(tx, key)
        if group is None or group.incident_id != incident.id:
            continue
        moved = replace(group, incident_id=into.id, fired=group.firing, resolved=0)
        drafts += alert_groups.tell(moved, alerts.members(tx, key).values())
        alerts.keep(tx, replace(moved, fired=0, told=group.told + 1, told_at=tools.now()))
    return drafts
