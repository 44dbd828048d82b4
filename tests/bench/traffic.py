"""Traffic of a canary and its baseline, second by second: by the hour of the day, in bursts, cold at first."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from bot.domain.canary import Counts, Look

Counted = NDArray[np.int32]
Shares = NDArray[np.float64]

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1.0)
USUAL = (0.765, 0.189, 0.0418, 0.0012, 0.001, 0.002)
"""Latency by bucket: log-normal around 30 ms, and one request in three hundred takes 300 ms to 3 s."""
SLOW = (0.0, 0.0, 0.0, 0.1, 0.4, 0.5)
FAILED = 0.002
TIMES = 9
"""The baseline has nine times the canary's requests."""
DAY = 86_400
COLD_EVERY, COLD_S, COLD_SLOW, COLD_FAILED = 14_400, 25, 0.4, 0.04
"""A new canary every four hours; for so long it is slow, and fails nearly as often as it may."""
BURSTS_A_DAY, BURST_S = 4, 120.0
_BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Track:
    """The sums up to each second, from 0: errors, and requests by bucket."""

    errors: Counted
    buckets: Counted

    @property
    def requests(self) -> Counted:
        """All requests up to each second."""
        summed: Counted = self.buckets.sum(axis=1, dtype=np.int32)
        return summed

    def counts(self, begins: int, ends: int) -> Counts:
        """Give what was counted in a stretch."""
        buckets = (self.buckets[ends] - self.buckets[begins]).tolist()
        return Counts(sum(buckets), int(self.errors[ends] - self.errors[begins]), tuple(buckets))


@dataclass(frozen=True)
class Traffic:
    """Both tracks, and the seconds at which a new canary gets its first traffic."""

    canary: Track
    baseline: Track
    begins: tuple[int, ...]

    @property
    def seconds(self) -> int:
        """How long it is."""
        return len(self.canary.errors) - 1

    def look(self, begins: int, ends: int) -> Look:
        """Look at a stretch of seconds at once."""
        at = _BEGAN + timedelta(seconds=ends)
        return Look(at, ends - begins, self.canary.counts(begins, ends), self.baseline.counts(begins, ends), BOUNDS)


def healthy(random: np.random.Generator, per_minute: float, seconds: int) -> Traffic:
    """Simulate a canary that is as good as its baseline: daily load, bursts that both share, cold starts."""
    time = np.arange(seconds)
    rate = per_minute / 60 * (1 + 0.7 * np.sin(2 * np.pi * time / DAY))
    noise = np.repeat(random.gamma(4, 1 / 4, seconds // 300 + 1), 300)[:seconds]
    failed, slow = FAILED * noise, np.zeros(seconds)
    for share in (failed, slow):
        for begins, ends, bad in _bursts(random, seconds):
            share[begins:ends] = np.maximum(share[begins:ends], bad)
    cold = (time % COLD_EVERY) < COLD_S
    canary = _track(
        random, rate, np.where(cold, np.maximum(failed, COLD_FAILED), failed), np.where(cold, COLD_SLOW, slow)
    )
    return Traffic(canary, _track(random, TIMES * rate, failed, slow), tuple(range(0, seconds, COLD_EVERY)))


def breaking(random: np.random.Generator, per_minute: float, share: float, after: int, seconds: int) -> Traffic:
    """Simulate a canary of which a share of requests fails from a second on."""
    rate, usual, none = np.full(seconds, per_minute / 60), np.full(seconds, FAILED), np.zeros(seconds)
    failed = np.where(np.arange(seconds) < after, FAILED, share)
    return Traffic(_track(random, rate, failed, none), _track(random, TIMES * rate, usual, none), (0,))


def steady(random: np.random.Generator, per_minute: float, shares: tuple[float, float], seconds: int) -> Traffic:
    """Simulate a canary and a baseline of which always the same shares fail."""
    none, rate = np.zeros(seconds), np.full(seconds, per_minute / 60)
    canary, baseline = (np.full(seconds, share) for share in shares)
    return Traffic(_track(random, rate, canary, none), _track(random, TIMES * rate, baseline, none), (0,))


def _bursts(random: np.random.Generator, seconds: int) -> Iterator[tuple[int, int, float]]:
    """Give when both tracks suffer, for how long, and how much: 2 to 60 % of their requests."""
    for _ in range(random.poisson(BURSTS_A_DAY / 2 * seconds / DAY)):
        begins = int(random.integers(seconds))
        ends = begins + 5 + int(random.exponential(BURST_S))
        yield begins, ends, float(np.exp(random.uniform(np.log(0.02), np.log(0.6))))


def _track(random: np.random.Generator, rate: Shares, failed: Shares, slow: Shares) -> Track:
    buckets = np.zeros((len(rate) + 1, len(USUAL)), np.int32)
    for place, (usual, slower) in enumerate(zip(USUAL, SLOW, strict=True)):
        buckets[1:, place] = random.poisson(rate * ((1 - slow) * usual + slow * slower))
    errors = np.zeros(len(rate) + 1, np.int32)
    errors[1:] = random.binomial(buckets[1:].sum(axis=1), failed)
    return Track(np.cumsum(errors, dtype=np.int32), np.cumsum(buckets, axis=0, dtype=np.int32))
