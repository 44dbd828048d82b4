"""The same flaky tests bisected by the product, by git-bayesect, and as `git bisect run` does with repeats.

What the n-th run at a commit says is drawn beforehand, from the seed, the commit and n alone: all see the same test.
"""

import random
from collections import Counter
from dataclasses import dataclass, field
from math import log

import numpy as np
from git_bayesect import Bisector

from bot.domain.bisect.question import Kind, Question, Rates
from bot.domain.bisect.results import Result, Trial
from bot.domain.bisect.search import plan
from tests.unit.domain.bisect.histories import line

MOST = 1_000
"""Runs after which a search is given up."""


@dataclass(frozen=True)
class Case:
    """A flaky test in a line of commits; `culprit` is the number of the commit that broke it, 0 for none.

    It cannot run at the commits that are `unbuildable`.
    """

    size: int
    rates: Rates
    culprit: int
    seed: int
    told: bool = False
    k: int = 1
    unbuildable: frozenset[int] = frozenset()


@dataclass
class Test:
    """Runs of the test, counted by commit."""

    case: Case
    runs: Counter[int] = field(default_factory=Counter)

    def fails(self, number: int) -> bool:
        """Run it once more at a commit."""
        self.runs[number] += 1
        drawn = random.Random(f"{self.case.seed} {number} {self.runs[number]}")  # noqa: S311 - a trace, no secret
        broken = 0 < self.case.culprit <= number
        return drawn.random() < (self.case.rates.bad if broken else self.case.rates.good)


@dataclass(frozen=True)
class Outcome:
    """What a search said: numbers of commits, of which one did it; 0 for no culprit, nothing for no answer."""

    case: Case
    said: tuple[int, ...]
    runs: int
    confidence: float = 0.0

    @property
    def right(self) -> bool:
        """Tell whether it is so; only where the test cannot run may several be named."""
        return self.case.culprit in self.said and len({*self.said} - self.case.unbuildable) <= 1


def ours(case: Case) -> Outcome:
    """Search as the product does; a run starts as soon as another one has ended."""
    test = Test(case)
    question = Question(line(case.size), rates=case.rates if case.told else None, most_runs=MOST)
    trials: list[Trial] = []
    while (answer := (todo := plan(question, trials, (), case.k)).answer) is None:
        trials += [Trial(wanted.commit, _result(test, wanted.commit), purpose=wanted.purpose) for wanted in todo.start]
    named = {Kind.CULPRIT: (answer.culprit,), Kind.SUSPECTS: answer.suspects, Kind.FLAKY: ("0",)}.get(answer.kind, ())
    return Outcome(case, tuple(int(each, 16) for each in named), len(trials), answer.confidence)


def _result(test: Test, commit: str) -> Result:
    number = int(commit, 16)
    if number in test.case.unbuildable:
        return Result.UNTESTABLE
    return Result.BAD if test.fails(number) else Result.GOOD


def bayesect(case: Case, stop: float = 0.95) -> Outcome:
    """Search as git-bayesect does, whose first commit is the newest, until it is as sure as we have to be."""
    test = Test(case)
    search = Bisector(np.ones(case.size + 1))
    while search.distribution.max() < stop and search.num_total_observations < MOST:
        place = search.select()
        search.record(place, test.fails(case.size - place))
    said = case.size - int(search.distribution.argmax())
    return Outcome(case, (said,), search.num_total_observations, float(search.distribution.max()))


def git(case: Case, repeats: int) -> Outcome:
    """Search as `git bisect run` does, by a script that knows the rates and repeats the test at each commit."""
    test = Test(case)
    failing, passing = log(case.rates.bad / case.rates.good), log((1 - case.rates.bad) / (1 - case.rates.good))
    good, bad = 0, case.size
    while bad - good > 1:
        middle = (good + bad) // 2
        failed = sum(test.fails(middle) for _ in range(repeats))
        if failed * failing + (repeats - failed) * passing > 0:
            bad = middle
        else:
            good = middle
    return Outcome(case, (bad,), sum(test.runs.values()))
