"""A flame graph as SVG, for pages and to be kept, and as boxes and words for a picture in a chat.

Whose a call is has a colour, what is to blame another; where two profiles are compared, red grew and blue shrank.
Names come from a target: every one is made legible, cut and escaped.
"""

from collections.abc import Iterator
from html import escape

from bot.domain.drawing import GROUND, INK, LETTER_ADVANCE, LETTER_HEIGHT, Box, Label, fitting
from bot.domain.flame import Flame, Kind, Piece
from bot.domain.narrative import legible, size
from bot.domain.stacks import Frame

ROW = 20
"""Pixels of a row in the SVG."""
WIDTH = 1_200
"""Pixels of an SVG that stands by itself; on a page it is as wide as there is room."""
LONGEST = 200
"""Letters of a name; a target may send megabytes."""
STEPS = (0.01, 0.05, 0.2, 0.5)
"""Parts of the whole by which a call must have changed for each strength of red and blue."""
COLOURS = {
    Kind.OWN: 0xF2B36B,
    Kind.LIBRARY: 0xA9D1BC,
    Kind.STANDARD: 0xCBD5E3,
    Kind.RUNTIME: 0xE2E5EA,
    Kind.FOLDED: 0xF1F2F4,
}
BLAME = 0xB3261E
KEY = (
    (Kind.OWN, "own code"),
    (Kind.LIBRARY, "libraries"),
    (Kind.STANDARD, "standard"),
    (Kind.RUNTIME, "runtime"),
)
_GREW = (0xFBE3DF, 0xF5B5AB, 0xEB7F70, 0xD9483A)
_SHRANK = (0xE0EAFB, 0xB3CCF3, 0x7FA6E6, 0x4B7FD1)
_SAME = 0xECEEF1
_SMALL_SHARE = 0.1
_LABELLED = 0.012
"""Part of the whole from which a piece is worth words on a page before somebody zooms."""
_PICTURED_ROW, _GAP = 26, 2


def amount(value: float, unit: str) -> str:
    """Write a value of a profile as people read it."""
    if unit == "bytes":
        return size(round(value))
    if unit == "nanoseconds":
        # From 999.5 ms on, three digits would print as 1e+03.
        return f"{value / 1e9:.2f} s" if value >= 9.995e8 else f"{value / 1e6:.3g} ms"  # noqa: PLR2004 - see above
    return f"{value:,.0f}"


def part(share: float) -> str:
    """Write a part of the whole; small ones with a decimal."""
    return f"{100 * share:.0f} %" if share >= _SMALL_SHARE or not share else f"{100 * share:.1f} %"


def short_name(function: str) -> str:
    """Give a function's name without what stands before its package: `a/b.(*T).M` -> `b.(*T).M`."""
    end = function.find("[")
    return legible(function[function.rfind("/", 0, end if end >= 0 else len(function)) + 1 :])


def place(frame: Frame) -> str:
    """Write a frame, cut to what a person reads."""
    return legible(str(frame))[:LONGEST]


def spot(frame: Frame) -> str:
    """Write a frame for where there is little room: the function without its path, the file without its folders."""
    name = short_name(frame.function)
    where = f" ({frame.file.rpartition('/')[2]}:{frame.line})" if frame.file else ""
    return legible(name + where)[-LONGEST:]


def told(piece: Piece, flame: Flame) -> str:
    """Say what a piece is, and its numbers."""
    words = f"{place(piece.frame)}\n{amount(piece.value, flame.unit)}, {part(piece.width)} of all"
    if not flame.inverted and piece.itself and piece.row and piece.itself != piece.value:
        words += f"; {amount(piece.itself, flame.unit)} by itself"
    if piece.before is not None:
        words += f"; before {amount(piece.before, flame.unit)}"
    return words


def svg(flame: Flame, words: str, *, alone: bool = False, upwards: bool = False) -> str:
    """Give the graph as an SVG element without scripts: each piece has its words as a tooltip.

    The row of all is on top, `upwards` at the bottom. Places across are parts of the width, so that it fills whatever
    room it is given and letters keep their size.
    """
    wide = f'width="{WIDTH}"' if alone else 'width="100%"'
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="flame" {wide} height="{ROW * flame.rows}" role="img" '
        f'aria-label="{escape(legible(words))}" font-family="ui-monospace, Menlo, DejaVu Sans Mono, monospace" '
        f'font-size="12">'
    )
    return "".join([head, *(_element(piece, flame, upwards=upwards) for piece in flame.pieces), "</svg>"])


