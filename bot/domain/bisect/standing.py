"""Where a bisect stands, as people are shown it while it goes on: a bar of the range and a few words."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import pairwise
from math import floor
from typing import Any

from bot.domain.bisect.belief import believe
from bot.domain.bisect.evidence import Evidence
from bot.domain.bisect.history import SHORT, History, places
from bot.domain.bisect.question import Find, Question
from bot.domain.bisect.results import Result, Trial
from bot.domain.measures import duration

CELLS = 24
"""The widest bar, in signs: with its ends in words it fits on a phone's line."""
LAST = 3
"""How many of the latest runs, or of the likeliest commits, are shown."""
SURE = 0.99
"""The confidence from which something may be done without asking."""
SIGNS: Mapping[str, str] = {
    Result.GOOD: "░",
    Result.BAD: "█",
    Result.UNTESTABLE: "x",
    Result.ABSENT: "-",
    "open": "·",
}
_OPEN = SIGNS["open"]
_HEIGHTS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True)
class Sought:
    """What is searched, in the words of who asked: the test or the command, and both ends.

    `old` is "" as long as nobody knows it.
    """

    what: str
    new: str
    old: str = ""
    find: str = Find.BREAK.value

    def facts(self) -> dict[str, Any]:
        """Give what an entry of the timeline says of it."""
        return asdict(self)


@dataclass(frozen=True)
class Standing:
    """How far it is. `left` of `total` commits may have done it; both are 0 until the old end is known.

    `runs` are all that ended, in `elapsed_s` seconds since it was asked for. `last` are the latest commits that were
    run, newest first, with their results. Where the test is flaky, `likeliest` are commits and their probabilities
    (0..1), "" standing for no commit at all.
    """

    bar: str = ""
    left: int = 0
    total: int = 0
    runs: int = 0
    elapsed_s: float = 0.0
    last: tuple[tuple[str, str], ...] = ()
    likeliest: tuple[tuple[str, float], ...] = ()

    def facts(self) -> dict[str, Any]:
        """Give what an entry of the timeline says of it."""
        return asdict(self)

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> "Standing":
        """Read what an entry says."""
        words = {key: facts[key] for key in ("bar", "left", "total", "runs", "elapsed_s")}
        last = tuple((str(commit), str(result)) for commit, result in facts["last"])
        likeliest = tuple((str(commit), float(chance)) for commit, chance in facts["likeliest"])
        return cls(**words, last=last, likeliest=likeliest)


def standing(question: Question | None, trials: Sequence[Trial], elapsed_s: float) -> Standing:
    """Give where a bisect stands after these runs; there is no question while its old end is looked for."""
    told = [trial for trial in trials if not trial.moot]
    last = tuple((trial.commit, trial.result.value) for trial in reversed(told[-LAST:]))
    if question is None:
        return Standing(runs=len(told), elapsed_s=elapsed_s, last=last)
    evidence = Evidence(question, tuple(trials))
    total = len(question.history.commits)
    if question.rates or evidence.flaky:
        return _of_belief(evidence, Standing("", 0, total, len(told), elapsed_s, last))
    bar = "".join(_cells(tuple(_signs(evidence))))
    return Standing(bar, evidence.suspects.bit_count(), total, len(told), elapsed_s, last)


def lines(sought: Sought, seen: Standing) -> list[str]:
    """Say it in two or three short lines, `*` around what matters most."""
    head = f"*Bisecting {sought.what}*: {_left(sought, seen)}, {_spent(seen)}."
    bar = [_framed(sought, seen.bar)] if seen.bar else []
    if seen.likeliest:
        sure = ", ".join(f"{_named(commit)} {percent(chance)}" for commit, chance in seen.likeliest)
        return [head, *bar, f"Likeliest: {sure}"]
    last = ", ".join(f"{commit[:SHORT]} {result}" for commit, result in seen.last)
    return [head, *bar, *([f"Last: {last}"] if last else [])]


