"""Whether the buckets of a histogram can answer what it is asked: what was promised, and where most of it lies.

A share up to a bound is exact only where a bucket ends (prometheus.io/docs/practices/histograms, "Apdex score" and
"Errors of quantile estimation"); anything between two bounds is interpolated.
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from bot.domain.audits.metric_family import Family
from bot.domain.audits.remark import Grade, Remark

ENOUGH = 100
"""Observations from which it can be said where they lie."""
CROWDED = 0.95
"""In one bucket: then quantiles are the bounds of that bucket, whatever happened."""
BEYOND = 0.1
"""Above the last bound: P90 cannot be told."""
FAR = 2.0
"""Two bounds around a promise that are further apart tell nothing of it."""
_ANSWERS = re.compile(r"(^|_)(request|requests|response|http|grpc|rpc)_", re.IGNORECASE)
_SHARES = (0.25, 0.5, 1.0, 2.0, 4.0)
_SCALE = {"ms": 1e3, "milliseconds": 1e3, "millis": 1e3, "us": 1e6, "microseconds": 1e6, "micros": 1e6, "ns": 1e9}


def on_buckets(of_targets: Iterable[Family], slo_s: float | None) -> Iterator[Remark]:
    """Judge the histogram of one name by all of its targets of the same bounds; `slo_s` is what was promised."""
    merged = _merged(of_targets)
    if merged is None:
        return
    if not merged.bounds:
        better = "give it buckets, with one at what is promised"
        yield Remark(Grade.WRONG, "buckets", merged.name, "a histogram without buckets tells a mean, no more", better)
        return
    yield from _promised(merged, slo_s)
    yield from _observed(merged)


def _merged(of_targets: Iterable[Family]) -> Family | None:
    """Add up what targets with the same bounds observed; those of most targets count."""
    alike: dict[tuple[float, ...], list[Family]] = defaultdict(list)
    for each in of_targets:
        if each.kind == "histogram" and each.series and each.buckets is not None:
            alike[tuple(bound for bound, _ in each.buckets)].append(each)
    if not alike:
        return None
    bounds, group = max(alike.items(), key=lambda one: (len(one[1]), len(one[0])))
    counts = [
        sum(values) for values in zip(*([count for _, count in each.buckets or ()] for each in group), strict=True)
    ]
    return replace(group[0], buckets=tuple(zip(bounds, counts, strict=True)), sum=sum(each.sum for each in group))


def _promised(family: Family, slo_s: float | None) -> Iterator[Remark]:
    if slo_s is None or not _ANSWERS.search(family.name) or _scale(family.name) is None:
        return
    promised = slo_s * (_scale(family.name) or 1)
    if any(math.isclose(bound, promised, rel_tol=1e-6) for bound in family.bounds):
        return
    below = max((bound for bound in family.bounds if bound < promised), default=0.0)
    above = min((bound for bound in family.bounds if bound > promised), default=math.inf)
    is_far = not below or above / below > FAR
    what = f"no bucket ends at {promised:g}, which is promised: between {below:g} and {above:g} nobody can tell"
    better = f'add the bucket le="{promised:g}"; then the share that kept it is exact'
    yield Remark(Grade.WRONG if is_far else Grade.RISKY, "buckets", family.name, what, better)


def _scale(name: str) -> float | None:
    """Give how many of its unit a second is; None where it measures no time."""
    words = name.lower().split("_")
    if "seconds" in words:
        return 1.0
    return next((_SCALE[word] for word in words if word in _SCALE), None)


def _observed(family: Family) -> Iterator[Remark]:
    buckets = family.buckets or ()
    last, total = buckets[-1]
    # Without `le="+Inf"`, which every histogram should have, nobody knows how many lie above the last.
    if last != math.inf or total < ENOUGH:
        return
    counts = [count for _, count in buckets]
    within = [count - before for before, count in zip([0.0, *counts], counts, strict=False)]
    fullest = max(range(len(within)), key=within.__getitem__)
    share, beyond = within[fullest] / total, within[-1] / total
    bounds = (0.0, *family.bounds, math.inf)
    better = f"buckets around the mean of {family.sum / total:.2g}: {_around(family.sum / total)}"
    if beyond >= BEYOND:
        what = f"{beyond:.0%} of {total:.0f} lie above its last bucket, {bounds[-2]:g}: no bucket tells how far"
        yield Remark(Grade.WRONG, "buckets", family.name, what, better)
    elif share >= CROWDED and fullest == 0:
        what = f"{share:.0%} of {total:.0f} lie below its first bucket, {bounds[1]:g}: the others are of no use now"
        yield Remark(Grade.WEAK, "buckets", family.name, what, better)
    elif share >= CROWDED:
        what = f"{share:.0%} of {total:.0f} lie in one bucket, {bounds[fullest]:g} to {bounds[fullest + 1]:g}"
        yield Remark(Grade.RISKY, "buckets", family.name, f"{what}: every quantile is a guess within it", better)


def _around(mean: float) -> str:
    return ", ".join(f"{mean * share:.1g}" for share in _SHARES)
