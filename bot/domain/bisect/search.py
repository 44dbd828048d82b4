"""Which runs to start and to stop next, and the answer once there is one: a pure function of the runs so far.

Asked again with the same runs it plans the same, so that a bisect goes on where it was from its record alone.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from bot.domain.bisect import answers, flaky
from bot.domain.bisect.ends import refuted, unproven
from bot.domain.bisect.evidence import SETTLED, Evidence
from bot.domain.bisect.history import places
from bot.domain.bisect.proof import contradicted, lacking
from bot.domain.bisect.question import Answer, Plan, Question, Running, Wanted
from bot.domain.bisect.results import Purpose, Result, Trial


def plan(question: Question, trials: Sequence[Trial], running: Sequence[Running], k: int) -> Plan:
    """Plan for `k` runs at once, of which `running` have not ended."""
    evidence = Evidence(question, tuple(trials))
    disagreeing = evidence.disagreeing
    if disagreeing and all(evidence.ran(commit) >= SETTLED for commit in disagreeing):
        evidence = Evidence(question, tuple(trials), alone=True)
        disagreeing = set()
    if question.rates or evidence.flaky:
        return flaky.plan(evidence, running, k)
    answer = _answer(evidence, disagreeing)
    if answer is None and len(trials) >= question.most_runs:
        answer = answers.out_of_runs(evidence)
    if answer:
        return Plan(stop=tuple(each.commit for each in running), answer=answer)
    return _more(evidence, disagreeing, running, k)


def _answer(evidence: Evidence, disagreeing: set[str]) -> Answer | None:
    if answer := refuted(evidence):
        return answer
    if disagreeing or _ends(evidence) or _unsettled(evidence):
        return None
    suspects = evidence.suspects & ~evidence.before_the_test
    if not evidence.suspects or any(True for _ in _splits(evidence, suspects)):
        return None
    last = evidence.question.history.ids(suspects)
    if len(last) != 1 or evidence.suspects & evidence.before_the_test or not evidence.can_run(last[0]):
        return answers.suspects(evidence)
    (culprit,) = last
    if parent := contradicted(evidence, culprit):
        return answers.contradicted(evidence, culprit, parent)
    return None if lacking(evidence, culprit) else answers.culprit(evidence, culprit)


def _ends(evidence: Evidence) -> list[str]:
    """Give the ends to be run. Once the test was seen to be as before, a later commit stands for the old end.

    What is named then has parents that were run, so that it did change the test whatever the old end is.
    """
    old, seen = evidence.question.history.old, set(evidence.own.values())
    is_moot = evidence.question.find.before in seen and Result.ABSENT not in seen and old not in evidence.own
    return [commit for commit in unproven(evidence) if not (is_moot and commit == old)]


def _unsettled(evidence: Evidence) -> list[str]:
    """Give commits that contradict each other over what came later, and that did not run often enough to be sure."""
    both = dict.fromkeys(chain.from_iterable(evidence.undone))
    return [commit for commit in both if evidence.ran(commit) < SETTLED]


def _more(evidence: Evidence, disagreeing: set[str], running: Sequence[Running], k: int) -> Plan:
    """Plan the next runs: what is in doubt first, then the ends, then the search, then proof in advance."""
    suspects = evidence.suspects & ~evidence.before_the_test
    doubts = [commit for commit in sorted(disagreeing) if evidence.ran(commit) < SETTLED] + _unsettled(evidence)
    ends = _ends(evidence)
    proof = _proof(evidence, suspects, k)
    stop = tuple(each.commit for each in running if _moot(evidence, suspects, each, {*doubts, *ends, *proof}))
    busy = [each.commit for each in running if each.commit not in stop]
    queue = _Queue(busy, k)
    queue.add(Purpose.RETEST, doubts)
    # One of several runs at once belongs to the search, which the ends hold up seldom.
    queue.add(Purpose.ENDS, ends, keep=0 if k == 1 else 1)
    for commit in _probes(evidence, suspects, queue.busy, queue.free):
        queue.add(Purpose.SEARCH, [commit])
    queue.add(Purpose.ENDS, ends)
    queue.add(Purpose.RETEST, proof)
    return Plan(tuple(queue.start), stop, left=suspects.bit_count())


class _Queue:
    """What is to be started, as long as there is room."""

    def __init__(self, busy: Sequence[str], room: int) -> None:
        self.busy = list(busy)
        self.room = room
        self.start: list[Wanted] = []

    @property
    def free(self) -> int:
        """How many more can be started."""
        return max(0, self.room - len(self.busy))

    def add(self, purpose: Purpose, commits: Sequence[str], keep: int = 0) -> None:
        """Start runs at these commits, one for each time that it is named and does not run already."""
        wanted: dict[str, int] = {}
        for commit in commits:
            wanted[commit] = wanted.get(commit, 0) + 1
            if self.free > keep and self.busy.count(commit) < wanted[commit]:
                self.busy.append(commit)
                self.start.append(Wanted(commit, purpose))


def _splits(evidence: Evidence, suspects: int) -> Iterator[tuple[str, int]]:
    """Give the commits whose result would tell some suspects from others, with those that each one holds."""
    history = evidence.question.history
    for place in places(history.everything & ~history.unchanged(evidence.closures)):
        commit = history.commits[place].id
        held = history.holds[place] & suspects
        if held and held != suspects and commit not in evidence.own and evidence.can_run(commit):
            yield commit, held


def _probes(evidence: Evidence, suspects: int, busy: Sequence[str], free: int) -> list[str]:
    """Choose runs that, with those that have not ended, part the suspects most evenly."""
    splits = dict(_splits(evidence, suspects))
    cells = [suspects] if splits else []
    for commit in busy:
        cells = [
            part for cell in cells for part in (cell & splits.get(commit, 0), cell & ~splits.get(commit, 0)) if part
        ]
    shares = dict.fromkeys(cells, 1)
    for _ in range(free if cells else 0):
        shares[max(shares, key=lambda cell: cell.bit_count() / shares[cell])] += 1
    chosen: list[str] = []
    for cell, parts in shares.items():
        for part in range(1, parts):
            within = [
                commit for commit, held in splits.items() if held & cell and cell & ~held and commit not in chosen
            ]
            if within:
                chosen.append(min(within, key=_distance(splits, cell, cell.bit_count() * part / parts)))
    return chosen


def _distance(splits: dict[str, int], cell: int, target: float) -> Callable[[str], float]:
    return lambda commit: abs((splits[commit] & cell).bit_count() - target)


def _proof(evidence: Evidence, suspects: int, k: int) -> list[str]:
    """Give the runs that are wanted before one of the last suspects can be called the culprit."""
    if suspects.bit_count() > k + 1:
        return []
    last = evidence.question.history.ids(suspects)
    return [commit for culprit in reversed(last) for commit in lacking(evidence, culprit)]


def _moot(evidence: Evidence, suspects: int, run: Running, wanted: set[str]) -> bool:
    if run.commit in wanted:
        return False
    held = evidence.holds(run.commit) & suspects
    return not evidence.can_run(run.commit) or not held or held == suspects or run.commit in evidence.own
