"""What must have been run before a commit is called the culprit: it and its exact parents, more than once."""

from bot.domain.bisect.belief import believe
from bot.domain.bisect.evidence import Evidence

CULPRIT, PARENT, SOURCES = 3, 2, 3
"""Runs of the culprit, of each of its exact parents, and of anything with that parent's sources. A test that fails at
random survives the ends, a search and these seldom, in 2 of 100 cases at most."""


def parents(evidence: Evidence, commit: str) -> tuple[str, ...]:
    """Give the exact parents of a commit."""
    history = evidence.question.history
    return history.commits[history.place[commit]].parents


def lacking(evidence: Evidence, culprit: str) -> list[str]:
    """Name each run that is still lacking, by its commit; none where it cannot be run itself, as nothing proves it."""
    if not evidence.can_run(culprit):
        return []
    runs = [culprit] * (CULPRIT - evidence.ran(culprit))
    for parent in parents(evidence, culprit):
        if evidence.own.get(parent) is None or evidence.own[parent].tells:
            key = evidence.closures.get(parent, "")
            alike = {each for each in evidence.counts if key and evidence.closures.get(each) == key} | {parent}
            known = sum(evidence.ran(each) for each in alike)
            # What an old end that was not run leaves unsaid, one more run says that needs no build.
            wanted = SOURCES + (evidence.question.history.old not in evidence.own)
            runs += [parent] * max(PARENT - evidence.ran(parent), wanted - known)
    if not runs and confidence(evidence, culprit) < evidence.question.confident:
        runs = [culprit, *(each for each in parents(evidence, culprit) if evidence.can_run(each))]
    return runs


def contradicted(evidence: Evidence, culprit: str) -> str:
    """Name a parent at which the test surely does not say the opposite, if there is one."""
    before = evidence.question.find.before
    for parent in parents(evidence, culprit):
        seen = evidence.results.get(parent, before)
        if seen is not before and (not seen.tells or evidence.ran(parent) >= PARENT):
            return parent
    return ""


def confidence(evidence: Evidence, culprit: str) -> float:
    """Give the probability that it is the culprit, a flaky test not being ruled out."""
    history = evidence.question.history
    undone = {commit for commit, _ in evidence.undone}
    counts = {commit: count for commit, count in evidence.counts.items() if commit not in undone}
    everything = history.everything & ~history.unchanged(evidence.closures)
    belief = believe(history, everything, counts, evidence.question.chances)
    return belief.of(1 << history.place[culprit])
