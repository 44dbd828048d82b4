"""Goroutines that nothing will ever wake."""

from collections.abc import Sequence

from bot.domain.facts import Crowd, Facts
from bot.domain.faults.finding import CERTAIN, LIKELY, Beside, Evidence, Finding, percent, span
from bot.domain.goroutines import Group
from bot.domain.stacks import LOCK_WAITS, in_handler, own_frame

FAULT = "goroutine-leak"
MIN_LEAKED = 20
"""The runtime's leak profile is proof (no false positive in 26 captures); fewer are no incident."""
MIN_LOOKALIKES = 500
"""Without proof or growth: so many alike outside of any request, far more than other targets, or the healthy one."""
MIN_GROWING = 40
MIN_GROWN, MIN_GROWN_SHARE = 5, 0.01
"""Without proof: a crowd outside of requests that only grows. The runtime's proof is blind to what a global variable
can reach, and older than Go 1.27 there is none."""
MAX_CLIENTS = 0.5
"""Of the growth: a crowd that grows with the connections serves them."""
ENDLESS = frozenset(
    {"chan send", "chan receive", "select", "select (no cases)", "sync.Cond.Wait", "sync.WaitGroup.Wait"}
)
"""What a leaked goroutine waits for; one at a lock is a deadlock's, one in I/O has a peer that can end it."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find leaked goroutines: proven by the runtime, or a crowd that only grows, or one that outgrew its like."""
    total = facts.goroutines or 0
    counts = [each.goroutines for each in beside.others if each.goroutines is not None]
    among = f"; the other targets have {span(counts)} goroutines" if counts else ""
    leaked = tuple(each for each in facts.leaked_groups if each.state not in LOCK_WAITS)
    number = (facts.leaked or 0) - sum(each.count for each in facts.leaked_groups if each.state in LOCK_WAITS)
    if leaked and number >= MIN_LEAKED:
        proof = (Evidence("goroutines proven leaked", str(number), facts.file("goroutineleak")),)
        of_all = f" of {total}" if total > number else ""
        claim = f"{number}{of_all} goroutines are leaked: nothing can wake them any more"
        return _finding(facts, leaked, claim + among, proof, number / max(total, number))
    outside = [each for each in facts.crowds if not each.request and each.state in ENDLESS]
    endless = [each for each in facts.crowds if each.state in ENDLESS and (facts.sockets or not each.request)]
    growing = next((each for each in endless if _only_grows(facts, each)), None)
    if growing is not None and facts.window is not None:
        seconds = facts.window.seconds
        rate = Evidence(f"more at {growing.frame} after {seconds:.1f} s", str(growing.grown), facts.file("goroutine-2"))
        whose = "for which no connection came" if growing.request else "outside of any request"
        claim = f"{growing.count} goroutines wait at one place {whose}, {growing.grown} more than {seconds:.1f} s "
        claim += "before, and none of them went on"
        return _finding(facts, [_as_group(growing)], claim + among, (rate,), growing.count / max(total, growing.count))
    if not outside or outside[0].count < MIN_LOOKALIKES:
        return None
    exceeds = beside.is_new if _is_parked(facts, outside[0]) else beside.far_exceeded
    if not exceeds(total, lambda other: other.goroutines, floor=10):
        return None
    share = outside[0].count / max(total, 1)
    claim = f"{outside[0].count} of {total} goroutines ({percent(share)}) wait at one place outside of any request"
    return _finding(facts, [_as_group(outside[0])], claim + among, (), share)


def _only_grows(facts: Facts, crowd: Crowd) -> bool:
    """Tell a leak from work that comes and goes, and from what serves more connections than before."""
    window = facts.window
    if window is None or crowd.count < MIN_GROWING or crowd.grown < MIN_GROWN:
        return False
    if crowd.stayed is not None and crowd.stayed < (crowd.before or 0):
        return False
    if facts.sockets is not None and window.sockets is not None:
        clients = window.sockets.count("ESTABLISHED") - facts.sockets.count("ESTABLISHED")
        return clients < MAX_CLIENTS * crowd.grown
    return True


def _is_parked(facts: Facts, crowd: Crowd) -> bool:
    """Tell a crowd that was there before and is hardly larger now: a pool of workers may be as large as it likes."""
    return facts.window is not None and crowd.grown < max(MIN_GROWN, MIN_GROWN_SHARE * crowd.count)


def _as_group(crowd: Crowd) -> Group:
    return Group(crowd.count, crowd.state, crowd.path or (crowd.frame,))


def _finding(facts: Facts, groups: Sequence[Group], claim: str, proof: tuple[Evidence, ...], weight: float) -> Finding:
    proven = bool(facts.leaked) and groups == tuple(
        each for each in facts.leaked_groups if each.state not in LOCK_WAITS
    )
    part = "goroutineleak" if proven else "goroutine"
    module = facts.build.module
    sites = tuple(
        Evidence(f"{each.state or 'waiting'} at {own_frame(each.stack, module)}", str(each.count), facts.file(part))
        for each in groups[:3]
    )
    first = groups[0] if groups else Group(0, "", ())
    place = own_frame(first.stack, module)
    all_of_it = Evidence("goroutines", str(facts.goroutines), facts.file("goroutine"))
    return Finding(
        FAULT,
        facts.target,
        f"{claim}.",
        (*proof, *sites, all_of_it),
        f"End the goroutine that waits at {place}{_started(facts, first)}: close or cancel what it waits for, and give "
        "it a context.",
        weight,
        CERTAIN if proven else LIKELY,
        f"The number of goroutines at {place} no longer grows, and falls to a few after a restart.",
    )


def _started(facts: Facts, leaked: Group) -> str:
    """Say who starts them, which only a dump knows."""
    place = own_frame(leaked.stack, facts.build.module)
    for each in facts.groups:
        if each.created_by and own_frame(each.stack, facts.build.module) == place and not in_handler(each.stack):
            return f" (started by {each.created_by})"
    return ""
