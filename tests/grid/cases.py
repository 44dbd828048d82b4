"""The cases of the grid: what is switched on where, and what a diagnosis has to say about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

HARM = (
    ("deadlock", "pool-exhaustion", "timeout-mismatch", "socket-exhaustion", "stalled-readers"),
    ("lock-contention", "gc-pressure", "alloc-churn", "cpu-hotspot"),
    ("goroutine-leak", "heap-growth"),
)
"""The classes that every service can have, the most harmful first: what stops requests, what slows them, what will."""
CLASSES = tuple(fault for level in HARM for fault in level)
LOUD = frozenset({"gc-pressure", "alloc-churn", "cpu-hotspot", "heap-growth", "socket-exhaustion"})
"""Faults that take the machine's cores, memory or ports: nothing else is measured beside them."""
SIZES = ("small", "medium", "large")
WINDOWS = 36
"""Healthy windows for each service: at least twelve kinds, in turn at each size."""
YOUNG_S = (2, 5, 10)
"""So soon after its start a service is looked at too: it warms up."""
PAIRS = (
    ("deadlock", "heap-growth"),
    ("pool-exhaustion", "goroutine-leak"),
    ("timeout-mismatch", "heap-growth"),
    ("socket-exhaustion", "goroutine-leak"),
    ("stalled-readers", "alloc-churn"),
    ("lock-contention", "goroutine-leak"),
    ("gc-pressure", "goroutine-leak"),
    ("cpu-hotspot", "goroutine-leak"),
)
"""Two at once, the more harmful first: on two targets only such as leave no doubt about whose users suffer more."""


@dataclass(frozen=True)
class Turn:
    """A switch that is turned on: where, and which of the service's switches of a class ("": its healthy windows)."""

    place: int
    fault: str
    size: str = ""
    number: int = 0

    def on(self, listed: Sequence[dict[str, Any]]) -> tuple[str, str]:
        """Give the name and the size, from what the service lists; a service with fewer begins anew."""
        names = sorted((each["name"] for each in listed if each["class"] == self.fault), key=self._rank)
        assert names, f"the service has no switch of class {self.fault!r}"
        name = names[self.number % len(names)]
        return name, self.size or SIZES[(self.number + self.number // len(names)) % len(SIZES)]

    def _rank(self, name: str) -> tuple[bool, str]:
        return name != self.fault, name


@dataclass(frozen=True)
class Case:
    """So many targets, what is turned on, and the classes to be found, the most harmful first; () if it is healthy."""

    service: str
    kind: str
    name: str
    targets: int
    turns: tuple[Turn, ...] = ()
    settle_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.service}-{self.kind}-{self.name}"

    @property
    def expected(self) -> tuple[str, ...]:
        """The classes that have to be found."""
        return tuple(dict.fromkeys(turn.fault for turn in self.turns if turn.fault))

    @property
    def sick(self) -> dict[str, frozenset[int]]:
        """The places that are sick, by class."""
        return {fault: frozenset(t.place for t in self.turns if t.fault == fault) for fault in self.expected}

    @property
    def is_loud(self) -> bool:
        """Tell whether nothing else can be measured beside it."""
        return bool(self.settle_s) or not LOUD.isdisjoint(self.expected)


def sick_cases(service: str) -> Iterator[Case]:
    """Give every case with something to find."""
    for fault in CLASSES:
        for number, size in enumerate(SIZES, start=1):
            yield Case(service, "one", f"{fault}-{size}", 3, (Turn(1, fault, size, number),))
        yield Case(service, "alone", fault, 1, (Turn(0, fault, "medium"),))
        size = "small" if fault in LOUD else "medium"  # three of these are more than a small machine has
        yield Case(service, "all", fault, 3, tuple(Turn(place, fault, size) for place in range(3)))
    for number, (worse, other) in enumerate(PAIRS):
        where = number % 2  # on the same target, or on two
        turns = (Turn(1, worse, "medium"), Turn(1 + where, other, "medium"))
        yield Case(service, "two", f"{worse}-{other}", 3, turns)


def healthy_cases(service: str, windows: int = WINDOWS) -> Iterator[Case]:
    """Give every case in which nothing is to be found: on one of three targets, or on the only one."""
    for number in range(windows):
        targets, place = (1, 0) if number % 3 == 0 else (3, 1)
        yield Case(service, "healthy", f"window-{number + 1}", targets, (Turn(place, "", number=number),))
    for seconds in YOUNG_S:
        yield Case(service, "healthy", f"{seconds}-s-old", 3, settle_s=seconds)
