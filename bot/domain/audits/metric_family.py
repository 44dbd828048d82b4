"""One metric of one target as it is exposed, and what can be read off it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

FOREIGN = ("go_", "process_", "promhttp_", "python_")
"""What libraries expose of themselves is named by others."""


@dataclass(frozen=True)
class Family:
    """One metric of one target: its name and type as they are declared, its help, and how many values each label has.

    `sets` are the sets of label names that its series have, `values` a few values of each label, `repeated` how many
    series are there twice. Of a histogram `buckets` are the upper bounds and how many were observed up to each, in the
    metric's own unit, none of one that has only a sum and a count (None where nobody looked), and `sum` all that was
    observed, added up.
    """

    target: str
    name: str
    kind: str
    help: str
    series: int
    labels: Mapping[str, int]
    sets: tuple[tuple[str, ...], ...] = ()
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    repeated: int = 0
    buckets: tuple[tuple[float, float], ...] | None = None
    sum: float = 0.0

    @property
    def is_foreign(self) -> bool:
        """Whether a library names it."""
        return self.name.startswith(FOREIGN)

    @property
    def bounds(self) -> tuple[float, ...]:
        """The upper bounds of its buckets, without the last, which has none."""
        return tuple(bound for bound, _ in self.buckets or () if bound != float("inf"))


def families(document: Mapping[str, Any]) -> Iterator[Family]:
    """Read every metric of every target."""
    for target, described in document["targets"].items():
        for one in described:
            yield Family(
                target,
                one["name"],
                one["type"],
                one["help"].strip(),
                one["series"],
                dict(one["labels"]),
                tuple(tuple(each) for each in one.get("sets", ())),
                {label: tuple(values) for label, values in one.get("values", {}).items()},
                one.get("repeated", 0),
                _buckets(one.get("buckets")),
                float(one.get("sum", 0.0)),
            )


def _buckets(told: Iterable[tuple[str, float]] | None) -> tuple[tuple[float, float], ...] | None:
    return tuple((float(bound), float(count)) for bound, count in told) if told is not None else None
