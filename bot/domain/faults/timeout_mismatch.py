"""Requests are worked on for clients that have given up: the server's patience is longer than theirs."""

from bot.domain.facts import Facts
from bot.domain.faults.finding import Beside, Evidence, Finding, percent, probe_evidence
from bot.domain.stacks import LOCK_WAITS, QUEUE_WAITS

FAULT = "timeout-mismatch"
MIN_LEFT = 50
MIN_SHARE = 0.5
"""Of the requests in a handler. Measured on lab services: 66-90 % when sick, no CLOSE_WAIT at all when well."""
ROOT_ELSEWHERE = (QUEUE_WAITS - {"select"}) | LOCK_WAITS
"""A crowd at a lock or in a queue has a cause of its own, and so have requests that run or wait for the CPU: that
their clients leave only follows."""


def find(facts: Facts, _beside: Beside) -> Finding | None:
    """Find handlers that outlive their clients.

    A connection is in CLOSE_WAIT from when its client closed it until the handler returns: net/http cancels the
    request's context then, but a handler that does not look at it goes on, and WriteTimeout does not end it either
    (golang/go#59602).
    """
    left = facts.sockets.count("CLOSE_WAIT") if facts.sockets else 0
    working = facts.handling
    if left < MIN_LEFT or not working or left < MIN_SHARE * working or working < MIN_SHARE * left:
        return None
    top = next(iter(facts.waits), None)
    if top is None or top.count < MIN_SHARE * working or top.state in ROOT_ELSEWHERE:
        return None
    left = min(left, working)
    return Finding(
        FAULT,
        facts.target,
        f"{left} of {working} requests are worked on for clients that gave up (CLOSE_WAIT); "
        f"{top.count} are at {top.frame} ({top.state}).",
        (
            Evidence("connections whose client left", f"{left} CLOSE_WAIT", facts.file("sockets")),
            Evidence("requests in a handler", str(working), facts.file("goroutine")),
            *_waits(facts),
            *_files(facts),
            *probe_evidence(facts),
        ),
        f"Pass r.Context() to {top.frame}, and give the handler a deadline below its clients' (context.WithTimeout, "
        "http.TimeoutHandler): WriteTimeout does not end it. It worked when CLOSE_WAIT stays near 0.",
        left / working,
    )


def _waits(facts: Facts) -> tuple[Evidence, ...]:
    file = facts.file("goroutine")
    return tuple(
        Evidence(f"requests in {each.state} at {each.frame}", str(each.count), file) for each in facts.waits[:2]
    )


def _files(facts: Facts) -> tuple[Evidence, ...]:
    process = facts.process
    if process is None or not process.fds or not process.fd_limit:
        return ()
    used = f"{process.fds} of {process.fd_limit} ({percent(process.fds / process.fd_limit)})"
    return (Evidence("open files", used, facts.file("process")),)
