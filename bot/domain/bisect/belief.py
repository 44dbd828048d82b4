"""How probable each commit is to have changed the test, given runs that may be flaky (Bayes).

The model: a test fails with one rate at commits that hold the culprit and with a lower one at the others; or there is
no culprit and it fails with one rate everywhere. The rates are not known: each pair of a grid has a share of the
belief, most of it on the pair of a test that is not flaky at all. What follows from the counts alone, so that the order
of the runs does not matter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from math import exp, log
from operator import mul
from typing import NamedTuple

from bot.domain.bisect.history import History
from bot.domain.bisect.question import Chances, Rates

NEVER = 0.001
"""How often a test that is not flaky fails at a good commit, or passes at a bad one: a machine may be sick."""
STEADY = 0.9
"""The share of tests that are not flaky."""
NO_CULPRIT = 0.3
"""Of the reds of a flaky test, the share without a culprit; some 40 % at Google (Flake Aware Culprit Finding, 2023)."""
LOW = (0.001, 0.005, 0.015, 0.035, 0.07, 0.13, 0.22, 0.35, 0.5)
HIGH = (0.06, 0.12, 0.18, 0.25, 0.33, 0.42, 0.52, 0.63, 0.74, 0.84, 0.93, 0.98)
APART, FACTOR = 0.2, 4
"""By how much more, or how many times as often, a test must fail for it to count as broken."""
FLAKES = (0.005, 0.01, 0.02, 0.04, 0.07, 0.11, 0.16, 0.22, 0.29, 0.37, 0.46, 0.55, 0.65, 0.75, 0.85, 0.93)


@dataclass(frozen=True)
class Counts:
    """How often the test failed and passed at a commit."""

    failed: int = 0
    passed: int = 0

    @property
    def runs(self) -> int:
        """All of them."""
        return self.failed + self.passed


@dataclass(frozen=True)
class Cell:
    """Commits, as bits, which the runs so far cannot tell apart.

    `each` is the probability of each to be the culprit; `inside` and `outside` how often the test is expected to fail
    at a commit that holds it and at one that does not.
    """

    commits: int
    each: float
    inside: float
    outside: float


@dataclass(frozen=True)
class Belief:
    """What to believe of all commits together; `none` is the probability of no culprit, `flake` its expected rate."""

    cells: tuple[Cell, ...]
    none: float
    flake: float

    def of(self, commits: int) -> float:
        """Give the probability that the culprit is among these commits."""
        return sum(cell.each * (cell.commits & commits).bit_count() for cell in self.cells)


class _Pair(NamedTuple):
    """How often the test fails where the culprit is held and where not, with the logarithms that weigh what is seen."""

    inside: float
    outside: float
    share: float
    inside_fails: float
    inside_passes: float
    outside_fails: float
    outside_passes: float


@dataclass(frozen=True)
class _Part:
    """Commits that cannot be told apart: with the logarithm of the weight of each, and the rates expected then."""

    commits: int
    log_weight: float
    inside: float
    outside: float


def believe(history: History, suspects: int, counts: Mapping[str, Counts], chances: Chances) -> Belief:
    """Weigh each of the suspects (bits), each as likely as another at first, by how often the test failed where.

    A commit outside the history is older than all of it.
    """
    seen = Counts(sum(each.failed for each in counts.values()), sum(each.passed for each in counts.values()))
    culprit = log((1 - _no_culprit(chances)) / max(1, suspects.bit_count()))
    pairs = _pairs(chances)
    parts = [_weigh(pairs, part, inside, seen) for part, inside in _parts(history, suspects, counts)]
    rates = _flakes(chances)
    flakes = [_flaking(rate, seen) for rate in rates]
    none = log(_no_culprit(chances) / len(rates))
    highest = max(none + max(flakes), *(culprit + part.log_weight for part in parts))
    flaking = [exp(none + each - highest) for each in flakes]
    weights = [exp(culprit + part.log_weight - highest) for part in parts]
    whole = sum(flaking) + sum(weight * part.commits.bit_count() for weight, part in zip(weights, parts, strict=True))
    cells = (
        Cell(part.commits, weight / whole, part.inside, part.outside)
        for weight, part in zip(weights, parts, strict=True)
    )
    flake = sum(rate * each for rate, each in zip(rates, flaking, strict=True)) / (sum(flaking) or 1.0)
    return Belief(tuple(cells), sum(flaking) / whole, flake)


def _no_culprit(chances: Chances) -> float:
    return NO_CULPRIT if chances.rates else NO_CULPRIT * (1 - STEADY)


def _parts(history: History, suspects: int, counts: Mapping[str, Counts]) -> Iterator[tuple[int, Counts]]:
    """Split the suspects by which of the runs were at commits that hold them, with the counts of those runs."""
    parts = [(suspects, 0, 0)]
    for commit, count in counts.items():
        if commit not in history.place:
            continue
        held = history.holds[history.place[commit]]
        split = []
        for part, failed, passed in parts:
            if part & held:
                split.append((part & held, failed + count.failed, passed + count.passed))
            if part & ~held:
                split.append((part & ~held, failed, passed))
        parts = split
    return ((part, Counts(failed, passed)) for part, failed, passed in parts)


def _weigh(pairs: tuple[_Pair, ...], part: int, inside: Counts, seen: Counts) -> _Part:
    failed, passed = inside.failed, inside.passed
    failed_outside, passed_outside = seen.failed - failed, seen.passed - passed
    logs = [
        share + fails * failed + passes * passed + other_fails * failed_outside + other_passes * passed_outside
        for _, _, share, fails, passes, other_fails, other_passes in pairs
    ]
    highest = max(logs)
    weights = [exp(each - highest) for each in logs]
    whole = sum(weights)
    inside_rates, outside_rates, *_ = zip(*pairs, strict=True)
    fails = sum(map(mul, weights, inside_rates)) / whole
    fails_outside = sum(map(mul, weights, outside_rates)) / whole
    return _Part(part, highest + log(whole), fails, fails_outside)


def _flakes(chances: Chances) -> tuple[float, ...]:
    """Give the rates of a test that no commit changed: where rates are known, it is one of them or lies between."""
    known = chances.rates
    return (known.good, (known.good + known.bad) / 2, known.bad) if known else FLAKES


def _flaking(rate: float, seen: Counts) -> float:
    return log(rate) * seen.failed + log(1 - rate) * seen.passed


@cache
def _pairs(chances: Chances) -> tuple[_Pair, ...]:
    """Give the pairs of rates: the known one; or those of a grid, and that of a test which is not flaky."""
    if chances.rates:
        return (_pair(chances.rates, 1.0, mends=chances.mends),)
    grid = [Rates(bad, good) for bad in HIGH for good in LOW if bad >= good + APART or bad >= FACTOR * good]
    # What is no fault of the commits shares the belief that is not in steady tests.
    flaky = (1 - STEADY) * (1 - NO_CULPRIT)
    steady = STEADY / (STEADY + flaky)
    return (
        _pair(Rates(1 - NEVER, NEVER), steady, mends=chances.mends),
        *(_pair(each, (1 - steady) / len(grid), mends=chances.mends) for each in grid),
    )


def _pair(rates: Rates, share: float, *, mends: bool) -> _Pair:
    both = (rates.good, rates.bad) if mends else (rates.bad, rates.good)
    inside, outside = (min(max(rate, NEVER), 1 - NEVER) for rate in both)
    return _Pair(inside, outside, log(share), log(inside), log(1 - inside), log(outside), log(1 - outside))
