"""Both tracks side by side over a while: what a picture of them shows, and whether all is well again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.domain.canary import QUANTILE, Counts, Look, quantile
from bot.domain.evidence import enough, upper
from bot.domain.trend import Panel, Trend

KEPT = 60
"""Looks that are remembered for a picture."""
_COLUMNS = 40
_RECENT = 10
_FEWEST_LOOKS = 3
_MARKS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Track:
    """One track in one look: requests, how many of them were answered with 5xx, its P95 in seconds."""

    requests: int = 0
    errors: int = 0
    p95_s: float | None = None


@dataclass(frozen=True)
class Sight:
    """What one look says of both tracks."""

    at: datetime
    canary: Track
    baseline: Track


@dataclass(frozen=True)
class Wellness:
    """How a service's users fare: over how many requests, the share of 5xx (0..1), P95 in seconds.

    `safe`: surely (95 %) fewer than the policy's share of requests fail, and no more than usual are slow.
    """

    safe: bool
    requests: int
    errors: float
    p95_s: float | None

    @property
    def words(self) -> str:
        """Say it in a line: `errors 0.2 %, P95 61 ms`."""
        latency = "" if self.p95_s is None else f", P95 {1000 * self.p95_s:.0f} ms"
        return f"errors {100 * self.errors:.2g} %{latency}"


def sight(look: Look) -> Sight:
    """Give what a look says of both tracks."""
    return Sight(look.at, _track(look.canary, look.bounds), _track(look.baseline, look.bounds))


def trend(sights: Sequence[Sight]) -> Trend:
    """Draw both tracks, errors over latency, the canary's columns beside the baseline's; nothing for too few looks."""
    if len(sights) < _FEWEST_LOOKS:
        return Trend()
    apart = -(-len(sights) // _COLUMNS)
    groups = [sights[place : place + apart] for place in range(0, len(sights), apart)]
    begins = f"-{(sights[-1].at - sights[0].at).total_seconds():.0f} s"
    both = [([_share(group, each) for group in groups], [_p95(group, each) for group in groups]) for each in (0, 1)]
    (errors, slow), (errors_beside, slow_beside) = both
    panels = [Panel("errors, %: canary, baseline", tuple(errors), begins, "now", tuple(errors_beside))]
    if any(value is not None for value in (*slow, *slow_beside)):
        panels.append(Panel("P95, ms: canary, baseline", tuple(slow), begins, "now", tuple(slow_beside)))
    return Trend(tuple(panels))


def lines(shown: Trend) -> list[str]:
    """Give a picture as lines of text, one for each track, for where there is no other."""
    told = []
    for panel in shown.panels:
        what = panel.title.partition(":")[0]
        for name, values in (("canary", panel.values), ("baseline", panel.beside)):
            last = next((value for value in reversed(values) if value is not None), None)
            now = "unknown" if last is None else f"{last:.3g}"
            told.append(f"{what:<9} {name:<8} {''.join(_mark(value, panel.highest) for value in values)} {now}")
    return told


def wellness(looks: Iterable[Look], errors_over: float, slow_s: float | None = None) -> Wellness:
    """Say how users fare over the last looks, whichever track answers them; from `slow_s` on, a request is slow.

    Where there are few requests, it is looked back until there are enough to tell.
    """
    recent = _latest([look for look in looks if not look.missing], enough(errors_over))
    counts = [each for look in recent for each in _counted(look)]
    requests, errors = sum(each.requests for each in counts), sum(each.errors for each in counts)
    bounds = recent[-1].bounds if recent else ()
    rows = [each.buckets for each in counts if len(each.buckets) == len(bounds) + 1]
    p95_s = quantile(bounds, tuple(map(sum, zip(*rows, strict=True)))) if bounds and rows else None
    slow = sum(sum(row[bounds.index(slow_s) + 1 :]) for row in rows) if slow_s in bounds else 0
    is_fast = slow <= (1 - QUANTILE) * sum(map(sum, rows))
    safe = len(recent) >= _FEWEST_LOOKS and requests > 0 and is_fast and upper(errors, requests) < errors_over
    return Wellness(safe, requests, errors / requests if requests else 0.0, p95_s)


def _latest(looks: Sequence[Look], fewest: int) -> Sequence[Look]:
    place, requests = len(looks), 0
    while place and (requests < fewest or len(looks) - place < _RECENT):
        place -= 1
        requests += sum(each.requests for each in _counted(looks[place]))
    return looks[place:]


def _counted(look: Look) -> list[Counts]:
    return [each for each in (look.canary, look.baseline) if each is not None]


def _track(counts: Counts | None, bounds: tuple[float, ...]) -> Track:
    if counts is None:
        return Track()
    return Track(counts.requests, counts.errors, quantile(bounds, counts.buckets) if counts.buckets else None)


def _side(each: Sight, place: int) -> Track:
    return each.baseline if place else each.canary


def _share(group: Sequence[Sight], place: int) -> float | None:
    requests = sum(_side(each, place).requests for each in group)
    return 100 * sum(_side(each, place).errors for each in group) / requests if requests else None


def _p95(group: Sequence[Sight], place: int) -> float | None:
    """Give a middle of what the looks say, each weighed by its requests."""
    known = [(side.p95_s, side.requests) for side in (_side(each, place) for each in group) if side.p95_s is not None]
    weight = sum(requests for _, requests in known)
    return 1000 * sum(value * requests for value, requests in known) / weight if weight else None


def _mark(value: float | None, highest: float) -> str:
    if value is None:
        return " "
    return _MARKS[min(len(_MARKS) - 1, round((len(_MARKS) - 1) * value / highest))] if highest else _MARKS[0]
