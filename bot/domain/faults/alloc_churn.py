"""Short-lived objects are made and thrown away so fast that the CPU goes into them."""

from bot.domain.facts import Cpu, Facts
from bot.domain.faults.finding import (
    CERTAIN,
    LIKELY,
    Beside,
    Evidence,
    Finding,
    at_least,
    is_slowing,
    megabytes,
    percent,
    probe_evidence,
    suffers,
)
from bot.domain.faults.gc_pressure import MIN_GC as MIN_GC_PRESSURE
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
from bot.domain.faults.piles import MIN_ALLOCATING, Pile, evidence, pile
from bot.domain.stacks import is_standard

FAULT = "alloc-churn"
MIN_GC = 0.03
MIN_MALLOC = 0.12
MIN_BOTH = 0.25
"""Measured on lab services: 8-20 % collecting and 19-80 % allocating when sick, 1 % and 5-11 % when well."""
MIN_SURE = 0.15
"""What few samples must prove it to be at least."""
WARM_S = 20.0
"""A process so young fills its caches and pools, and allocates as it never will again."""
MIN_CORES = 0.1
"""Of one core spent on both; below, users lose nothing by it."""
LEAST_HEAP = 4_000_000
"""Bytes: the runtime lets a heap fill so far before it collects (heapMinimum, runtime/mgcpacer.go)."""
MIN_COLLECTIONS, MIN_SEEN = 8.0, 0.1
"""Collections a second, and what of the CPU must be seen of them. Measured on lab services: 80 and 17 % with the
smallest fault, 1 when well; much of what they cost is waking and parking threads, which nobody counts as theirs."""
MANY_COLLECTIONS, MOST = 20.0, 0.6
"""Where no user is seen to suffer: so many, by one line of the requests, and a probe that is slow for nothing else."""
MIN_COMPUTES = 0.5
"""Of the CPU, in the service's own instructions: then what is made beside is not what it costs."""
MIN_RATE = 40_000_000
"""Bytes a second: who throws away so much has the collector run all the time."""
MIN_SHARE = 0.4
"""Of these bytes, made by one line: otherwise it is only a busy service."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a process that allocates and collects with little alive, to the harm of its users or most of its CPU."""
    cpu, heap = facts.cpu, facts.heap
    if heap is None or not (heap.small or _is_followed_easily(cpu)):
        return None
    by_cpu = cpu is not None and cpu.samples >= MIN_SAMPLES and _churns(facts, cpu)
    if (piled := pile(facts)) is not None and piled.allocating >= MIN_ALLOCATING:
        return _of_pile(facts, piled)
    by_cpu = by_cpu and cpu is not None and (suffers(facts.probe) or _does_too_much(facts, cpu, beside))
    if not by_cpu and not _turns_over(facts, cpu):
        return None
    line, file = culprit(facts), facts.file("cpu")
    pace = collections(facts)
    said = f"{percent(cpu.malloc_share)} of the CPU allocates and {percent(cpu.gc_share)} collects" if cpu else ""
    often = f"the heap is filled and collected {pace:.0f} times in every second" if pace >= 1 else ""
    claim = "; ".join(each for each in (said, often) if each)
    alive = f"{'only ' if heap.small else ''}{megabytes(heap.inuse_bytes)} alive"
    return Finding(
        FAULT,
        facts.target,
        f"{claim[:1].upper()}{claim[1:]}, with {alive}{blame(line)}.",
        (
            *_cpu_evidence(cpu, file),
            *allocated(facts),
            Evidence("live heap", megabytes(heap.inuse_bytes), facts.file(heap.part)),
            *probe_evidence(facts),
        ),
        f"Make fewer objects at {line.frame if line else 'the top of the allocs profile'}: size a buffer once, reuse "
        "it, or take it from a sync.Pool; a higher GOGC helps until then.",
        (cpu.memory_share if cpu else 0.0) or 0.1,
        CERTAIN if suffers(facts.probe) and facts.window is not None else LIKELY,
        f"mallocgc takes less than {percent(MIN_MALLOC)} of a CPU profile.",
    )


def _of_pile(facts: Facts, piled: Pile) -> Finding:
    """Find the same where the process is too starved to be profiled."""
    heap = facts.heap
    return Finding(
        FAULT,
        facts.target,
        f"{piled.count} requests compute at once, {percent(piled.allocating)} of them to get memory, most at "
        f"{piled.frame}, with only {megabytes(heap.inuse_bytes if heap else 0)} alive.",
        (*evidence(facts, piled), *allocated(facts)),
        f"Make fewer objects at {piled.frame}: size a buffer once, reuse it, or take it from a sync.Pool; a higher "
        "GOGC helps until then.",
        piled.allocating,
        LIKELY,
        "A CPU profile comes in time again, and mallocgc takes little of it.",
    )


