"""Draws trends and incidents at a glance as PNG, which chats show, and as SVG, which pages show: the same shapes."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from html import escape

from bot.domain import chronicle, drawing, experience
from bot.domain.chronicle import BAD, PERSON, Chronicle
from bot.domain.drawing import GROUND, INK, LETTER_ADVANCE, LETTER_HEIGHT, LINE, QUIET, SOFT, Box, Label
from bot.domain.experience import Experience
from bot.domain.trace import waterfall
from bot.domain.trace.chain import Chain
from bot.domain.trend import Panel, Trend

WIDTH, ROW = 480, 136
"""Pixels: a phone shows 480 nearly as they are. `ROW` is the height of one panel."""
_TOP, _FOOT, _SIDE = 36, 26, 10
_SCALE = 2
_LETTER, _ADVANCE = LETTER_HEIGHT * _SCALE, LETTER_ADVANCE * _SCALE
_COLUMN, _BESIDE = 0xC2410C, 0x7B8794
TONES = {GROUND: "ground", INK: "ink", QUIET: "faint", LINE: "line", SOFT: "soft", BAD: "bad", PERSON: "person"}
"""Colours that a dark page has others for, and the class by which its style finds them in an SVG."""


def png(trend: Trend) -> bytes:
    """Give the picture as PNG; the same trend gives the same bytes."""
    return drawing.png(WIDTH, ROW * len(trend.panels), _shapes(trend))


def svg(trend: Trend) -> str:
    """Give the picture as an SVG element of an HTML page; every word in it is escaped."""
    return _svg(WIDTH, ROW * len(trend.panels), _shapes(trend), trend.words)


def glance(it: Chronicle) -> str:
    """Give an incident at a glance as an SVG element of an HTML page; every word in it is escaped."""
    height, drawn = chronicle.shapes(it)
    return _svg(chronicle.WIDTH, height, drawn, it.words)


def glance_png(it: Chronicle) -> bytes:
    """Give an incident at a glance as PNG; the same gives the same bytes."""
    height, drawn = chronicle.shapes(it)
    return drawing.png(chronicle.WIDTH, height, drawn)


def experience_svg(it: Experience, reached: Sequence[tuple[str, datetime]]) -> str:
    """Give how users fared around an incident as an SVG element of an HTML page."""
    height, drawn = experience.shapes(it, reached)
    return _svg(chronicle.WIDTH, height, drawn, experience.words(it))


def waterfall_svg(chain: Chain, *, alone: bool = False) -> str:
    """Give a trace as an SVG element of an HTML page, or `alone` as a file; every word in it is escaped."""
    height, drawn = waterfall.shapes(chain)
    return _svg(waterfall.WIDTH, height, drawn, waterfall.words(chain), alone=alone)


def _svg(width: int, height: int, shapes: Iterable[Box | Label], words: str, *, alone: bool = False) -> str:
    file = f'xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" ' if alone else ""
    begin = (
        f'<svg {file}viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(words)}" font-family="monospace" font-size="{_LETTER + _SCALE}">'
    )
    return "".join([begin, *map(_element, [Box(0, 0, width, height, GROUND), *shapes]), "</svg>"])


def _shapes(trend: Trend) -> Iterator[Box | Label]:
    for place, panel in enumerate(trend.panels):
        yield from _panel(panel, ROW * place)


def _panel(panel: Panel, top: int) -> Iterator[Box | Label]:
    base, room, highest = top + ROW - _FOOT, ROW - _TOP - _FOOT, panel.highest
    yield Label(_SIDE, top + 12, _fitting(panel))
    yield Label(WIDTH - _SIDE, top + 12, f"max {panel.highest:.3g}", ends=True)
    step = (WIDTH - 2 * _SIDE) / len(panel.values)
    rows = [(panel.values, _COLUMN), (panel.beside, _BESIDE)] if panel.beside else [(panel.values, _COLUMN)]
    for place in range(len(panel.values)):
        left, right = round(_SIDE + place * step), round(_SIDE + (place + 1) * step)
        wide = (right - left - 2) // len(rows)
        for row, (values, colour) in enumerate(rows):
            value = values[place]
            tall = round(room * value / highest) if value and highest > 0 else 0
            yield Box(left + row * wide, base - tall, max(1, wide), tall, colour)
    yield Box(_SIDE, base, WIDTH - 2 * _SIDE, 2, LINE)
    yield Label(_SIDE, base + 6, panel.begins)
    yield Label(WIDTH - _SIDE, base + 6, panel.ends, ends=True)


def _fitting(panel: Panel) -> str:
    """Cut a title that would run into the number beside it."""
    room = (WIDTH - 3 * _SIDE) // _ADVANCE - len(f"max {panel.highest:.3g}")
    return panel.title if len(panel.title) <= room else f"{panel.title[: room - 2]}.."


def _element(shape: Box | Label) -> str:
    if isinstance(shape, Box):
        where = f'x="{shape.x}" y="{shape.y}" width="{shape.width}" height="{shape.height}"'
        return f"<rect {where} {_ink(shape.colour)}/>"
    anchor = ' text-anchor="end"' if shape.ends else ""
    return f'<text x="{shape.x}" y="{shape.y + _LETTER}" {_ink(shape.colour)}{anchor}>{escape(shape.text)}</text>'


def _ink(colour: int) -> str:
    tone = f'class="{TONES[colour]}" ' if colour in TONES else ""
    return f'{tone}fill="#{colour:06x}"'
