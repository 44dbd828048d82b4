"""The judge: what is to become of a canary, by what its watch has seen. Of several rules the worst decides."""

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.domain.canary import Judged, Judgement, Policy, Reason, quantile
from bot.domain.evidence import Bar, enough, upper, value
from bot.domain.watch import BAR, BLAME_BAR, EXCESS_BAR, HEALTHY, SLOW, Span, Trial, Watch, settling_s, slow_from

_TINY, _IN_MINUTES = 0.1, 120
_SUSPECT = Bar(20)
"""Evidence of too many bad requests with which a canary is not promoted."""


@dataclass(frozen=True)
class _Sum:
    """The latest spans added up, so many of them; `seconds` is how long ago the first of them began."""

    spans: int = 0
    seconds: float = 0.0
    canary: int = 0
    bad: int = 0
    baseline: int = 0
    baseline_bad: int = 0

    @property
    def share(self) -> float:
        return self.bad / self.canary if self.canary else 0.0

    @property
    def baseline_share(self) -> float | None:
        return self.baseline_bad / self.baseline if self.baseline else None


@dataclass(frozen=True)
class _Case:
    """One rule: its trial, the share of bad requests that it allows, what it judges, and the words for it.

    `shown`: the numbers of both tracks that people compare.
    """

    trial: Trial
    over: float
    window_s: float
    told: Callable[[_Sum], str]
    shown: Callable[[_Sum], tuple[float | None, float | None]]
    broken: tuple[Judgement, str]
    alike: tuple[Judgement, str]
    unclear: tuple[Judgement, str]
    kept: str


def judge(watch: Watch, policy: Policy) -> Judged:
    """Say what is to become of the canary, and why."""
    reasons = [_errors(watch, policy)]
    if policy.latency_over_s:
        reasons.append(_latency(watch, policy))
    deciding = [reason for reason in reasons if reason.decides]
    if not deciding:
        return Judged(Judgement.INCONCLUSIVE, tuple(reasons), "every rule is on a dry run: none decides")
    worst = max((reason.judgement for reason in deciding), key=lambda each: each.rank)
    words = "; ".join(dict.fromkeys(reason.words for reason in deciding if reason.judgement == worst))
    return Judged(worst, tuple(reasons), words)


def _errors(watch: Watch, policy: Policy) -> Reason:
    reason = Reason(
        "errors", Judgement.INCONCLUSIVE, "", threshold=policy.errors_over, decides=not policy.errors_dry_run
    )
    if blind := _blind(watch, policy.errors_window_s):
        return replace(reason, words=blind)
    over = _percent(policy.errors_over)
    case = _Case(
        watch.errors,
        policy.errors_over,
        policy.errors_window_s,
        told=lambda seen: f"5xx {_percent(seen.share)} of {_requests(seen)} ({_beside(seen)})",
        shown=lambda seen: (seen.share, seen.baseline_share),
        broken=(Judgement.ROLLBACK, f"more than {over}: back to the baseline"),
        alike=(Judgement.HOLD, "both tracks fail alike: the canary is not the cause"),
        unclear=(Judgement.HOLD, f"not clear yet whether it is the canary that fails more than {over}"),
        kept=f"fewer than {over}",
    )
    return _ruled(reason, case, watch, policy)


def _latency(watch: Watch, policy: Policy) -> Reason:
    reason = Reason(
        "latency", Judgement.INCONCLUSIVE, "", threshold=policy.latency_over_s, decides=not policy.latency_dry_run
    )
    if blind := _blind(watch, policy.latency_window_s) or _untimed(watch, policy):
        return replace(reason, words=blind)
    over, usual = _time(policy.latency_over_s), quantile(watch.bounds, watch.usual.buckets)
    slow, beside = f"slower than {_time(watch.slow_s or 0.0)}", f", P95 {_time(usual or 0.0)}"
    case = _Case(
        watch.latency,
        SLOW,
        policy.latency_window_s,
        told=lambda seen: f"{_percent(seen.share)} of {_requests(seen)} {slow} ({_beside(seen)}{beside})",
        shown=lambda seen: (quantile(watch.bounds, _buckets(watch.latency.spans, seen)), usual),
        broken=(Judgement.HOLD, f"P95 more than {over} over the baseline: no new traffic to the canary"),
        alike=(Judgement.INCONCLUSIVE, "both tracks are slow alike: the canary is not the cause"),
        unclear=(Judgement.INCONCLUSIVE, "not clear yet whether it is the canary that is slow"),
        kept=f"P95 not {over} over the baseline",
    )
    return _ruled(reason, case, watch, policy)


def _ruled(reason: Reason, case: _Case, watch: Watch, policy: Policy) -> Reason:
    """Apply a rule: what it says, in words, and the counts that it says it of."""
    trial, breach = case.trial, _breach(case, watch, policy.fewest)
    seen = whole = _whole(trial.spans, watch)
    if breach is None:
        judgement, words = _unbroken(case, whole)
    elif not whole.baseline or BLAME_BAR.passed(trial.blame):
        seen, (judgement, words) = breach, case.broken
    elif (whole.baseline_share or 0.0) > HEALTHY * case.over:
        judgement, words = case.alike
    else:
        judgement, words = case.unclear
        judgement = judgement if whole.share > case.over else Judgement.INCONCLUSIVE
    canary, baseline = case.shown(seen)
    return replace(
        reason,
        judgement=judgement,
        words=f"{case.told(seen)}; {words}",
        canary=canary,
        baseline=baseline,
        canary_n=seen.canary,
        baseline_n=seen.baseline,
        window_s=seen.seconds,
        evidence=value(trial.evidence),
    )


