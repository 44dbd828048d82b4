"""Requests are worked on for clients that have given up: the server's patience is longer than theirs."""

from bot.domain.facts import Crowd, Facts
from bot.domain.faults import pool_exhaustion
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Evidence, Finding, percent, probe_evidence, suffers
from bot.domain.stacks import LOCK_WAITS, UNREAD, UNREAD_STREAM

FAULT = "timeout-mismatch"
MIN_LEFT = 10
MIN_SHARE = 0.3
"""Of the requests in a handler. Measured on lab services: 66-90 % when sick, no CLOSE_WAIT at all when well."""
MIN_LATE = 0.5
"""Of the probes: these timed out."""
MIN_PATIENCE_S, MIN_OUTLIVED = 0.5, 1.25
"""A request waits so long for its helpers; these take so many times that: their work outlives it."""
OUTWARD = frozenset({"HTTP answer", "IO wait", "name lookup"})
"""Waits for somebody else's answer."""
ROOT_ELSEWHERE = LOCK_WAITS | pool_exhaustion.POOLS | {"", "chan send", "sync.Cond.Wait", UNREAD, UNREAD_STREAM}
"""A crowd at a lock or in a queue has a cause of its own, and so have requests that run or wait for the CPU: that their
clients leave only follows."""


Left = tuple[int, str]
"""How many requests nobody waits for any more, and by what it is seen."""


def find(facts: Facts, _beside: Beside) -> Finding | None:
    """Find handlers that outlive their clients.

    A connection is in CLOSE_WAIT from when its client closed it until the handler returns: net/http cancels the
    request's context then, but a handler that does not look at it goes on, and WriteTimeout does not end it either
    (golang/go#59602). Where sockets are not known: net/http reads ahead for each request while its client is there.
    With a WriteTimeout it is the server that has closed the connection: users wait for nothing all the same.
    """
    window = facts.window
    working = window.handling if window and window.handling is not None else facts.handling
    top = next((each for each in facts.crowds if each.request), None)
    if not working or top is None or _is_elsewhere(facts, top, working):
        return None
    left, seen = _left(facts, working)
    if left < MIN_LEFT:
        left, seen = _orphaned(facts) or _outlived(facts) or _cut_off(facts, top, working) or (0, "")
    if left < max(MIN_LEFT, MIN_SHARE * working):
        return None
    left = min(left, working)
    file = facts.latest("goroutine")
    return Finding(
        FAULT,
        facts.target,
        f"{left} of {working} requests are worked on for clients that gave up ({seen}); "
        f"{top.count} are at {top.frame} ({top.state}).",
        (
            Evidence("connections whose client left", f"{left} ({seen})", facts.file("sockets") or file),
            Evidence("requests in a handler", str(working), file),
            *_waits(facts, file),
            *_files(facts),
            *probe_evidence(facts),
        ),
        f"Pass r.Context() to {top.frame}, and give the handler a deadline below its clients' (context.WithTimeout, "
        "http.TimeoutHandler): WriteTimeout does not end it.",
        left / working,
        CERTAIN if seen == "CLOSE_WAIT" and window is not None else LIKELY,
        "CLOSE_WAIT stays near 0 while clients give up.",
    )


def _is_elsewhere(facts: Facts, top: Crowd, working: int) -> bool:
    """Tell whether what requests wait for has a cause of its own."""
    if top.count < MIN_SHARE * working or top.state in ROOT_ELSEWHERE:
        return True
    queue = pool_exhaustion.longest_queue(facts)
    return queue is not None and queue.is_of_places and queue.waiting >= MIN_SHARE * working


def _left(facts: Facts, working: int) -> tuple[int, str]:
    """Give how many requests have lost their client, in the reading that shows fewer, and by what it is seen."""
    if facts.sockets is not None:
        closed = [facts.sockets.count("CLOSE_WAIT")]
        if facts.window is not None and facts.window.sockets is not None:
            closed.append(facts.window.sockets.count("CLOSE_WAIT"))
        return min(closed), "CLOSE_WAIT"
    if not facts.attended:
        return 0, ""  # HTTP/2, or bodies that nobody has read: there is no reading ahead at all
    alone = [facts.handling - facts.attended]
    if facts.window is not None and facts.window.attended is not None:
        alone.append(working - facts.window.attended)
    return (min(alone) if len(alone) > 1 else 0), "nobody reads ahead for them"


def _orphaned(facts: Facts) -> Left | None:
    """Give how many handlers go on in goroutines of their own, in both readings, after their answers were given up."""
    alone = min(facts.orphans, facts.window.orphans if facts.window else facts.orphans)
    return (alone, "http.TimeoutHandler or its like has answered for them") if alone >= MIN_LEFT else None


def _outlived(facts: Facts) -> Left | None:
    """Give how many goroutines wait longer for somebody else than the requests that started them and users wait."""
    if facts.window is None or not suffers(facts.probe):
        return None
    mean_s = {each.frame: each.mean_s for each in facts.window.blocked or ()}
    for asking in (each for each in facts.crowds if each.request and each.state in pool_exhaustion.ANSWERS):
        patience_s = mean_s.get(asking.frame, 0.0)
        work = [each for each in pool_exhaustion.helpers(facts, asking) if each.state in OUTWARD]
        late = max((mean_s.get(each.frame, 0.0) for each in work), default=0.0)
        if patience_s >= MIN_PATIENCE_S and late >= MIN_OUTLIVED * patience_s:
            said = f"answers take {late:.1f} s, and {patience_s:.1f} s are waited for them"
            return sum(each.count for each in work), said
    return None


def _cut_off(facts: Facts, top: Crowd, working: int) -> Left | None:
    """Give how many requests are as good as lost: users time out, and it is this side that closes their connections.

    Clients that leave are the ones in TIME_WAIT; here it is the server, after a write beyond its deadline.
    """
    probe, window = facts.probe, facts.window
    late = dict(probe.statuses).get("timeout", 0) if probe else 0
    if probe is None or late < max(MIN_LATE * probe.requests, 1) or top.state not in OUTWARD:
        return None
    if window is None or window.sockets is None or facts.sockets is None:
        return None
    closed = window.sockets.count("TIME_WAIT") - facts.sockets.count("TIME_WAIT")
    return (working, f"TIME_WAIT, {closed} more between two readings") if closed >= MIN_LEFT else None


def _waits(facts: Facts, file: str) -> tuple[Evidence, ...]:
    requests = [each for each in facts.crowds if each.request]
    return tuple(
        Evidence(f"requests in {each.state or 'no wait'} at {each.frame}", str(each.count), file)
        for each in requests[:2]
    )


def _files(facts: Facts) -> tuple[Evidence, ...]:
    process = facts.process
    if process is None or not process.fds or not process.fd_limit:
        return ()
    used = f"{process.fds} of {process.fd_limit} ({percent(process.fds / process.fd_limit)})"
    return (Evidence("open files", used, facts.file("process")),)
