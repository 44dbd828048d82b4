"""The protobuf wire format, as far as profiles need it."""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MORE = 0x80
"""The bit which says that a number goes on in the next byte."""
MAX_VARINT_BYTES = 10
"""A 64-bit value takes at most ten bytes of seven bits."""

Field = tuple[int, int, int]
"""(field number, value or start, end). For a number `end` is -1; for bytes they are data[start:end]."""


class WireMalformed(ValueError):
    """The bytes are not a protobuf message."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number at `at`; give it and where the next byte is."""
    byte = data[at] if at < len(data) else -1
    if 0 <= byte < MORE:
        return byte, at + 1
    value = shift = 0
    for end in range(at, min(at + MAX_VARINT_BYTES, len(data))):
        byte = data[end]
        value |= (byte & 0x7F) << shift
        if byte < MORE:
            return value & 0xFFFF_FFFF_FFFF_FFFF, end + 1
        shift += 7
    raise WireMalformed(f"a number at byte {at} does not end")


def signed(value: int) -> int:
    """Read a 64-bit number as an int64."""
    return value - (1 << 64) if value >= 1 << 63 else value


def fields(data: bytes, start: int, end: int) -> Iterator[Field]:
    """Walk the fields of the message data[start:end].

    :raises WireMalformed: a length runs past the message, or a wire type is not known.
    """
    at = start
    while at < end:
        key = data[at]
        if key < MORE:
            at += 1
        else:
            key, at = varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = varint(data, at)
            yield key >> 3, value, -1
        elif kind == BYTES:
            size = data[at] if at < end else MORE
            if size < MORE:
                at += 1
            else:
                size, at = varint(data, at)
            if at + size > end:
                raise WireMalformed(f"a field at byte {at} claims {size} bytes, the message has {end - at} left")
            yield key >> 3, at, at + size
            at += size
        elif kind in {FIXED64, FIXED32}:
            at += 8 if kind == FIXED64 else 4
        else:
            raise WireMalformed(f"wire type {kind} at byte {at} is not known")
    if at != end:
        raise WireMalformed("the message ends in the middle of a field")


def packed(data: bytes, start: int, end: int, most: int) -> list[int]:
    """Read a packed list of numbers, at most `most` of them."""
    if end - start > most * MAX_VARINT_BYTES:
        raise WireMalformed(f"a list is longer than {most} numbers")
    values: list[int] = []
    at = start
    while at < end:
        byte = data[at]
        if byte < MORE:
            values.append(byte)
            at += 1
        else:
            value, at = varint(data, at)
            values.append(value)
    if at != end or len(values) > most:
        raise WireMalformed(f"a list runs past its field or is longer than {most} numbers")
    return values


def number_bytes(value: int) -> bytes:
    """Write a number as a varint."""
    out = bytearray()
    value &= 0xFFFF_FFFF_FFFF_FFFF
    while value >= MORE:
        out.append(value & 0x7F | MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


def field_bytes(number: int, value: int | bytes) -> bytes:
    """Write one field: a number, or bytes with their length."""
    if isinstance(value, int):
        return number_bytes(number << 3 | VARINT) + number_bytes(value)
    return number_bytes(number << 3 | BYTES) + number_bytes(len(value)) + value
