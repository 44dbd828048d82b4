"""MTTD, MTTA, time to locate, MTTM, MTTR: from recorded milestones, never from row times."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.domain.errors import MilestoneRefused

NOT_RECORDED = "not recorded"


class Milestone(StrEnum):
    """The moments that measures are made of."""

    STARTED = "started"
    DETECTED = "detected"
    ACKNOWLEDGED = "acknowledged"
    LOCATED = "located"
    MITIGATED = "mitigated"
    RESOLVED = "resolved"


# A rollback may mitigate before anything is located, and a commander may acknowledge after either.
_ORDER = (
    (Milestone.STARTED, Milestone.DETECTED),
    (Milestone.DETECTED, Milestone.ACKNOWLEDGED),
    (Milestone.DETECTED, Milestone.LOCATED),
    (Milestone.DETECTED, Milestone.MITIGATED),
    (Milestone.ACKNOWLEDGED, Milestone.RESOLVED),
    (Milestone.LOCATED, Milestone.RESOLVED),
    (Milestone.MITIGATED, Milestone.RESOLVED),
    (Milestone.DETECTED, Milestone.RESOLVED),
    (Milestone.STARTED, Milestone.MITIGATED),
    (Milestone.STARTED, Milestone.RESOLVED),
)


@dataclass(frozen=True)
class Measure:
    """One duration between two milestones; `value` is None when either was never recorded."""

    name: str
    since: Milestone
    until: Milestone
    value: timedelta | None

    @property
    def text(self) -> str:
        """The duration as people write it, or "not recorded"."""
        return NOT_RECORDED if self.value is None else duration(self.value)


MEASURES = (
    ("MTTD", Milestone.STARTED, Milestone.DETECTED),
    ("MTTA", Milestone.DETECTED, Milestone.ACKNOWLEDGED),
    ("Time to locate", Milestone.STARTED, Milestone.LOCATED),
    ("MTTM", Milestone.STARTED, Milestone.MITIGATED),
    ("MTTR", Milestone.STARTED, Milestone.RESOLVED),
)


def measure(milestones: Mapping[str, datetime]) -> tuple[Measure, ...]:
    """Compute the five measures of an incident."""
    return tuple(
        Measure(name, since, until, _between(milestones.get(since), milestones.get(until)))
        for name, since, until in MEASURES
    )


def check_milestone(milestones: Mapping[str, datetime], which: Milestone, at: datetime, now: datetime) -> None:
    """Tell whether a milestone may lie at a time.

    :raises MilestoneRefused: it lies in the future, or before or after one it must follow or precede.
    """
    if at > now:
        raise MilestoneRefused(f"{at:%H:%M:%S} UTC has not come yet. Give a time that has passed: at=HH:MM, in UTC.")
    proposed = {**milestones, which: at}
    for earlier, later in _ORDER:
        if which in {earlier, later} and earlier in proposed and later in proposed:
            _check_order(earlier, proposed[earlier], later, proposed[later])


def _check_order(earlier: Milestone, earlier_at: datetime, later: Milestone, later_at: datetime) -> None:
    if earlier_at > later_at:
        raise MilestoneRefused(
            f"{later.value} ({later_at:%H:%M:%S}) would come before {earlier.value} ({earlier_at:%H:%M:%S}). "
            f"Correct that one first: /incident milestone {earlier.value} at=HH:MM, in UTC."
        )


def _between(since: datetime | None, until: datetime | None) -> timedelta | None:
    return until - since if since and until else None


def duration(value: timedelta) -> str:
    """Write a duration: `41 s`, `4 min 12 s`, `2 h 5 min`, `2 d 3 h`."""
    total = int(value.total_seconds())
    days, rest = divmod(total, 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, seconds = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    first = next((i for i, (n, _) in enumerate(parts) if n), len(parts) - 1)
    return " ".join(f"{n} {unit}" for n, unit in parts[first : first + 2] if n or unit == parts[first][1])
