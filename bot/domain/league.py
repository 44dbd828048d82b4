"""The league of fault classes: how fast each is located in drills, by the machine and by people, and how often."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from bot.domain.narrative import seconds
from bot.domain.scores import Score

_SHOWN = 10


@dataclass(frozen=True)
class Place:
    """What all drills of one class come to: medians in seconds, None when none of them got there; `last` is the latest.

    `right` is in how many of them FirstFive named the class.
    """

    fault: str
    drills: int
    right: int
    machine_s: float | None
    people_s: float | None
    mitigated_s: float | None
    last: Score


def league(scores: Iterable[Score]) -> tuple[Place, ...]:
    """Give a place for every class, the one that is located fastest first; scores in any order."""
    by_class: dict[str, list[Score]] = {}
    for each in sorted(scores, key=lambda each: each.began_us):
        by_class.setdefault(each.fault, []).append(each)
    places = [_place(fault, drills) for fault, drills in by_class.items()]
    return tuple(sorted(places, key=lambda each: (each.machine_s is None, each.machine_s or 0.0, each.fault)))


def tell(places: Sequence[Place]) -> str:
    """Write the league as lines of Markdown; "" when nothing was drilled."""
    if not places:
        return ""
    shown = [f"• {_line(each)}" for each in places[:_SHOWN]]
    more = [f"… and {len(places) - _SHOWN} more"] if len(places) > _SHOWN else []
    return "\n".join(["*Drills*, located by FirstFive beside 4.2 min:", *shown, *more])


def _place(fault: str, drills: Sequence[Score]) -> Place:
    return Place(
        fault,
        len(drills),
        sum(each.verdict_s is not None for each in drills),
        _middle(each.verdict_s for each in drills),
        _middle(each.people_s for each in drills),
        _middle(each.mitigated_s for each in drills),
        drills[-1],
    )


def _middle(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _line(place: Place) -> str:
    times = "once" if place.drills == 1 else f"{place.drills} times"
    located = "never" if place.machine_s is None else seconds(place.machine_s)
    people = f", by people {seconds(place.people_s)}" if place.people_s is not None else ""
    last = place.last
    end = "not mitigated" if last.mitigated_s is None else f"mitigated after {seconds(last.mitigated_s)}"
    return f"{place.fault}: {located}{people}; {times}, last {last.began_at:%Y-%m-%d}, {end}"
