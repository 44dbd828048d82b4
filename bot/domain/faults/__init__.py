"""The fault classes, one file each: facts of a target and of the others in, a finding or None out."""

from collections.abc import Callable, Sequence

from bot.domain.facts import Facts
from bot.domain.faults import (
    alloc_churn,
    cpu_hotspot,
    deadlock,
    gc_pressure,
    goroutine_leak,
    heap_growth,
    lock_contention,
    pool_exhaustion,
    socket_exhaustion,
    stalled_readers,
    timeout_mismatch,
)
from bot.domain.faults.finding import Evidence, Finding

__all__ = ["RULES", "Evidence", "Finding", "Rule"]

Rule = Callable[[Facts, Sequence[Facts]], Finding | None]

RULES: tuple[Rule, ...] = (
    deadlock.find,
    pool_exhaustion.find,
    timeout_mismatch.find,
    socket_exhaustion.find,
    stalled_readers.find,
    lock_contention.find,
    gc_pressure.find,
    alloc_churn.find,
    cpu_hotspot.find,
    goroutine_leak.find,
    heap_growth.find,
)
"""The most harmful first: what stops requests, what slows them, what will."""
