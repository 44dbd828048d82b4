"""The log of a bisect in git's own words, which `git bisect replay` takes.

Git knows one result for each commit and no doubt. What does not fit is said in comments, which git passes over: runs
that a flaky test makes worth little, and changes that were taken back later.
"""

from collections.abc import Iterator, Mapping, Sequence

from bot.domain.bisect.evidence import Evidence
from bot.domain.bisect.question import Answer, Find, Kind, Question
from bot.domain.bisect.results import Trial

_TERMS = {Find.BREAK: ("good", "bad"), Find.FIX: ("broken", "fixed")}
_START = {Find.BREAK: "git bisect start", Find.FIX: "git bisect start '--term-old=broken' '--term-new=fixed'"}
_SETTLED = {Kind.CULPRIT, Kind.SUSPECTS, Kind.UNDECIDED}


def replay(
    question: Question,
    trials: Sequence[Trial],
    answer: Answer,
    subjects: Mapping[str, str],
    *,
    first_parent: bool = False,
) -> str:
    """Write the log of a bisect that ended; `subjects` gives the first line of a commit's message, where known."""
    find = question.find
    start = _START[find] + (" '--first-parent'" if first_parent else "")
    log = _Log(Evidence(question, tuple(trials)), subjects)
    by_result = answer.kind in _SETTLED and not log.evidence.flaky
    told = log.of_results() if by_result else log.of_answer(answer)
    return "\n".join([start, *told, *log.ending(answer), ""])


class _Log:
    """Writes lines about commits."""

    def __init__(self, evidence: Evidence, subjects: Mapping[str, str]) -> None:
        self.evidence = evidence
        self._subjects = subjects
        self._old, self._new = _TERMS[evidence.question.find]

    def of_results(self) -> Iterator[str]:
        """Tell what each commit that was run is, in the order in which they were; the ends as it was said."""
        evidence, history = self.evidence, self.evidence.question.history
        yield from self._ends()
        last = history.everything
        for commit, seen in evidence.own.items():
            held = evidence.holds(commit)
            if commit in history.ends:
                continue
            if not seen.tells:
                yield f"# {seen.value}"
                yield from self._mark("skip", commit)
            elif seen is evidence.question.find.before:
                yield from self._mark(self._old, commit)
            elif held & ~last or commit in self._taken_back:
                yield self._comment(f"{self._new} too, and not the last change", commit)
            else:
                last = held
                yield from self._mark(self._new, commit)

    def of_answer(self, answer: Answer) -> Iterator[str]:
        """Tell how often the test failed at each commit, and mark only what follows from all of that together."""
        history = self.evidence.question.history
        for commit, count in self.evidence.counts.items():
            yield self._comment(f"failed {count.failed} of {count.runs}", commit)
        if answer.culprit:
            yield from self._ends()
            yield from self._mark(self._new, answer.culprit)
            for parent in history.commits[history.place[answer.culprit]].parents:
                yield from self._mark(self._old, parent)

    def ending(self, answer: Answer) -> Iterator[str]:
        """Tell what was found."""
        if answer.culprit:
            yield self._comment(f"first {self._new} commit", answer.culprit)
        elif answer.suspects:
            yield "# only skipped commits left to test"
            yield from (self._comment(f"possible first {self._new} commit", each) for each in answer.suspects)
        else:
            yield f"# {answer.why}"

    def _ends(self) -> Iterator[str]:
        history = self.evidence.question.history
        yield from self._mark(self._new, history.new)
        for commit in (history.old, *history.forks):
            yield from self._mark(self._old, commit)

    @property
    def _taken_back(self) -> set[str]:
        return {commit for commit, _ in self.evidence.undone}

    def _mark(self, term: str, commit: str) -> Iterator[str]:
        yield self._comment(term, commit)
        yield f"git bisect {term} {commit}"

    def _comment(self, what: str, commit: str) -> str:
        subject = " ".join(self._subjects.get(commit, "").split())
        return f"# {what}: [{commit}] {subject}".rstrip()
