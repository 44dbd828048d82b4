"""The collector takes the CPU that the requests need: much is alive, and much is made beside it."""

from collections.abc import Sequence

from bot.domain.facts import Cpu, Facts, Place
from bot.domain.faults.finding import Beside, Evidence, Finding, megabytes, percent, probe_evidence

FAULT = "gc-pressure"
MIN_SAMPLES = 50
"""Shares of fewer samples mean nothing: 50 are half a second of one core."""
MIN_GC = 0.20
MIN_MALLOC = 0.25
"""Measured on a lab service: 29-39 % collecting and 28-55 % allocating when sick, 1 % and 5-11 % when well."""


def find(facts: Facts, _beside: Beside) -> Finding | None:
    """Find a process that spends its CPU on collecting and allocating; names the line that allocates most."""
    cpu = facts.cpu
    if cpu is None or cpu.samples < MIN_SAMPLES or not presses(cpu):
        return None
    if facts.heap is not None and facts.heap.small:
        return None  # alloc-churn's
    line = next(iter(cpu.allocating), None) or next(iter(cpu.own), None)
    file = facts.file("cpu")
    heap = () if facts.heap is None else (Evidence("live heap", megabytes(facts.heap.inuse_bytes), facts.file("heap")),)
    claim = f"{percent(cpu.gc_share)} of the CPU collects garbage and {percent(cpu.malloc_share)} allocates"
    return Finding(
        FAULT,
        facts.target,
        f"{claim}{blame(line)}.",
        (
            Evidence("CPU in the collector (background and assists)", percent(cpu.gc_share), file),
            Evidence("CPU in mallocgc", percent(cpu.malloc_share), file),
            Evidence("CPU profile", f"{cpu.samples} samples in {cpu.seconds:.1f} s, {cpu.cores:.2f} cores", file),
            *lines(cpu.allocating, file),
            *heap,
            *probe_evidence(facts),
        ),
        f"Allocate less at {line.frame if line else 'the top of the allocs profile'}: reuse, preallocate or pool what "
        "it makes; a higher GOGC or a GOMEMLIMIT buys time.",
        min(cpu.gc_share + cpu.malloc_share, 1.0),
    )


def presses(cpu: Cpu) -> bool:
    """Tell whether collecting and allocating take so much that it harms, whoever is asked."""
    return cpu.gc_share >= MIN_GC and cpu.malloc_share >= MIN_MALLOC


def blame(line: Place | None) -> str:
    """Name the line that most of the CPU is spent for."""
    return f", most of it for {line.frame}" if line else ""


def lines(places: Sequence[Place], file: str) -> tuple[Evidence, ...]:
    """Give the lines that allocate most as evidence."""
    return tuple(Evidence(f"allocating at {each.frame}", percent(each.share), file) for each in places[:3])
