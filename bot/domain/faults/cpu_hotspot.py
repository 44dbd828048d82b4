"""One function of the service takes the CPU."""

from bot.domain.facts import Cpu, Facts, Place
from bot.domain.faults.finding import (
    CERTAIN,
    LIKELY,
    Beside,
    Evidence,
    Finding,
    at_least,
    percent,
    probe_evidence,
    suffers,
)

FAULT = "cpu-hotspot"
MIN_SAMPLES = 30
MIN_SHARE = 0.5
"""Measured on a lab service: one function 78-96 %, collector 0-2 %."""
MIN_CORES = 0.5
"""Of one core; below, a background job looks the same. Users who suffer need no such proof."""
MAX_GC = 0.12
MIN_QUEUE = 3.0
"""Requests that compute at once, for each CPU: more than one of them waits for its turn."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a function that takes most of the CPU while users suffer, requests pile up in it, or nobody else does so."""
    cpu = facts.cpu
    if cpu is None or cpu.samples < MIN_SAMPLES or cpu.gc_share > MAX_GC or not cpu.own:
        return None
    top = _hot(cpu)
    if top is None:
        return None
    piled = _piled(facts, top)
    if not (suffers(facts.probe) or piled or _is_unlike(cpu, beside)):
        return None
    file = facts.file("cpu")
    pile = f"; {piled} goroutines compute there at once" if piled else ""
    return Finding(
        FAULT,
        facts.target,
        f"{top.frame.function} takes {percent(top.share)} of {cpu.cores:.2f} busy cores, most at {top.frame}{pile}.",
        (
            *(Evidence(f"CPU at {each.frame}", percent(each.share), file) for each in cpu.own[:3]),
            Evidence("CPU profile", f"{cpu.samples} samples in {cpu.seconds:.1f} s", file),
            *probe_evidence(facts),
        ),
        f"Make {top.frame} cheaper, do it once, or do it elsewhere; until then shed the requests that need it.",
        top.share,
        CERTAIN if suffers(facts.probe) or piled else LIKELY,
        f"{top.frame.function} takes less than half of a CPU profile.",
    )


def _hot(cpu: Cpu) -> Place | None:
    """Give the function that takes most by itself; else the innermost one under which most of it is spent."""
    name = cpu.own[0].frame.function
    share = sum(each.share for each in cpu.own if each.frame.function == name)
    if at_least(share, cpu.samples) >= MIN_SHARE:
        return Place(cpu.own[0].frame, round(share * cpu.samples), share)
    enough = [each for each in cpu.under if at_least(each.share, cpu.samples) >= MIN_SHARE]
    return enough[-1] if enough else None


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


def _is_unlike(cpu: Cpu, beside: Beside) -> bool:
    return cpu.cores >= MIN_CORES and beside.far_exceeded(
        cpu.cores, lambda other: other.cpu.cores if other.cpu else None, floor=0.05
    )
