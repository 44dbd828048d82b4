"""How long it takes to name the commit that broke a Go test, beside `git bisect run` with its usual and best script.

All search the same made histories, a tenth of which does not build, in an order by chance, each from a cache of builds
that holds Go's library. The test is one of a service: it asks a server of its own, which computes or waits. It takes
up to 25 minutes, most of which git waits.
"""

import random
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from tests.bench.bisects import Contest, Named
from tests.bench.figures import load, scratch, spread
from tests.bench.row import Row
from tests.bisecting.histories import Made, bursty, make

CULPRITS = (0.685, 0.3, 0.9, 0.12, 0.5)
"""Where in the history the culprit is, in each repeat."""
OURS, TIGHT, USUAL = "ours", "tight", "usual"


@dataclass(frozen=True)
class Case:
    """Histories of a size, a test, how many times faster than each script it is to be, and when to stop repeating."""

    commits: int
    waits_s: float
    works_s: float
    at_least: dict[str, float]
    seconds: float = 300.0

    @property
    def name(self) -> str:
        """What the figures are of."""
        return f"{self.commits} commits, test {f'waits {self.waits_s:g}' if self.waits_s else 'computes 0.2'} s"

    def made(self, folder: Path, repeat: int) -> Made:
        """Make the history of one repeat."""
        shape = bursty(self.commits, round(CULPRITS[repeat] * self.commits), seed=repeat)
        return make(folder, replace(shape, waits_s=self.waits_s, works_s=self.works_s, serves=True))


CASES = (
    Case(200, 0.0, 0.2, {TIGHT: 2.0, USUAL: 3.0}),
    Case(2_000, 0.0, 0.2, {TIGHT: 2.0, USUAL: 3.0}),
    Case(200, 2.0, 0.0, {TIGHT: 2.5, USUAL: 2.5}),
    Case(200, 10.0, 0.0, {TIGHT: 4.0}, seconds=600.0),
)


def run() -> Iterable[Row]:
    """Measure each case until its repeats, or its time, are over."""
    with scratch() as folder:
        contest = Contest(folder)
        contest.warm(make(folder / "warm", replace(bursty(10, 5), serves=True)))
        for number, case in enumerate(CASES):
            yield from _rows(case, _measured(contest, case, folder / str(number)))


def _measured(contest: Contest, case: Case, folder: Path) -> dict[str, list[Named]]:
    order = random.Random(case.commits)  # noqa: S311 - it must be repeatable
    measured: dict[str, list[Named]] = {OURS: [], **{each: [] for each in case.at_least}}
    until = time.monotonic() + case.seconds
    for repeat in range(len(CULPRITS)):
        if repeat and time.monotonic() > until:
            break
        made = case.made(folder / str(repeat), repeat)
        for name in order.sample(sorted(measured), len(measured)):
            measured[name].append(contest.name(name, made))
    return measured


def _rows(case: Case, measured: dict[str, list[Named]]) -> Iterator[Row]:
    ours = measured[OURS]
    for script, at_least in case.at_least.items():
        theirs = measured[script]
        # Both of a pair searched the same history; the time to load a program is told beside, and not held to a bound.
        ratios = [one.seconds / own.searched_s for one, own in zip(theirs, ours, strict=True)]
        whole = median(one.seconds / own.seconds for one, own in zip(theirs, ours, strict=True))
        notes = f"{_told(theirs)}; ours {_told(ours)}; {whole:.2f} x with the start of our program; {load()}"
        yield Row(f"{case.name}: time, {script} script / ours", median(ratios), "x", at_least=at_least, notes=notes)
    each = "; ".join(f"{name} {sum(one.right for one in some)}" for name, some in measured.items())
    right = sum(one.right for one in ours) / len(ours)
    yield Row(f"{case.name}: right culprit", right, at_least=1.0, notes=f"of {len(ours)}: {each}")


def _told(some: Sequence[Named]) -> str:
    return f"{spread([one.searched_s for one in some])} s, {median(one.runs for one in some):g} runs"