def percent(chance: float) -> str:
    """Write a probability, never more of it than there is: `87 %`, from 99 on with a tenth, never 100."""
    tenths = min(floor(chance * 1000), 999)
    return f"{tenths / 10:.1f} %" if tenths >= SURE * 1000 else f"{tenths // 10} %"


def counted(count: int, what: str) -> str:
    """Write a number of things."""
    return f"{count:,} {what}" + ("" if count == 1 else "s")


def _left(sought: Sought, seen: Standing) -> str:
    if not seen.total:
        return f"looking for a commit before {sought.new} that is {Find(sought.find).before}"
    return "the test is flaky" if seen.likeliest else f"{seen.left:,} of {counted(seen.total, 'commit')} left"


def _spent(seen: Standing) -> str:
    if not seen.runs:
        return "no test has run yet"
    return f"{counted(seen.runs, 'test run')} in {duration(timedelta(seconds=int(seen.elapsed_s)))}"


def _framed(sought: Sought, bar: str) -> str:
    find = Find(sought.find)
    return f"{find.before} `{bar}` {find.after}"


def _named(commit: str) -> str:
    return commit[:SHORT] or "no commit"


def _signs(evidence: Evidence) -> Iterator[str]:
    """Give a sign for each commit, oldest first: what it is, or that it may still be either."""
    history, find = evidence.question.history, evidence.question.find
    suspects, cleared = evidence.suspects, evidence.cleared
    unchanged = history.unchanged(evidence.closures)
    signs: dict[str, str] = {}
    for place, commit in enumerate(history.commits):
        known, bit = evidence.results.get(commit.id), 1 << place
        if known is not None and not known.tells:
            sign = SIGNS[known]
        elif cleared & bit:
            sign = SIGNS[find.before]
        elif suspects & bit:
            sign = _OPEN
        elif unchanged & bit:
            sign = next((signs[parent] for parent in commit.parents if parent in signs), SIGNS[find.before])
        else:
            sign = SIGNS[find.after]
        signs[commit.id] = sign
        yield sign


def _cells(signs: Sequence[str]) -> Iterator[str]:
    """Give each cell of the bar what most of its commits are; as long as one of them is open, the cell is."""
    for start, end in _bounds(len(signs)):
        cell = signs[start:end]
        yield _OPEN if _OPEN in cell else Counter(cell).most_common(1)[0][0]


def _bounds(count: int) -> Iterator[tuple[int, int]]:
    cells = min(CELLS, count)
    return pairwise(count * cell // cells for cell in range(cells + 1)) if cells else iter(())


def _of_belief(evidence: Evidence, so_far: Standing) -> Standing:
    """Show how probable it is that the culprit is in each part of the range."""
    history = evidence.question.history
    suspects = history.everything & ~history.unchanged(evidence.closures)
    belief = believe(history, suspects, evidence.counts, evidence.question.chances)
    chances = {place: cell.each for cell in belief.cells for place in places(cell.commits)}
    likeliest = sorted(chances, key=lambda place: -chances[place])[:LAST]
    named = [*((history.commits[place].id, chances[place]) for place in likeliest), ("", belief.none)]
    return Standing(
        bar="".join(_heights(history, chances)),
        left=suspects.bit_count(),
        total=so_far.total,
        runs=so_far.runs,
        elapsed_s=so_far.elapsed_s,
        last=so_far.last,
        likeliest=tuple(sorted(named, key=lambda pair: -pair[1])[:LAST]),
    )


def _heights(history: History, chances: Mapping[int, float]) -> Iterator[str]:
    sums = [sum(chances.get(at, 0.0) for at in range(*bounds)) for bounds in _bounds(len(history.commits))]
    highest = max(sums, default=0.0) or 1.0
    for chance in sums:
        yield _HEIGHTS[round(chance / highest * (len(_HEIGHTS) - 1))]
