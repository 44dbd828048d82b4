"""How often the judge is wrong about a healthy canary, and how soon it is right about a sick one, beside others.

A year at each rate, in stretches of ten days: second by second from a seeded generator, daily load between 30 and
170 %, errors of 0.2 % that come in waves, four bursts a day that both tracks share (2 to 60 % failed, or slow), and a
new canary every four hours that is slow and fails nearly as often as it may for its first 25 s. The product's own
`observe` looks at every second with a bad request of the canary, and sums up what lies between two of them, since
looks without one add up to one look; once it is serious, it looks at every second. Then canaries that break after 40
minutes. All judges see the same traffic.
"""

import multiprocessing
from collections import Counter
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from statistics import median

import numpy as np

from bot.domain.canary import Judgement
from tests.bench.figures import load, quantile
from tests.bench.judges import OTHERS, acts, ours
from tests.bench.row import Row
from tests.bench.traffic import DAY, FAILED, breaking, healthy, steady

RATES = (10, 100, 1_000)
STRETCHES, STRETCH_DAYS, MONTHS = 36, 10, 12
TIMES_OVER, TRIALS, HEALTHY_S = (2, 5, 10), 20, 2_400
WAITED_S: Mapping[int, int] = {10: 4 * 3_600, 100: 3_600, 1_000: 3_600}
A_SECOND, GROSS, GROSS_TRIALS, GROSS_P95_S = 20, 0.2, 200, 8
"""A canary with 20 requests a second of which a fifth fails; ten seconds are allowed from there to a proposal."""
NEAR, NEAR_DAYS = ((0.04, FAILED), (0.04, 0.04)), 10
"""Shares of the canary and the baseline that fail all the time, at the highest rate."""
ALIKE = "both alike"
OURS = "ours"


@dataclass(frozen=True)
class Trial:
    """A canary that breaks: its rate a minute, the share that fails then, how long it is watched, and the seed."""

    per_minute: int
    share: float
    waited_s: int
    seed: int
    beside: bool = True


def run() -> Iterable[Row]:
    """Use all cores; the seeds are fixed, so the figures do not change with the machine."""
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for rate in RATES:
            seeds = [(rate, seed) for seed in range(STRETCHES)]
            yield _false_alarms(rate, sum(pool.map(_stretch, seeds), Counter[str]()))
        for shares in NEAR:
            yield _near(shares, sum(pool.map(_steady, ((shares, seed) for seed in range(NEAR_DAYS)))))
        for rate in RATES:
            for times in TIMES_OVER:
                trials = [Trial(rate, 0.05 * times, WAITED_S[rate], seed) for seed in range(TRIALS)]
                yield _detected(rate, times, list(pool.map(_delays, trials)))
        gross = [Trial(60 * A_SECOND, GROSS, 60, seed, beside=False) for seed in range(GROSS_TRIALS)]
        took = [delays[OURS] for delays in pool.map(_delays, gross, chunksize=10)]
    notes = f"median {median(took):.0f}, slowest {max(took)} of {len(took)}; a look every second, rollback; {load()}"
    name = f"{A_SECOND} requests/s of which {GROSS:.0%} fail: to the rollback, p95"
    yield Row(name, quantile(took, 0.95), "s", at_most=GROSS_P95_S, notes=notes)


def _false_alarms(rate: int, counted: Counter[str]) -> Row:
    others = ", ".join(f"{name} {counted[name] / MONTHS:.3g}" for name in OTHERS)
    notes = f"{MONTHS} months: {others}; ours held both tracks as failing alike {counted[ALIKE] / MONTHS:.3g}"
    return Row(f"false alarms a month, {rate:,} requests a minute", counted[OURS] / MONTHS, at_most=1, notes=notes)


def _near(shares: tuple[float, float], acted: int) -> Row:
    name = "rollbacks a day, canary always at {:.3g} %, baseline at {:.3g} %".format(*(100 * share for share in shares))
    return Row(name, acted / NEAR_DAYS, notes=f"{NEAR_DAYS} days, {RATES[-1]:,} requests a minute")


def _detected(rate: int, times: int, delays: list[Mapping[str, int]]) -> Row:
    took = {name: sorted(delay[name] for delay in delays) for name in (OURS, *OTHERS)}
    others = ", ".join(f"{name} {_median(took[name])}" for name in OTHERS)
    notes = f"{took[OURS][0]} .. {took[OURS][-1]} of {TRIALS}; {others}"
    name = f"canary at {times}x the threshold, {rate:,} requests a minute: found after"
    return Row(name, median(took[OURS]), "s", notes=notes)


def _median(delays: list[int]) -> str:
    middle = median(delays)
    return "never" if middle >= _NEVER else f"{middle:.0f} s"


def _stretch(given: tuple[int, int]) -> Counter[str]:
    """Count what each judge does against a healthy canary in ten days."""
    rate, seed = given
    traffic = healthy(np.random.default_rng((rate, seed)), rate, STRETCH_DAYS * DAY)
    alike: list[int] = []
    wrong: list[int] = []
    for second, judged in ours(traffic):
        (alike if judged.judgement is Judgement.HOLD and ALIKE_WORDS in judged.words else wrong).append(second)
    counted = Counter({OURS: len(acts(wrong)), ALIKE: len(acts(alike))})
    for name, judge in OTHERS.items():
        counted[name] += len(acts(np.flatnonzero(judge(traffic)).tolist()))
    return counted


def _steady(given: tuple[tuple[float, float], int]) -> int:
    """Count the rollbacks of a day."""
    shares, seed = given
    traffic = steady(np.random.default_rng(seed), RATES[-1], shares, DAY)
    return len(acts(second for second, judged in ours(traffic) if judged.judgement is Judgement.ROLLBACK))


def _delays(trial: Trial) -> Mapping[str, int]:
    """Give after how many seconds each judge acts against a canary that breaks."""
    random = np.random.default_rng((trial.per_minute, int(100 * trial.share), trial.seed))
    # Who measures every five minutes is not to be lucky, or unlucky, every time.
    after = HEALTHY_S + int(random.integers(300))
    traffic = breaking(random, trial.per_minute, trial.share, after, after + trial.waited_s)
    rolled_back = (second for second, judged in ours(traffic) if judged.judgement is Judgement.ROLLBACK)
    delays = {OURS: next((second - after for second in rolled_back if second > after), _NEVER)}
    for name, judge in OTHERS.items() if trial.beside else ():
        acted = np.flatnonzero(judge(traffic)) + 1
        delays[name] = next((int(second) - after for second in acted if second > after), _NEVER)
    return delays


ALIKE_WORDS = "both tracks fail alike"
_NEVER = 10**9
