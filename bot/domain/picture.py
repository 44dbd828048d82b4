"""Draws a trend as PNG, which chats show, and as SVG, which pages show: the same columns and words.

The ground is opaque and light, so that the picture can be read in a dark chat too. PNG: W3C, third edition.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape

from bot.domain.trend import Panel, Trend

WIDTH, ROW = 480, 136
"""Pixels: a phone shows 480 nearly as they are. `ROW` is the height of one panel."""
_TOP, _FOOT, _SIDE = 36, 26, 10
_SCALE = 2
_LETTER, _ADVANCE = 7 * _SCALE, 6 * _SCALE
_INK, _COLUMN, _BESIDE, _LINE, _GROUND = 0x1D1C1D, 0xC2410C, 0x7B8794, 0xD0D0D0, 0xFFFFFF
# Seven rows of five pixels each; a digit of base 32 is one row.
_GLYPHS = (
    "A=ehhvhhh B=uhhuhhu C=ehggghe D=uhhhhhu E=vgguggv F=vgguggg G=ehgnhhf H=hhhvhhh I=e44444e J=72222ic K=hikokih "
    "L=ggggggv M=hrllhhh N=hhpljhh O=ehhhhhe P=uhhuggg Q=ehhhlid R=uhhukih S=fgge11u T=v444444 U=hhhhhhe V=hhhhha4 "
    "W=hhhllrh X=hha4ahh Y=hha4444 Z=v1248gv 0=ehjlphe 1=4c4444e 2=eh1248v 3=v2421he 4=26aiv22 5=vgu11he 6=68guhhe "
    "7=v124888 8=ehhehhe 9=ehhf12c .=00000cc ,=0000c48 :=0cc0cc0 %=op248j3 /=01248g0 -=000v000 (=2488842 )=8422248 "
    "_=000000v +=044v440"
)
_FONT = dict(glyph.split("=") for glyph in _GLYPHS.split())


@dataclass(frozen=True)
class Box:
    """A filled rectangle, pixels from the left upper corner."""

    x: int
    y: int
    width: int
    height: int
    colour: int


@dataclass(frozen=True)
class Label:
    """Words whose left (or right, if `ends`) upper corner is given."""

    x: int
    y: int
    text: str
    ends: bool = False


def png(trend: Trend) -> bytes:
    """Give the picture as PNG; the same trend gives the same bytes."""
    height = ROW * len(trend.panels)
    rows = [bytearray(_GROUND.to_bytes(3, "big") * WIDTH) for _ in range(height)]
    for shape in _shapes(trend):
        for box in [shape] if isinstance(shape, Box) else _letters(shape):
            ink = box.colour.to_bytes(3, "big") * box.width
            for row in rows[box.y : box.y + box.height]:
                row[3 * box.x : 3 * (box.x + box.width)] = ink
    head = struct.pack(">IIBBBBB", WIDTH, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def svg(trend: Trend) -> str:
    """Give the picture as an SVG element of an HTML page; every word in it is escaped."""
    height = ROW * len(trend.panels)
    begin = (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="{escape(trend.words)}" font-family="monospace" font-size="{_LETTER + _SCALE}">'
    )
    ground = Box(0, 0, WIDTH, height, _GROUND)
    return "".join([begin, *map(_element, [ground, *_shapes(trend)]), "</svg>"])


def _shapes(trend: Trend) -> Iterator[Box | Label]:
    for place, panel in enumerate(trend.panels):
        yield from _panel(panel, ROW * place)


def _panel(panel: Panel, top: int) -> Iterator[Box | Label]:
    base, room = top + ROW - _FOOT, ROW - _TOP - _FOOT
    yield Label(_SIDE, top + 12, _fitting(panel))
    yield Label(WIDTH - _SIDE, top + 12, f"max {panel.highest:.3g}", ends=True)
    step = (WIDTH - 2 * _SIDE) / len(panel.values)
    rows = [(panel.values, _COLUMN), (panel.beside, _BESIDE)] if panel.beside else [(panel.values, _COLUMN)]
    for place in range(len(panel.values)):
        left, right = round(_SIDE + place * step), round(_SIDE + (place + 1) * step)
        wide = (right - left - 2) // len(rows)
        for row, (values, colour) in enumerate(rows):
            value = values[place]
            tall = round(room * value / panel.highest) if value and panel.highest > 0 else 0
            yield Box(left + row * wide, base - tall, max(1, wide), tall, colour)
    yield Box(_SIDE, base, WIDTH - 2 * _SIDE, 2, _LINE)
    yield Label(_SIDE, base + 6, panel.begins)
    yield Label(WIDTH - _SIDE, base + 6, panel.ends, ends=True)


def _fitting(panel: Panel) -> str:
    """Cut a title that would run into the number beside it."""
    room = (WIDTH - 3 * _SIDE) // _ADVANCE - len(f"max {panel.highest:.3g}")
    return panel.title if len(panel.title) <= room else f"{panel.title[: room - 2]}.."


def _letters(label: Label) -> Iterator[Box]:
    """Give the pixels of words as boxes; a sign that the font lacks is a gap."""
    left = label.x - _ADVANCE * len(label.text) if label.ends else label.x
    for place, sign in enumerate(label.text.upper()):
        for down, digit in enumerate(_FONT.get(sign, "0000000")):
            bits = int(digit, 32)
            for across in range(5):
                if bits >> (4 - across) & 1:
                    x, y = left + place * _ADVANCE + across * _SCALE, label.y + down * _SCALE
                    yield Box(x, y, _SCALE, _SCALE, _INK)


def _element(shape: Box | Label) -> str:
    if isinstance(shape, Box):
        where = f'x="{shape.x}" y="{shape.y}" width="{shape.width}" height="{shape.height}"'
        return f'<rect {where} fill="#{shape.colour:06x}"/>'
    anchor = ' text-anchor="end"' if shape.ends else ""
    return f'<text x="{shape.x}" y="{shape.y + _LETTER}" fill="#{_INK:06x}"{anchor}>{escape(shape.text)}</text>'


def _chunk(kind: bytes, content: Iterable[int]) -> bytes:
    body = kind + bytes(content)
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