def _breach(case: _Case, watch: Watch, fewest: int) -> _Sum | None:
    """Give the latest stretch of the window in which too many were bad, where it is clearest; None when it is not."""
    if not (BAR.passed(case.trial.evidence) and EXCESS_BAR.passed(case.trial.excess)):
        return None
    sums = _sums(case.trial.spans, watch)
    over = [seen for seen in sums if seen.canary >= fewest and seen.share > case.over]
    return max(over, key=lambda seen: _weight(seen, case.over), default=None)


def _weight(seen: _Sum, over: float) -> float:
    """Weigh a stretch: the likelihood of its counts under its own share, against the share that may be."""
    good = seen.canary - seen.bad
    weight = seen.bad * math.log(seen.share / over)
    return weight + (good * math.log((1 - seen.share) / (1 - over)) if good else 0.0)


def _unbroken(case: _Case, whole: _Sum) -> tuple[Judgement, str]:
    """Say whether a canary that nothing is proven against is known to be well."""
    over, needed = _percent(case.over), enough(case.over)
    if whole.canary < needed and not whole.bad:
        return Judgement.INCONCLUSIVE, f"too few to tell: it takes {needed}"
    if whole.seconds < case.window_s:
        return Judgement.INCONCLUSIVE, f"watched for {whole.seconds:.0f} s of {case.window_s:.0f}"
    highest = upper(whole.bad, whole.canary)
    if highest >= case.over:
        return Judgement.INCONCLUSIVE, f"not clear yet: up to {_percent(highest)} is possible, {over} is too much"
    if _SUSPECT.passed(case.trial.excess):
        return Judgement.INCONCLUSIVE, f"not clear yet: lately it looks like more than {over}"
    return Judgement.PROMOTE, case.kept


def _blind(watch: Watch, window_s: float) -> str:
    """Say why nothing can be judged; "" when something can."""
    if watch.at is None:
        return "nothing has been measured yet"
    if watch.missing:
        return f"the numbers cannot be read: {watch.missing}"
    if not watch.has_canary:
        return "there are no numbers of the canary"
    if watch.last_at is None or watch.at - watch.last_at >= timedelta(seconds=window_s):
        return f"no request has reached the canary for {_long(window_s)}"
    return ""


def _untimed(watch: Watch, policy: Policy) -> str:
    """Say why latency cannot be judged though there are requests; "" when it can."""
    if not watch.bounds:
        return "there is no histogram of latency"
    if left_s := settling_s(watch, policy):
        return f"the canary has only just started: how fast it is counts in {left_s:.0f} s"
    if unknown := slow_from(watch.bounds, watch.usual.buckets, policy.latency_over_s)[1]:
        return unknown
    if not watch.latency.spans or _since(watch.latency.spans[-1], watch) >= policy.latency_window_s:
        return "how long the canary's requests take has not been measured lately"
    return ""


def _sums(spans: Sequence[Span], watch: Watch) -> Iterator[_Sum]:
    """Add up the last span, the last two, and so on."""
    seen = _Sum()
    for span in reversed(spans):
        seen = _Sum(
            seen.spans + 1,
            _since(span, watch),
            seen.canary + span.canary,
            seen.bad + span.canary_bad,
            seen.baseline + span.baseline,
            seen.baseline_bad + span.baseline_bad,
        )
        yield seen


def _whole(spans: Sequence[Span], watch: Watch) -> _Sum:
    return deque(_sums(spans, watch), maxlen=1).pop() if spans else _Sum()


def _since(span: Span, watch: Watch) -> float:
    return span.seconds + (watch.at - span.at).total_seconds() if watch.at else 0.0


def _buckets(spans: Sequence[Span], seen: _Sum) -> tuple[int, ...]:
    """Add up the canary's histogram over the spans that a sum is of."""
    return tuple(map(sum, zip(*(span.buckets for span in spans[-seen.spans :]), strict=True)))


def _requests(seen: _Sum) -> str:
    return f"{seen.canary:,} requests in {_long(seen.seconds)}"


def _beside(seen: _Sum) -> str:
    share = seen.baseline_share
    return "no baseline to compare with" if share is None else f"baseline {_percent(share)} of {seen.baseline:,}"


def _percent(share: float) -> str:
    """Write a share so that a small one is not lost: 19.8 %, 0.2 %, 0.04 %, 5 %."""
    percent = 100 * share
    digits = 2 if 0 < percent < _TINY else 1
    return f"{percent:.{digits}f}".rstrip("0").rstrip(".") + " %"


def _time(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.3g} s"


def _long(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < _IN_MINUTES else f"{seconds / 60:.0f} min"
