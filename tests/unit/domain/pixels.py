"""Reads a PNG of ours, so that pixels are counted, not believed."""

import struct
import zlib


def pixels(picture: bytes) -> list[list[bytes]]:
    """Decode a PNG of ours, checksums included."""
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, dict[bytes, bytes]()
    while at < len(picture):
        (size,) = struct.unpack(">I", picture[at : at + 4])
        kind, content = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + size]
        assert struct.unpack(">I", picture[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + content)
        chunks[kind], at = content, at + 12 + size
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    raw = zlib.decompress(chunks[b"IDAT"])
    lines = [raw[n * (3 * width + 1) : (n + 1) * (3 * width + 1)] for n in range(height)]
    assert {line[0] for line in lines} == {0}
    return [[line[1 + 3 * x : 4 + 3 * x] for x in range(width)] for line in lines]


def coloured(shown: list[list[bytes]], colour: int) -> int:
    """Count the pixels of one colour."""
    wanted = colour.to_bytes(3, "big")
    return sum(row.count(wanted) for row in shown)
