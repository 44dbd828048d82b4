"""One function of the service takes the CPU."""

from bot.domain.facts import Cpu, Facts, Place
from bot.domain.faults.finding import (
    CERTAIN,
    LIKELY,
    Beside,
    Evidence,
    Finding,
    at_least,
    is_slowing,
    percent,
    probe_evidence,
    suffers,
)
from bot.domain.faults.gc_pressure import is_busy
from bot.domain.faults.piles import MIN_ALLOCATING, Pile, evidence, pile

FAULT = "cpu-hotspot"
MIN_SAMPLES = 30
MIN_SHARE = 0.5
"""Measured on a lab service: one function 78-96 %, collector 0-2 %."""
MIN_CORES = 0.5
"""Of one core; below, a background job looks the same. Users who suffer need no such proof."""
MIN_CORES_BESIDE = 0.2
"""Where other targets, or a healthy time, have almost nothing of it and answer faster."""
MOST = 0.85
"""Where users do not suffer yet: so much of the CPU, in requests, and a probe that is slow for nothing else."""
MAX_GC, MAX_MEMORY = 0.12, 0.5
"""Of the CPU: beyond, it is memory that costs."""
MIN_SPIN_CORES, MIN_SPIN, MAX_SPIN_MALLOC = 0.75, 0.95, 0.01
"""A goroutine that spins has a core to itself, makes nothing, and is nowhere else."""
ASKING = frozenset(
    {
        "runtime.selectnbrecv",
        "runtime.selectnbsend",
        "runtime.chanrecv",
        "runtime.chansend",
        "runtime.empty",
        "runtime.full",
        "runtime.asyncPreempt",
        "runtime.Gosched",
        "runtime.goschedImpl",
        "runtime.mcall",
        "runtime.gosched_m",
        "runtime.schedule",
        "runtime.findRunnable",
        "runtime.execute",
        "runtime.casgstatus",
        "runtime.globrunqget",
        "runtime.nanotime",
        "runtime.nanotime1",
        "time.Now",
        "time.Since",
        "sync.(*Mutex).TryLock",
        "internal/runtime/atomic.(*Uint32).Load",
        "sync/atomic.(*Bool).Load",
        "sync/atomic.(*Int32).Load",
        "sync/atomic.(*Int64).Load",
    }
)
"""Looking whether there is something to do, and giving way to others meanwhile."""
MIN_QUEUE = 3.0
"""Requests that compute at once, for each CPU: more than one of them waits for its turn."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a function that takes most of the CPU while users suffer, requests pile up in it, or nobody else does so."""
    cpu = facts.cpu
    if (alone := pile(facts)) is not None:
        return _of_pile(facts, alone)
    if cpu is None or cpu.samples < MIN_SAMPLES or not cpu.own:
        return None
    if cpu.gc_share > MAX_GC or cpu.memory_share > MAX_MEMORY:
        return None
    burning = _burning(facts, cpu, beside)
    top = _hot(cpu) or burning
    if top is None:
        return None
    piled = _piled(facts, top)
    slows = suffers(facts.probe) and (cpu.cores >= MIN_CORES or _is_served(cpu, top))
    slows = slows or _slows_requests(facts, cpu, top) or burning is not None
    spins = _spins(cpu, top)
    if not (slows or piled or spins or _is_unlike(facts, cpu, top, beside)):
        return None
    file = facts.file("cpu")
    seen = f"; {piled} goroutines compute there at once" if piled else ""
    seen = "; it turns in a loop, outside of any request, that calls nothing and waits for nothing" if spins else seen
    return Finding(
        FAULT,
        facts.target,
        f"{top.frame.function} takes {percent(top.share)} of {cpu.cores:.2f} busy cores, most at {top.frame}{seen}.",
        (
            *(Evidence(f"CPU at {each.frame}", percent(each.share), file) for each in cpu.own[:3]),
            Evidence("CPU profile", f"{cpu.samples} samples in {cpu.seconds:.1f} s", file),
            *probe_evidence(facts),
        ),
        f"Make {top.frame} cheaper, do it once, or do it elsewhere; until then shed the requests that need it.",
        top.share,
        CERTAIN if slows or piled else LIKELY,
        f"{top.frame.function} takes less than half of a CPU profile.",
    )


