"""The fault classes, one file each: facts of a target and of the others in, a finding or None out."""

from collections.abc import Callable, Sequence

from bot.domain.facts import Facts
from bot.domain.faults import (
    cpu_hotspot,
    deadlock,
    gc_pressure,
    goroutine_leak,
    heap_growth,
    lock_contention,
    pool_exhaustion,
)
from bot.domain.faults.finding import Evidence, Finding

__all__ = ["RULES", "Evidence", "Finding", "Rule"]

Rule = Callable[[Facts, Sequence[Facts]], Finding | None]

RULES: tuple[Rule, ...] = (
    deadlock.find,
    pool_exhaustion.find,
    lock_contention.find,
    gc_pressure.find,
    cpu_hotspot.find,
    goroutine_leak.find,
    heap_growth.find,
)
"""The most harmful first: what stops requests, what slows them, what will."""
