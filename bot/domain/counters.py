"""From raw counters to looks: two readings of the same series, subtracted series by series.

What a Prometheus answers for a plain selector and what a process exposes itself are the same series, so both are read
by the same rules. No `rate()` is asked for: it would hide how many requests stand behind a number.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Protocol

from bot.domain.canary import CanaryPlan, Counts, Look

CODES = ("code", "status", "status_code", "envoy_response_code", "http_response_status_code")
"""The labels, the first that is there, in which exporters tell an answer's status."""
_PROCESS = ("instance", "pod")
"""The labels that tell one process from another; what a process exposes itself has neither."""
_SELECTOR = re.compile(r"\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(?:\{(.*)\})?\s*", re.DOTALL)
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)')
_MOST = 2.0**53
"""Beyond it nothing is counted one by one; it is no counter."""
_UNITS = {"s": 1.0, "ms": 0.001}


class SelectorRefused(ValueError):
    """A selector is not a metric's name and matchers."""


class Series(Protocol):
    """One number of a metric, and its labels; `__name__` is the metric's name."""

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels."""

    @property
    def value(self) -> float:
        """The number."""


@dataclass(frozen=True)
class Selector:
    """A metric's name, and what its labels must be: (label, operator, value)."""

    name: str
    matchers: tuple[tuple[str, str, str], ...] = ()

    def fits(self, labels: Mapping[str, str]) -> bool:
        """Tell whether a series is meant, by the rules of PromQL."""
        return labels.get("__name__") == self.name and all(_fits(labels, *matcher) for matcher in self.matchers)


@dataclass(frozen=True)
class Counter:
    """One counter as it was read. `edge` is the upper edge (seconds) of a histogram's bucket, else None."""

    labels: tuple[tuple[str, str], ...]
    value: float
    is_canary: bool
    process: tuple[str, ...]
    is_error: bool = False
    edge: float | None = None

    @property
    def whole(self) -> tuple[tuple[str, str], ...]:
        """What restarts together: a histogram with all its buckets, or just this counter."""
        return self.labels if self.edge is None else tuple(label for label in self.labels if label[0] != "le")


@dataclass(frozen=True)
class Reading:
    """All counters of both tracks at a moment; `missing` says why there are none."""

    at: datetime
    counters: tuple[Counter, ...] = ()
    missing: str = ""


def selector(text: str) -> Selector:
    """Read a selector such as `http_requests_total{job="checkout"}`.

    :raises SelectorRefused: it is an expression, or no selector at all.
    """
    if not (found := _SELECTOR.fullmatch(text)):
        raise SelectorRefused(f"{text!r} is not a metric's name with matchers, such as 'requests_total{{job=\"a\"}}'")
    matchers, rest = [], (found[2] or "").strip()
    while rest:
        if not (matcher := _MATCHER.match(rest)):
            raise SelectorRefused(f"{rest!r} in {text!r} is not a matcher, such as 'job=\"a\"'")
        matchers.append((matcher[1], matcher[2], re.sub(r"\\(.)", r"\1", matcher[3])))
        rest = rest[matcher.end() :]
    return Selector(found[1], tuple(matchers))


def reading(plan: CanaryPlan, at: datetime, series: Iterable[Series]) -> Reading:
    """Keep what the plan selects of what was exposed or answered; the rest is of no interest."""
    requests, latency = selector(plan.requests), selector(plan.latency)
    counters = []
    for each in series:
        track = each.labels.get(plan.track_label)
        if track not in {plan.canary, plan.baseline} or not 0 <= each.value <= _MOST:
            continue
        labels = tuple(sorted(each.labels.items()))
        process = tuple(each.labels.get(label, "") for label in _PROCESS)
        if requests.fits(each.labels):
            counters.append(Counter(labels, each.value, track == plan.canary, process, _is_error(each.labels)))
        elif latency.fits(each.labels) and (edge := _edge(each.labels, plan.latency_unit)):
            counters.append(Counter(labels, each.value, track == plan.canary, process, edge=edge))
    return Reading(at, tuple(counters))


