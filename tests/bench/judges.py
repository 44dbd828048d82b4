"""Judges of canaries over the same traffic: ours, the naive rule, and those after Argo Rollouts and Kayenta.

Each gives the seconds at which it would act against the canary; what it says within ten minutes is the same act.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bot.domain.canary import Judged, Judgement, Policy
from bot.domain.judge import judge
from bot.domain.watch import BAR, Watch, observe
from tests.bench.traffic import BOUNDS, Track, Traffic

POLICY = Policy()
SAME_S = 600
QUIET_S = 600
"""A stretch in which nothing can happen is one look, of at most so many seconds."""
Flags = NDArray[np.bool_]


class Stops:
    """The seconds at which it is worth looking: looks without a bad request add up to one look (a tested law)."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._bad: dict[int, NDArray[np.int64]] = {}

    def after(self, second: int, watch: Watch) -> int:
        """Give the end of the next look: before or after the next bad request; once it is serious, after any."""
        serious = BAR.passed(watch.errors.evidence) or BAR.passed(watch.latency.evidence)
        place = BOUNDS.index(watch.slow_s) + 1 if watch.slow_s else len(BOUNDS)
        stops = self._any if serious else self._of(place)
        found = int(np.searchsorted(stops, second))
        stop = int(stops[found]) if found < len(stops) else self._traffic.seconds
        return min(stop if not serious and stop > second else stop + 1, second + QUIET_S, self._traffic.seconds)

    @cached_property
    def _any(self) -> NDArray[np.int64]:
        return np.flatnonzero(np.diff(self._traffic.canary.requests))

    def _of(self, place: int) -> NDArray[np.int64]:
        if place not in self._bad:
            canary = self._traffic.canary
            slow = np.diff(canary.buckets[:, place:].sum(axis=1))
            self._bad[place] = np.flatnonzero(slow + np.diff(canary.errors))
        return self._bad[place]


def ours(traffic: Traffic) -> Iterator[tuple[int, Judged]]:
    """Look with the product's own judge, every second in which there is something to see; a new canary, a new watch."""
    stops = Stops(traffic)
    for begins, ends in zip(traffic.begins, (*traffic.begins[1:], traffic.seconds), strict=True):
        watch, second = Watch(), begins
        while second < ends:
            stop = min(stops.after(second, watch), ends)
            watch = observe(watch, traffic.look(second, stop), POLICY)
            second = stop
            if BAR.passed(watch.errors.evidence) or BAR.passed(watch.latency.evidence):
                judged = judge(watch, POLICY)
                if judged.judgement in {Judgement.HOLD, Judgement.ROLLBACK}:
                    yield second, judged


def naive(traffic: Traffic) -> Flags:
    """Apply the plain rule each second: over 5 % of a minute's requests, or P95 200 ms over the baseline's in 30 s."""
    requests, errors = _in(traffic.canary.requests, 60), _in(traffic.canary.errors, 60)
    fails = errors > 0.05 * requests
    slow = _p95(traffic.canary, 30) > _p95(traffic.baseline, 30) + 0.2
    return np.asarray(fails | slow)


def argo(traffic: Traffic, every: int = 300, failure_limit: int = 3) -> Flags:
    """Measure as the documentation's example does: every 5 minutes, and abort when more than 3 of them failed."""
    requests, errors = _in(traffic.canary.requests, every), _in(traffic.canary.errors, every)
    slow = _p95(traffic.canary, every) > _p95(traffic.baseline, every) + 0.2
    flags = np.zeros(traffic.seconds, np.bool_)
    for begins, ends in zip(traffic.begins, (*traffic.begins[1:], traffic.seconds), strict=True):
        for failed in (errors > 0.05 * requests, slow):
            measured = np.arange(begins + every - 1, ends, every)
            aborted = measured[np.cumsum(failed[measured]) > failure_limit]
            flags[aborted[:1]] = True
    return flags


def kayenta(traffic: Traffic, every: int = 300, points: int = 30) -> Flags:
    """Compare 30 points of a minute each by Mann and Whitney's test: 98 % sure, a quarter of the shift tolerated."""
    flags = np.zeros(traffic.seconds, np.bool_)
    for read in (_errors_a_minute, _p95_a_minute):
        canary, baseline = read(traffic.canary), read(traffic.baseline)
        for ends in range(points, len(canary) + 1, every // 60):
            if _higher(canary[ends - points : ends], baseline[ends - points : ends]):
                flags[60 * ends - 1] = True
    return flags


OTHERS: Mapping[str, Callable[[Traffic], Flags]] = {"naive": naive, "Argo-style": argo, "Kayenta-style": kayenta}


def acts(seconds: Iterable[int]) -> list[int]:
    """Count what follows within ten minutes as the same act."""
    first: list[int] = []
    last = -SAME_S
    for second in seconds:
        if second - last >= SAME_S:
            first.append(second)
        last = second
    return first


def _higher(canary: NDArray[np.float64], baseline: NDArray[np.float64]) -> bool:
    """Tell whether the interval of the shift between two samples (Hodges and Lehmann) lies above what is tolerated."""
    x, y = canary[~np.isnan(canary)], baseline[~np.isnan(baseline)]
    if min(len(x), len(y)) < 2:
        return False
    shifts = np.sort(np.subtract.outer(x, y), axis=None)
    spread = 2.326 * np.sqrt(len(x) * len(y) * (len(x) + len(y) + 1) / 12)
    low = int(len(shifts) / 2 - spread)
    return low >= 0 and bool(shifts[low] > 0.25 * abs(np.median(shifts)))


def _errors_a_minute(track: Track) -> NDArray[np.float64]:
    requests, errors = np.diff(track.requests[::60]), np.diff(track.errors[::60])
    return np.where(requests > 0, errors / np.maximum(requests, 1), np.nan)


def _p95_a_minute(track: Track) -> NDArray[np.float64]:
    return _quantile(np.diff(track.buckets[::60], axis=0))


def _in(sums: NDArray[np.int32], window: int) -> NDArray[np.int32]:
    """Give the counts of the window that ends with each second."""
    return np.asarray(sums[1:] - sums[np.maximum(np.arange(1, len(sums)) - window, 0)])


def _p95(track: Track, window: int) -> NDArray[np.float64]:
    return _quantile(_in(track.buckets, window))


def _quantile(counts: NDArray[np.int32]) -> NDArray[np.float64]:
    """Interpolate as `histogram_quantile` does; NaN without requests."""
    upto = np.cumsum(counts, axis=1)
    rank = 0.95 * upto[:, -1]
    place = np.argmax(upto >= rank[:, None], axis=1)
    rows = np.arange(len(counts))
    inside, edges = counts[rows, place], np.array((0.0, *BOUNDS, BOUNDS[-1]))
    before = upto[rows, place] - inside
    low, high = edges[place], edges[place + 1]
    found = low + (high - low) * (rank - before) / np.maximum(inside, 1)
    return np.where(upto[:, -1] > 0, np.where(place == len(BOUNDS), BOUNDS[-1], found), np.nan)
