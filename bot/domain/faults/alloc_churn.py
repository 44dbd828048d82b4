"""Short-lived objects are made and thrown away so fast that the CPU goes into them."""

from collections.abc import Sequence

from bot.domain.facts import Cpu, Facts
from bot.domain.faults.finding import Beside, Evidence, Finding, megabytes, percent, probe_evidence, stands_out, suffers
from bot.domain.faults.gc_pressure import MIN_SAMPLES, blame, lines, presses

FAULT = "alloc-churn"
MIN_GC = 0.06
MIN_MALLOC = 0.15
MIN_BOTH = 0.25
"""Measured on lab services: 8-20 % collecting and 19-80 % allocating when sick, 1 % and 5-11 % when well."""
MIN_CORES = 0.15
"""Of one core spent on both; below, users lose nothing by it."""
WARM_S = 20.0
"""A process so young fills its caches and pools, and allocates as it never will again."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a process that allocates and collects with little alive, unless that is plainly its habit."""
    cpu, heap = facts.cpu, facts.heap
    if cpu is None or heap is None or not heap.small or cpu.samples < MIN_SAMPLES or not _churns(cpu):
        return None
    if not (suffers(facts.probe) or (_is_warm(facts) and (presses(cpu) or _does_more(cpu, beside.others)))):
        return None
    line = next(iter(cpu.allocating), None) or next(iter(cpu.own), None)
    file = facts.file("cpu")
    part = "heap-gc" if heap.current else "heap"
    return Finding(
        FAULT,
        facts.target,
        f"{percent(cpu.malloc_share)} of the CPU allocates and {percent(cpu.gc_share)} collects, with only "
        f"{megabytes(heap.inuse_bytes)} alive{blame(line)}.",
        (
            Evidence("CPU in mallocgc", percent(cpu.malloc_share), file),
            Evidence("CPU in the collector (background and assists)", percent(cpu.gc_share), file),
            Evidence("CPU profile", f"{cpu.samples} samples in {cpu.seconds:.1f} s, {cpu.cores:.2f} cores", file),
            *lines(cpu.allocating, file),
            Evidence("live heap", megabytes(heap.inuse_bytes), facts.file(part)),
            *probe_evidence(facts),
        ),
        f"Make fewer objects at {line.frame if line else 'the top of the allocs profile'}: size a buffer once, reuse "
        "it, or take it from a sync.Pool; a higher GOGC helps until then. It worked when mallocgc takes less than "
        f"{percent(MIN_MALLOC)} of a CPU profile.",
        min(cpu.gc_share + cpu.malloc_share, 1.0),
    )


def _churns(cpu: Cpu) -> bool:
    return cpu.gc_share >= MIN_GC and cpu.malloc_share >= MIN_MALLOC and cpu.gc_share + cpu.malloc_share >= MIN_BOTH


def _cores(cpu: Cpu) -> float:
    """Give how many cores allocate and collect."""
    return cpu.cores * (cpu.gc_share + cpu.malloc_share)


def _does_more(cpu: Cpu, others: Sequence[Facts]) -> bool:
    elsewhere = [_cores(each.cpu) for each in others if each.cpu is not None]
    return _cores(cpu) >= MIN_CORES and stands_out(_cores(cpu), elsewhere, floor=0.01)


def _is_warm(facts: Facts) -> bool:
    age = facts.process.uptime_s if facts.process else None
    return age is None or age >= WARM_S
