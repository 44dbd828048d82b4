"""One line holds on to ever more memory."""

from bot.domain.facts import Facts
from bot.domain.faults.finding import Beside, Evidence, Finding, megabytes, percent, span, stands_out

FAULT = "heap-growth"
MIN_BYTES = 48_000_000
MIN_SHARE = 0.5
"""Measured on a lab service: one line held 99-100 % of 51-119 MB."""
NEAR_LIMIT = 0.8
"""Of the memory limit: the collector runs ever more often from here on, and the kernel kills soon after."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a heap far above the other targets', or near its limit, most of it held by one own line."""
    if facts.heap is None or not facts.heap.holding:
        return None
    size, top = facts.heap.inuse_bytes, facts.heap.holding[0]
    sizes = [each.heap.inuse_bytes for each in beside.others if each.heap is not None]
    limit = facts.process.memory_limit_bytes if facts.process else None
    near = limit is not None and size >= NEAR_LIMIT * limit
    if size < MIN_BYTES or top.share < MIN_SHARE or not (near or stands_out(size, sizes, floor=1e6)):
        return None
    part = "heap-gc" if facts.heap.current else "heap"
    among = f"; the other targets have {span(sizes, megabytes)}" if sizes else ""
    bound = f" of a limit of {megabytes(limit)}" if limit is not None and near else ""
    return Finding(
        FAULT,
        facts.target,
        f"{megabytes(size)} of live heap{bound}, {percent(top.share)} of it held by {top.frame}{among}.",
        (
            Evidence("live heap", megabytes(size), facts.file(part)),
            *(
                Evidence(f"held by {each.frame}", percent(each.share), facts.file(part))
                for each in facts.heap.holding[:3]
            ),
        ),
        f"Bound what {top.frame} keeps: evict, cap its size, or drop the reference when the request ends.",
        top.share,
    )
