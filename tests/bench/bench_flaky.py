"""How many runs it takes to find the commit that made a test fail more often, beside git-bayesect and git with repeats.

The test fails in 30 % of its runs since the culprit and in 5 % before it, in 200 commits; or no commit changed it. Each
search is given up after MOST runs, so that all of it takes some 8 minutes on 2 cores.
"""

import multiprocessing
import random
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import chain
from statistics import fmean

from bot.domain.bisect.question import Rates
from tests.bench.figures import load, quantile
from tests.bench.flaky_searches import Case, Outcome, bayesect, git, ours
from tests.bench.row import Row

TRIALS, OTHERS, THEIRS = 200, 60, 20
"""Searches at the rates above, of each other kind, and of git-bayesect where there is no culprit."""
SIZE, PRUNED = 200, 40
RATES = Rates(bad=0.3, good=0.05)
OTHER_RATES = (Rates(0.8, 0.2), Rates(0.5, 0.0), Rates(1.0, 0.1))
FLAKES = (0.05, 0.2, 0.5, 0.8)
REPEATS = (5, 14, 27, 53)
BURSTS, BURST = 6, 5
CONFIDENT = 0.95
"""When each search stops."""
ALL = "mean runs"
Search = Callable[..., Iterable[Outcome]]


def run() -> Iterable[Row]:
    """Use all cores; the seeds are fixed, so the figures do not change with the machine."""
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        search = partial(pool.map, chunksize=5)
        known = list(search(ours, cases(SIZE, told=True)))
        yield from _rows(f"rates known, {SIZE} commits", known, at_most=105)
        yield from _rows(f"rates known, {PRUNED} commits", list(search(ours, cases(PRUNED, told=True))), at_most=80)
        yield _with_repeats([list(search(partial(git, repeats=repeats), cases(SIZE))) for repeats in REPEATS])
        unknown, theirs = list(search(ours, cases(SIZE))), list(search(bayesect, cases(SIZE)))
        yield from _rows(f"rates unknown, {SIZE} commits", unknown, at_most=180)
        yield _beside(unknown, theirs)
        yield from _rows("rates unknown, 4 runs at once", list(search(ours, cases(SIZE, k=4)[:OTHERS])))
        yield _calibrated("rates unknown", unknown)
        yield from (_calibrated(what, list(search(ours, made))) for what, made in _others())
        yield from (_no_culprit(rate, search) for rate in FLAKES)


def cases(size: int, *, told: bool = False, k: int = 1) -> list[Case]:
    """Give tests whose culprit is anywhere."""
    drawn = random.Random(size)  # noqa: S311 - seeds, no secrets
    return [Case(size, RATES, drawn.randint(1, size), seed, told, k) for seed in range(TRIALS)]


def _others() -> Iterable[tuple[str, list[Case]]]:
    """Give tests that fail at other rates, at any of which the higher is twice the lower, or cannot run everywhere."""
    drawn = random.Random(1)  # noqa: S311 - seeds, no secrets
    for rates in OTHER_RATES:
        what = f"fails {rates.bad:.0%} / {rates.good:.0%}, unknown"
        yield what, [Case(SIZE, rates, drawn.randint(1, SIZE), seed) for seed in range(OTHERS)]
    made = []
    for seed in range(OTHERS):
        bad = drawn.uniform(0.2, 0.95)
        made.append(Case(SIZE, Rates(bad, drawn.uniform(0, min(0.4, bad / 2))), drawn.randint(1, SIZE), seed))
    yield "any rates, unknown", made
    made = []
    for seed in range(OTHERS):
        bursts = (range(start, start + BURST) for start in drawn.sample(range(1, SIZE - BURST), BURSTS))
        gaps = frozenset(chain.from_iterable(bursts))
        made.append(Case(SIZE, Rates(0.5, 0.05), drawn.randint(1, SIZE), seed, unbuildable=gaps))
    yield f"fails 50% / 5%, {BURSTS} bursts unbuildable", made


def _rows(what: str, outcomes: Sequence[Outcome], at_most: float | None = None) -> Iterable[Row]:
    runs = [outcome.runs for outcome in outcomes]
    missed = [outcome for outcome in outcomes if not outcome.right]
    none = sum(outcome.said == (0,) for outcome in missed)
    notes = f"p90 {quantile(runs, 0.9)}; {len(outcomes)} trials, fails {RATES.bad:.0%} / {RATES.good:.0%}"
    yield Row(f"{what}: {ALL}", fmean(runs), at_most=at_most, notes=notes)
    notes = f"said {fmean(outcome.confidence for outcome in outcomes):.3f}; {len(missed)} wrong, {none} `no culprit`"
    yield Row(f"{what}: right", 1 - len(missed) / len(outcomes), at_least=0.95, notes=notes)


def _beside(outcomes: Sequence[Outcome], theirs: Sequence[Outcome]) -> Row:
    ratio = fmean(outcome.runs for outcome in outcomes) / fmean(outcome.runs for outcome in theirs)
    runs = [outcome.runs for outcome in theirs]
    right = fmean(outcome.right for outcome in theirs)
    notes = f"git-bayesect: mean {fmean(runs):.0f}, p90 {quantile(runs, 0.9)}, right {right:.3f}; same traces; {load()}"
    return Row("rates unknown: runs, ours / git-bayesect", ratio, "x", at_most=1, notes=notes)


def _calibrated(what: str, outcomes: Sequence[Outcome]) -> Row:
    sure = [outcome for outcome in outcomes if outcome.confidence >= CONFIDENT]
    runs = [outcome.runs for outcome in outcomes]
    notes = f"{len(sure)} of {len(outcomes)} answers, said {fmean(outcome.confidence for outcome in sure):.3f}; "
    notes += f"mean runs {fmean(runs):.0f}, p90 {quantile(runs, 0.9)}"
    right = fmean(outcome.right for outcome in sure)
    return Row(f"{what}: right of what is sure by {CONFIDENT:.0%}", right, at_least=CONFIDENT, notes=notes)


def _with_repeats(outcomes: Sequence[Sequence[Outcome]]) -> Row:
    each = [f"{fmean(one.runs for one in some):.0f} runs {fmean(one.right for one in some):.2f}" for some in outcomes]
    best = max(fmean(one.right for one in some) for some in outcomes)
    return Row("git bisect with repeats, rates known: right", best, notes="; ".join(each))


def _no_culprit(rate: float, search: Search) -> Row:
    flakes = [Case(SIZE, Rates(rate, rate), 0, seed) for seed in range(OTHERS)]
    outcomes, theirs = list(search(ours, flakes)), list(search(bayesect, flakes[:THEIRS]))
    notes = f"mean runs {fmean(one.runs for one in outcomes):.0f}, said {fmean(one.confidence for one in outcomes):.3f}"
    notes += f"; git-bayesect: {fmean(one.right for one in theirs):.2f} of {THEIRS}, git bisect: never"
    none = fmean(outcome.right for outcome in outcomes)
    return Row(f"pure flake, fails {rate:.0%}: called no culprit", none, at_least=0.95, notes=notes)
