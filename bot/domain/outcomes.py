"""How incidents went, over many of them: medians of the five measures, shares of fault classes, week by week."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import NamedTuple, TypeVar

from bot.domain.incident import Incident
from bot.domain.measures import MEASURES, Milestone
from bot.domain.timeline import to_us
from bot.domain.trend import FEWEST, Panel

K = TypeVar("K", bound=Hashable)

_SECOND, _MINUTE = 1e6, 60.0
NAMES = tuple(name for name, _, _ in MEASURES)


class Outcome(NamedTuple):
    """How one incident went; times are whole microseconds since 1970 UTC, None: not recorded.

    A bare row, since a page is made of 10,000 of them.
    """

    id: str
    service: str
    severity: str
    verdict: str
    opened_at_us: int
    started_at_us: int | None
    detected_at_us: int | None
    acknowledged_at_us: int | None
    located_at_us: int | None
    mitigated_at_us: int | None
    resolved_at_us: int | None

    @classmethod
    def of(cls, it: Incident) -> "Outcome":
        """Give how an incident went."""
        times = [it.milestones.get(each) for each in Milestone]
        told = [None if at is None else to_us(at) for at in times]
        return cls(it.id, it.service, it.severity.value, it.verdict, to_us(it.opened_at), *told)


_AT = {each: Outcome._fields.index(f"{each.value}_at_us") for each in Milestone}
_BETWEEN = tuple((_AT[since], _AT[until]) for _, since, until in MEASURES)


@dataclass(frozen=True)
class Group:
    """What several incidents have come to: their number; of each measure the median and how many were recorded."""

    name: str
    count: int
    medians: tuple[timedelta | None, ...]
    recorded: tuple[int, ...]


@dataclass(frozen=True)
class Share:
    """How many incidents had a verdict; "" for those with none. `latest`: ids, the latest first."""

    verdict: str
    count: int
    share: float
    latest: tuple[str, ...]


def together(name: str, outcomes: Sequence[Outcome]) -> Group:
    """Give what incidents have come to, all together."""
    known = [_known(outcomes, since, until) for since, until in _BETWEEN]
    medians = (timedelta(microseconds=median(values)) if values else None for values in known)
    return Group(name, len(outcomes), tuple(medians), tuple(map(len, known)))


def _known(outcomes: Iterable[Outcome], since: int, until: int) -> list[int]:
    pairs = ((row[since], row[until]) for row in outcomes)
    return [int(end) - int(begin) for begin, end in pairs if begin is not None and end is not None]


def groups(outcomes: Iterable[Outcome], key: Callable[[Outcome], K]) -> dict[K, list[Outcome]]:
    """Sort incidents by what they have in common, in the order of their first ones."""
    found: dict[K, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(key(outcome), []).append(outcome)
    return found


def monday(outcome: Outcome) -> date:
    """Give the day (UTC) on which the week began that an incident was opened in."""
    day = datetime.fromtimestamp(outcome.opened_at_us / _SECOND, UTC).date()
    return day - timedelta(days=day.weekday())


def weeks(outcomes: Iterable[Outcome], first: date, last: date) -> list[Group]:
    """Give each week from the one of `first` to that of `last`, those without an incident too."""
    found = groups(outcomes, monday)
    begin = first - timedelta(days=first.weekday())
    count = (last - begin).days // 7 + 1
    days = [begin + timedelta(weeks=number) for number in range(count)]
    return [together(f"{day:%Y-%m-%d}", found.get(day, ())) for day in days]


def shares(outcomes: Sequence[Outcome], shown: int = 3) -> list[Share]:
    """Give how often each verdict was named, the most frequent first, no verdict last."""
    counted = Counter(outcome.verdict for outcome in outcomes)
    order = sorted(counted, key=lambda verdict: (not verdict, -counted[verdict], verdict))
    latest = {name: tuple(row.id for row in outcomes[::-1] if row.verdict == name)[:shown] for name in counted}
    return [Share(name, counted[name], counted[name] / len(outcomes), latest[name]) for name in order]


def panels(by_week: Sequence[Group]) -> tuple[Panel, ...]:
    """Draw the weeks: how many incidents, and the median of every measure; none when there are too few."""
    if len(by_week) < FEWEST or not any(week.count for week in by_week):
        return ()
    ends = by_week[0].name, by_week[-1].name
    drawn = [Panel("incidents per week", tuple(float(week.count) for week in by_week), *ends)]
    for number, name in enumerate(NAMES):
        spent = [None if at is None else at.total_seconds() for week in by_week for at in [week.medians[number]]]
        if any(spent):
            unit, scale = ("min", _MINUTE) if max(filter(None, spent)) > 2 * _MINUTE else ("s", 1.0)
            values = tuple(None if each is None else each / scale for each in spent)
            drawn.append(Panel(f"{name}, median, {unit}", values, *ends))
    return tuple(drawn)
