"""What is wrong with the metrics that a service exposes.

The rules are Prometheus's own on names and units (prometheus.io/docs/practices/naming) and on types
(.../practices/histograms, .../practices/instrumentation), as far as an exposition tells; the document is what
`describe` makes of one, and `slo_s` what the service promises its users.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from bot.domain.audits.metric_buckets import on_buckets
from bot.domain.audits.metric_family import Family, families
from bot.domain.audits.metric_names import on_labels, on_name, on_suffix, on_unit, renamed
from bot.domain.audits.remark import Grade, Remark

MOST_SERIES = 1_000
"""Of one metric and target: ten of these, and a small Prometheus holds little else."""
MOST_VALUES = 100
"""Of one label, as far as one target shows it."""
FEWEST_IDS = 3
"""Values of a label that all look like ids, before it is believed."""
_DISTRIBUTED = re.compile(r"(^|_)(duration|latency|response_time|request_size|response_size|elapsed)(_|$)")
_MOMENT = re.compile(r"(^|_)(last|max|min|oldest|timestamp|start_time|uptime|age|limit|target)(_|$)")
_WORKED_OUT = re.compile(r"(^|_)(avg|average|mean|median|p\d{2,4}|percentile|quantile)(_|$)")
_COUNTED = (
    r"\w*[^\Ws_]s|request|error|failure|message|event|packet|query|call|job|task|transaction|order|operation|read|write"
    r"|hit|miss|retry|drop"
)
_RATE = re.compile(rf"(?:(\w+)_)?(?:per_second|per_minute|qps|rps|rpm)|((?:\w+_)?(?:{_COUNTED}))_rate")
"""Of what is counted: a `sampling_rate`, `frame_rate` or `exchange_rate` is a setting, or a value of its own."""
_HEX, _ID = r"[0-9a-f]{16,}", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_UNBOUNDED = re.compile(
    rf"{_ID}|{_HEX}|\d{{6,}}|[^@\s/]+@[^@\s/]+\.[a-z]+|\d+\.\d+\.\d+\.\d+(:\d+)?|/(.*/)?({_ID}|{_HEX}|\d+)(/.*)?",
    re.IGNORECASE,
)
_BOUNDLESS = "leave out what has no bound (ids, paths with ids, addresses, messages); it belongs in logs and traces"


def judge(document: Mapping[str, Any]) -> tuple[Remark, ...]:
    """Give what should be otherwise; what every target exposes alike is told once."""
    named: dict[str, list[Family]] = defaultdict(list)
    for family in families(document):
        named[family.name].append(family)
    own = {name: found for name, found in named.items() if not found[0].is_foreign}
    slo_s = document.get("slo_s")
    return (
        *(remark for found in named.values() for remark in _of(max(found, key=lambda each: each.series))),
        *(remark for found in named.values() for remark in _repeated(found)),
        *(remark for found in own.values() for remark in _replicas(found)),
        *(remark for found in own.values() for remark in on_buckets(found, slo_s)),
        *_twice(own),
    )


def _of(family: Family) -> Iterable[Remark]:
    yield from _cardinality(family)
    if family.is_foreign:
        return
    yield from _help(family)
    for rule in (on_name, on_suffix, on_unit, on_labels):
        yield from rule(family)
    yield from _types(family)


def _cardinality(family: Family) -> Iterable[Remark]:
    crowded = [f"{label} has {count} values" for label, count in family.labels.items() if count > MOST_VALUES]
    if crowded or family.series > MOST_SERIES:
        told = "; ".join(crowded) or "many labels with many values"
        what = f"{family.series} series on {family.target}: {told}"
        yield Remark(Grade.WRONG, "cardinality", family.name, what, _BOUNDLESS)
        return
    for label, values in family.values.items():
        if len(values) >= FEWEST_IDS and all(_UNBOUNDED.fullmatch(value) for value in values):
            what = f"its label {label} has values such as {values[0]}: there will be ever more of them"
            yield Remark(Grade.RISKY, "cardinality", family.name, what, _BOUNDLESS)


def _help(family: Family) -> Iterable[Remark]:
    if not family.help:
        yield Remark(Grade.WEAK, "help", family.name, "it has no help text", "say in a sentence what it counts")


def _types(family: Family) -> Iterable[Remark]:
    name = family.name
    if family.kind in {"untyped", "unknown", ""}:
        yield Remark(Grade.WEAK, "type", name, "it has no type", f"add `# TYPE {name} ...`")
    if family.kind == "gauge":
        yield from _gauge(name)
    if family.kind == "summary" and "quantile" in family.labels:
        what = "quantiles of several targets cannot be put together"
        yield Remark(Grade.RISKY, "type", name, what, "make it a histogram; the quantile is asked for in the query")


def _gauge(name: str) -> Iterable[Remark]:
    worked_out = _WORKED_OUT.search(name)
    if worked_out:
        what = f"a gauge of what the process worked out itself ({worked_out[2]}) cannot be put together over targets"
        better = "make it a histogram; means and quantiles are asked for in the query"
        yield Remark(Grade.WRONG, "type", name, what, better)
    elif _DISTRIBUTED.search(name) and not _MOMENT.search(name):
        what = "a gauge tells only the last of many: what happened between two scrapes is lost"
        yield Remark(Grade.WRONG, "type", name, what, "make it a histogram, with buckets around what is promised")
    elif (rate := _RATE.fullmatch(name)) and not _MOMENT.search(name):
        better = f"count, as {rate[1] or rate[2] or 'requests'}_total; rate() makes the rate over any time"
        yield Remark(Grade.RISKY, "type", name, "a gauge of a rate loses what happens between two scrapes", better)


def _repeated(found: Sequence[Family]) -> Iterator[Remark]:
    worst = max(found, key=lambda each: each.repeated)
    if worst.repeated:
        what = f"{worst.repeated} series are there twice on {worst.target}: Prometheus keeps one of each, or none"
        yield Remark(
            Grade.WRONG, "duplicate", worst.name, what, "register it once, and tell its series apart by labels"
        )


def _replicas(found: Sequence[Family]) -> Iterator[Remark]:
    """Tell where targets of one service, which are to be added up, do not expose the same."""
    name = found[0].name
    for grade, what, better, told in (
        (Grade.WRONG, "type", "one type under one name", {each.target: each.kind or "none" for each in found}),
        (Grade.WEAK, "help", "one help text under one name", {each.target: each.help or "none" for each in found}),
        (Grade.WRONG, "buckets", "the same buckets everywhere: sums over le are wrong else", _bounds(found)),
        (Grade.RISKY, "labels", "the same labels everywhere, with an empty value where one has none", _sets(found)),
    ):
        if len(set(told.values())) > 1:
            first, other = _differing(told)
            said = f"targets differ in its {what}: {first} has {told[first]}, {other} has {told[other]}"
            yield Remark(grade, "replicas", name, said, better)
    mixed = next((each for each in found if len(each.sets) > 1), None)
    if mixed:
        told_sets = " and ".join(_labels(each) for each in mixed.sets[:2])
        better = "the same labels on every series, with an empty value where one has none"
        yield Remark(Grade.RISKY, "labels", name, f"its series on {mixed.target} have {told_sets}", better)


def _differing(told: Mapping[str, str]) -> tuple[str, str]:
    first = next(iter(told))
    return first, next(target for target in told if told[target] != told[first])


def _bounds(found: Sequence[Family]) -> dict[str, str]:
    return {each.target: ", ".join(f"{bound:g}" for bound in each.bounds) for each in found if each.buckets}


def _sets(found: Sequence[Family]) -> dict[str, str]:
    return {each.target: " and ".join(_labels(one) for one in each.sets) for each in found if each.sets}


def _labels(names: Sequence[str]) -> str:
    return f"{{{', '.join(names)}}}"


def _twice(own: Mapping[str, Sequence[Family]]) -> Iterator[Remark]:
    """Tell of one thing that is exposed under two names, in two units or with and without a suffix."""
    alike: dict[str, list[str]] = defaultdict(list)
    for name in own:
        alike[renamed(name).lower().removesuffix("_total")].append(name)
    for names in alike.values():
        if len(names) > 1:
            better = min(names, key=lambda name: (renamed(name) != name, name))
            for other in sorted(set(names) - {better}):
                yield Remark(Grade.WEAK, "duplicate", other, f"{better} seems to tell the same", f"keep {better} alone")
