"""What an open incident lacks, and when its channel is to be reminded of it.

A reminder is due at slots: so many minutes after what it counts from, and again after as many. They follow from the
timeline alone, so that a restart neither loses nor doubles one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.incident import Incident, Status
from bot.domain.measures import duration
from bot.domain.service import ReminderRules
from bot.domain.timeline import FIRSTFIVE, Entry, Kind, from_us


class About(StrEnum):
    """What an incident lacks."""

    COMMANDER = "commander"
    UPDATE = "update"
    RESOLVE = "resolve"


@dataclass(frozen=True)
class Reminder:
    """One that is due: about what, at which slot, since when it is lacking."""

    about: About
    slot: datetime
    since: datetime


def due(incident: Incident, entries: Sequence[Entry], rules: ReminderRules, now: datetime) -> tuple[Reminder, ...]:
    """Give the reminders that are due now, none while the incident is snoozed or was just written to."""
    until = snoozed_until(entries)
    if (until is not None and now < until) or now - _last_word(entries) < timedelta(minutes=rules.quiet_min):
        return ()
    found = (_due(about, since, entries, rules, now) for about, since in _lacking(incident, entries))
    return tuple(each for each in found if each is not None and (until is None or each.slot >= until))


def snoozed_until(entries: Sequence[Entry]) -> datetime | None:
    """Give until when nobody wants to be reminded, as it was last said."""
    last = next((entry for entry in reversed(entries) if entry.kind == Kind.SNOOZED and entry.body is not None), None)
    return from_us(int(last.facts["until"])) if last is not None else None


def sentence(incident: Incident, about: About, since: datetime, now: datetime) -> str:
    """Say what is lacking, and for how long."""
    long = duration(now - since)
    if about is About.COMMANDER:
        return f"{incident.id} has had no commander for {long}. Who takes it?"
    if about is About.UPDATE:
        return f"No update on {incident.id} for {long}. Where do things stand?"
    return f"{incident.id} is mitigated but not resolved, and {long} old is the last word on it. What is left to do?"


def lacks(incident: Incident, entries: Sequence[Entry]) -> tuple[tuple[About, datetime], ...]:
    """Give what the incident lacks now and since when, what matters most first."""
    return tuple(_lacking(incident, entries))


def _lacking(incident: Incident, entries: Sequence[Entry]) -> list[tuple[About, datetime]]:
    if incident.status in {Status.RESOLVED, Status.CLOSED}:
        return []
    found = []
    if incident.commander is None:
        found.append((About.COMMANDER, incident.opened_at))
    if incident.status is Status.OPEN:
        found.append((About.UPDATE, _last(entries, Kind.UPDATE, Kind.STATUS_SET) or incident.opened_at))
    if incident.status is Status.MITIGATED:
        found.append((About.RESOLVE, _last(entries, Kind.UPDATE, Kind.STATUS_SET) or incident.opened_at))
    return found


def _due(
    about: About, since: datetime, entries: Sequence[Entry], rules: ReminderRules, now: datetime
) -> Reminder | None:
    period = timedelta(minutes=getattr(rules, _RULE[about]))
    if not period or now < since + period:
        return None
    slot = since + (now - since) // period * period
    told = [
        entry
        for entry in entries
        if entry.kind == Kind.REMINDED and entry.facts.get("about") == about and entry.at >= since
    ]
    if len(told) >= rules.at_most or any(entry.at >= slot for entry in told):
        return None
    return Reminder(about, slot, since)


_RULE = {
    About.COMMANDER: "no_commander_min",
    About.UPDATE: "no_update_min",
    About.RESOLVE: "not_resolved_min",
}
_WORDS = {Kind.UPDATE, Kind.STATUS_SET, Kind.NOTE, Kind.ROLE_SET, Kind.SEVERITY_SET}


def _last_word(entries: Sequence[Entry]) -> datetime:
    """Give when a person last wrote or decided something."""
    said = [entry.at for entry in entries if entry.kind in _WORDS and entry.actor != FIRSTFIVE.id]
    return max(said, default=entries[0].at - timedelta(days=1))


def _last(entries: Sequence[Entry], *kinds: Kind) -> datetime | None:
    return next((entry.at for entry in reversed(entries) if entry.kind in kinds), None)
