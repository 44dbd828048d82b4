"""One function of the service takes the CPU."""

from bot.domain.facts import Facts
from bot.domain.faults.finding import Beside, Evidence, Finding, percent, probe_evidence, stands_out, suffers

FAULT = "cpu-hotspot"
MIN_SAMPLES = 50
MIN_SHARE = 0.6
MIN_CORES = 0.5
"""Of one core; below, a background job looks the same. Users who suffer need no such proof."""
MAX_GC = 0.1
"""Measured on a lab service: one function 78-96 %, collector 0-2 %."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a function that takes most of the CPU while users suffer or the other targets are far less busy."""
    cpu = facts.cpu
    if cpu is None or cpu.samples < MIN_SAMPLES or cpu.gc_share > MAX_GC or not cpu.own:
        return None
    top = cpu.own[0]
    share = sum(each.share for each in cpu.own if each.frame.function == top.frame.function)
    cores = [each.cpu.cores for each in beside.others if each.cpu is not None]
    if share < MIN_SHARE or not (
        suffers(facts.probe) or (cpu.cores >= MIN_CORES and stands_out(cpu.cores, cores, floor=0.05))
    ):
        return None
    file = facts.file("cpu")
    return Finding(
        FAULT,
        facts.target,
        f"{top.frame.function} takes {percent(share)} of {cpu.cores:.2f} busy cores, most at {top.frame}.",
        (
            *(Evidence(f"CPU at {each.frame}", percent(each.share), file) for each in cpu.own[:3]),
            Evidence("CPU profile", f"{cpu.samples} samples in {cpu.seconds:.1f} s", file),
            *probe_evidence(facts),
        ),
        f"Make {top.frame} cheaper, do it once, or do it elsewhere; until then shed the requests that need it.",
        share,
    )
