"""One line holds on to ever more memory."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bot.domain.facts import Facts, Made
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Evidence, Finding, megabytes, percent, span, suffers

FAULT = "heap-growth"
MIN_BYTES = 48_000_000
MIN_SHARE = 0.5
"""Measured on a lab service: one line held 99-100 % of 51-119 MB."""
NEAR_LIMIT = 0.8
"""Of the memory limit: the collector runs ever more often from here on, and the kernel kills soon after."""
MIN_HELD = 16_000_000
MIN_GROWN = 2_000_000
"""Held by a line, and more so at the end of two collections: a heap profile has one sample for every 512 kB."""
MIN_STEP = 1_000_000
"""Bytes between two readings: below, it is the samples that differ."""
MIN_RATE = 1_000_000
"""Bytes a second: a GB in 17 minutes."""
MIN_KEPT = 0.7
"""Of what the line allocated meanwhile: what is made and dropped does not grow."""
MAX_FREED = 0.5
"""Of what the line ever made: buffers and caches that evict give back; a slice that doubles gave what it holds."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find a line that keeps all it makes and makes more; or a heap far above its like, or near its limit."""
    if facts.heap is None or not facts.heap.holding:
        return None
    size, top = facts.heap.inuse_bytes, facts.heap.holding[0]
    limit = facts.process.memory_limit_bytes if facts.process else None
    near = limit is not None and size >= NEAR_LIMIT * limit
    growing = _growing(facts)
    if growing is None:
        if size < MIN_BYTES or top.share < MIN_SHARE:
            return None
        exceeds = beside.is_new if _stands_still(facts) and not suffers(facts.probe) else beside.far_exceeded
        if not near and not exceeds(size, _size, floor=1e6):
            return None
    place = growing.frame if growing else top.frame
    share = growing.kept / max(size, growing.kept) if growing else top.share
    sizes = [each.heap.inuse_bytes for each in beside.others if each.heap is not None]
    among = f"; the other targets have {span(sizes, megabytes)}" if sizes else ""
    bound = f" of a limit of {megabytes(limit)}" if limit is not None and near else ""
    file = facts.file(facts.heap.part)
    return Finding(
        FAULT,
        facts.target,
        f"{megabytes(size)} of live heap{bound}, {percent(share)} of it held by {place}{_pace(facts, growing)}{among}.",
        (
            Evidence("live heap", megabytes(size), file),
            *_growth(facts, growing),
            *(Evidence(f"held by {each.frame}", percent(each.share), file) for each in facts.heap.holding[:3]),
        ),
        f"Bound what {place} keeps: evict, cap its size, or drop the reference when the request ends.",
        share,
        CERTAIN if growing else LIKELY,
        f"What {place} holds stays the same between two snapshots under load.",
    )


def _size(facts: Facts) -> float | None:
    return None if facts.heap is None else float(facts.heap.inuse_bytes)


def _growing(facts: Facts) -> Made | None:
    """Give the line or the function that grows most, if it keeps what it makes and hardly gave any back."""
    window = facts.window
    if window is None or not window.memory or not window.memory_s or facts.heap is None or not facts.heap.current:
        return None
    least = max(MIN_GROWN, MIN_RATE * window.memory_s)
    for each in sorted((*window.memory, *_by_function(window.memory)), key=lambda each: -each.grown):
        keeps = each.grown >= MIN_KEPT * each.allocated and each.freed <= MAX_FREED * (each.kept + each.freed)
        all_of_it = (window.grown_bytes or 0) >= MIN_SHARE * each.grown
        if keeps and all_of_it and each.kept >= MIN_HELD and each.grown >= least:
            return each
    return None


def _by_function(lines: Sequence[Made]) -> Iterable[Made]:
    """Add up the lines of a function: an entry and its key are made at two, and kept as one."""
    of: dict[str, list[Made]] = defaultdict(list)
    for each in sorted(lines, key=lambda each: -each.grown):
        of[each.frame.function].append(each)
    for parts in of.values():
        allocated, grown = sum(each.allocated for each in parts), sum(each.grown for each in parts)
        kept, freed = sum(each.kept for each in parts), sum(each.freed for each in parts)
        yield Made(parts[0].frame, allocated, grown, kept, freed)


def _stands_still(facts: Facts) -> bool:
    """Tell whether two collections were seen between which the heap did not grow."""
    window, heap = facts.window, facts.heap
    if window is None or window.grown_bytes is None or heap is None or not heap.current:
        return False
    return window.grown_bytes < MIN_STEP


def _pace(facts: Facts, growing: Made | None) -> str:
    if growing is None or facts.window is None:
        return ""
    return f", {megabytes(growing.grown / facts.window.memory_s)} more every second"


def _growth(facts: Facts, growing: Made | None) -> tuple[Evidence, ...]:
    if growing is None or facts.window is None:
        return ()
    said = f"{megabytes(growing.grown)} of {megabytes(growing.allocated)} allocated"
    what = f"kept by {growing.frame} in {facts.window.memory_s:.1f} s"
    return (Evidence(what, said, facts.file("heap-gc-2")),)
