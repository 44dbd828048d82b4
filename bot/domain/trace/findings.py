"""What a chain shows: the hop that failed first, what took longest by itself, and what is missing or was put right."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.trace.chain import Chain, Shift, Span
from bot.domain.trace.spans import SpanKind

_NAMED = 3


@dataclass(frozen=True)
class Hop:
    """A place in a chain, and the services from its beginning to there."""

    at: int
    span: Span
    way: tuple[str, ...]


def first_failing(chain: Chain) -> Hop | None:
    """Give where a failure came from: what fails while nothing that it called does; of several, the earliest.

    A caller fails because whom it called did, so that what is to blame lies at the end of a failing way.
    """
    spans = chain.spans
    callers = _above_failing(spans)
    ends = [place for place, each in enumerate(spans) if each.failed and place not in callers]
    if not ends:
        return None
    at = min(ends, key=lambda place: (spans[place].failed_at_us, -spans[place].depth))
    return Hop(at, spans[at], way(spans, at))


def slowest(chain: Chain) -> Hop | None:
    """Give what took longest without what it called."""
    spans = chain.spans
    places = [place for place, each in enumerate(spans) if each.kind is SpanKind.SPAN and each.own_us > 0]
    at = max(places, key=lambda place: spans[place].own_us, default=-1)
    return Hop(at, spans[at], way(spans, at)) if at >= 0 else None


def way(spans: Sequence[Span], at: int) -> tuple[str, ...]:
    """Give the services from the beginning to a place, each once where it calls itself."""
    names = [name(spans[place]) for place in (*reversed(list(above(spans, at))), at)]
    return tuple(each for place, each in enumerate(names) if place == 0 or names[place - 1] != each)


def above(spans: Sequence[Span], at: int) -> Iterator[int]:
    """Give the places of all above one, the nearest first."""
    place = spans[at].above
    while place >= 0:
        yield place
        place = spans[place].above


def name(span: Span) -> str:
    """Name what a row stands for."""
    if span.kind is SpanKind.GAP:
        return f"missing span {span.id[:16]}"
    return span.service


def remarks(chain: Chain) -> Iterator[str]:
    """Tell, a sentence each, what must be known of how a chain was rebuilt."""
    yield from (_shifted(each) for each in chain.shifts[:_NAMED])
    if len(chain.shifts) > _NAMED:
        yield f"So are those of {_count(len(chain.shifts) - _NAMED, 'clock')} more: the chain's file names them"
    if chain.gaps:
        ids = ", ".join(each.id[:16] for each in chain.gaps[:_NAMED])
        more = f" and {len(chain.gaps) - _NAMED} more" if len(chain.gaps) > _NAMED else ""
        yield f"No line is of {_count(len(chain.gaps), 'span')} that others name as their caller: {ids}{more}"
    loose = sum(each.lines for each in chain.spans if each.kind is SpanKind.LOOSE)
    if loose:
        yield f"{_count(loose, 'line')} without a span: by service and time"
    if chain.duplicates:
        yield f"{_count(chain.duplicates, 'line')} came twice or more often, and {_are(chain.duplicates)} counted once"
    if chain.timeless:
        yield f"{_count(chain.timeless, 'line')} without a time: kept, and not in the chain"
    if chain.cut:
        yield f"Spans that call each other in a circle are cut at {', '.join(chain.cut[:_NAMED])}"


def _above_failing(spans: Sequence[Span]) -> set[int]:
    """Give the places of all above those that fail: a way is followed until it meets another that was."""
    found: set[int] = set()
    for place in (place for place, each in enumerate(spans) if each.failed):
        for at in above(spans, place):
            if at in found:
                break
            found.add(at)
    return found


def _shifted(shift: Shift) -> str:
    where = shift.clock if shift.clock in shift.services else f"{shift.clock} ({', '.join(shift.services[:_NAMED])})"
    return (
        f"The clock of {where} does not fit its callers': its spans are shown {took(abs(shift.by_us))} "
        f"{'later' if shift.by_us > 0 else 'earlier'}, the least that fits"
    )


def took(us: int) -> str:
    """Write a length of time: `740 us`, `12.4 ms`, `1.25 s`, `3 min 20 s`."""
    if us < 1_000:  # noqa: PLR2004 - a millisecond
        return f"{us} us"
    if us < 999_500:  # noqa: PLR2004 - a second: from here on three digits would print as 1e+03
        return f"{us / 1e3:.3g} ms"
    if us < 60_000_000:  # noqa: PLR2004 - a minute
        return f"{us / 1e6:.3g} s"
    return f"{us // 60_000_000} min {us // 1_000_000 % 60} s"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"
