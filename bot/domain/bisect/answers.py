"""The answers in words that tell the reason."""

from collections import Counter

from bot.domain.bisect.belief import Belief, believe
from bot.domain.bisect.evidence import Evidence
from bot.domain.bisect.history import SHORT, places
from bot.domain.bisect.proof import confidence
from bot.domain.bisect.question import Answer, Find, Kind
from bot.domain.bisect.results import Result

SHOWN = 5
"""How many commits of a posterior are shown."""
DONE = {Find.BREAK: "broke", Find.FIX: "mended"}


def culprit(evidence: Evidence, commit: str) -> Answer:
    """Name the commit that changed the test."""
    after, before = evidence.question.find.after, evidence.question.find.before
    why = f"The test is {after} at {commit[:SHORT]} and {before} at each of its parents, as often as it was run."
    if evidence.undone:
        why += " It changed more than once between the ends; this is the last change."
    sure = confidence(evidence, commit)
    return Answer(Kind.CULPRIT, why, commit, sure, runs=runs(evidence), posterior=((commit, sure),))


def suspects(evidence: Evidence) -> Answer:
    """Name the commits one of which it was, where the test cannot tell which."""
    history = evidence.question.history
    ids = history.ids(evidence.suspects)
    done = DONE[evidence.question.find]
    why = f"One of these {len(ids)} commits {done} the test: it cannot run at the commits between."
    if evidence.suspects & evidence.before_the_test:
        why = f"The test is {evidence.question.find.after} since it exists; it is absent at the older commits. "
        why += f"With overlay= it runs there too. It was one of these {len(ids)} commits."
    return Answer(Kind.SUSPECTS, why, confidence=1.0, suspects=ids, runs=runs(evidence))


def refuted(evidence: Evidence, commit: str, said: Result) -> Answer:
    """Tell that an end is not what it was said to be."""
    found, times = evidence.own[commit], evidence.ran(commit)
    why = f"{commit[:SHORT]} was said to be {said}, and is {found}: the test ran there {times} times, all {found}."
    # What is seen in none of n runs is rarer than this, with 95 % confidence.
    why += f" If it is flaky, it is {said} in less than {1 - 0.05 ** (1 / times):.0%} of its runs."
    if commit in evidence.question.history.forks:
        why += " It is where the older end left the way to the newer one."
    return Answer(Kind.REFUTED, why, runs=runs(evidence))


def no_test(evidence: Evidence, commit: str, seen: Result) -> Answer:
    """Tell that the test cannot run at the newer end."""
    reasons = (trial.why for trial in evidence.trials if trial.commit == commit and trial.why)
    why = f"The test is absent at {commit[:SHORT]}."
    if seen is Result.UNTESTABLE:
        why = f"{commit[:SHORT]} is untestable: {next(reasons, 'it does not build')}."
    return Answer(Kind.REFUTED, why, runs=runs(evidence))


def contradicted(evidence: Evidence, commit: str, parent: str) -> Answer:
    """Tell that the proof failed: the only commit left has a parent where the test says the same, or nothing."""
    seen = evidence.results[parent]
    why = f"The test is {evidence.question.find.after} at {commit[:SHORT]}, and its parent {parent[:SHORT]} is {seen}"
    if not seen.tells:
        return Answer(Kind.SUSPECTS, f"{why}: the change may be older.", suspects=(commit,), runs=runs(evidence))
    return Answer(Kind.UNDECIDED, f"{why} too: no single commit changed it.", suspects=(commit,), runs=runs(evidence))


def no_culprit(evidence: Evidence, belief: Belief) -> Answer:
    """Tell that the test is flaky at all commits alike."""
    why = f"No commit did it: the test is flaky, and fails in {belief.flake:.0%} of its runs before and after."
    return Answer(Kind.FLAKY, why, confidence=belief.none, runs=runs(evidence), posterior=_posterior(evidence, belief))


def probable(evidence: Evidence, belief: Belief, group: int) -> Answer:
    """Name the probable culprit of a flaky test, or the commits that no run can tell apart."""
    ids = evidence.question.history.ids(group)
    cell = next(cell for cell in belief.cells if cell.commits & group)
    why = (
        f"The test is flaky: it fails in {cell.inside:.0%} of its runs since this change, in {cell.outside:.0%} before."
    )
    kind = Kind.CULPRIT if len(ids) == 1 else Kind.SUSPECTS
    return Answer(
        kind,
        why,
        culprit=ids[0] if len(ids) == 1 else "",
        confidence=belief.of(group),
        suspects=ids if len(ids) > 1 else (),
        runs=runs(evidence),
        posterior=_posterior(evidence, belief),
    )


def out_of_runs(evidence: Evidence) -> Answer:
    """Tell what is known when no more runs are allowed."""
    history = evidence.question.history
    everything = history.everything & ~history.unchanged(evidence.closures)
    belief = believe(history, everything, evidence.counts, evidence.question.chances)
    posterior = _posterior(evidence, belief)
    why = f"Not decided after {len(evidence.trials)} runs, which is all that were allowed."
    likely = tuple(commit for commit, _ in posterior if commit)
    return Answer(Kind.UNDECIDED, why, suspects=likely, runs=runs(evidence), posterior=posterior)


def runs(evidence: Evidence) -> dict[str, int]:
    """Count the runs by purpose, and those that became moot."""
    return dict(Counter("moot" if trial.moot else trial.purpose.value for trial in evidence.trials))


def _posterior(evidence: Evidence, belief: Belief) -> tuple[tuple[str, float], ...]:
    commits = evidence.question.history.commits
    each = [(commits[place].id, cell.each) for cell in belief.cells for place in places(cell.commits)]
    return tuple(sorted([*each, ("", belief.none)], key=lambda pair: -pair[1])[:SHOWN])
