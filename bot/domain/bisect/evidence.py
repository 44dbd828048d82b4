"""What the runs so far say together: results by commit, and what follows for commits whose sources are the same."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from bot.domain.bisect.belief import Counts
from bot.domain.bisect.question import Question
from bot.domain.bisect.results import Result, Trial

SHORTEST_S = 0.05
"""What any run takes, in seconds: a process is started."""
SETTLED = 3
"""Runs that must agree before a result is believed that contradicts another one."""


@dataclass(frozen=True)
class Evidence:
    """The runs that ended with a result. Where `alone`, equal keys of the tested package are not trusted."""

    question: Question
    trials: tuple[Trial, ...]
    alone: bool = False

    @cached_property
    def runs(self) -> Mapping[str, Counter[Result]]:
        """How often each result was seen, by commit."""
        seen: dict[str, Counter[Result]] = {}
        for trial in self.trials:
            if not trial.moot:
                seen.setdefault(trial.commit, Counter())[trial.result] += 1
        return seen

    @cached_property
    def counts(self) -> Mapping[str, Counts]:
        """How often the test failed and passed, by commit."""
        counted = {commit: Counts(seen[Result.BAD], seen[Result.GOOD]) for commit, seen in self.runs.items()}
        return {commit: count for commit, count in counted.items() if count.runs}

    @cached_property
    def own(self) -> Mapping[str, Result]:
        """What each commit that was run is; where the test ran once, that says more than a build that failed."""
        return {
            commit: max(seen, key=lambda result: (result.tells, seen[result])) for commit, seen in self.runs.items()
        }

    @cached_property
    def run_s(self) -> float:
        """What a run takes beside its build, in seconds, a second where none is known."""
        ended = [trial.seconds - trial.build_s for trial in self.trials if trial.result.tells and not trial.moot]
        return max(fmean(ended or [1.0]), SHORTEST_S)

    @property
    def flaky(self) -> bool:
        """Tell whether the test both failed and passed at one commit."""
        return any(count.failed and count.passed for count in self.counts.values())

    @cached_property
    def by_key(self) -> Mapping[str, Result]:
        """What is known of each key of the tested package."""
        known: dict[str, Result] = {}
        for commit, result in self.own.items():
            key = self.closures.get(commit, "")
            if key and (result.tells or key not in known):
                known[key] = result
        return known

    @cached_property
    def closures(self) -> Mapping[str, str]:
        """The keys of the tested package that are trusted."""
        return {} if self.alone else self.question.closures

    @cached_property
    def results(self) -> Mapping[str, Result]:
        """What each commit is, of the history and beside it: seen, or following from what was seen elsewhere."""
        known = {commit: self.by_key[key] for commit, key in self.closures.items() if key in self.by_key}
        broken = {
            (package, self.question.keys.get(trial.commit, {}).get(package, ""))
            for trial in self.trials
            if trial.result is Result.UNTESTABLE and not trial.moot
            for package in trial.broken
        }
        for commit, packages in self.question.keys.items():
            if commit not in known and any(pair in broken for pair in packages.items() if pair[1]):
                known[commit] = Result.UNTESTABLE
        # A build that fails at one of several commits with the same sources says less than a run at another.
        return known | {each: seen for each, seen in self.own.items() if seen.tells or each not in known}

    def can_run(self, commit: str) -> bool:
        """Tell whether nothing is known against running the test there."""
        return self.results.get(commit, Result.GOOD).tells

    def ran(self, commit: str) -> int:
        """Count the runs at this very commit that told something."""
        return self.counts.get(commit, Counts()).runs

    def holds(self, commit: str) -> int:
        """Give the commits of the history that this one holds, as bits; none for one that is older than all of it."""
        history = self.question.history
        return history.holds[history.place[commit]] if commit in history.place else 0

    @property
    def disagreeing(self) -> set[str]:
        """Give the commits with the same sources and different results: what the test reads is not in the sources."""
        seen: dict[str, set[str]] = {}
        for commit, result in self.own.items():
            if result.tells and (key := self.closures.get(commit, "")):
                seen.setdefault(key, set()).add(commit)
        groups = (group for group in seen.values() if len({self.own[commit] for commit in group}) > 1)
        return {commit for group in groups for commit in group}

    @cached_property
    def undone(self) -> tuple[tuple[str, str], ...]:
        """Give commits where the test is as at the new end, each with a later one where it is as at the old end."""
        later = [commit for commit, result in self.own.items() if result is self.question.find.before]
        earlier = [commit for commit, result in self.own.items() if result is self.question.find.after]
        return tuple(self._pairs(earlier, later))

    def _pairs(self, earlier: Sequence[str], later: Sequence[str]) -> Iterator[tuple[str, str]]:
        place = self.question.history.place
        for commit in later:
            held = self.holds(commit)
            yield from ((each, commit) for each in earlier if each in place and held >> place[each] & 1)

    @cached_property
    def cleared(self) -> int:
        """Give the commits, as bits, that cannot be the last change: a later one is still as the old end."""
        return self._held_by(self.question.find.before)

    @cached_property
    def before_the_test(self) -> int:
        """Give the commits, as bits, that came before the test did, unless the old end has it."""
        if self.results.get(self.question.history.old, Result.ABSENT).tells:
            return 0
        return self._held_by(Result.ABSENT)

    def _held_by(self, wanted: Result) -> int:
        bits = 0
        for commit, result in self.results.items():
            if result is wanted:
                bits |= self.holds(commit)
        return bits

    @cached_property
    def suspects(self) -> int:
        """Give the commits, as bits, one of which changed the test."""
        history = self.question.history
        left = history.everything & ~history.unchanged(self.closures) & ~self.cleared
        changed = [commit for commit, result in self.results.items() if result is self.question.find.after]
        held = [bits for commit in changed if (bits := self.holds(commit) & left)]
        # Where two branches broke it apart from each other, one of the two changes is looked for.
        for bits in sorted(held, key=int.bit_count):
            left = left & bits or left
        return left