def between(earlier: Reading, later: Reading) -> Look:
    """Give what both tracks' counters gained from one reading to the next.

    A counter that is less than half of what it was has restarted, and counts from zero. One that is a little lower is
    another's view of it (two Prometheis behind one address) and has gained nothing. The counters of a process that was
    not there before begin with this reading; a new one of a process that was, with zero.
    """
    seconds = (later.at - earlier.at).total_seconds()
    if later.missing or earlier.missing:
        return Look(later.at, seconds, missing=later.missing or earlier.missing)
    gained = _gained(earlier, later)
    bounds = _bounds(later)
    canary, baseline = (_counts(gained, later, bounds, is_canary=canary) for canary in (True, False))
    return Look(later.at, seconds, canary, baseline, bounds)


def carried(earlier: Reading | None, later: Reading) -> Reading:
    """Give what the next reading is compared with: this one, and what it lacks as the one before had it.

    So a counter that is left out once and comes back has gained what it gained, not all that it ever counted.
    """
    there = {counter.labels for counter in later.counters}
    lacking = tuple(each for each in (earlier.counters if earlier else ()) if each.labels not in there)
    return Reading(later.at, (*later.counters, *lacking))


def _gained(earlier: Reading, later: Reading) -> list[tuple[Counter, float]]:
    before = {counter.labels: counter.value for counter in earlier.counters}
    known = {counter.process for counter in earlier.counters}
    restarted = {each.whole for each in later.counters if each.value < before.get(each.labels, 0.0) / 2}
    gained = []
    for each in later.counters:
        since = 0.0 if each.whole in restarted else before.get(each.labels, 0.0)
        gained.append((each, max(0.0, each.value - since) if each.process in known else 0.0))
    return gained


def _counts(
    gained: Iterable[tuple[Counter, float]], later: Reading, bounds: tuple[float, ...], *, is_canary: bool
) -> Counts | None:
    """Add a track's counters up; None when it has no series."""
    if not any(each.is_canary is is_canary for each in later.counters):
        return None
    mine = [(each, gain) for each, gain in gained if each.is_canary is is_canary]
    requests = math.fsum(gain for each, gain in mine if each.edge is None)
    errors = math.fsum(gain for each, gain in mine if each.is_error)
    upto: defaultdict[float, list[float]] = defaultdict(list)
    for each, gain in mine:
        if each.edge is not None:
            upto[each.edge].append(gain)
    totals = [0, *(round(math.fsum(upto[edge])) for edge in (*bounds, math.inf))] if upto else []
    # The series of one histogram need not be of one moment: a bucket that holds more than a wider one is put right.
    buckets = tuple(max(0, more - fewer) for fewer, more in pairwise(totals))
    return Counts(round(requests), min(round(errors), round(requests)), buckets)


def _bounds(later: Reading) -> tuple[float, ...]:
    """Give the finite edges that all histograms have, so that replicas of different builds can be added up."""
    edges: defaultdict[tuple[tuple[str, str], ...], set[float]] = defaultdict(set)
    for each in later.counters:
        if each.edge is not None:
            edges[each.whole].add(each.edge)
    return tuple(sorted(edge for edge in set.intersection(*edges.values()) if edge < math.inf)) if edges else ()


def _is_error(labels: Mapping[str, str]) -> bool:
    return next((labels[name] for name in CODES if name in labels), "").startswith("5")


def _edge(labels: Mapping[str, str], unit: str) -> float | None:
    try:
        return float(labels["le"]) * _UNITS[unit]
    except (KeyError, ValueError):
        return None


def _fits(labels: Mapping[str, str], label: str, operator: str, wanted: str) -> bool:
    found = labels.get(label, "")
    if operator in {"=", "!="}:
        return (found == wanted) is (operator == "=")
    return bool(re.fullmatch(wanted, found)) is (operator == "=~")
