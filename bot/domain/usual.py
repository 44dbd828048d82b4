"""What is usual for a service: the last values of its healthy times, and what is beyond them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

KEPT = 14
"""Values remembered of each number: two weeks of a daily digest."""
KNOWN_FROM = 3
"""Fewer values are no habit."""
REST = timedelta(hours=6)
"""Time between two values once a habit is known, so that a slow leak does not become usual within the hour."""
MOST = 500
"""Targets remembered of a service: replicas that are found have a new name after each deploy."""
RATIO = 2.0
"""Times the median from which a value is unusual."""


@dataclass(frozen=True)
class Habit:
    """The last values of one number in healthy times, oldest first, and when the last one was taken."""

    values: tuple[float, ...] = ()
    learned_at: datetime | None = None

    @property
    def middle(self) -> float | None:
        """The median, None while too few values are known."""
        return median(self.values) if len(self.values) >= KNOWN_FROM else None


@dataclass(frozen=True)
class Usual:
    """The habits of a service's targets: by target ("" for the service itself), then by the number's name."""

    habits: Mapping[str, Mapping[str, Habit]] = field(default_factory=dict)

    def of(self, target: str, what: str) -> float | None:
        """Give what is usual of a number of a target; None when it is not known."""
        habit = self.habits.get(target, {}).get(what)
        return habit.middle if habit is not None else None


@dataclass(frozen=True)
class Number:
    """A number that has habits; a difference below `floor` is noise."""

    name: str
    what: str
    floor: float
    write: Callable[[float], str]


def learn(usual: Usual, target: str, values: Mapping[str, float | None], now: datetime) -> Usual:
    """Take the numbers of a healthy target into its habits."""
    known = dict(usual.habits.get(target, {}))
    for name, value in values.items():
        habit = known.get(name, Habit())
        if value is not None and _is_time(habit, now):
            known[name] = Habit((*habit.values, value)[-KEPT:], now)
    return Usual(_latest({**usual.habits, target: known})) if known else usual


def _latest(habits: Mapping[str, Mapping[str, Habit]]) -> Mapping[str, Mapping[str, Habit]]:
    """Forget the targets that were learned of longest ago, where there are too many; the service itself stays."""
    if len(habits) <= MOST:
        return habits

    def learned(name: str) -> tuple[bool, float]:
        times = (each.learned_at.timestamp() for each in habits[name].values() if each.learned_at)
        return name == "", max(times, default=0.0)

    return {name: habits[name] for name in sorted(habits, key=learned)[-MOST:]}


def beyond(value: float | None, middle: float | None, floor: float) -> float | None:
    """Give how many times its usual a value is, None when it is within it or nothing is known."""
    if value is None or middle is None or value - middle < floor or value < RATIO * middle:
        return None
    return value / max(middle, 1e-9)


def _is_time(habit: Habit, now: datetime) -> bool:
    return len(habit.values) < KNOWN_FROM or habit.learned_at is None or now - habit.learned_at >= REST


def usual_key(service: str) -> str:
    """Name the mark under which a service's habits are kept."""
    return f"usual:{service}"
