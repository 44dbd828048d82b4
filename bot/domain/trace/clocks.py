"""Clocks that go wrong: each host's is shifted by the least that lets its spans lie within those that called them.

A caller waits for whom it calls, so that a call begins and ends within it; where a clock's spans break that, the clock
is wrong by at least so much (the reason of Jaeger's adjuster, too, but here is one shift for a whole host).
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence

from bot.domain.trace.spans import Knot, SpanKind

TOLERATED_US = 1_000
"""Lines are often written in whole milliseconds: what is off by less is not told from that."""
Edge = tuple[Knot, Knot]


def shifts(knots: Sequence[Knot]) -> dict[str, int]:
    """Give by how many microseconds each clock is to be shifted; `knots`: callers before whom they call.

    The first clock is right; those that are never compared with another stay, too.
    """
    edges: defaultdict[str, list[Edge]] = defaultdict(list)
    order = dict.fromkeys(each.clock for each in knots if each.kind is SpanKind.SPAN)
    for child in knots:
        parent = child.above
        if parent is not None and _compares(parent, child):
            edges[parent.clock].append((parent, child))
            edges[child.clock].append((parent, child))
    fixed: dict[str, int] = {}
    for clock in order:
        known = [edge for edge in edges[clock] if all(each.clock == clock or each.clock in fixed for each in edge)]
        fixed[clock] = _least(clock, known, fixed) if known else 0
    return fixed


def _compares(parent: Knot, child: Knot) -> bool:
    both = parent.kind is SpanKind.SPAN and child.kind is SpanKind.SPAN
    return both and parent.is_bounded and parent.clock != child.clock


def _least(clock: str, edges: Iterable[Edge], fixed: dict[str, int]) -> int:
    least, most = -math.inf, math.inf
    for parent, child in edges:
        is_child = child.clock == clock
        other = fixed[parent.clock if is_child else child.clock]
        begins = parent.begins - child.begins + other if is_child else child.begins - parent.begins + other
        ends = parent.ends - child.ends + other if is_child else child.ends - parent.ends + other
        # A call that took longer than its caller goes on without it: only its beginning tells something.
        fits = child.took <= parent.took
        if is_child:
            least, most = max(least, begins), min(most, ends) if fits else most
        else:
            least, most = max(least, ends) if fits else least, min(most, begins)
    wanted = max(least, 0.0) if least > most else min(max(0.0, least), most)
    return 0 if abs(wanted) <= TOLERATED_US else round(wanted)