def _element(piece: Piece, flame: Flame, *, upwards: bool) -> str:
    title = escape(told(piece, flame))
    name = escape(short_name(piece.name)[:LONGEST]) if piece.width >= _LABELLED else ""
    fill, ink = _colours(piece, flame)
    row = flame.rows - 1 - piece.row if upwards else piece.row
    return (
        f'<svg class="{_classes(piece, flame)}" x="{100 * piece.start:.4f}%" y="{ROW * row}" '
        f'width="{100 * piece.width:.4f}%" height="{ROW - 1}"><title>{title}</title>'
        f'<rect width="100%" height="{ROW - 1}" fill="#{fill:06x}" stroke="#{GROUND:06x}" stroke-width="0.5"/>'
        f'<text x="3" y="14" fill="#{ink:06x}">{name}</text></svg>'
    )


def _classes(piece: Piece, flame: Flame) -> str:
    if flame.compared:
        return f"{_change(piece, flame)} named" if piece.is_blamed else _change(piece, flame)
    return f"{piece.kind.value} blamed" if piece.is_blamed else piece.kind.value


def _step(piece: Piece, flame: Flame) -> int:
    """Tell how strongly a piece changed, and in which direction: -4..4."""
    share = piece.grown / max(flame.total, 1)
    strength = sum(abs(share) >= step for step in STEPS)
    return strength if share > 0 else -strength


def _change(piece: Piece, flame: Flame) -> str:
    step = _step(piece, flame)
    return "same" if step == 0 else f"{'grew' if step > 0 else 'shrank'}-{abs(step)}"


def _colours(piece: Piece, flame: Flame) -> tuple[int, int]:
    """Give the colours of a piece and of its words."""
    if flame.compared:
        step = _step(piece, flame)
        fill = _SAME if step == 0 else (_GREW if step > 0 else _SHRANK)[abs(step) - 1]
        return fill, GROUND if abs(step) == len(STEPS) else INK
    return (BLAME, GROUND) if piece.is_blamed else (COLOURS[piece.kind], INK)


def pictured(flame: Flame, x: int, y: int, width: int, rows: int) -> Iterator[Box | Label]:
    """Give `rows` of the graph as boxes and words in a picture: what is to blame among them, the row of all not.

    What would be narrower than two pixels is left out.
    """
    first = _first_row(flame, rows)
    for piece in flame.pieces:
        left, right = x + round(width * piece.start), x + round(width * (piece.start + piece.width))
        if first <= piece.row < first + rows and right - left > 1:
            top = y + (piece.row - first) * _PICTURED_ROW
            fill, ink = _colours(piece, flame)
            yield Box(left, top, right - left - 1, _PICTURED_ROW - _GAP, fill)
            room = right - left - 10
            share = f" {part(piece.width)}"
            name = fitting(short_name(piece.name) + share, room)
            name = name if name.endswith(share) else fitting(short_name(piece.name), room)
            yield Label(left + 5, top + (_PICTURED_ROW - _GAP - 2 * LETTER_HEIGHT) // 2, name, colour=ink)


def pictured_height(flame: Flame, rows: int) -> int:
    """Give how tall the graph is in a picture, pixels."""
    return min(rows, flame.rows - 1) * _PICTURED_ROW


def _first_row(flame: Flame, rows: int) -> int:
    """Begin lower where what is to blame would not be seen otherwise, with a few of its callers above it."""
    deepest = min((piece.row for piece in flame.blamed), default=1)
    return max(1, min(deepest - rows + 3, flame.rows - rows))


def key(x: int, y: int) -> Iterator[Box | Label]:
    """Give what the colours mean, in a line of a picture."""
    for colour, words in ((BLAME, "to blame"), *((COLOURS[kind], words) for kind, words in KEY)):
        yield Box(x, y, 14, 14, colour)
        yield Label(x + 20, y, words)
        x += 20 + 2 * LETTER_ADVANCE * len(words) + 14
