"""Bytes in memory, read as a file is."""

from bot.domain.buildinfo import Read


def reader(content: bytes, sizes: list[int] | None = None) -> Read:
    """Give what reads some bytes, and writes down how many it was asked for."""

    def read(at: int, size: int) -> bytes:
        if sizes is not None:
            sizes.append(size)
        return content[at : at + size]

    return read
