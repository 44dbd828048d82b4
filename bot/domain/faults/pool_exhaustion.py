"""Requests queue for one of a few connections or places, with nothing to end their wait."""

from collections.abc import Sequence

from bot.domain.facts import Facts, Wait
from bot.domain.faults.finding import Beside, Evidence, Finding, percent, probe_evidence, stands_out, suffers
from bot.domain.stacks import QUEUE_WAITS

FAULT = "pool-exhaustion"
MIN_WAITING = 20
MIN_SHARE = 0.5
"""Measured on a lab service: 290-1,990 requests waiting for 10 places; 0 when the pool is large enough."""
MIN_QUEUE = 4
"""Waiting requests for each one that is served; used only where neither users nor other targets can be compared."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find one line below a handler at which most requests wait for their turn."""
    queue = next((wait for wait in facts.waits if wait.state in QUEUE_WAITS), None)
    if queue is None or queue.count < max(MIN_WAITING, MIN_SHARE * facts.handling):
        return None
    served = facts.handling - queue.count
    if not _harms(facts, queue, served, beside.others):
        return None
    file = facts.file("goroutine")
    rest = [wait for wait in facts.waits if wait != queue]
    holding = tuple(Evidence(f"requests in {each.state} at {each.frame}", str(each.count), file) for each in rest[:2])
    holders = f"; {served} others are being served" if served else ""
    return Finding(
        FAULT,
        facts.target,
        f"{queue.count} of {facts.handling} requests wait for their turn at {queue.frame} ({queue.state}){holders}.",
        (
            Evidence(f"requests in {queue.state} at {queue.frame}", str(queue.count), file),
            Evidence(
                "requests in a handler",
                f"{facts.handling}, {percent(queue.count / facts.handling)} of them there",
                file,
            ),
            *holding,
            *probe_evidence(facts),
        ),
        f"Give the wait at {queue.frame} a deadline below the request's own (context.WithTimeout), then look why those "
        f"{'at ' + str(rest[0].frame) if rest else 'served'} hold their places so long; size the pool last.",
        queue.count / facts.handling,
    )


def _harms(facts: Facts, queue: Wait, served: int, others: Sequence[Facts]) -> bool:
    """Tell a queue that harms from waiting by design: users suffer, or the other targets have no such queue."""
    if suffers(facts.probe):
        return True
    elsewhere = [
        sum(wait.count for wait in each.waits if wait.frame.function == queue.frame.function) for each in others
    ]
    if stands_out(queue.count, elsewhere):
        return True
    unseen = facts.probe is None or not facts.probe.requests
    return unseen and not others and queue.state != "select" and queue.count >= MIN_QUEUE * max(served, 1)
