"""Rebuilds a chain from lines: who called whom, when, how long it took, what failed, and what is missing of it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.domain.trace.clocks import shifts
from bot.domain.trace.lines import Line
from bot.domain.trace.spans import Knot, SpanKind, in_time, walk

APART_US = 1_000_000
"""Lines of one service without a span belong together up to such a pause."""


@dataclass(frozen=True)
class Span:
    """A row of a chain; times are microseconds since 1970 UTC, after the shift of its host's clock.

    `above`: the place in the chain of what it hangs under, -1 for none. `own_us`: without what is below it.
    `why`: what its first failing line says, which was written at `failed_at_us`.
    """

    kind: SpanKind
    id: str
    service: str
    host: str
    operation: str
    begins_us: int
    ends_us: int
    own_us: int
    depth: int
    above: int
    lines: int
    status: int = 0
    failed: bool = False
    failed_at_us: int = 0
    why: str = ""
    shifted_us: int = 0

    @property
    def took_us(self) -> int:
        """How long it took."""
        return self.ends_us - self.begins_us


@dataclass(frozen=True)
class Shift:
    """By how much a clock was shifted, and whose services' spans were measured with it."""

    clock: str
    services: tuple[str, ...]
    by_us: int


@dataclass(frozen=True)
class Chain:
    """A trace as its lines tell it. `spans`: each before what it called, earlier ones first.

    `lines`: those it is made of; `duplicates`, and `timeless` ones that do not say when they were written, are not.
    """

    trace: str
    spans: tuple[Span, ...]
    lines: int
    duplicates: int
    timeless: int
    shifts: tuple[Shift, ...] = ()
    cut: tuple[str, ...] = ()

    @property
    def begins_us(self) -> int:
        """When it begins."""
        return min((each.begins_us for each in self.spans), default=0)

    @property
    def ends_us(self) -> int:
        """When the last of it ends."""
        return max((each.ends_us for each in self.spans), default=0)

    @property
    def services(self) -> tuple[str, ...]:
        """The services of it, in the order in which they are met."""
        return tuple(dict.fromkeys(each.service for each in self.spans if each.kind is not SpanKind.GAP))

    @property
    def gaps(self) -> tuple[Span, ...]:
        """What stands for spans that no line is of."""
        return tuple(each for each in self.spans if each.kind is SpanKind.GAP)


@dataclass
class _Rebuilt:
    """Knots by how they are found while they are hung under each other."""

    by_id: defaultdict[str, list[Knot]] = field(default_factory=lambda: defaultdict(list))
    loose: list[Knot] = field(default_factory=list)
    gaps: dict[str, Knot] = field(default_factory=dict)
    tops: list[Knot] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)


def rebuild(trace: str, lines: Iterable[Line | None]) -> Chain:
    """Rebuild a chain; None stands for a line that does not tell when it was written."""
    told = list(lines)
    timed = sorted(each for each in told if each is not None)
    unique = list(dict.fromkeys(timed))
    made = _gathered(unique)
    _hang(made)
    _break_circles(made)
    calls = [knot for _, knot in walk(made.tops)]
    moved = shifts(calls)
    for knot in (*calls, *made.loose):
        if by := moved.get(knot.clock, 0):
            knot.shift(by)
    for knot in reversed(calls):
        _widen(knot)
    _place_loose(made)
    spans = _rows(made.tops)
    return Chain(
        trace,
        spans,
        len(unique),
        len(timed) - len(unique),
        len(told) - len(timed),
        tuple(_shift(clock, by, calls) for clock, by in moved.items() if by),
        tuple(made.cut),
    )


def _gathered(lines: Sequence[Line]) -> _Rebuilt:
    """Gather lines by span and service (of B3, caller and called share a span), and others by service and time."""
    made = _Rebuilt()
    spans: dict[tuple[str, str], Knot] = {}
    last: dict[tuple[str, str], Knot] = {}
    for line in lines:
        if line.span:
            knot = spans.get((line.span, line.service))
            if knot is None:
                knot = spans[line.span, line.service] = Knot(SpanKind.SPAN, line.span, line.service)
        else:
            of = (line.service, line.host)
            knot = last.get(of)
            if knot is None or line.begins - knot.ends > APART_US:
                knot = last[of] = Knot(SpanKind.LOOSE, "", line.service)
                made.loose.append(knot)
        knot.add(line)
    for knot in in_time(spans.values()):
        made.by_id[knot.id].append(knot)
    return made


