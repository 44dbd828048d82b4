"""Boxes and words as PNG: a ground, rectangles, letters of a font of five by nine pixels. PNG: W3C, third edition.

The ground is opaque and light, so that a picture can be read in a dark chat too.
"""

import struct
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

GROUND, INK = 0xFFFFFF, 0x1D1C1D
QUIET, LINE, SOFT = 0x5B626D, 0xD0D0D0, 0xF0F0EC
"""Words that matter less, thin lines, a ground beside the ground."""
LETTER_HEIGHT, LETTER_ADVANCE = 7, 6
"""Pixels of a capital letter, and from one letter to the next, at scale 1."""
# Seven rows of five pixels each, nine for what hangs below the line; a digit of base 32 is one row.
_GLYPHS = (
    "A=ehhvhhh B=uhhuhhu C=ehggghe D=uhhhhhu E=vgguggv F=vgguggg G=ehgnhhf H=hhhvhhh I=e44444e J=72222ic K=hikokih "
    "L=ggggggv M=hrllhhh N=hhpljhh O=ehhhhhe P=uhhuggg Q=ehhhlid R=uhhukih S=fgge11u T=v444444 U=hhhhhhe V=hhhhha4 "
    "W=hhhllrh X=hha4ahh Y=hha4444 Z=v1248gv 0=ehjlphe 1=4c4444e 2=eh1248v 3=v2421he 4=26aiv22 5=vgu11he 6=68guhhe "
    "7=v124888 8=ehhehhe 9=ehhf12c .=00000cc ,=00000c48 :=0cc0cc0 %=op248j3 /=01248g0 -=000v000 (=2488842 )=8422248 "
    "_=000000v +=044v440 a=00e1fhf b=ggmphhu c=00egghe d=11djhhf e=00ehvge f=698s888 g=00fhhhf1e h=ggmphhh i=40c444e "
    "j=2062222ic k=ggikoki l=c44444e m=00qllhh n=00mphhh o=00ehhhe p=00uhhhugg q=00fhhhf11 r=00mpggg s=00fge1u "
    "t=88s8896 u=00hhhjd v=00hhha4 w=00hhlla x=00ha4ah y=00hhhhf1e z=00v248v *=04lel40 [=e88888e ]=e22222e {=2448442 "
    "}=8442448 <=248g842 >=8421248 '=c48 \"=aaa !=4444404 ?=eh12404 #=aavavaa &=cik8lid @=eh1dlle ;=0cc0c48 "
    "==00v0v0 |=4444444 ~=008l2 $=4fke5u4 ^=4ah \\=0g8421 \u00b7=000cc \u2026=000000l"
)
_FONT = {glyph[0]: glyph[2:] for glyph in _GLYPHS.split()}


@dataclass(frozen=True, slots=True)
class Box:
    """A filled rectangle, pixels from the left upper corner."""

    x: int
    y: int
    width: int
    height: int
    colour: int


@dataclass(frozen=True, slots=True)
class Label:
    """Words whose left (or right, if `ends`) upper corner is given; `scale`: pixels to a pixel of the font."""

    x: int
    y: int
    text: str
    ends: bool = False
    colour: int = INK
    scale: int = 2


def png(width: int, height: int, shapes: Iterable[Box | Label]) -> bytes:
    """Give a picture as PNG, later shapes over earlier ones; the same shapes give the same bytes."""
    rows = [bytearray(GROUND.to_bytes(3, "big") * width) for _ in range(height)]
    for shape in shapes:
        for box in [shape] if isinstance(shape, Box) else _letters(shape):
            left, right = max(box.x, 0), min(box.x + box.width, width)
            ink = box.colour.to_bytes(3, "big") * max(right - left, 0)
            for row in rows[max(box.y, 0) : max(box.y + box.height, 0)] if ink else ():
                row[3 * left : 3 * right] = ink
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def fitting(text: str, room: int, scale: int = 2) -> str:
    """Cut words that would not fit into so many pixels; "" when not even three letters of them would be left."""
    letters = max(room + scale, 0) // (LETTER_ADVANCE * scale)
    if len(text) <= letters:
        return text
    return f"{text[: letters - 1]}\u2026" if letters > 3 else ""  # noqa: PLR2004 - three letters and the sign


def ending(text: str, room: int, scale: int = 2) -> str:
    """Cut words that would not fit at their beginning: what tells them apart stands at their end."""
    letters = max(max(room + scale, 0) // (LETTER_ADVANCE * scale), 1)
    return text if len(text) <= letters else f"\u2026{text[len(text) - letters + 1 :]}"


def _letters(label: Label) -> Iterator[Box]:
    """Give the pixels of words as boxes; a sign that the font lacks is a gap."""
    scale = label.scale
    left = label.x - LETTER_ADVANCE * scale * len(label.text) if label.ends else label.x
    for place, sign in enumerate(label.text):
        start = left + place * LETTER_ADVANCE * scale
        for across, down, wide in _strokes(sign):
            yield Box(start + across * scale, label.y + down * scale, wide * scale, scale, label.colour)


@lru_cache(maxsize=256)
def _strokes(sign: str) -> tuple[tuple[int, int, int], ...]:
    """Give a sign as strokes from left to right: its column, its row, how long it is."""
    found: list[tuple[int, int, int]] = []
    for down, digit in enumerate(_FONT.get(sign, "")):
        row = f"{int(digit, 32):05b}"
        starts = [at for at in range(5) if row[at] == "1" and (at == 0 or row[at - 1] == "0")]
        found += [(at, down, len(row[at:].partition("0")[0])) for at in starts]
    return tuple(found)


def _chunk(kind: bytes, content: Iterable[int]) -> bytes:
    body = kind + bytes(content)
    return struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
