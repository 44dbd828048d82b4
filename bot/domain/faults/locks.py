"""Crowds at locks: which of them move, which do not, and who seems to hold what they wait for."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from bot.domain.facts import Crowd, Facts, Spent
from bot.domain.stacks import LOCK_WAITS

STILL = frozenset({"", "IO wait", "sleep", "HTTP answer", "answer unread", "dial", "name lookup"})
"""States of a holder that goes on by itself: it runs, or the world outside will wake it."""


NEAR = 3
"""Calls from the lock outwards in which whoever holds it may still be: more only share a request with it."""


def lock_crowds(facts: Facts) -> tuple[Crowd, ...]:
    """Give the crowds that wait for a lock in the service's own code, largest first."""
    return tuple(each for each in facts.crowds if each.state in LOCK_WAITS)


def is_past(crowd: Crowd, ahead: Crowd) -> bool:
    """Tell whether a crowd has gone beyond where another waits: same calls so far, then further down the same function.

    What it took there, it holds: a lock, or a place in a pool.
    """
    for mine, theirs in zip(reversed(crowd.path), reversed(ahead.path), strict=False):
        if mine.function != theirs.function:
            return False
        if mine.line != theirs.line:
            return theirs.line > mine.line
    return False


def holders(crowd: Crowd, crowds: Sequence[Crowd]) -> tuple[Crowd, ...]:
    """Give who may hold what a crowd waits for, and goes on by itself: in the function that waits, or in its caller."""
    near = {frame.function for frame in crowd.path[:NEAR]}
    return tuple(
        each
        for each in crowds
        if each.count
        and each.state in STILL
        and is_past(crowd, each)
        and any(frame.function in near for frame in each.path)
    )


def passed(facts: Facts, crowd: Crowd) -> Spent | None:
    """Give what those waited who got the lock at a crowd's line between the readings; None when nobody did."""
    blocked = facts.window.blocked if facts.window else None
    return next((each for each in blocked or () if each.frame == crowd.frame and each.times), None)


def lost_at(facts: Facts, crowd: Crowd) -> float:
    """Give the seconds that those waited, together, who got the lock at a crowd's line between the readings."""
    through = passed(facts, crowd)
    functions = {frame.function for frame in crowd.path[:2]}
    released = [
        each.seconds for each in (facts.window.locks if facts.window else None) or () if _is_of(each, functions)
    ]
    return max([through.seconds if through else 0.0, sum(released)])


def was_released(facts: Facts, crowd: Crowd) -> bool | None:
    """Tell whether a lock was released between the readings, as far as the profiles record it; None: they do not."""
    window = facts.window
    if window is None or (window.blocked is None and window.locks is None):
        return None
    functions = {frame.function for frame in crowd.path[:2]}
    return passed(facts, crowd) is not None or any(_is_of(each, functions) for each in window.locks or ())


def _is_of(released: Spent, functions: AbstractSet[str]) -> bool:
    return any(frame.function in functions for frame in (released.frame, *released.path[:1]))