def _hang(made: _Rebuilt) -> None:
    """Hang every span under the one that called it; under a named gap where no line is of that."""
    for span, same in made.by_id.items():
        made.by_id[span] = _callers_first(made, same)
    for same in made.by_id.values():
        for before, knot in zip([None, *same], same, strict=False):
            parent = before or _caller(made, knot)
            if parent is None:
                made.tops.append(knot)
            else:
                knot.hang(parent)
    roots = list(made.tops)
    for gap in made.gaps.values():
        if len(roots) == 1:
            gap.hang(roots[0])
        else:
            made.tops.append(gap)


def _callers_first(made: _Rebuilt, same: list[Knot]) -> list[Knot]:
    """Sort those that share a span: its parent's own service called; where none is that, the earlier one did.

    Times tell less: the clock of who was called may be behind.
    """
    calling = {parent.service for each in same for parent in made.by_id.get(each.parent_id, ())}
    return sorted(same, key=lambda each: each.service not in calling)


def _caller(made: _Rebuilt, knot: Knot) -> Knot | None:
    if not knot.parent_id or knot.parent_id == knot.id:
        return None
    known = made.by_id.get(knot.parent_id)
    if known:
        return next((each for each in known if each.service == knot.service), known[-1])
    if knot.parent_id not in made.gaps:
        made.gaps[knot.parent_id] = Knot(SpanKind.GAP, knot.parent_id, "")
    return made.gaps[knot.parent_id]


def _break_circles(made: _Rebuilt) -> None:
    """Cut where spans call each other in a circle, at its earliest: else nobody would find them."""
    found = {id(knot) for _, knot in walk(made.tops)}
    everything = in_time(knot for same in made.by_id.values() for knot in same)
    for knot in everything:
        if id(knot) in found:
            continue
        first = in_time(_circle(knot))[0]
        first.fall()
        made.cut.append(first.id)
        made.tops.append(first)
        found |= {id(each) for _, each in walk([first])}


def _circle(below: Knot) -> list[Knot]:
    """Give the circle that is above a knot, or that it is in."""
    way: dict[Knot, None] = {}
    knot: Knot | None = below
    while knot is not None and knot not in way:
        way[knot] = None
        knot = knot.above
    passed = list(way)
    return passed[passed.index(knot) :] if knot is not None else passed


def _widen(knot: Knot) -> None:
    """Let a gap, and what only one line without a duration is of, span what is below it."""
    if knot.below and not (knot.kind is SpanKind.SPAN and knot.is_bounded):
        begins, ends = min(each.begins for each in knot.below), max(each.ends for each in knot.below)
        is_gap = knot.kind is SpanKind.GAP
        knot.begins, knot.ends = (begins, ends) if is_gap else (min(knot.begins, begins), max(knot.ends, ends))


def _place_loose(made: _Rebuilt) -> None:
    tops = list(made.tops)
    for knot in made.loose:
        if len(tops) == 1:
            knot.hang(tops[0])
        else:
            made.tops.append(knot)


def _shift(clock: str, by: int, knots: Iterable[Knot]) -> Shift:
    return Shift(clock, tuple(dict.fromkeys(each.service for each in knots if each.clock == clock)), by)


def _rows(tops: Iterable[Knot]) -> tuple[Span, ...]:
    places: dict[int, int] = {}
    rows: list[Span] = []
    for depth, knot in walk(tops):
        places[id(knot)] = len(rows)
        rows.append(_row(knot, depth, places[id(knot.above)] if knot.above is not None else -1))
    return tuple(rows)


def _row(knot: Knot, depth: int, above: int) -> Span:
    line = knot.failing
    return Span(
        knot.kind,
        knot.id,
        knot.service,
        knot.host,
        knot.operation or knot.first_message,
        knot.begins,
        knot.ends,
        knot.took - _covered(knot),
        depth,
        above,
        knot.lines,
        knot.status,
        line is not None,
        line.at + knot.shifted if line is not None else 0,
        line.message if line is not None else "",
        knot.shifted,
    )


def _covered(knot: Knot) -> int:
    """Give how long at least one of what it called was under way, microseconds."""
    total, until = 0, knot.begins
    for each in in_time(each for each in knot.below if each.kind is not SpanKind.LOOSE):
        begins, ends = max(each.begins, until), min(each.ends, knot.ends)
        if ends > begins:
            total, until = total + ends - begins, ends
    return total
