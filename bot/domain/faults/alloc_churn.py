"""Short-lived objects are made and thrown away so fast that the CPU goes into them."""

from bot.domain.facts import Cpu, Facts
from bot.domain.faults.finding import (
    CERTAIN,
    LIKELY,
    Beside,
    Evidence,
    Finding,
    at_least,
    megabytes,
    percent,
    probe_evidence,
    suffers,
)
from bot.domain.faults.gc_pressure import (
    MIN_SAMPLES,
    allocated,
    blame,
    cores,
    cores_of,
    culprit,
    is_busy,
    lines,
    takes_most,
)

FAULT = "alloc-churn"
MIN_GC = 0.03
MIN_MALLOC = 0.12
MIN_BOTH = 0.25
"""Measured on lab services: 8-20 % collecting and 19-80 % allocating when sick, 1 % and 5-11 % when well."""
MIN_SURE = 0.15
"""What few samples must prove it to be at least."""
WARM_S = 20.0
"""A process so young fills its caches and pools, and allocates as it never will again."""
MIN_CORES = 0.15
"""Of one core spent on both; below, users lose nothing by it."""
MIN_RATE = 40_000_000
"""Bytes a second: who throws away so much has the collector run all the time."""
MIN_SHARE = 0.4
"""Of these bytes, made by one line: otherwise it is only a busy service."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a process that allocates and collects with little alive, to the harm of its users or most of its CPU."""
    cpu, heap = facts.cpu, facts.heap
    if cpu is None or heap is None or not heap.small or cpu.samples < MIN_SAMPLES or not _churns(cpu):
        return None
    if not (suffers(facts.probe) or _does_too_much(facts, cpu, beside)):
        return None
    line, file = culprit(facts), facts.file("cpu")
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
            *allocated(facts),
            Evidence("live heap", megabytes(heap.inuse_bytes), facts.file(heap.part)),
            *probe_evidence(facts),
        ),
        f"Make fewer objects at {line.frame if line else 'the top of the allocs profile'}: size a buffer once, reuse "
        "it, or take it from a sync.Pool; a higher GOGC helps until then.",
        min(cpu.gc_share + cpu.malloc_share, 1.0),
        CERTAIN if suffers(facts.probe) and facts.window is not None else LIKELY,
        f"mallocgc takes less than {percent(MIN_MALLOC)} of a CPU profile.",
    )


def _churns(cpu: Cpu) -> bool:
    both = min(cpu.gc_share + cpu.malloc_share, 1.0)
    enough = both >= MIN_BOTH and at_least(both, cpu.samples) >= MIN_SURE
    return enough and cpu.gc_share >= MIN_GC and cpu.malloc_share >= MIN_MALLOC


def _does_too_much(facts: Facts, cpu: Cpu, beside: Beside) -> bool:
    """Tell churn from a busy service where no user is seen to suffer: by its like, or by one line's bytes."""
    spent = cores(cpu)
    if spent < MIN_CORES:
        return False
    if takes_most(cpu) or (_is_warm(facts) and beside.far_exceeded(spent, cores_of, floor=0.01)):
        return True
    window, line = facts.window, culprit(facts)
    if window is None or not window.allocated_bytes or not window.memory_s or line is None:
        return False
    fast = window.allocated_bytes >= MIN_RATE * window.memory_s and line.share >= MIN_SHARE
    return fast and (is_busy(facts, cpu) or cpu.gc_share + cpu.malloc_share >= 0.5)  # noqa: PLR2004 - most of it


def _is_warm(facts: Facts) -> bool:
    age = facts.process.uptime_s if facts.process else None
    return age is None or age >= WARM_S
