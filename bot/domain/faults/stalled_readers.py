"""Answers are written to clients that do not read them, with nothing to end the writing."""

from bot.domain.facts import Facts
from bot.domain.faults.finding import Beside, Evidence, Finding, probe_evidence, stands_out, suffers
from bot.domain.stacks import UNREAD, UNREAD_STREAM

FAULT = "stalled-readers"
MIN_STALLED = 20
"""Measured on lab services: 80-200 when sick; 0-1 when well, and with a WriteTimeout of 5 s."""
MIN_UNSENT = 0.5
"""Connections with bytes that the client did not take, for each that waits over HTTP/1: otherwise it moves on."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find requests stuck in writing their answer, while users suffer or the other targets have none."""
    stalled = _stalled(facts)
    elsewhere = [_stalled(each) for each in beside.others]
    if stalled < MIN_STALLED or not (suffers(facts.probe) or stands_out(stalled, elsewhere)):
        return None
    unsent = facts.sockets.unsent if facts.sockets else None
    if unsent is not None and unsent < MIN_UNSENT * _stalled(facts, UNREAD):
        return None
    top = next(each for each in facts.waits if each.state in (UNREAD, UNREAD_STREAM))
    place = top.frame
    file = facts.file("goroutine")
    kept = f"; {unsent} connections hold bytes that nobody took" if unsent else ""
    return Finding(
        FAULT,
        facts.target,
        f"{stalled} of {facts.handling} requests wait at {place} for clients that do not read their answer{kept}.",
        (
            Evidence(f"requests in {top.state} at {place}", str(top.count), file),
            *([Evidence("connections with unsent bytes", str(unsent), facts.file("sockets"))] if unsent else []),
            *probe_evidence(facts),
        ),
        f"Give the writing at {place} a deadline: WriteTimeout of http.Server, or SetWriteDeadline of "
        "http.ResponseController for each piece of a long answer. It worked when nothing waits there for longer "
        "than that.",
        stalled / max(facts.handling, stalled),
    )


def _stalled(facts: Facts, *states: str) -> int:
    return sum(each.count for each in facts.waits if each.state in (states or (UNREAD, UNREAD_STREAM)))
