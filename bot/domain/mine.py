"""What of all that is open waits for one person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.actions import ActionItem
from bot.domain.approval import Request
from bot.domain.incident import Incident, Status, may_see
from bot.domain.service import ReminderRules
from bot.domain.timeline import Person, behind


@dataclass(frozen=True)
class Mine:
    """Open incidents that somebody may know of, the gravest first, and what they are waited for to do.

    `approvals`: requests of others; `updates`: incidents they command on which the word is due; `leaderless`: those
    they take part in that nobody commands; `actions`: open items of theirs, the earliest due first.
    """

    incidents: tuple[Incident, ...] = ()
    approvals: tuple[tuple[Incident, Request], ...] = ()
    updates: tuple[Incident, ...] = ()
    leaderless: tuple[Incident, ...] = ()
    actions: tuple[ActionItem, ...] = ()


def mine(
    incidents: Iterable[Incident], items: Iterable[ActionItem], person: Person, rules: ReminderRules, now: datetime
) -> Mine:
    """Pick what concerns one person: of `incidents` that are open, of `items` of any incident, ended ones too."""
    seen = [each for each in incidents if not each.is_over and may_see(each, person)]
    seen.sort(key=lambda each: (each.severity.value, each.number))
    part_of = [each for each in seen if person.id in {one.id for one in each.people}]
    asked = [(each, request) for each in seen for request in each.waiting]
    theirs = [each for each in items if each.done_on is None and each.owner is not None and each.owner.id == person.id]
    return Mine(
        incidents=tuple(seen),
        approvals=tuple(
            (each, request)
            for each, request in asked
            if now < request.expires_at and behind(request.requester) != person.id
        ),
        updates=tuple(each for each in seen if _leads(each, person) and _owes_word(each, rules, now)),
        leaderless=tuple(each for each in part_of if each.commander is None),
        actions=tuple(sorted(theirs, key=lambda each: (each.due is None, each.due or now.date(), each.number))),
    )


def _leads(incident: Incident, person: Person) -> bool:
    return incident.commander is not None and incident.commander.id == person.id


def _owes_word(incident: Incident, rules: ReminderRules, now: datetime) -> bool:
    """Tell whether an update was promised by now, or none was written for as long as the channel is reminded after."""
    if incident.next_update_at is not None:
        return incident.next_update_at <= now
    last = incident.last_update.at if incident.last_update else incident.opened_at
    period = timedelta(minutes=rules.no_update_min)
    return incident.status is Status.OPEN and bool(period) and now - last >= period
