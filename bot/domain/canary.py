"""What a canary is judged by: the requests of both tracks between two looks, the policy, and what is judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import accumulate

QUANTILE = 0.95
"""The quantile of latency that is compared; beyond it lies the share of slow requests that is allowed, 5 %."""


class Judgement(StrEnum):
    """What is to become of a canary, from best to worst: of several rules, the worst decides."""

    PROMOTE = "promote"
    INCONCLUSIVE = "inconclusive"
    HOLD = "hold"
    ROLLBACK = "rollback"

    @property
    def is_bad(self) -> bool:
        """Tell whether something is to be done about it."""
        return self in {Judgement.HOLD, Judgement.ROLLBACK}

    @property
    def rank(self) -> int:
        """How bad it is, 0 for the best."""
        return list(Judgement).index(self)


@dataclass(frozen=True)
class Counts:
    """The requests of one track between two looks; `errors` are those answered with 5xx.

    `buckets` holds how many lay between two of the look's `bounds` (not cumulative), and as its last value how many lay
    beyond them all; () when there is no histogram.
    """

    requests: int
    errors: int
    buckets: tuple[int, ...] = ()


@dataclass(frozen=True)
class Look:
    """What the counters of both tracks gained since the look before, `seconds` ago.

    A track is None when it has no series at all, which is not the same as no requests. `bounds` are the histogram's
    upper edges in seconds, ascending, without the infinite one. `missing` says why there are no numbers.
    """

    at: datetime
    seconds: float
    canary: Counts | None = None
    baseline: Counts | None = None
    bounds: tuple[float, ...] = ()
    missing: str = ""


@dataclass(frozen=True)
class Policy:
    """The thresholds. A rule on a dry run is shown and cannot decide.

    `errors_over`: the share (0..1) of 5xx beyond which a canary is rolled back. `latency_over_s`: how far its P95 may
    lie over the baseline's before it gets no more traffic; 0: latency is not judged. The windows are what is looked
    back on; a gross breach does not wait for their end. `fewest`: the canary's requests below which nothing is held
    against it. `settle_s`: how long after its first request a canary may be slow.
    """

    errors_over: float = 0.05
    errors_window_s: float = 60.0
    errors_dry_run: bool = False
    latency_over_s: float = 0.2
    latency_window_s: float = 30.0
    latency_dry_run: bool = False
    fewest: int = 10
    settle_s: float = 30.0


@dataclass(frozen=True)
class CanaryPlan:
    """How a service's canary is watched: which counters, by which label the tracks are told apart, the policy.

    `exposition` is an address that exposes the counters in Prometheus's text format; without it the service's
    Prometheus is asked. `requests` and `latency` select raw counters: a name and matchers, never an expression.
    `latency_unit` ("s" or "ms") is that of the buckets' edges. It is looked every `interval_s` seconds.
    """

    requests: str
    latency: str
    track_label: str = "track"
    canary: str = "canary"
    baseline: str = "baseline"
    exposition: str | None = None
    latency_unit: str = "s"
    interval_s: float = 1.0
    policy: Policy = Policy()


@dataclass(frozen=True)
class Reason:
    """What one rule says, in words for a person and in numbers for a page.

    `canary` and `baseline` are shares of 5xx (rule "errors") or P95 in seconds (rule "latency"), None where nothing is
    known; `canary_n` and `baseline_n` the requests behind them, in the last `window_s` seconds. `evidence` is how many
    to one the numbers say that the canary is not healthy. `decides` is False on a dry run.
    """

    rule: str
    judgement: Judgement
    words: str
    canary: float | None = None
    baseline: float | None = None
    canary_n: int = 0
    baseline_n: int = 0
    window_s: float = 0.0
    threshold: float = 0.0
    evidence: float = 1.0
    decides: bool = True


@dataclass(frozen=True)
class Judged:
    """The worst that a rule says which can decide, why, and the same in one line."""

    judgement: Judgement
    reasons: tuple[Reason, ...]
    words: str


def quantile(bounds: Sequence[float], buckets: Sequence[int], share: float = QUANTILE) -> float | None:
    """Estimate a quantile of latency in seconds: linear within its bucket, the last bound when it lies beyond that.

    For showing only: what lies within a bucket nobody knows, so nothing is judged by it. None without requests.
    """
    count = sum(buckets)
    if not count or not bounds:
        return None
    wanted, before = share * count, 0
    for index, upto in enumerate(accumulate(buckets[: len(bounds)])):
        if upto >= wanted:
            low = bounds[index - 1] if index else 0.0
            return low + (bounds[index] - low) * (wanted - before) / (upto - before)
        before = upto
    return bounds[-1]
