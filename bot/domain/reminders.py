"""What an open incident lacks, and when its channel is to be reminded of it.

A reminder is due at slots: so many minutes after what it counts from, and again after as many; a promised update at
what was promised; a request for approval has one, before it expires. They follow from the timeline alone, so that a
restart neither loses nor doubles one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.approval import Request
from bot.domain.incident import Incident, Status
from bot.domain.measures import duration
from bot.domain.service import ReminderRules
from bot.domain.timeline import FIRSTFIVE, Entry, Kind, from_us


class About(StrEnum):
    """What an incident lacks."""

    COMMANDER = "commander"
    UPDATE = "update"
    RESOLVE = "resolve"
    APPROVAL = "approval"


@dataclass(frozen=True)
class Lack:
    """What is lacking, and since when; `asked` is the request nobody has decided about, `promised` when it was due."""

    about: About
    since: datetime
    asked: Request | None = None
    promised: datetime | None = None


@dataclass(frozen=True)
class Reminder:
    """One that is due: about what, at which slot."""

    lack: Lack
    slot: datetime


def due(incident: Incident, entries: Sequence[Entry], rules: ReminderRules, now: datetime) -> tuple[Reminder, ...]:
    """Give the reminders that are due now, none while the incident is snoozed or was just written to."""
    until = snoozed_until(entries)
    if (until is not None and now < until) or now - _last_word(entries) < timedelta(minutes=rules.quiet_min):
        return ()
    found = (_due(lack, entries, rules, until, now) for lack in lacks(incident, entries, now))
    return tuple(each for each in found if each is not None and (until is None or each.slot >= until))


def snoozed_until(entries: Sequence[Entry]) -> datetime | None:
    """Give until when nobody wants to be reminded, as it was last said."""
    last = next((entry for entry in reversed(entries) if entry.kind == Kind.SNOOZED and entry.body is not None), None)
    return from_us(int(last.facts["until"])) if last is not None else None


def sentence(incident: Incident, lack: Lack, now: datetime) -> str:
    """Say what is lacking, and for how long."""
    long = duration(now - lack.since)
    if lack.asked is not None:
        left = duration(lack.asked.expires_at - now)
        return f"{lack.asked.words} waits for a second person, for {left} more. Who agrees, who refuses?"
    if lack.about is About.COMMANDER:
        return f"{incident.id} has had no commander for {long}. Who takes it?"
    if lack.promised is not None:
        return f"The next update on {incident.id} was promised for {lack.promised:%H:%M} UTC. Where do things stand?"
    if lack.about is About.UPDATE:
        return f"No update on {incident.id} for {long}. Where do things stand?"
    return f"{incident.id} is mitigated but not resolved, and {long} old is the last word on it. What is left to do?"


def lacks(incident: Incident, entries: Sequence[Entry], now: datetime) -> tuple[Lack, ...]:
    """Give what the incident lacks now, what matters most first: a request ends soonest."""
    if incident.is_over:
        return ()
    found = [Lack(About.APPROVAL, each.asked_at, each) for each in incident.waiting if now < each.expires_at]
    if incident.commander is None:
        found.append(Lack(About.COMMANDER, incident.opened_at))
    since, promised = _last(entries, Kind.UPDATE, Kind.STATUS_SET) or incident.opened_at, incident.next_update_at
    if promised is not None or incident.status is Status.OPEN:
        found.append(Lack(About.UPDATE, since, promised=promised))
    if incident.status is Status.MITIGATED:
        found.append(Lack(About.RESOLVE, since))
    return tuple(found)


def _due(
    lack: Lack, entries: Sequence[Entry], rules: ReminderRules, until: datetime | None, now: datetime
) -> Reminder | None:
    period = timedelta(minutes=getattr(rules, _RULE[lack.about]))
    first = _first(lack, period, until)
    if first is None or now < first:
        return None
    # A request has one slot, everything else another after each period.
    slot = first if lack.asked or not period else first + (now - first) // period * period
    told = [
        entry
        for entry in entries
        if entry.kind == Kind.REMINDED and entry.facts.get("about") == lack.about and entry.at >= lack.since
    ]
    if len(told) >= rules.at_most or any(entry.at >= slot for entry in told):
        return None
    return Reminder(lack, slot)


def _first(lack: Lack, period: timedelta, until: datetime | None) -> datetime | None:
    """Give its first slot: before a request ends; at a promise, or when the snooze that hid it ends; after a period."""
    if lack.promised is not None:
        return max(lack.promised, until or lack.promised)
    if not period:
        return None
    return lack.asked.expires_at - period if lack.asked else lack.since + period


_RULE = {
    About.COMMANDER: "no_commander_min",
    About.UPDATE: "no_update_min",
    About.RESOLVE: "not_resolved_min",
    About.APPROVAL: "approval_min",
}
_WORDS = {Kind.UPDATE, Kind.STATUS_SET, Kind.NOTE, Kind.ROLE_SET, Kind.SEVERITY_SET}


def _last_word(entries: Sequence[Entry]) -> datetime:
    """Give when a person last wrote or decided something."""
    said = [entry.at for entry in entries if entry.kind in _WORDS and entry.actor != FIRSTFIVE.id]
    return max(said, default=entries[0].at - timedelta(days=1))


def _last(entries: Sequence[Entry], *kinds: Kind) -> datetime | None:
    return next((entry.at for entry in reversed(entries) if entry.kind in kinds), None)
