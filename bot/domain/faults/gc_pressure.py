"""The collector takes the CPU that the requests need: much is alive, and much is made beside it."""

from collections.abc import Sequence

from bot.domain.facts import Cpu, Facts, Made, Place
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
from bot.domain.faults.piles import MIN_ALLOCATING, Pile, evidence, pile

FAULT = "gc-pressure"
MIN_SAMPLES = 20
"""Shares of fewer samples mean nothing; of so few, only what they prove to be at least."""
MIN_GC = 0.15
MIN_BOTH = 0.35
"""Measured on a lab service: 29-39 % collecting and 28-55 % allocating when sick, 1 % and 5-11 % when well."""
MIN_ASSIST = 0.08
"""Of the CPU: goroutines are made to help, so that requests wait for the collector."""
MIN_CORES = 0.2
"""Of one core spent on both, where no user is seen to suffer."""
MOST = 0.6
BUSY = 0.75
"""Of the CPUs: beyond, what the collector takes is missing elsewhere."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a process that spends its CPU on collecting and allocating; names the line that allocates most."""
    cpu = facts.cpu
    if (piled := pile(facts)) is not None:
        return _of_pile(facts, piled)
    if cpu is None or cpu.samples < MIN_SAMPLES or not _presses(cpu) or not _harms(facts, cpu, beside):
        return None
    if facts.heap is not None and facts.heap.small:
        return None  # alloc-churn's
    line, file = culprit(facts), facts.file("cpu")
    heap = () if facts.heap is None else (Evidence("live heap", megabytes(facts.heap.inuse_bytes), _heap(facts)),)
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
            *allocated(facts),
            *heap,
            *probe_evidence(facts),
        ),
        f"Allocate less at {line.frame if line else 'the top of the allocs profile'}: reuse, preallocate or pool what "
        "it makes; a higher GOGC or a GOMEMLIMIT buys time.",
        cpu.memory_share,
        CERTAIN if suffers(facts.probe) else LIKELY,
        f"The collector takes less than {percent(MIN_GC)} of a CPU profile.",
    )


def _of_pile(facts: Facts, piled: Pile) -> Finding | None:
    """Find the same where the process is too starved to be profiled: requests wait for memory, and much is alive."""
    if piled.allocating < MIN_ALLOCATING or facts.heap is None or facts.heap.small:
        return None
    return Finding(
        FAULT,
        facts.target,
        f"{piled.count} requests compute at once, {percent(piled.allocating)} of them to get memory, most at "
        f"{piled.frame}, with {megabytes(facts.heap.inuse_bytes)} alive.",
        (*evidence(facts, piled), Evidence("live heap", megabytes(facts.heap.inuse_bytes), _heap(facts))),
        f"Allocate less at {piled.frame}: reuse, preallocate or pool what it makes; a higher GOGC or a GOMEMLIMIT buys "
        "time.",
        piled.allocating,
        LIKELY,
        "A CPU profile comes in time again, and the collector takes little of it.",
    )


def _presses(cpu: Cpu) -> bool:
    """Tell whether collecting and allocating take so much that it can harm."""
    gc, both = at_least(cpu.gc_share, cpu.samples), at_least(cpu.memory_share, cpu.samples)
    return gc >= MIN_GC and both >= MIN_BOTH


def _harms(facts: Facts, cpu: Cpu, beside: Beside) -> bool:
    """Tell whether somebody misses what is spent: users, requests made to help, or everything on a busy machine."""
    if suffers(facts.probe):
        return True
    spent = cores(cpu)
    if takes_most(cpu):
        return True
    pressed = is_busy(facts, cpu) or cpu.assist_share >= MIN_ASSIST
    return spent >= MIN_CORES and (pressed or beside.far_exceeded(spent, cores_of, floor=0.05))


def takes_most(cpu: Cpu) -> bool:
    """Tell whether so much of what a process does is collecting and allocating that it is nothing else any more."""
    return at_least(cpu.memory_share, cpu.samples) >= MOST and cores(cpu) >= MIN_CORES


def cores(cpu: Cpu) -> float:
    """Give how many cores allocate and collect."""
    return cpu.cores * cpu.memory_share


def cores_of(facts: Facts) -> float | None:
    """Give how many cores of a target allocate and collect; None when it was not profiled."""
    return None if facts.cpu is None else cores(facts.cpu)


def is_busy(facts: Facts, cpu: Cpu) -> bool:
    """Tell whether a process uses most of the CPU that it may; False where that is not known."""
    process = facts.process
    if process is None or not process.cpus:
        return False
    return cpu.cores >= BUSY * min(process.cpus, process.cpu_limit_cores or process.cpus)


def culprit(facts: Facts) -> Place | None:
    """Give the line that allocates most: by bytes between two collections, or by the CPU it takes."""
    cpu, window = facts.cpu, facts.window
    if window is not None and window.memory and window.allocated_bytes:
        top: Made = window.memory[0]
        return Place(top.frame, top.allocated, min(top.allocated / max(window.allocated_bytes, 1), 1.0))
    if cpu is None:
        return None
    return next(iter(cpu.allocating), None) or next(iter(cpu.own), None)


def blame(line: Place | None) -> str:
    """Name the line that most of the CPU is spent for."""
    return f", most of it for {line.frame}" if line else ""


def lines(places: Sequence[Place], file: str) -> tuple[Evidence, ...]:
    """Give the lines that allocate most as evidence."""
    return tuple(Evidence(f"allocating at {each.frame}", percent(each.share), file) for each in places[:3])


def allocated(facts: Facts) -> tuple[Evidence, ...]:
    """Give how much is allocated every second, if two collections tell."""
    window = facts.window
    if window is None or window.allocated_bytes is None or not window.memory_s:
        return ()
    pace = f"{megabytes(window.allocated_bytes / window.memory_s)} every second"
    return (Evidence("allocated", pace, facts.file("heap-gc-2") or facts.file("heap-2")),)


def _heap(facts: Facts) -> str:
    return facts.file(facts.heap.part) if facts.heap else ""
