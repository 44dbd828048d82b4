"""What is wrong with how a metric and its labels are named: words, units, suffixes, labels that mean something else.

What `promtool check metrics` (client_golang, promlint) complains of is here too, with the better name.
"""

import re
from collections.abc import Iterable, Iterator

from bot.domain.audits.metric_family import Family
from bot.domain.audits.remark import Grade, Remark

TYPES = ("counter", "gauge", "histogram", "summary")
_OF_BASE = {
    "seconds": "minutes hours days weeks",
    "bytes": "bits",
    "meters": "inches yards miles",
    "grams": "pounds ounces",
    "joules": "calories",
    "celsius": "fahrenheit rankine",
    "kelvin": "kelvins",
    "ratio": "percent",
}
_ALONE = ("amperes", "bytes", "celsius", "grams", "joules", "kelvin", "meters", "metres", "seconds", "volts")
_PREFIXES = (
    "pico nano micro milli centi deci deca hecto kilo kibi mega mibi mebi giga gibi tera tebi peta pebi".split()  # noqa: SIM905 - one line, as a reader compares it with promlint's
)
ABBREVIATED = {
    **dict.fromkeys(("s", "sec", "secs", "ms", "millis", "us", "micros", "ns", "nanos", "m", "h", "d"), "seconds"),
    **dict.fromkeys(("b", "kb", "mb", "gb", "tb", "pb", "kib", "mib", "gib", "tib"), "bytes"),
    "pct": "ratio",
}
UNITS = {
    **{word: base for base, words in _OF_BASE.items() for word in words.split()},
    **{prefix + base: base for prefix in _PREFIXES for base in _ALONE},
    **{prefix + "bits": "bytes" for prefix in _PREFIXES},
}
"""The base unit of every other one."""
_CAMEL = re.compile(r"[a-z][A-Z]")
_MEASURED = re.compile(r"\d+(?:\.\d+)?\s?(ms|us|µs|ns|[kmgt]i?b|%)", re.IGNORECASE)
_SCRAPED = ("job", "instance")
_OWN = {"le": ("histogram", "gaugehistogram"), "quantile": ("summary",)}


def renamed(name: str) -> str:
    """Give a name with base units in the place of others."""
    first, *rest = name.split("_")
    return "_".join([UNITS.get(first.lower(), first), *(_base(word) or word for word in rest)])


def _base(word: str) -> str:
    return UNITS.get(word.lower()) or ABBREVIATED.get(word.lower(), "")


def on_name(family: Family) -> Iterator[Remark]:
    """Tell of words and signs that do not belong into a name."""
    name = family.name
    if ":" in name:
        better = name.replace(":", "_")
        yield Remark(Grade.WEAK, "name", name, "colons are for recording rules", f"call it {better}")
    if _CAMEL.search(name):
        yield Remark(Grade.WEAK, "name", name, "it is written in camelCase", f"call it {_snake(name)}")
    typed = next((word for word in name.lower().split("_") if word in TYPES), "")
    if typed:
        better = "_".join(word for word in name.split("_") if word.lower() != typed)
        yield Remark(Grade.WEAK, "name", name, f"its name says that it is a {typed}", f"call it {better}")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower()


def on_suffix(family: Family) -> Iterator[Remark]:
    """Tell of endings that belong to another type, and of a counter that has not its own."""
    name, kind = family.name, family.kind
    if kind == "counter" and not name.endswith("_total"):
        yield Remark(Grade.RISKY, "suffix", name, "a counter does not end in _total", f"call it {renamed(name)}_total")
    if kind not in {"gauge", "histogram", "summary", "counter"}:
        return
    if name.endswith(("_count", "_sum", "_bucket")) or (kind != "counter" and name.endswith("_total")):
        better, suffix = name.rpartition("_")[::2]
        if kind == "counter":
            better += "_total"
        yield Remark(Grade.RISKY, "suffix", name, f"a {kind} ends in _{suffix}", f"call it {better}")


def on_unit(family: Family) -> Iterator[Remark]:
    """Tell of units that are no base units; a letter may mean something else."""
    first, *rest = family.name.lower().removesuffix("_total").split("_")
    found = next((word for word in (*(first for _ in rest if first in UNITS), *filter(_base, rest))), "")
    if found:
        base = _base(found)
        scaled = f"in {base}" if base != "ratio" else "as a ratio, 0 to 1"
        grade = Grade.WEAK if len(found) == 1 else Grade.RISKY
        better = f"give it {scaled}: {renamed(family.name)}"
        yield Remark(grade, "unit", family.name, f"its unit is {found}", better)


def on_labels(family: Family) -> Iterator[Remark]:
    """Tell of labels that are reserved, that carry units, or that are written otherwise."""
    for label in family.labels:
        yield from _reserved(family, label)
        yield from _unit_of(family, label)
        if _CAMEL.search(label):
            what = f"its label {label} is written in camelCase"
            yield Remark(Grade.WEAK, "label", family.name, what, f"call it {_snake(label)}")


def _reserved(family: Family, label: str) -> Iterable[Remark]:
    where = family.name
    if label.startswith("__"):
        what = f"its label {label} is one of Prometheus's own: two underscores in front are taken away at the scrape"
        yield Remark(Grade.WRONG, "reserved label", where, what, f"call it {label.strip('_')}")
    if label in _SCRAPED:
        what = f"Prometheus sets the label {label} itself, and what is exposed comes in as exported_{label}"
        yield Remark(Grade.RISKY, "reserved label", where, what, f"leave {label} out, or name what it is of")
    if family.kind and family.kind not in {"untyped", "unknown", *_OWN.get(label, (family.kind,))}:
        what = f"a {family.kind} has the label {label}, which is of a {_OWN[label][0]}"
        yield Remark(Grade.RISKY, "reserved label", where, what, f"make it a {_OWN[label][0]}, or name the label anew")


def _unit_of(family: Family, label: str) -> Iterable[Remark]:
    values = [value.strip().lower() for value in family.values.get(label, ())]
    *_, last = label.lower().split("_")
    in_name = last if "_" in label and len(last) > 1 and _base(last) else ""
    named = next((value for value in values if label in {"unit", "units"} and _base(value)), "")
    measured = values[0] if values and all(_MEASURED.fullmatch(value) for value in values) else ""
    told = f"is in {in_name}" if in_name else f"says {named or measured}" if named or measured else ""
    if told:
        base = _base(in_name or named) or "base units"
        what = f"its label {label} {told}: what is measured is in the value, and in base units"
        better = f"one metric in {base}; what falls into sizes is a histogram with le in {base}"
        yield Remark(Grade.RISKY, "unit", family.name, what, better)