def _of_pile(facts: Facts, piled: Pile) -> Finding | None:
    """Find the same where the process is too starved to be profiled: requests compute, and not to get memory."""
    if piled.allocating >= MIN_ALLOCATING:
        return None
    return Finding(
        FAULT,
        facts.target,
        f"{piled.count} requests compute at once, most at {piled.frame}, and the process is starved.",
        (*evidence(facts, piled), *probe_evidence(facts)),
        f"Make {piled.frame} cheaper, do it once, or do it elsewhere; until then shed the requests that need it.",
        min(piled.count / max(facts.handling, piled.count), 1.0),
        LIKELY,
        "A CPU profile comes in time again, and no function takes half of it.",
    )


def _hot(cpu: Cpu) -> Place | None:
    """Give the function that takes most by itself; else the innermost one under which most of it is spent."""
    name = cpu.own[0].frame.function
    share = sum(each.share for each in cpu.own if each.frame.function == name)
    if at_least(share, cpu.samples) >= MIN_SHARE:
        return Place(cpu.own[0].frame, round(share * cpu.samples), share)
    enough = [each for each in cpu.under if at_least(each.share, cpu.samples) >= MIN_SHARE]
    return enough[-1] if enough else None


def _burning(facts: Facts, cpu: Cpu, beside: Beside) -> Place | None:
    """Give the innermost function under which nearly all of it is spent, if that is what makes users wait."""
    enough = [each for each in cpu.under if at_least(each.share, cpu.samples) >= MOST]
    waits = is_slowing(facts) or (is_busy(facts, cpu) and beside.is_slower(facts))
    return enough[-1] if enough and waits and cpu.cores >= MIN_CORES else None


def _spins(cpu: Cpu, top: Place) -> bool:
    """Tell a loop that only asks again from a job: it calls nothing but what looks whether there is something to do."""
    name = top.frame.function
    idle = sum(each.share for each in cpu.top if each.frame.function in ASKING or each.frame.function == name)
    alone = not any(each.frame.function == name for each in cpu.serving) and cpu.malloc_share < MAX_SPIN_MALLOC
    return alone and cpu.cores >= MIN_SPIN_CORES and idle >= MIN_SPIN


def _slows_requests(facts: Facts, cpu: Cpu, top: Place) -> bool:
    """Tell whether requests do next to nothing else, and take longer than they should, on a machine that is quick."""
    share = next((each.share for each in cpu.serving if each.frame.function == top.frame.function), 0.0)
    return is_slowing(facts) and cpu.cores >= MIN_CORES_BESIDE and at_least(share, cpu.samples) >= MOST


def _is_served(cpu: Cpu, top: Place) -> bool:
    """Tell whether requests spend it, and not a job beside them that has little of the CPU itself."""
    name = top.frame.function
    return any(each.frame.function == name and each.share >= MIN_SHARE * top.share for each in cpu.serving)


def _piled(facts: Facts, top: Place) -> int:
    """Give how many goroutines compute in a function at once, in both readings, if they are too many for the CPUs."""
    crowds = [
        each
        for each in facts.crowds
        if not each.state and any(frame.function == top.frame.function for frame in each.path)
    ]
    number = min(sum(each.count for each in crowds), sum(each.before or 0 for each in crowds))
    cpus = (facts.process.cpus if facts.process else None) or 2
    return number if number >= MIN_QUEUE * cpus else 0


def _is_unlike(facts: Facts, cpu: Cpu, top: Place, beside: Beside) -> bool:
    if cpu.cores < MIN_CORES_BESIDE or not _is_served(cpu, top) or not beside.is_slower(facts):
        return False
    return beside.far_exceeded(cpu.cores, lambda other: other.cpu.cores if other.cpu else None, floor=0.05)
