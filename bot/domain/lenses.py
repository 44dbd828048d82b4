"""Ways to look at the profiles of a target: which parts show the CPU, the heap, what was allocated, who waited."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.domain.costs import Costs, ProfileMalformed
from bot.domain.profile import costs, decode
from bot.domain.snapshot import FIRST, SECOND, Captured
from bot.domain.windows import difference

T = TypeVar("T")


@dataclass(frozen=True)
class Lens:
    """What one flame graph is of: the value of a profile, and the parts that give it, the better one first.

    `twice`: parts that count since the process started; where they were read twice, what they gained is shown.
    """

    title: str
    value: str
    parts: tuple[str, ...]
    twice: tuple[str, ...] = ()

    @property
    def names(self) -> frozenset[str]:
        """Every part that can be needed."""
        return frozenset((*self.parts, *(name + end for name in self.twice for end in ("", FIRST, SECOND))))


LENSES: Mapping[str, Lens] = {
    "cpu": Lens("CPU", "cpu", ("cpu",)),
    "heap": Lens("Heap in use", "inuse_space", ("heap-gc" + SECOND, "heap-gc", "heap" + SECOND, "heap")),
    "allocs": Lens("Allocations", "alloc_space", ("heap-gc", "heap"), ("heap-gc", "heap")),
    "mutex": Lens("Waits for locks", "delay", ("mutex",), ("mutex",)),
    "block": Lens("Blocking", "delay", ("block",), ("block",)),
    "goroutines": Lens("Goroutines", "goroutine", ("goroutine" + SECOND, "goroutine")),
}
"""By the name that addresses use."""


def costs_of(lens: str, parts: Mapping[str, Captured]) -> Costs | None:
    """Give what a lens shows of a target's parts; None when none of them is there and readable."""
    value = LENSES[lens].value
    for name in LENSES[lens].twice:
        first = parts.get(name + FIRST, parts.get(name))
        before, after = _read(first, decode), _read(parts.get(name + SECOND), decode)
        if before is not None and after is not None and before.types == after.types:
            late, early = parts[name + SECOND].at_s, first.at_s if first else 0.0
            gained = replace(after, samples=difference(before, after), duration_ns=max(int((late - early) * 1e9), 0))
            return gained.costs(value)
    found = (_read(parts.get(name), lambda content: costs(content, value)) for name in LENSES[lens].parts)
    return next((each for each in found if each is not None), None)


def _read(part: Captured | None, how: Callable[[bytes], T]) -> T | None:
    if part is None or not part.usable:
        return None
    try:
        return how(part.content)
    except ProfileMalformed:
        return None
