"""A router sends requests to a target that has gone, or that has just come back: they are lost."""

from collections.abc import Iterator

from bot.domain.backends import Routed
from bot.domain.facts import Facts
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Evidence, Finding, percent, probe_evidence
from bot.domain.snapshot import GOROUTINE, NOBODY

FAULT = "lost-connections"
MIN_LOST = 3
"""Some routers count a client that leaves as a failed request, and an answer that is an error of the target's own, too.
A refused connection is neither."""
RESTARTED_S = 5.0
"""A process so young at the end of the window was stopped in it, or right before."""
FILE = "router.json"
MENDING = {
    "haproxy": "`set server {} state maint` on its socket",
    "envoy": "a health check of its cluster does so by itself",
}


def find(facts: Facts, beside: Beside) -> Finding | None:  # noqa: ARG001 - every rule takes both
    """Find requests that the router lost between two readings at a target that does not listen, or did not just now."""
    routed, gone = facts.routed, _is_gone(facts)
    if routed is None or not (gone or _is_new(facts, routed.seconds)):
        return None
    if not (routed.refused or routed.failed >= MIN_LOST) if gone else min(routed.failed, routed.refused) < MIN_LOST:
        return None
    total = max(routed.total, routed.failed)
    begins = (
        "Nothing listens there, and the router still sends to it" if gone else "It was restarted under its requests"
    )
    how = f"{routed.refused} connections refused" if routed.refused else "connections that ended under way"
    return Finding(
        FAULT,
        facts.target,
        f"{begins}: {routed.failed} of {total} requests were lost in {routed.seconds:.1f} s ({how}); "
        f"{routed.router} has {routed.backend} as {routed.state}.",
        tuple(_evidence(facts, routed, total)),
        f"{_now(routed) if gone else ''}Before the next stop let readiness fail first, wait until the router has seen "
        "it, then http.Server.Shutdown; let the router check its targets, and try a refused connection elsewhere.",
        routed.failed / total,
        CERTAIN if gone and routed.refused and (routed.front.failed or not routed.front.requests) else LIKELY,
        f"{routed.router} counts no lost request at {routed.backend} between two readings.",
    )


def _now(routed: Routed) -> str:
    out = MENDING.get(routed.router, "").format(routed.backend)
    return f"Start it, or take it out of the router{f': {out}' if out else ''}. "


def _evidence(facts: Facts, routed: Routed, total: int) -> Iterator[Evidence]:
    lost = f"{routed.failed} of {routed.sent}"
    yield Evidence(f"requests lost at {routed.backend}, by {routed.router}'s counters", lost, FILE)
    yield Evidence("share of all requests", percent(routed.failed / total), FILE)
    if routed.front.requests:
        yield Evidence("our requests through the router", str(routed.front), FILE)
    if _has_no_listener(facts):
        yield Evidence("listens at its ports", "no", facts.file("sockets"))
    if facts.process and facts.process.uptime_s is not None:
        yield Evidence("its process runs for", f"{facts.process.uptime_s:.0f} s", facts.file("process"))
    yield from probe_evidence(facts)


def _is_gone(facts: Facts) -> bool:
    """Tell whether nothing listens there, by whoever asked it or by its kernel; who answers any user is there."""
    probe = facts.probe
    if probe is not None and probe.failures < probe.requests:
        return False
    refused = any(each.part == GOROUTINE.name and NOBODY in each.reason for each in facts.losses)
    return refused or _has_no_listener(facts) or (probe is not None and NOBODY in probe.error)


def _has_no_listener(facts: Facts) -> bool:
    return facts.sockets is not None and not facts.sockets.count("LISTEN")


def _is_new(facts: Facts, seconds: float) -> bool:
    uptime_s = facts.process.uptime_s if facts.process else None
    return uptime_s is not None and uptime_s <= seconds + RESTARTED_S
