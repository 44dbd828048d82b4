"""Where the search begins when nobody said: back from the new end in steps that double, until the test is otherwise."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.bisect.history import SHORT
from bot.domain.bisect.question import Answer, Find, Kind, Running, Wanted
from bot.domain.bisect.results import Purpose, Result, Trial


@dataclass(frozen=True)
class Retreat:
    """What to start and to stop; the old end once there is one; and whether the first commit of all was passed."""

    start: tuple[Wanted, ...] = ()
    stop: tuple[str, ...] = ()
    old: str = ""
    exhausted: bool = False


def retreat(
    line: Sequence[str], trials: Sequence[Trial], running: Sequence[Running], k: int, find: Find = Find.BREAK
) -> Retreat:
    """Look `k` steps back at once along a line of first parents, newest first, which begins with the new end.

    A commit without the test is an old end, too: what is older does not have it either.
    """
    results = {trial.commit: trial.result for trial in trials if not trial.moot}
    steps = list(_steps(line))
    old = next((each for each in steps if results.get(each) in {find.before, Result.ABSENT}), "")
    busy = [each.commit for each in running]
    if old:
        return Retreat(stop=tuple(busy), old=old)
    ahead = [each for each in steps if each not in results and each not in busy]
    room = max(0, k - len(busy))
    start = tuple(Wanted(each, Purpose.ENDS) for each in ahead[:room])
    return Retreat(start, exhausted=not ahead and not busy)


def _steps(line: Sequence[str]) -> Iterator[str]:
    """Give each commit 1, 2, 4, 8 ... back, and at last the first of all."""
    back = 1
    while back < len(line) - 1:
        yield line[back]
        back *= 2
    if len(line) > 1:
        yield line[-1]


def nowhere_else(line: Sequence[str], trials: Sequence[Trial], find: Find) -> Answer:
    """Tell that no older commit is otherwise, as far as they can be tested."""
    ran = [trial.commit for trial in trials if not trial.moot and trial.result.tells]
    oldest = next((each for each in reversed(line) if each in ran), line[0])
    back = "the first commit of all" if oldest == line[-1] else "the oldest at which it runs"
    why = f"The test is {find.after} at every commit that was tried, back to {oldest[:SHORT]}, {back}."
    return Answer(Kind.REFUTED, why)
