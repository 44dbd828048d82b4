"""A chain as a waterfall: a row a span, each as long as it took, what failed in its own colour."""

from collections.abc import Iterator

from bot.domain.chronicle import BAD
from bot.domain.drawing import INK, LINE, QUIET, Box, Label, fitting
from bot.domain.trace.chain import Chain, Span
from bot.domain.trace.findings import first_failing, took
from bot.domain.trace.spans import SpanKind
from bot.domain.trace.telling import about, chosen, headline, label

WIDTH, ROW = 1_200, 26
"""Pixels."""
MOST_ROWS = 200
_HEAD, _SIDE, _NAMES, _LENGTHS = 40, 10, 430, 130
_DEEP, _STEP = 10, 14
_BAR = 0x4B7FD1
_QUARTERS = 4


def words(chain: Chain) -> str:
    """Say what the picture shows, for who does not see it."""
    return f"Trace {chain.trace} as a waterfall: {about(chain)}. {headline(chain)}."


def shapes(chain: Chain) -> tuple[int, Iterator[Box | Label]]:
    """Give how tall the picture is, and what is drawn."""
    rows, left = chosen(chain, MOST_ROWS)
    return _HEAD + ROW * (len(rows) + (1 if left else 0)) + _SIDE, _shapes(chain, rows, left)


def _shapes(chain: Chain, rows: list[int], left: int) -> Iterator[Box | Label]:
    hop = first_failing(chain)
    span_us = max(chain.ends_us - chain.begins_us, 1)
    for quarter in range(_QUARTERS + 1):
        x = _x(quarter / _QUARTERS)
        yield Box(x, _HEAD - 6, 1, ROW * len(rows) + 6, LINE)
        told = took(span_us * quarter // _QUARTERS)
        yield Label(x + (4 if quarter == 0 else -4), 10, told, ends=quarter > 0, colour=QUIET)
    for place, at in enumerate(rows):
        is_first = hop is not None and hop.at == at
        yield from _row(chain.spans[at], _HEAD + ROW * place, chain.begins_us, span_us, is_first=is_first)
    if left:
        yield Label(_SIDE, _HEAD + ROW * len(rows) + 4, f"and {left:,} more: the chain's file has them", colour=QUIET)


def _row(span: Span, top: int, begins_us: int, span_us: int, *, is_first: bool) -> Iterator[Box | Label]:
    indent = _SIDE + _STEP * min(span.depth, _DEEP)
    ink = BAD if span.failed else QUIET if span.kind is not SpanKind.SPAN else INK
    yield Label(indent, top + 5, fitting(label(span), _NAMES - indent - _SIDE), colour=ink)
    left, right = (_x((us - begins_us) / span_us) for us in (span.begins_us, span.ends_us))
    wide = max(right - left, 3)
    bar = BAD if span.failed else _BAR if span.kind is SpanKind.SPAN else QUIET
    if span.kind is SpanKind.GAP:
        # Nobody has measured it: only its outline is drawn.
        yield from (Box(left, top + at, wide, 1, bar) for at in (4, ROW - 5))
    else:
        yield Box(left, top + 4, wide, ROW - 8, bar)
    if is_first:
        yield from (Box(left - 4, top + at, wide + 8, 2, BAD) for at in (0, ROW - 3))
    yield Label(WIDTH - _SIDE, top + 5, took(span.took_us), ends=True, colour=ink)


def _x(part: float) -> int:
    return _NAMES + round(part * (WIDTH - _NAMES - _LENGTHS))
