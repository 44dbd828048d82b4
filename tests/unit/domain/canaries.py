"""Canaries as tests make them: looks a second apart, of so many requests, of which so many are bad."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from bot.domain.canary import Counts, Judged, Look, Policy
from bot.domain.judge import judge
from bot.domain.watch import Watch, observe
from tests.fakes import NOON

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0)
POLICY = Policy()


def track(requests: int, errors: int = 0, slow: int = 0, usual: int = 0) -> Counts:
    """Give counts: all requests in the bucket `usual`, but for the slow ones, which take longer than a second."""
    buckets = [0] * (len(BOUNDS) + 1)
    buckets[usual] += requests - slow
    buckets[-1] += slow
    return Counts(requests, errors, tuple(buckets))


def look(second: float, canary: Counts | None, baseline: Counts | None, seconds: float = 1.0) -> Look:
    return Look(NOON + timedelta(seconds=second), seconds, canary, baseline, BOUNDS)


def seconds(count: int, canary: Counts | None, baseline: Counts | None, after: float = 0.0) -> list[Look]:
    """Give a look for each of so many seconds, all alike."""
    return [look(after + second, canary, baseline) for second in range(1, count + 1)]


def watched(looks: Iterable[Look], policy: Policy = POLICY, watch: Watch | None = None) -> Watch:
    watch = watch or Watch()
    for each in looks:
        watch = observe(watch, each, policy)
    return watch


def judged(looks: Iterable[Look], policy: Policy = POLICY) -> Judged:
    return judge(watched(looks, policy), policy)


def story(looks: Iterable[Look], policy: Policy = POLICY) -> list[Judged]:
    """Judge after every look."""
    watch, told = Watch(), []
    for each in looks:
        watch = observe(watch, each, policy)
        told.append(judge(watch, policy))
    return told


def missing(second: float, why: str = "http://prometheus gave no answer within 3 s") -> Look:
    return replace(look(second, None, None), missing=why)
