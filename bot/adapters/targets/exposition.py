"""Reads what targets expose for Prometheus, to be audited: names, types, help, labels, and how many of each."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from bot.adapters.targets.answers import one_line
from bot.adapters.targets.asking import Asking
from bot.adapters.targets.network import Resolver, resolve_by_system
from bot.domain.audits import Subject
from bot.domain.run import Missing
from bot.domain.service import Target
from bot.ports import Wanted

_ACCEPTED = "text/plain;version=0.0.4, application/openmetrics-text;version=1.0.0;q=0.5"
_TIMEOUT_S = 5.0
_MOST_BYTES = 8 * 1024 * 1024
_MOST_SHOWN, _LONGEST_SHOWN = 5, 60
_OF_KIND = {"histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}
_OF_ITS_OWN = {"histogram": "le", "gaugehistogram": "le"}
_SUFFIXED = {"counter": "_total", "info": "_info"}


class MetricsLook:
    """Looks at `/metrics` beside a target's pprof, over connections to vetted addresses only."""

    def __init__(self, resolver: Resolver = resolve_by_system, timeout_s: float = _TIMEOUT_S) -> None:
        self._asking = Asking(resolver, accept=_ACCEPTED)
        self._timeout_s = timeout_s

    async def __call__(self, of: Wanted) -> Subject | Missing:
        """Read every target; those that give nothing are told of."""
        read = await asyncio.gather(*map(self._read, of.targets))
        found = {
            target.name: families
            for target, families in zip(of.targets, read, strict=True)
            if not isinstance(families, Missing)
        }
        unseen = tuple(each.reason for each in read if isinstance(each, Missing))
        if not found:
            return Missing(". ".join(unseen) or "there is no target to ask")
        promised = {"slo_s": of.service.latency_slo_s} if of.service else {}
        return Subject(f"/metrics of {', '.join(found)}", {"targets": found, **promised}, unseen)

    async def _read(self, target: Target) -> list[dict[str, Any]] | Missing:
        url = f"{target.pprof.rstrip('/')}/metrics"
        answered = await self._asking.ask(target, url, _MOST_BYTES + 1, self._timeout_s)
        if isinstance(answered, Missing):
            return answered
        status, content = answered
        if status != httpx.codes.OK or len(content) > _MOST_BYTES:
            too_long = f"exposes more than {_MOST_BYTES // 1024**2} MB: that alone is too much"
            return Missing(f"{url} {too_long if status == httpx.codes.OK else f'answered {status}'}")
        try:
            return await asyncio.to_thread(describe, content.decode())
        except (ValueError, KeyError, IndexError) as error:
            return Missing(f"{url} is not in Prometheus's text format, nor in OpenMetrics: {one_line(str(error), 100)}")


def describe(text: str) -> list[dict[str, Any]]:
    """Describe each metric of an exposition, in Prometheus's text format or OpenMetrics, by the name that it declares.

    A counter of OpenMetrics is named as its samples are, with `_total`: that is what one asks Prometheus for.

    :raises ValueError: it is in another format.
    """
    declared = list(_of_openmetrics(text) if text.rstrip().endswith("# EOF") else _of_text(text))
    return [_described(*each) for each in sorted(declared, key=lambda each: each[0]) if each[3]]


_Declared = tuple[str, str, str, list[Sample]]
"""Name, type, help and samples of a metric."""


def _of_openmetrics(text: str) -> Iterator[_Declared]:
    for family in openmetrics.text_string_to_metric_families(text):  # type: ignore[no-untyped-call]  # - it has none
        name = family.name + _SUFFIXED.get(family.type, "")
        kept = [sample for sample in family.samples if not sample.name.endswith("_created")]
        yield name, family.type, family.documentation, kept


def _of_text(text: str) -> Iterator[_Declared]:
    """Read samples without what is declared of them: the parser would name metrics anew."""
    kinds, helps = _told(text, "TYPE"), _told(text, "HELP")
    owner = {name + ending: name for name, kind in kinds.items() for ending in _OF_KIND.get(kind, ())}
    bare = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    samples: dict[str, list[Sample]] = defaultdict(list)
    for family in text_string_to_metric_families(bare):
        for sample in family.samples:
            samples[owner.get(sample.name, sample.name)].append(sample)
    for name, found in samples.items():
        yield name, kinds.get(name, ""), helps.get(name, ""), found


def _described(name: str, kind: str, told: str, samples: list[Sample]) -> dict[str, Any]:
    own = _OF_ITS_OWN.get(kind, "")
    each = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in samples]
    series = {labels for _, labels in each}
    sets = {tuple(label for label, _ in labels if label not in {own, "quantile"}) for labels in series}
    values = _values(series, own)
    return {
        "name": name,
        "type": kind,
        "help": told,
        "series": len(series),
        "labels": {label: len(found) for label, found in values.items()},
        "values": {
            label: [one_line(each, _LONGEST_SHOWN) for each in found[:_MOST_SHOWN]] for label, found in values.items()
        },
        "sets": sorted(sets),
        "repeated": len(each) - len(set(each)),
        **_buckets(name, samples, own),
    }


def _values(series: set[tuple[tuple[str, str], ...]], own: str) -> dict[str, list[str]]:
    """Give the values of each label; a histogram's own is its buckets."""
    values: dict[str, set[str]] = defaultdict(set)
    for labels in series:
        for label, value in labels:
            values[label].add(value)
    return {label: sorted(found) for label, found in sorted(values.items()) if label != own}


def _buckets(name: str, samples: Iterable[Sample], own: str) -> dict[str, Any]:
    """Add up the buckets of a histogram over its series, and what was observed."""
    if not own:
        return {}
    within: dict[float, float] = defaultdict(float)
    total = 0.0
    for sample in samples:
        if sample.name == f"{name}_bucket":
            within[float(sample.labels.get(own, "nan"))] += sample.value
        elif sample.name == f"{name}_sum":
            total += sample.value
    return {"buckets": [[str(bound), within[bound]] for bound in sorted(within)], "sum": total}


def _told(text: str, what: str) -> dict[str, str]:
    rows = (line.split(None, 3) for line in text.splitlines() if line.startswith(f"# {what} "))
    return {row[2]: row[3] if len(row) > 3 else "" for row in rows if len(row) > 2}  # noqa: PLR2004 - # TYPE name value
