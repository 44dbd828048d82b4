"""Reads what targets expose for Prometheus, to be audited: names, types, help, labels, and how many of each."""

import asyncio
from collections import defaultdict
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bot.adapters.targets.answers import one_line
from bot.adapters.targets.asking import Asking
from bot.adapters.targets.network import Resolver, resolve_by_system
from bot.domain.audits import Subject
from bot.domain.run import Missing
from bot.domain.service import Target
from bot.ports import Wanted

_TIMEOUT_S = 5.0
_MOST_BYTES = 8 * 1024 * 1024
_OF_KIND = {"histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}
_OF_ITS_OWN = {"histogram": "le"}


class MetricsLook:
    """Looks at `/metrics` beside a target's pprof, over connections to vetted addresses only."""

    def __init__(self, resolver: Resolver = resolve_by_system, timeout_s: float = _TIMEOUT_S) -> None:
        self._asking = Asking(resolver, accept="text/plain")
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
        return Subject(f"/metrics of {', '.join(found)}", {"targets": found}, unseen)

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
            return Missing(f"{url} is not in Prometheus's text format: {one_line(str(error), 100)}")


def describe(text: str) -> list[dict[str, Any]]:
    """Describe each metric of an exposition in the text format, by the name that its target declares.

    :raises ValueError: it is in another format.
    """
    kinds, helps = _declared(text, "TYPE"), _declared(text, "HELP")
    owner = {name + ending: name for name, kind in kinds.items() for ending in _OF_KIND.get(kind, ())}
    series: dict[str, set[tuple[tuple[str, str], ...]]] = defaultdict(set)
    bare = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    for family in text_string_to_metric_families(bare):
        for sample in family.samples:
            series[owner.get(sample.name, sample.name)].add(tuple(sorted(sample.labels.items())))
    return [
        {
            "name": name,
            "type": kinds.get(name, ""),
            "help": helps.get(name, ""),
            "series": len(found),
            "labels": _labels(found, _OF_ITS_OWN.get(kinds.get(name, ""))),
        }
        for name, found in sorted(series.items())
    ]


def _labels(series: set[tuple[tuple[str, str], ...]], own: str | None) -> dict[str, int]:
    """Count the values of each label; a histogram's own is its buckets."""
    values: dict[str, set[str]] = defaultdict(set)
    for labels in series:
        for name, value in labels:
            values[name].add(value)
    return {name: len(found) for name, found in sorted(values.items()) if name != own}


def _declared(text: str, what: str) -> dict[str, str]:
    rows = (line.split(None, 3) for line in text.splitlines() if line.startswith(f"# {what} "))
    return {row[2]: row[3] if len(row) > 3 else "" for row in rows if len(row) > 2}  # noqa: PLR2004 - # TYPE name value
