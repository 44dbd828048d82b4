"""Goroutines that nothing will ever wake."""

from collections.abc import Sequence

from bot.domain.facts import Facts
from bot.domain.faults.finding import Beside, Evidence, Finding, percent, span, stands_out
from bot.domain.goroutines import Group
from bot.domain.stacks import in_handler, own_frame

FAULT = "goroutine-leak"
MIN_LEAKED = 20
"""The runtime's leak profile is proof (no false positive in 26 captures); fewer are no incident."""
MIN_SHARE = 0.1
MIN_LOOKALIKES = 500
"""Without proof: so many alike outside of any request, and five times the goroutines of the other targets.
The runtime's proof is blind to what a global variable can reach."""


def find(facts: Facts, beside: Beside) -> Finding | None:
    """Find leaked goroutines: proven by the runtime, or one group outgrowing the other targets."""
    total = facts.goroutines or 0
    counts = [each.goroutines for each in beside.others if each.goroutines is not None]
    among = _beside(counts)
    if facts.leaked is not None and facts.leaked >= max(MIN_LEAKED, MIN_SHARE * total):
        proof = (Evidence("goroutines proven leaked", str(facts.leaked), facts.file("goroutineleak")),)
        of_all = f" of {total}" if total > facts.leaked else ""
        claim = f"{facts.leaked}{of_all} goroutines are leaked: nothing can wake them any more"
        return _finding(facts, facts.leaked_groups, claim + among, proof, facts.leaked / max(total, facts.leaked))
    alike = [each for each in facts.groups if own_frame(each.stack) is not None and not in_handler(each.stack)]
    if not alike or alike[0].count < MIN_LOOKALIKES or not stands_out(total, counts, floor=10):
        return None
    share = alike[0].count / max(total, 1)
    claim = f"{alike[0].count} of {total} goroutines ({percent(share)}) wait at one place outside of any request"
    return _finding(facts, alike[:1], claim + among, (), share)


def _beside(counts: Sequence[int]) -> str:
    return f"; the other targets have {span(counts)} goroutines" if counts else ""


def _finding(facts: Facts, groups: Sequence[Group], claim: str, proof: tuple[Evidence, ...], weight: float) -> Finding:
    part = "goroutineleak" if proof else "goroutine"
    sites = tuple(
        Evidence(
            f"{each.state or 'waiting'} at {own_frame(each.stack, facts.build.module)}",
            str(each.count),
            facts.file(part),
        )
        for each in groups[:3]
    )
    first = groups[0] if groups else Group(0, "", ())
    place = own_frame(first.stack, facts.build.module)
    started = _started(facts, first)
    fix = f"End the goroutine that waits at {place}{started}: close or cancel what it waits for, and give it a context."
    all_of_it = Evidence("goroutines", str(facts.goroutines), facts.file("goroutine"))
    return Finding(FAULT, facts.target, f"{claim}.", (*proof, *sites, all_of_it), fix, weight)


def _started(facts: Facts, leaked: Group) -> str:
    """Say who starts them, which only a dump knows."""
    place = own_frame(leaked.stack)
    for each in facts.groups:
        if each.created_by and own_frame(each.stack) == place:
            return f" (started by {each.created_by})"
    return ""
