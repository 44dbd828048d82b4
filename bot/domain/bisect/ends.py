"""Whether the ends are what they are said to be."""

from collections.abc import Iterator

from bot.domain.bisect import answers
from bot.domain.bisect.evidence import Evidence
from bot.domain.bisect.question import Answer
from bot.domain.bisect.results import Result

LEAST = {Result.BAD: 4, Result.GOOD: 10}
MOST = {Result.BAD: 20, Result.GOOD: 80}
"""Runs without exception after which an end is not what it was said to be. A flaky test passes more often than not;
one that fails in 5 % of its runs, or passes in 20 %, survives the most in 2 of 100 cases."""
PATIENCE_S = 60.0
"""What these runs may take, beyond the least: where the test is quick, they are as many as can tell a rare flake."""


def refuted(evidence: Evidence) -> Answer | None:
    """Answer when an end contradicts what was asked, surely enough."""
    history, find = evidence.question.history, evidence.question.find
    for commit, said in ((history.new, find.after), *((end, find.before) for end in (history.old, *history.forks))):
        seen = evidence.own.get(commit)
        if seen and seen.tells and seen is not said and evidence.ran(commit) >= _enough(evidence, seen):
            return answers.refuted(evidence, commit, said)
    if (seen := evidence.own.get(history.new)) and not seen.tells:
        return answers.no_test(evidence, history.new, seen)
    return None


def unproven(evidence: Evidence) -> Iterator[str]:
    """Give the ends that are to be run, as often as they must be."""
    history, find = evidence.question.history, evidence.question.find
    for commit in history.ends:
        said = find.after if commit == history.new else find.before
        seen = evidence.own.get(commit)
        if seen is None:
            yield commit
        elif seen.tells and seen is not said:
            yield from [commit] * (_enough(evidence, seen) - evidence.ran(commit))


def _enough(evidence: Evidence, seen: Result) -> int:
    return min(MOST[seen], max(LEAST[seen], int(PATIENCE_S / evidence.run_s)))
