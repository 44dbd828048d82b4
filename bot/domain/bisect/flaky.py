"""The search when the test is flaky: what each run is worth for what it costs, and when enough is known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from statistics import fmean

from bot.domain.bisect import answers
from bot.domain.bisect.belief import Belief, believe
from bot.domain.bisect.evidence import Evidence
from bot.domain.bisect.history import History
from bot.domain.bisect.question import Answer, Plan, Running, Wanted

AGAIN = 0.7
"""What a run is worth beside another one of the same commit that has not ended."""
COARSE = 0.75
"""What is left of the doubt that is allowed where the rates are not known: those of a grid are believed a little more
than is right.
"""
NEGLIGIBLE = 1e-3
"""The probability below which suspects do not decide what is run next."""


def plan(evidence: Evidence, running: Sequence[Running], k: int) -> Plan:
    """Plan the runs of a flaky test, `k` at once. None is stopped before there is an answer."""
    question = evidence.question
    history = question.history
    suspects = history.everything & ~history.unchanged(evidence.closures)
    belief = believe(history, suspects, evidence.counts, question.chances)
    probes = [each for each in dict.fromkeys((*history.ends, *history.ids(suspects))) if evidence.can_run(each)]
    if answer := _answer(evidence, belief, _likeliest(evidence, belief, suspects, probes)):
        return Plan(stop=tuple(each.commit for each in running), answer=answer)
    wanted = max(0, k - len(running))
    chosen = choose(history, belief, _costs(evidence, probes), [each.commit for each in running], wanted)
    return Plan(tuple(Wanted(commit) for commit in chosen), left=suspects.bit_count())


def _answer(evidence: Evidence, belief: Belief, group: int) -> Answer | None:
    doubt = (1 - evidence.question.confident) * (1 if evidence.question.rates else COARSE)
    confident = 1 - doubt
    if belief.none >= confident:
        return answers.no_culprit(evidence, belief)
    if belief.of(group) >= confident:
        return answers.probable(evidence, belief, group)
    if len(evidence.trials) >= evidence.question.most_runs:
        return answers.out_of_runs(evidence)
    return None


def _likeliest(evidence: Evidence, belief: Belief, suspects: int, probes: Sequence[str]) -> int:
    """Give the most probable of the suspects (bits), together with those that no run can tell from it."""
    place = evidence.question.history.place
    if not suspects & ~sum(1 << place[each] for each in probes if each in place):
        likeliest = max(belief.cells, key=lambda cell: cell.each).commits
        return likeliest & -likeliest
    groups = [suspects]
    for probe in probes:
        held = evidence.holds(probe)
        groups = [part for group in groups for part in (group & held, group & ~held) if part]
    return max(groups, key=belief.of)


def _costs(evidence: Evidence, probes: Sequence[str]) -> dict[str, float]:
    """Give what a run takes at each commit, in seconds: at one that was run already there is nothing to build."""
    built = [trial.build_s for trial in evidence.trials if trial.result.tells and trial.build_s and not trial.moot]
    build = fmean(built or [0.0])
    return {commit: evidence.run_s + (0.0 if commit in evidence.own else build) for commit in probes}


def choose(history: History, belief: Belief, costs: Mapping[str, float], busy: Sequence[str], wanted: int) -> list[str]:
    """Choose so many commits to run the test at, maybe one several times; `busy` are the runs that have not ended.

    `costs` are the seconds that a run takes at each commit where the test can run. The worth of a run is the mutual
    information between its outcome and the culprit, in bits for each second.
    """
    tell = _Telling.of(belief)
    holds = {commit: history.holds[history.place[commit]] if commit in history.place else 0 for commit in costs}
    worth = {commit: tell.bits(holds[commit]) / cost * AGAIN ** busy.count(commit) for commit, cost in costs.items()}
    chosen: list[str] = []
    for _ in range(wanted if worth else 0):
        best = max(worth, key=worth.__getitem__)
        worth[best] *= AGAIN
        chosen.append(best)
    return chosen


@dataclass(frozen=True)
class _Telling:
    """What a run at a commit that holds no suspect would do and tell, and how each suspect in it changes that."""

    fails: float
    known: float
    cells: tuple[tuple[int, float, float], ...]

    @classmethod
    def of(cls, belief: Belief) -> "_Telling":
        fails = belief.none * belief.flake
        known = belief.none * entropy(belief.flake)
        cells = []
        for cell in belief.cells:
            count = cell.commits.bit_count()
            if cell.each * count < NEGLIGIBLE:
                continue
            apart = entropy(cell.outside)
            fails += cell.each * count * cell.outside
            known += cell.each * count * apart
            cells.append(
                (cell.commits, cell.each * (cell.inside - cell.outside), cell.each * (entropy(cell.inside) - apart))
            )
        return cls(fails, known, tuple(cells))

    def bits(self, held: int) -> float:
        """Give the bits that one run is expected to tell about the culprit, at a commit that holds these."""
        fails, known = self.fails, self.known
        for commits, failing, knowing in self.cells:
            inside = (commits & held).bit_count()
            fails += inside * failing
            known += inside * knowing
        return entropy(fails) - known


def entropy(chance: float) -> float:
    """Give the uncertainty of a yes or no, in bits."""
    if not 0.0 < chance < 1.0:
        return 0.0
    return -chance * log2(chance) - (1 - chance) * log2(1 - chance)
