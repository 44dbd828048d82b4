"""Answers are written to clients that do not read them, with nothing to end the writing."""

from bot.domain.facts import Crowd, Facts
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Evidence, Finding, probe_evidence, suffers
from bot.domain.stacks import UNREAD, UNREAD_STREAM

FAULT = "stalled-readers"
MIN_STALLED = 10
"""Measured on lab services: 80-200 when sick; 0-1 when well, and with a WriteTimeout of 5 s."""
MIN_ONCE = 20
MIN_UNMOVED = 0.7
"""Of those that write over HTTP/1: their connections gave not one byte away between the readings. Slow readers do."""
MIN_UNSENT = 0.5
"""Where there is one reading only: connections with bytes that the client did not take, for each that waits."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find answers that are stuck in being written, and were when they were looked at before."""
    crowds = [each for each in facts.crowds if each.state in (UNREAD, UNREAD_STREAM)]
    stalled = sum(map(_stuck, crowds))
    if stalled < (MIN_STALLED if facts.window else MIN_ONCE) or not (
        _is_unmoved(facts, crowds) or _is_unlike(facts, beside, stalled) or _stands(crowds)
    ):
        return None
    if _moves(facts, crowds):
        return None
    top = max(crowds, key=_stuck)
    place, file = top.frame, facts.latest("goroutine")
    unsent = facts.sockets.unsent if facts.sockets else None
    unmoved = facts.window.unmoved if facts.window else None
    kept = f"; {unsent} connections hold bytes that nobody took" if unsent else ""
    handling = facts.window.handling if facts.window and facts.window.handling else facts.handling
    return Finding(
        FAULT,
        facts.target,
        f"{stalled} of {max(handling, stalled)} requests wait at {place} for clients that do not read their "
        f"answer{kept}.",
        (
            Evidence(f"requests in {top.state} at {place}", str(top.count), file),
            *([Evidence("connections with unsent bytes", str(unsent), facts.file("sockets"))] if unsent else []),
            *(
                [Evidence("of them took no byte between two readings", str(unmoved), facts.file("sockets-2"))]
                if unmoved
                else []
            ),
            *probe_evidence(facts),
        ),
        f"Give the writing at {place} a deadline: WriteTimeout of http.Server, or SetWriteDeadline of "
        "http.ResponseController for each piece of a long answer.",
        stalled / max(handling, stalled),
        CERTAIN if unmoved else LIKELY,
        "Nothing waits there for longer than the deadline.",
    )


def _stuck(crowd: Crowd) -> int:
    """Give how many are there in both readings."""
    return crowd.count if crowd.before is None else min(crowd.count, crowd.before)


def _over_http1(crowds: list[Crowd]) -> int:
    return sum(_stuck(each) for each in crowds if each.state == UNREAD)


def _is_unmoved(facts: Facts, crowds: list[Crowd]) -> bool:
    """Tell whether the sockets of those who write are seen to stand still."""
    unmoved, number = facts.window.unmoved if facts.window else None, _over_http1(crowds)
    return unmoved is not None and number >= MIN_STALLED and unmoved >= MIN_UNMOVED * number


def _stands(crowds: list[Crowd]) -> bool:
    """Tell whether two dumps show them in the same call: all that is known where the sockets are no TCP."""
    stayed = sum(each.stayed or 0 for each in crowds)
    return stayed >= max(MIN_ONCE, MIN_UNMOVED * sum(map(_stuck, crowds)))


def _is_unlike(facts: Facts, beside: Beside, stalled: int) -> bool:
    if suffers(facts.probe):
        return True
    return beside.far_exceeded(
        stalled, lambda other: sum(each.count for each in other.crowds if each.state in (UNREAD, UNREAD_STREAM))
    )


def _moves(facts: Facts, crowds: list[Crowd]) -> bool:
    """Tell whether bytes are seen to be taken, or nothing unsent is there, where most wait in a socket."""
    number = _over_http1(crowds)
    if not number or facts.sockets is None or facts.sockets.count("ESTABLISHED") < MIN_UNSENT * number:
        return False
    if facts.window is not None and facts.window.unmoved is not None:
        return facts.window.unmoved < MIN_UNMOVED * number
    return facts.sockets.unsent < MIN_UNSENT * number
