"""The collector takes the CPU that the requests need."""

from collections.abc import Sequence

from bot.domain.facts import Facts, Place
from bot.domain.faults.finding import Evidence, Finding, megabytes, percent, probe_evidence

FAULT = "gc-pressure"
MIN_SAMPLES = 50
"""Shares of fewer samples mean nothing: 50 are half a second of one core."""
MIN_GC = 0.20
MIN_MALLOC = 0.25
"""Measured on a lab service: 29-39 % collecting and 28-55 % allocating when sick, 1 % and 5-11 % when well."""


def find(facts: Facts, _others: Sequence[Facts]) -> Finding | None:
    """Find a process that spends its CPU on collecting and allocating; names the line that allocates most."""
    cpu = facts.cpu
    if cpu is None or cpu.samples < MIN_SAMPLES or cpu.gc_share < MIN_GC or cpu.malloc_share < MIN_MALLOC:
        return None
    line = next(iter(cpu.allocating), None) or next(iter(cpu.own), None)
    file = facts.file("cpu")
    heap = () if facts.heap is None else (Evidence("live heap", megabytes(facts.heap.inuse_bytes), facts.file("heap")),)
    claim = f"{percent(cpu.gc_share)} of the CPU collects garbage and {percent(cpu.malloc_share)} allocates"
    return Finding(
        FAULT,
        facts.target,
        f"{claim}{_blame(line)}.",
        (
            Evidence("CPU in the collector (background and assists)", percent(cpu.gc_share), file),
            Evidence("CPU in mallocgc", percent(cpu.malloc_share), file),
            Evidence("CPU profile", f"{cpu.samples} samples in {cpu.seconds:.1f} s, {cpu.cores:.2f} cores", file),
            *_lines(cpu.allocating, file),
            *heap,
            *probe_evidence(facts),
        ),
        f"Allocate less at {line.frame if line else 'the top of the allocs profile'}: reuse, preallocate or pool what "
        "it makes; a higher GOGC or a GOMEMLIMIT buys time.",
        min(cpu.gc_share + cpu.malloc_share, 1.0),
    )


def _blame(line: Place | None) -> str:
    return f", most of it for {line.frame}" if line else ""


def _lines(places: Sequence[Place], file: str) -> tuple[Evidence, ...]:
    return tuple(Evidence(f"allocating at {each.frame}", percent(each.share), file) for each in places[:3])
