"""The watch over a canary: look by look it is folded into what the judgement needs, and no more."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate
from math import sqrt

from bot.domain.canary import QUANTILE, Counts, Look, Policy
from bot.domain.evidence import REST, Bar, against, enough

SLOW = 1 - QUANTILE
"""The share of requests that may lie beyond the P95."""
HEALTHY = 0.5
"""Whoever fails at most so much of what is allowed is healthy."""
BAR = Bar(2 * 30 * 86_400, looks=2)
"""Evidence that a canary is not healthy: two rules, a look every second, at most one false alarm in 30 days. One look
that is off, or in which the tracks are not of the same moment, is too few."""
EXCESS_BAR = Bar(1_000)
"""Evidence that it fails more than is allowed; between the two it is not healthy, whatever is done."""
BLAME_BAR = Bar(100_000, looks=2)
"""Evidence whose requests fail, asked only while the canary's do: a burst of ten minutes that both tracks share is
blamed on the canary less than once in a hundred times."""
_TOGETHER, _APART = 50, timedelta(seconds=60)
"""The tracks are compared over so many requests of both, or after so long: looks need not be of the same moment."""
_TOLERATED = 1.25
"""By how much the odds of a bad request may be the canary's."""
_IDLE = timedelta(minutes=30)
"""A canary that had no request for so long starts cold again."""
_LEARNED = 200
"""Requests in each half of what is remembered of the baseline's latency."""
_SURE = 1.645


@dataclass(frozen=True)
class Span:
    """The requests of both tracks in one look in which the canary had some, and how many of them were bad.

    What the baseline had until the canary's next request is counted here too. `buckets` are the canary's.
    """

    at: datetime
    seconds: float
    canary: int = 0
    canary_bad: int = 0
    baseline: int = 0
    baseline_bad: int = 0
    buckets: tuple[int, ...] = ()


@dataclass(frozen=True)
class Trial:
    """What one rule knows: its window, and the evidence as logarithms of e-values.

    `evidence`: that more of the canary's requests are bad than of a healthy one's. `excess`: that more are bad than may
    be. `blame`: that it has more of both tracks' bad requests than its share of all. `open`: not compared yet.
    """

    spans: tuple[Span, ...] = ()
    evidence: tuple[float, ...] = REST
    excess: tuple[float, ...] = REST
    blame: tuple[float, ...] = REST
    open: Span | None = None


@dataclass(frozen=True)
class Recent:
    """The baseline's histogram of latency, in two halves: when the newer one is full, the older is forgotten."""

    older: tuple[int, ...] = ()
    newer: tuple[int, ...] = ()
    since: datetime | None = None

    @property
    def buckets(self) -> tuple[int, ...]:
        """Both halves together."""
        return _added(self.older, self.newer)


@dataclass(frozen=True)
class Watch:
    """All that is remembered of a canary; begin a new one when a canary gets its first traffic. JSON holds it whole.

    `at` and `missing` are the last look's; `has_canary` and `has_baseline`: whether the tracks had series in it.
    `first_at` and `last_at`: the canary's first and last request. `slow_s`: from where the next look's are slow.
    """

    at: datetime | None = None
    missing: str = ""
    has_canary: bool = False
    has_baseline: bool = False
    first_at: datetime | None = None
    last_at: datetime | None = None
    errors: Trial = Trial()
    latency: Trial = Trial()
    bounds: tuple[float, ...] = ()
    usual: Recent = Recent()
    slow_s: float | None = None


def observe(watch: Watch, look: Look, policy: Policy) -> Watch:
    """Take a look into the watch; looks come in order of time."""
    if look.missing:
        return replace(watch, at=look.at, missing=look.missing)
    canary, baseline = look.canary or Counts(0, 0), look.baseline or Counts(0, 0)
    if canary.requests and watch.last_at is not None and look.at - watch.last_at > _IDLE:
        watch = Watch()
    requests = canary.requests > 0
    first_at = watch.first_at or (look.at if requests else None)
    span = Span(look.at, look.seconds, canary.requests, canary.errors, baseline.requests, baseline.errors)
    watch = replace(
        watch,
        at=look.at,
        missing="",
        has_canary=look.canary is not None,
        has_baseline=look.baseline is not None,
        first_at=first_at,
        last_at=look.at if requests else watch.last_at,
        errors=_fed(watch.errors, span, policy.errors_over, policy.errors_window_s),
    )
    return _timed(watch, look, policy) if policy.latency_over_s else watch


def settling_s(watch: Watch, policy: Policy) -> float:
    """Give for how many seconds more a canary may be slow because it has only just started."""
    if watch.first_at is None or watch.at is None:
        return policy.settle_s
    return max(0.0, policy.settle_s - (watch.at - watch.first_at).total_seconds())


