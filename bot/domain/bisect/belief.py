"""How probable each commit is to have changed the test, given runs that may be flaky (Bayes).

The model: a test fails with one rate at commits that hold the culprit and with a lower one at the others; or there is
no culprit and it fails with one rate everywhere. The rates are not known: each pair of a grid has a share of the
belief, most of it on the pair of a test that is not flaky at all, and of the rest more on what is usual. What follows
from the counts alone, so that the order of the runs does not matter.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product, starmap
from math import exp, log
from typing import NamedTuple

from bot.domain.bisect.history import History
from bot.domain.bisect.question import Chances, Rates

NEVER = 0.001
"""How often a test that is not flaky fails at a good commit, or passes at a bad one: a machine may be sick."""
STEADY = 0.9
"""The share of tests that are not flaky."""
NO_CULPRIT, NO_CULPRIT_KNOWN = 0.3, 0.05
"""Of the reds of a flaky test, the share without a culprit; some 40 % at Google (Flake Aware Culprit Finding, 2023).
Who knows a rate for each side saw the test change.
"""
RATES = (0.002, 0.015, 0.03, 0.05, 0.08, 0.12, 0.17, 0.23, 0.3, 0.38, 0.47, 0.57, 0.67, 0.77, 0.86, 0.93, 0.97, 0.99)
"""How often a flaky test may fail, before and since a culprit."""
FLAKES = tuple(1 / (1 + exp(-step / 6)) for step in range(-27, 28))
"""How often it may fail where there is none: closer to each other, as each is weighed but once."""
BROKEN, APART, FACTOR = 0.1, 0.2, 3
"""How often a test must fail at least to count as broken, and by how much more, or how many times as often, than
before: without a least difference no run would ever speak against a culprit."""
USUAL, SPREAD = Rates(bad=0.35, good=0.06), 1.5
"""What rates are likely at first: normal in the logarithm of the odds. Were all as likely, a search would need a tenth
more runs where they are usual, and a tenth fewer where they are far from it."""


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
    """How often the test fails where the culprit is held and where not, with the logarithms that weigh what is seen.

    `fails` and `passes` are what it weighs more where the culprit is held than where not.
    """

    inside: float
    outside: float
    share: float
    outside_fails: float
    outside_passes: float
    fails: float
    passes: float


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
    shares = [each.share + each.outside_fails * seen.failed + each.outside_passes * seen.passed for each in pairs]
    parts = [_weigh(pairs, shares, part, inside) for part, inside in _parts(history, suspects, counts)]
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
    return NO_CULPRIT_KNOWN if chances.rates else NO_CULPRIT * (1 - STEADY)


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


def _weigh(pairs: tuple[_Pair, ...], shares: Sequence[float], part: int, inside: Counts) -> _Part:
    failed, passed = inside.failed, inside.passed
    logs = [share + pair.fails * failed + pair.passes * passed for share, pair in zip(shares, pairs, strict=True)]
    highest = max(logs)
    weights = [exp(each - highest) for each in logs]
    whole = sum(weights)
    fails = sum(weight * pair.inside for weight, pair in zip(weights, pairs, strict=True)) / whole
    fails_outside = sum(weight * pair.outside for weight, pair in zip(weights, pairs, strict=True)) / whole
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
    grid = {each: _usual(each) for each in starmap(Rates, product(RATES, RATES)) if _breaks(each)}
    whole = sum(grid.values())
    # What is no fault of the commits shares the belief that is not in steady tests.
    flaky = (1 - STEADY) * (1 - NO_CULPRIT)
    steady = STEADY / (STEADY + flaky)
    return (
        _pair(Rates(1 - NEVER, NEVER), steady, mends=chances.mends),
        *(_pair(each, (1 - steady) * share / whole, mends=chances.mends) for each, share in grid.items()),
    )


def _breaks(rates: Rates) -> bool:
    return rates.bad >= BROKEN and (rates.bad >= rates.good + APART or rates.bad >= FACTOR * rates.good)


def _usual(rates: Rates) -> float:
    off = (_log_odds(rates.bad) - _log_odds(USUAL.bad), _log_odds(rates.good) - _log_odds(USUAL.good))
    return exp(-sum((each / SPREAD) ** 2 for each in off) / 2)


def _log_odds(chance: float) -> float:
    return log(chance / (1 - chance))


def _pair(rates: Rates, share: float, *, mends: bool) -> _Pair:
    both = (rates.good, rates.bad) if mends else (rates.bad, rates.good)
    inside, outside = (min(max(rate, NEVER), 1 - NEVER) for rate in both)
    fails, passes = log(outside), log(1 - outside)
    return _Pair(inside, outside, log(share), fails, passes, log(inside) - fails, log(1 - inside) - passes)
