"""Goroutines spend their time queueing for a lock that does move."""

from bot.domain.facts import Facts
from bot.domain.faults.deadlock import lock_crowd, share
from bot.domain.faults.finding import Beside, Evidence, Finding, probe_evidence, stands_out, suffers
from bot.domain.stacks import own_frame

FAULT = "lock-contention"
MIN_WAITING = 10
MIN_DELAY_S = 5.0
"""Measured on a lab service: 14-37 waiting, 26-62 s of delay in 3 s; 0 when well."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a crowd at a lock that is released again and again, while users suffer or other targets have no crowd."""
    crowd = lock_crowd(facts)
    if crowd is None or crowd.count < MIN_WAITING or (facts.mutex_delay_s or 0.0) < MIN_DELAY_S or not facts.mutex:
        return None
    crowds = [other.count if (other := lock_crowd(each)) else 0 for each in beside.others]
    if not (suffers(facts.probe) or stands_out(crowd.count, crowds)):
        return None
    place, holder = own_frame(crowd.stack, facts.build.module), facts.mutex[0].frame
    return Finding(
        FAULT,
        facts.target,
        f"{crowd.count} goroutines queue for the lock at {place}; {facts.mutex_delay_s:.0f} s were lost so far.",
        (
            Evidence(f"{crowd.state} at {place}", str(crowd.count), facts.file("goroutine")),
            Evidence(f"delay caused at {holder}", f"{facts.mutex[0].amount / 1e9:.1f} s", facts.file("mutex")),
            *probe_evidence(facts),
        ),
        f"Hold the lock released at {holder} for less: no I/O and no allocation under it, or split what it guards.",
        share(facts, crowd),
    )
