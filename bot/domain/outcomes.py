"""How incidents went, over many of them: medians of the five measures, shares of fault classes, week by week."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from operator import attrgetter
from statistics import median
from typing import Any, NamedTuple, TypeVar

from bot.domain.incident import Incident
from bot.domain.measures import MEASURES, Milestone
from bot.domain.timeline import to_us
from bot.domain.trend import FEWEST, Panel

K = TypeVar("K", bound=Hashable)

_MINUTE = 60.0
_DAY_US = 86_400_000_000
_MONDAY = date(1970, 1, 5).toordinal()
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
    columns: Sequence[Sequence[Any]] = list(zip(*outcomes, strict=True)) or [()] * len(Outcome._fields)
    known = [_known(columns[since], columns[until]) for since, until in _BETWEEN]
    medians = (timedelta(microseconds=median(values)) if values else None for values in known)
    return Group(name, len(outcomes), tuple(medians), tuple(map(len, known)))


def _known(begun: Sequence[int | None], ended: Sequence[int | None]) -> list[int]:
    pairs = zip(begun, ended, strict=True)
    return [end - begin for begin, end in pairs if begin is not None and end is not None]


def groups(outcomes: Iterable[Outcome], key: Callable[[Outcome], K]) -> dict[K, list[Outcome]]:
    """Sort incidents by what they have in common, in the order of their first ones."""
    found: dict[K, list[Outcome]] = {}
    for outcome in outcomes:
        name = key(outcome)
        if name in found:
            found[name].append(outcome)
        else:
            found[name] = [outcome]
    return found


def monday(outcome: Outcome) -> date:
    """Give the day (UTC) on which the week began that an incident was opened in."""
    return date.fromordinal(_MONDAY + 7 * _week(outcome))


def _week(outcome: Outcome) -> int:
    """Give the number of a week: a whole number is made sooner than a date, and 10,000 of them are."""
    return (outcome.opened_at_us // _DAY_US - 4) // 7


def weeks(outcomes: Iterable[Outcome], first: date, last: date) -> list[Group]:
    """Give each week from the one of `first` to that of `last`, those without an incident too."""
    found = groups(outcomes, _week)
    begin, end = ((day.toordinal() - _MONDAY) // 7 for day in (first, last))
    days = ((number, date.fromordinal(_MONDAY + 7 * number)) for number in range(begin, end + 1))
    return [together(f"{day:%Y-%m-%d}", found.get(number, ())) for number, day in days]


def shares(outcomes: Sequence[Outcome], shown: int = 3) -> list[Share]:
    """Give how often each verdict was named, the most frequent first, no verdict last."""
    found = groups(outcomes, attrgetter("verdict"))
    order = sorted(found.items(), key=lambda named: (not named[0], -len(named[1]), named[0]))
    return [Share(name, len(of), len(of) / len(outcomes), _latest(of, shown)) for name, of in order]


def _latest(outcomes: Sequence[Outcome], shown: int) -> tuple[str, ...]:
    return tuple(row.id for row in outcomes[: -shown - 1 : -1])


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
