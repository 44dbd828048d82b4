"""Cron lines as slots: the moments at which something is due, whoever asks and whenever."""

import re
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger

LOOK_BACK = timedelta(days=7)
"""Slots that nobody served are looked for so far back; what was due before is not news any more."""

_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = "|".join(_DAYS[:7])
_PART = re.compile(rf"(?P<first>\d|\*(?=/)|{_DAY})(?:-(?P<last>\d|{_DAY}))?(?:/(?P<step>\d))?")
_FIELDS = 5


class Slots:
    """The slots of a cron line in a time zone.

    Where clocks are set back, a line with fixed hours has one slot in the doubled hour (the first), a line with
    wildcard hours has both; where they are set forward, a time that does not exist is due an hour later (as in cron).
    """

    def __init__(self, cron: str, timezone: str = "UTC") -> None:
        """Read a line of five fields: minute, hour, day of month, month, day of week (0 and 7 are Sunday).

        :raises ValueError: the line or the zone is none; says what would be right.
        """
        self.cron, self.timezone = " ".join(cron.split()), timezone
        fields = self.cron.split()
        if len(fields) != _FIELDS:
            raise ValueError(f"{cron!r} has {len(fields)} fields; a cron line has five: minute hour day month weekday")
        try:
            zone = ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{timezone!r} is not a time zone; write one like Europe/Berlin, or UTC") from None
        self._has_fixed_hours = not fields[1].startswith("*")
        try:
            self.trigger = CronTrigger.from_crontab(" ".join([*fields[:4], _weekdays(fields[4])]), timezone=zone)
        except ValueError as error:
            raise ValueError(f"{cron!r} is not a cron line: {error}") from None

    @property
    def revision(self) -> str:
        """A short stand-in for line and zone: another line is another schedule."""
        return sha256(f"{self.cron} {self.timezone}".encode()).hexdigest()[:8]

    def between(self, after: datetime, until: datetime) -> list[datetime]:
        """Give the slots in (after, until], UTC, oldest first; only the last `LOOK_BACK` of them."""
        found: list[datetime] = []
        at = max(after, until - LOOK_BACK)
        while (slot := self.next(at)) is not None and slot <= until:
            found.append(slot)
            at = slot
        return found

    def next(self, after: datetime) -> datetime | None:
        """Give the first slot after a moment, UTC; None: there is none any more."""
        at = after + timedelta(microseconds=1)
        while (due := self.trigger.get_next_fire_time(None, at)) is not None:
            slot: datetime = due.astimezone(UTC)
            # Asked in the zone again: the trigger may call a time the second of its name that is not.
            is_second = bool(slot.astimezone(due.tzinfo).fold)
            if not (is_second and self._has_fixed_hours):
                return slot
            at = slot + timedelta(seconds=1)
        return None


def name_of(slot: datetime) -> str:
    """Write a slot: UTC, ISO 8601, to the second, so that names sort like the moments."""
    return f"{slot.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def slot_named(name: str) -> datetime:
    """Read a slot's name."""
    return datetime.strptime(name, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def _weekdays(field: str) -> str:
    """Name the weekdays one by one: APScheduler 3 counts from Monday, cron from Sunday (APScheduler's issue 286)."""
    parts = [_PART.fullmatch(part.lower()) for part in field.split(",")]
    names: list[str] = []
    for part in parts:
        if part is None:
            return field
        first = 0 if part["first"] == "*" else _number(part["first"])
        last = _number(part["last"] or ("6" if part["step"] else part["first"]))
        # Saturday to Monday goes over the end of the week.
        last += 7 if last < first else 0
        names += [_DAYS[day % 7] for day in range(first, last + 1, int(part["step"] or 1) or 1)]
    return ",".join(dict.fromkeys(names))


def _number(day: str) -> int:
    if not day.isdecimal():
        return _DAYS.index(day)
    if int(day) >= len(_DAYS):
        raise ValueError(f"there is no weekday {day}")
    return int(day)