def _cpu_evidence(cpu: Cpu | None, file: str) -> tuple[Evidence, ...]:
    if cpu is None:
        return ()
    return (
        Evidence("CPU in mallocgc", percent(cpu.malloc_share), file),
        Evidence("CPU in the collector (background and assists)", percent(cpu.gc_share), file),
        Evidence("CPU profile", f"{cpu.samples} samples in {cpu.seconds:.1f} s, {cpu.cores:.2f} cores", file),
        *lines(cpu.allocating, file),
    )


def collections(facts: Facts) -> float:
    """Give how often a second the heap is filled, by what is allocated and GOGC's default; 0 where it is not known."""
    window, heap = facts.window, facts.heap
    if window is None or heap is None or not window.memory_s:
        return 0.0
    return (window.allocated_bytes or 0) / window.memory_s / max(heap.inuse_bytes, LEAST_HEAP)


def _is_followed_easily(cpu: Cpu | None) -> bool:
    """Tell whether a heap that is not small costs the collector little beside what is made: it is not gc-pressure's."""
    return cpu is not None and cpu.samples >= MIN_SAMPLES and cpu.gc_share < MIN_GC_PRESSURE <= cpu.malloc_share / 2


def _turns_over(facts: Facts, cpu: Cpu | None) -> bool:
    """Tell whether one line fills the heap again and again while users suffer, whatever few samples say."""
    line = culprit(facts)
    if line is None or not facts.window or not facts.window.memory:
        return False
    if not suffers(facts.probe):
        return _slows_requests(facts, cpu, line.share)
    if cpu is not None and cpu.samples >= MIN_SAMPLES and _computes(cpu):
        return False
    seen = cpu is None or cpu.samples < MIN_SAMPLES or cpu.memory_share >= MIN_SEEN
    return seen and line.share >= MIN_SHARE and collections(facts) >= MIN_COLLECTIONS


def _slows_requests(facts: Facts, cpu: Cpu | None, share: float) -> bool:
    """Tell whether a line of the requests themselves fills the heap, and they take longer than they should need."""
    window = facts.window
    if cpu is None or window is None or not window.memory or not window.memory[0].request:
        return False
    enough = share >= MOST and collections(facts) >= MANY_COLLECTIONS
    return is_slowing(facts) and enough and at_least(cpu.memory_share, cpu.samples) >= MIN_SURE


def _computes(cpu: Cpu) -> bool:
    """Tell whether most of the CPU is spent in the service's own instructions: what it makes is not what it costs."""
    return sum(each.share for each in cpu.top if not is_standard(each.frame.function)) >= MIN_COMPUTES


def _churns(facts: Facts, cpu: Cpu) -> bool:
    """Tell whether memory takes a good part of the CPU; of few large objects it is the collector that is seen."""
    both = cpu.memory_share
    enough = both >= MIN_BOTH and at_least(both, cpu.samples) >= MIN_SURE
    makes = cpu.malloc_share >= MIN_MALLOC or collections(facts) >= MANY_COLLECTIONS
    return enough and cpu.gc_share >= MIN_GC and makes


def _does_too_much(facts: Facts, cpu: Cpu, beside: Beside) -> bool:
    """Tell churn from a busy service where no user is seen to suffer: by its like, or by one line's bytes."""
    spent = cores(cpu)
    if spent < MIN_CORES:
        return False
    if takes_most(cpu) or (
        _is_warm(facts) and beside.is_slower(facts) and beside.far_exceeded(spent, cores_of, floor=0.01)
    ):
        return True
    window, line = facts.window, culprit(facts)
    if window is None or not window.allocated_bytes or not window.memory_s or line is None:
        return False
    spends = at_least(cpu.memory_share, cpu.samples)
    often = collections(facts) >= MANY_COLLECTIONS and line.share >= MOST and window.memory is not None
    if often and spends >= MIN_BOTH and window.memory and window.memory[0].request:
        return True
    fast = window.allocated_bytes >= MIN_RATE * window.memory_s and line.share >= MIN_SHARE
    return fast and (is_busy(facts, cpu) or cpu.memory_share >= 0.5)  # noqa: PLR2004 - most of it


def _is_warm(facts: Facts) -> bool:
    age = facts.process.uptime_s if facts.process else None
    return age is None or age >= WARM_S
