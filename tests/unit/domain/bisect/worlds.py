"""A world whose truth is known: what a run would say at each commit; and a bisect played through in it."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bot.domain.bisect.history import History
from bot.domain.bisect.question import Answer, Question, Rates, Running
from bot.domain.bisect.results import Result, Trial
from bot.domain.bisect.search import plan

MOST = 3_000


@dataclass(frozen=True)
class World:
    """What is true at each commit, good where nothing is said. `broken` names the package that does not build."""

    results: Mapping[str, Result] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    rates: Rates | None = None

    def run(self, commit: str, random_: random.Random) -> Trial:
        """Run the test."""
        result = self.results.get(commit, Result.GOOD)
        if self.rates and result.tells:
            rate = self.rates.bad if result is Result.BAD else self.rates.good
            result = Result.BAD if random_.random() < rate else Result.GOOD
        broken = (self.broken[commit],) if commit in self.broken else ()
        return Trial(commit, Result.UNTESTABLE if broken else result, broken=broken)


@dataclass
class Played:
    """A bisect that came to an end."""

    answer: Answer
    trials: list[Trial]
    stopped: int


def play(question: Question, world: World, k: int = 1, seed: int = 0, ended: Sequence[Trial] = ()) -> Played:
    """Play a bisect on: any of the runs may end first."""
    random_ = random.Random(seed)  # noqa: S311 - a seeded world, no secret
    trials = [*ended]
    running: list[Running] = []
    stopped = 0
    while len(trials) < MOST:
        todo = plan(question, trials, running, k)
        if todo.answer:
            return Played(todo.answer, trials, stopped)
        stopped += sum(each.commit in todo.stop for each in running)
        trials += [
            Trial(each.commit, Result.UNTESTABLE, moot=True, purpose=each.purpose)
            for each in running
            if each.commit in todo.stop
        ]
        running = [each for each in running if each.commit not in todo.stop]
        running += [Running(each.commit, each.purpose) for each in todo.start]
        assert 0 < len(running) <= k, "a bisect without an answer goes on"
        first = running.pop(random_.randrange(len(running)))
        trial = world.run(first.commit, random_)
        trials.append(Trial(trial.commit, trial.result, broken=trial.broken, purpose=first.purpose))
    raise AssertionError("this bisect does not end")


def broken_at(history: History, culprit: str) -> World:
    """Give a world where a commit broke the test for good."""
    bit = 1 << history.place[culprit]
    return World({commit.id: Result.BAD for commit in history.commits if history.holds[history.place[commit.id]] & bit})
