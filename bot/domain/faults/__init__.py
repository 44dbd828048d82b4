"""The fault classes, one file each: facts of a target and what it is held against in, a finding or None out."""

from collections.abc import Callable

from bot.domain.facts import Facts
from bot.domain.faults import (
    alloc_churn,
    alpn_h2,
    build_drift,
    cpu_hotspot,
    cross_build,
    deadlock,
    gc_pressure,
    goroutine_leak,
    heap_growth,
    lock_contention,
    lost_connections,
    module_poisoning,
    pool_exhaustion,
    probe_loop,
    socket_exhaustion,
    stalled_readers,
    timeout_mismatch,
    tls_chain,
)
from bot.domain.faults.finding import Beside, Evidence, Finding

__all__ = ["RULES", "Beside", "Evidence", "Finding", "Rule"]

Rule = Callable[[Facts, Beside], Finding | None]

RULES: tuple[Rule, ...] = (
    module_poisoning.find,
    cross_build.find,
    tls_chain.find,
    lost_connections.find,
    deadlock.find,
    probe_loop.find,
    pool_exhaustion.find,
    timeout_mismatch.find,
    socket_exhaustion.find,
    stalled_readers.find,
    lock_contention.find,
    gc_pressure.find,
    alloc_churn.find,
    cpu_hotspot.find,
    alpn_h2.find,
    goroutine_leak.find,
    heap_growth.find,
    build_drift.find,
    module_poisoning.suspect,
    tls_chain.find_disorder,
)
"""The most harmful first: code of others in the process, what stops requests, what slows them, what will."""