def slow_from(bounds: Sequence[float], usual: Sequence[int], over_s: float) -> tuple[float | None, str]:
    """Find the bucket's edge (seconds) from where a request is slow: at least `over_s` over the baseline's P95.

    Both are rounded up: the P95 to the end of the bucket in which it lies at the latest (95 % sure, by the normal
    approximation of its rank), the sum to the next edge. So a coarse bucket or a small sample can hide a slow canary,
    which is said, but never accuse one. Without such an edge it is None, and why.
    """
    count = sum(usual)
    if not count or not bounds:
        return None, "nothing is known of the baseline's latency"
    rank = QUANTILE * count + _SURE * sqrt(count * QUANTILE * SLOW)
    if rank > count:
        return None, f"{count:,} requests are too few to know the baseline's P95"
    upto = accumulate(usual[: len(bounds)])
    beyond = next((edge for edge, known in zip(bounds, upto, strict=True) if known >= rank), None)
    if beyond is None:
        return None, f"the baseline's P95 lies beyond the histogram's last bucket, {bounds[-1]:g} s: add larger ones"
    edge = next((edge for edge in bounds if edge >= beyond + over_s - _ROUNDED), None)
    return edge, "" if edge else f"the histogram has no bucket at {beyond + over_s:g} s or more: add one"


_ROUNDED = 1e-9


def _timed(watch: Watch, look: Look, policy: Policy) -> Watch:
    """Take in how long requests took. What is slow was known before the look, so that it cannot be made to fit."""
    if look.bounds != watch.bounds:
        watch = replace(watch, bounds=look.bounds, latency=Trial(), usual=Recent(), slow_s=None)
    empty = (0,) * (len(look.bounds) + 1)
    canary, baseline = ((track.buckets if track else ()) or empty for track in (look.canary, look.baseline))
    latency = watch.latency
    if watch.slow_s is not None and not settling_s(watch, policy):
        place = look.bounds.index(watch.slow_s) + 1
        slow, slow_baseline = sum(canary[place:]), sum(baseline[place:])
        span = Span(look.at, look.seconds, sum(canary), slow, sum(baseline), slow_baseline, canary)
        latency = _fed(latency, span, SLOW, policy.latency_window_s)
    usual = _learned(watch.usual, baseline, look.at, timedelta(seconds=policy.latency_window_s))
    slow_s, _ = slow_from(look.bounds, usual.buckets, policy.latency_over_s)
    return replace(watch, latency=latency, usual=usual, slow_s=slow_s)


def _fed(trial: Trial, span: Span, share: float, window_s: float) -> Trial:
    bad, good = span.canary_bad, span.canary - span.canary_bad
    evidence = against(trial.evidence, HEALTHY * share, bad, good, BAR)
    excess = against(trial.excess, share, bad, good, EXCESS_BAR)
    open_, blame = _compared(trial, span)
    if evidence == REST:
        # What the canary was blamed for yesterday says nothing of what both tracks suffer from today.
        excess = blame = REST
    return Trial(_kept(trial.spans, span, window_s, enough(share)), evidence, excess, blame, open_)


def _compared(trial: Trial, span: Span) -> tuple[Span | None, tuple[float, ...]]:
    """Compare the tracks once enough is there: of all bad requests, the canary may have as many as of all requests.

    Or a quarter more. Given how many are bad at all, the canary's number is hypergeometric; the binomial's likelihood
    ratio is an e-value for it too, since it is convex (Hoeffding 1963, theorem 4).
    """
    both = span if trial.open is None else _joined(trial.open, span)
    count, late = both.canary + both.baseline, span.at - both.at >= _APART
    if count < _TOGETHER and not late:
        return both, trial.blame
    if not both.canary or not both.baseline:
        return (None if late else both), trial.blame
    share = _TOLERATED * both.canary / (_TOLERATED * both.canary + both.baseline)
    return None, against(trial.blame, share, both.canary_bad, both.baseline_bad, BLAME_BAR)


def _joined(span: Span, later: Span) -> Span:
    return replace(
        span,
        canary=span.canary + later.canary,
        canary_bad=span.canary_bad + later.canary_bad,
        baseline=span.baseline + later.baseline,
        baseline_bad=span.baseline_bad + later.baseline_bad,
    )


def _kept(spans: tuple[Span, ...], span: Span, window_s: float, fewest: int) -> tuple[Span, ...]:
    """Keep the window's spans, and older ones only as long as there would be too few requests without them."""
    if not span.canary:
        return (*spans[:-1], _joined(spans[-1], span)) if spans and span.baseline else spans
    spans, begins, drop = (*spans, span), span.at - timedelta(seconds=window_s), 0
    while spans[drop].at <= begins and _are_enough(spans[:drop:-1], fewest):
        drop += 1
    return spans[drop:]


def _are_enough(spans: Sequence[Span], fewest: int) -> bool:
    return any(count >= fewest for count in accumulate(span.canary for span in spans))


def _learned(usual: Recent, buckets: tuple[int, ...], at: datetime, at_least: timedelta) -> Recent:
    newer, since = _added(usual.newer, buckets), usual.since or at
    if sum(newer) >= _LEARNED and at - since >= at_least:
        return Recent(newer, (0,) * len(newer), at)
    return Recent(usual.older, newer, since)


def _added(one: tuple[int, ...], other: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(one, other, strict=True)) if one and other else one or other
