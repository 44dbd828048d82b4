"""Goroutines wait for a lock that is never released."""

from collections.abc import Sequence

from bot.domain.facts import Crowd, Facts
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Evidence, Finding, probe_evidence
from bot.domain.faults.locks import holders, lock_crowds, lost_at, was_released
from bot.domain.stacks import LOCK_WAITS, own_frame

FAULT = "deadlock"
MIN_STUCK = 2
"""Two that wait for each other are enough; they were seen not to move."""
MIN_UNSEEN = 10
"""Where single goroutines cannot be followed (no two dumps): a crowd that did not shrink."""
MIN_ONCE = 50
"""Where there is one reading only."""
MIN_WAIT_MIN = 1
"""A lock held for a minute is not coming back; a dump counts the minutes."""
MIN_STILL = 0.5
"""Of a crowd that others get through."""


def find(facts: Facts, _beside: Beside) -> Finding | None:
    """Find goroutines at locks that are not released: not one of them moved, and nobody is at work under the lock.

    The runtime's leak profile counts some of them, too, and is proof by itself.
    """
    leaked = [each for each in facts.leaked_groups if each.state in LOCK_WAITS and own_frame(each.stack)]
    proven = sum(each.count for each in leaked)
    stuck = [(each, number) for each in lock_crowds(facts) if (number := _stuck(facts, each))]
    number = max(sum(number for _, number in stuck), proven)
    if number < MIN_STUCK:
        return None
    places = list(dict.fromkeys(str(each.frame) for each, _ in stuck))
    places = places or [str(own_frame(each.stack, facts.build.module)) for each in leaked]
    long_wait = max((each.longest_wait_min for each, _ in stuck), default=0)
    followed = any(each.stayed is not None for each, _ in stuck)
    also = f" (and {len(places) - 1} more)" if len(places) > 2 else f" and {places[1]}" if len(places) > 1 else ""  # noqa: PLR2004 - named both
    long = f", the longest for {long_wait} min" if long_wait else ""
    return Finding(
        FAULT,
        facts.target,
        f"{number} goroutines wait at {places[0]}{also} for a lock that is not released{long}.",
        (
            *_places(facts, stuck),
            *([Evidence("proven by the runtime to wait for ever", str(proven), _leak(facts))] if proven else []),
            *_released(facts),
            *probe_evidence(facts),
        ),
        f"Find who holds the lock taken at {places[0]}: release it on every path (defer), and take several in one "
        "order. A restart frees who waits now.",
        number / max(facts.goroutines or 0, number, 1),
        CERTAIN if proven or long_wait or followed else LIKELY,
        f"Nothing waits at {places[0]} in two snapshots in a row.",
    )


def _stuck(facts: Facts, crowd: Crowd) -> int:
    """Give how many of a crowd wait for a lock that nobody will release."""
    if crowd.longest_wait_min >= MIN_WAIT_MIN and not _is_worked_under(facts, crowd):
        return crowd.count
    if facts.window is None:
        return crowd.count if crowd.count >= MIN_ONCE and _is_never_released(facts, crowd) else 0
    before, released = crowd.before or 0, was_released(facts, crowd)
    if crowd.stayed is None:
        unmoved = crowd.count >= before >= MIN_UNSEEN and not released
        return crowd.count if unmoved and not _is_worked_under(facts, crowd) else 0
    if released:
        return _behind(facts, crowd)
    return crowd.count if crowd.stayed >= max(before, 1) and not _is_worked_under(facts, crowd) else 0


def _is_worked_under(facts: Facts, crowd: Crowd) -> bool:
    return bool(holders(crowd, facts.crowds))


def _behind(facts: Facts, crowd: Crowd) -> int:
    """Give how many stand still where others get through: each object may have a lock of its own at this line.

    Those who got through waited so long that, on average, so many of them were seen waiting; who is beyond that number
    did not move (Little's law).
    """
    seconds = facts.window.seconds if facts.window else 0.0
    moving = lost_at(facts, crowd) / seconds if seconds else float(crowd.count)
    still = min(crowd.before or 0, crowd.stayed or 0) - moving
    return round(still) if still >= max(MIN_STUCK, MIN_STILL * crowd.count) else 0


def _is_never_released(facts: Facts, crowd: Crowd) -> bool:
    """Tell whether locks are recorded when they are released, and this one never was since the process started."""
    if facts.mutex_delay_s is None or _is_worked_under(facts, crowd):
        return False
    return all(each.frame.function != crowd.frame.function for each in facts.mutex)


def _places(facts: Facts, stuck: Sequence[tuple[Crowd, int]]) -> tuple[Evidence, ...]:
    part = "goroutine-2" if facts.window else "goroutine-dump" if facts.file("goroutine-dump") else "goroutine"
    seen = f" in {facts.window.seconds:.1f} s" if facts.window else ""
    return tuple(
        Evidence(
            f"{each.state} at {each.frame}" + (f", unmoved{seen}" if each.stayed is not None else ""),
            str(number),
            facts.file(part),
        )
        for each, number in stuck[:3]
    )


def _leak(facts: Facts) -> str:
    return facts.file("goroutineleak")


def _released(facts: Facts) -> tuple[Evidence, ...]:
    if facts.window is not None and facts.window.locks is not None:
        lost = sum(each.seconds for each in facts.window.locks)
        return (Evidence("time recorded at released locks meanwhile", f"{lost:.1f} s", facts.file("mutex-2")),)
    if facts.mutex_delay_s is None:
        return ()
    return (Evidence("time recorded at released locks", f"{facts.mutex_delay_s:.1f} s", facts.file("mutex")),)
