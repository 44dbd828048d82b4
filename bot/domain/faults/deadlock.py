"""Goroutines wait for a lock that is never released."""

from bot.domain.facts import Facts
from bot.domain.faults.finding import Beside, Evidence, Finding, probe_evidence
from bot.domain.goroutines import Group
from bot.domain.stacks import LOCK_WAITS, own_frame

FAULT = "deadlock"
MIN_WAITING = 50
MIN_WAIT_MIN = 1
"""A lock held for a minute is not coming back; a dump counts the minutes."""


def find(facts: Facts, _beside: Beside) -> Finding | None:
    """Find a crowd at one lock whose wait never ends: minutes long, or never once recorded as over.

    The mutex profile records a wait when the lock is released; a crowd without a record waits for a lock that was
    not released so far.
    """
    crowd = lock_crowd(facts)
    if crowd is None or crowd.count < MIN_WAITING:
        return None
    place = own_frame(crowd.stack, facts.build.module)
    function = place.function if place else ""
    released = any(each.frame.function == function for each in facts.mutex)
    long_wait = crowd.longest_wait_min >= MIN_WAIT_MIN
    if not long_wait and (facts.mutex_delay_s is None or released):
        return None
    how_long = f", the longest for {crowd.longest_wait_min} min" if long_wait else ""
    part = "goroutine-dump" if long_wait else "goroutine"
    return Finding(
        FAULT,
        facts.target,
        f"{crowd.count} goroutines wait at {place} for a lock that is not released{how_long}.",
        (
            Evidence(f"{crowd.state} at {place}", str(crowd.count), facts.file(part)),
            *_released(facts),
            *probe_evidence(facts),
        ),
        f"Find who holds the lock taken at {place}: release it on every path (defer), and take several in one order.",
        share(facts, crowd),
    )


def _released(facts: Facts) -> tuple[Evidence, ...]:
    if facts.mutex_delay_s is None:
        return ()
    return (Evidence("time recorded at released locks", f"{facts.mutex_delay_s:.1f} s", facts.file("mutex")),)


def lock_crowd(facts: Facts) -> Group | None:
    """Give the largest group that waits for a lock in the service's own code."""
    return next((each for each in facts.groups if each.state in LOCK_WAITS and own_frame(each.stack)), None)


def share(facts: Facts, crowd: Group) -> float:
    """Give the part of all goroutines that a group is."""
    return crowd.count / max(facts.goroutines or 0, crowd.count, 1)
