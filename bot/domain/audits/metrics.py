"""What is wrong with the metrics that a service exposes.

The rules are Prometheus's own on names and units (prometheus.io/docs/practices/naming) and on types
(.../practices/histograms, .../practices/instrumentation), as far as an exposition tells; the document is what
`describe` makes of one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bot.domain.audits.remark import Grade, Remark

MOST_SERIES = 1_000
"""Of one metric and target: ten of these, and a small Prometheus holds little else."""
MOST_VALUES = 100
"""Of one label, as far as one target shows it."""
FOREIGN = ("go_", "process_", "promhttp_", "python_")
"""What libraries expose of themselves is named by others."""
UNITS = {
    "ms": "seconds", "millis": "seconds", "milliseconds": "seconds", "us": "seconds", "microseconds": "seconds",
    "ns": "seconds", "nanoseconds": "seconds", "minutes": "seconds", "hours": "seconds", "days": "seconds",
    "kb": "bytes", "mb": "bytes", "gb": "bytes", "kilobytes": "bytes", "megabytes": "bytes", "gigabytes": "bytes",
    "kib": "bytes", "mib": "bytes", "gib": "bytes", "bits": "bytes", "percent": "ratio", "pct": "ratio",
}  # fmt: skip
TYPES = ("counter", "gauge", "histogram", "summary")
_DISTRIBUTED = re.compile(r"(^|_)(duration|latency|response_time|request_size|response_size|elapsed)(_|$)")
_MOMENT = re.compile(r"(^|_)(last|max|min|oldest|timestamp|start_time|uptime|age|limit|target)(_|$)")
_CAMEL = re.compile(r"[a-z][A-Z]")


@dataclass(frozen=True)
class Family:
    """One metric of one target: its name and type as they are declared, its help, and the values of each label."""

    target: str
    name: str
    kind: str
    help: str
    series: int
    labels: Mapping[str, int]


def judge(document: Mapping[str, Any]) -> tuple[Remark, ...]:
    """Give what should be otherwise; what every target exposes alike is told once."""
    return tuple(remark for family in _families(document) for remark in _of(family))


def _families(document: Mapping[str, Any]) -> Iterator[Family]:
    """Read each metric once, where it has most series."""
    largest: dict[str, Family] = {}
    for target, families in document["targets"].items():
        for one in families:
            family = Family(target, one["name"], one["type"], one["help"].strip(), one["series"], dict(one["labels"]))
            if family.name not in largest or largest[family.name].series < family.series:
                largest[family.name] = family
    yield from largest.values()


def _of(family: Family) -> Iterable[Remark]:
    yield from _cardinality(family)
    if family.name.startswith(FOREIGN):
        return
    yield from _help(family)
    yield from _names(family)
    yield from _units(family)
    yield from _types(family)


def _cardinality(family: Family) -> Iterable[Remark]:
    crowded = [f"{label} has {count} values" for label, count in family.labels.items() if count > MOST_VALUES]
    if crowded or family.series > MOST_SERIES:
        told = "; ".join(crowded) or "many labels with many values"
        yield Remark(
            Grade.WRONG,
            "cardinality",
            family.name,
            f"{family.series} series on {family.target}: {told}",
            "leave out what has no bound (ids, paths with ids, addresses, messages); it belongs in logs and traces",
        )


def _help(family: Family) -> Iterable[Remark]:
    if not family.help:
        yield Remark(Grade.WEAK, "help", family.name, "it has no help text", "say in a sentence what it counts")


def _names(family: Family) -> Iterable[Remark]:
    name = family.name
    if ":" in name:
        better = name.replace(":", "_")
        yield Remark(Grade.WEAK, "name", name, "colons are for recording rules", f"call it {better}")
    if _CAMEL.search(name):
        better = re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()
        yield Remark(Grade.WEAK, "name", name, "it is written in camelCase", f"call it {better}")
    typed = next((word for word in name.lower().split("_") if word in TYPES), "")
    if typed:
        better = "_".join(word for word in name.split("_") if word.lower() != typed)
        yield Remark(Grade.WEAK, "name", name, f"its name says that it is a {typed}", f"call it {better}")
    if family.kind == "counter" and not name.endswith("_total"):
        yield Remark(Grade.RISKY, "suffix", name, "a counter does not end in _total", f"call it {_renamed(name)}_total")
    if family.kind in {"gauge", "histogram", "summary"} and name.endswith(("_total", "_count", "_sum", "_bucket")):
        better, suffix = name.rpartition("_")[::2]
        yield Remark(Grade.RISKY, "suffix", name, f"a {family.kind} ends in _{suffix}", f"call it {better}")


def _units(family: Family) -> Iterable[Remark]:
    words = family.name.lower().removesuffix("_total").split("_")
    found = next((word for word in words[1:] if word in UNITS), "")
    if found:
        scaled = f"in {UNITS[found]}" if UNITS[found] != "ratio" else "as a ratio, 0 to 1"
        yield Remark(
            Grade.RISKY, "unit", family.name, f"its unit is {found}", f"give it {scaled}: {_renamed(family.name)}"
        )


def _renamed(name: str) -> str:
    return "_".join(UNITS.get(word.lower(), word) for word in name.split("_"))


def _types(family: Family) -> Iterable[Remark]:
    if family.kind in {"untyped", "unknown", ""}:
        yield Remark(Grade.WEAK, "type", family.name, "it has no type", f"add `# TYPE {family.name} ...`")
    if family.kind == "gauge" and _DISTRIBUTED.search(family.name) and not _MOMENT.search(family.name):
        yield Remark(
            Grade.WRONG,
            "type",
            family.name,
            "a gauge tells only the last of many: what happened between two scrapes is lost",
            "make it a histogram, with buckets around what is promised",
        )
    if family.kind == "summary" and "quantile" in family.labels:
        yield Remark(
            Grade.RISKY,
            "type",
            family.name,
            "quantiles of several targets cannot be put together",
            "make it a histogram; the quantile is asked for in the query",
        )
