"""A chain in words: as a tree of few lines for a chat, and in sentences."""

from collections.abc import Container, Iterator, Sequence
from itertools import islice

from bot.domain.narrative import legible
from bot.domain.trace.chain import Chain, Span
from bot.domain.trace.findings import Hop, above, first_failing, name, remarks, slowest, took
from bot.domain.trace.spans import SpanKind

TREE_ROWS = 14
"""Rows of a tree in a chat: with what stands around it they fit into one section of a Slack message."""
_WIDE, _DEEP, _WHY = 78, 8, 120


def chosen(chain: Chain, most: int) -> tuple[list[int], int]:
    """Give which rows are shown, in order, and how many are left out.

    The way to what failed first comes first, and of one that is too long its end; then what fails, then what took
    longest, each with all above it.
    """
    spans = chain.spans
    if len(spans) <= most:
        return list(range(len(spans))), 0
    hop = first_failing(chain)
    ranked = sorted(range(len(spans)), key=lambda at: (not spans[at].failed, -spans[at].took_us, at))
    kept = set(islice((hop.at, *above(spans, hop.at)), most)) if hop else set()
    for at in ranked:
        kept |= _lacking(spans, at, kept, most - len(kept))
        if len(kept) == most:
            break
    return sorted(kept), len(spans) - len(kept)


def tree(chain: Chain, most: int = TREE_ROWS) -> str:
    """Give a chain as an indented tree, a row a span: who, what, how long, and what failed."""
    rows, left = chosen(chain, most)
    hop = first_failing(chain)
    # What is shown first hangs under nothing, or under the beginning of a way that is too long to be shown.
    cut = chain.spans[rows[0]].depth if rows else 0
    told = [_row(chain.spans[at], cut, is_first=hop is not None and hop.at == at) for at in rows]
    before, after = [f"... {cut:,} above"] if cut else [], [f"... and {left - cut:,} more"] if left > cut else []
    return "\n".join([*before, *told, *after])


def headline(chain: Chain) -> str:
    """Say in a sentence what failed first, or that nothing tells of a failure."""
    hop = first_failing(chain)
    if hop is None:
        return "No line tells of a failure"
    return f"{_first(hop)}{f': {_plain(hop.span.why, _WHY)}' if hop.span.why else ''}"


def sentences(chain: Chain) -> Iterator[str]:
    """Give what a chain shows beyond its headline, a sentence each."""
    hop = slowest(chain)
    if hop is not None:
        whole = took(chain.ends_us - chain.begins_us)
        yield f"{hop.span.service} took longest by itself: {took(hop.span.own_us)} of {whole}"
    yield from remarks(chain)


def about(chain: Chain) -> str:
    """Say how large a chain is."""
    spans = sum(each.kind is SpanKind.SPAN for each in chain.spans)
    services = len(chain.services)
    return (
        f"{chain.lines:,} line{'' if chain.lines == 1 else 's'} of {services} service{'' if services == 1 else 's'} "
        f"in {spans:,} span{'' if spans == 1 else 's'}, {took(chain.ends_us - chain.begins_us)}"
    )


def label(span: Span) -> str:
    """Name a row in a line."""
    if span.kind is SpanKind.GAP:
        return f"({name(span)})"
    if span.kind is SpanKind.LOOSE:
        return f"{span.service}: {span.lines:,} line{'' if span.lines == 1 else 's'} without a span"
    return f"{span.service} {span.operation}".strip()


def _first(hop: Hop) -> str:
    through = f" (by way of {' > '.join(hop.way[:-1][-4:])})" if len(hop.way) > 1 else ""
    status = f" with {hop.span.status}" if hop.span.status else ""
    return f"{hop.span.service} fails first{status}{through}"


def _row(span: Span, cut: int, *, is_first: bool) -> str:
    sign = "x " if span.failed else "? " if span.kind is SpanKind.GAP else ""
    status, first = f" {span.status}" if span.status else "", " FIRST TO FAIL" if is_first else ""
    ended = f" {took(span.took_us)}{status}{first}"
    indent = "  " * min(span.depth - cut, _DEEP)
    return f"{indent}{sign}{_plain(label(span), _WIDE - len(indent) - len(ended))}{ended}"


def _plain(text: str, most: int) -> str:
    """Give words that stand for nothing else in a chat, cut."""
    line = " ".join(legible(text).replace("`", "'").split())
    return line if len(line) <= most else f"{line[: max(most - 3, 1)]}..."


def _lacking(spans: Sequence[Span], at: int, kept: Container[int], room: int) -> set[int]:
    """Give a place and what of all above it is not kept yet; nothing where there is no room for that."""
    found: set[int] = set()
    while at >= 0 and at not in kept:
        if len(found) == room:
            return set()
        found.add(at)
        at = spans[at].above
    return found
