"""The protobuf wire format, as far as profiles need it."""

from collections import defaultdict
from collections.abc import Container, Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MORE = 0x80
"""The bit which says that a number goes on in the next byte."""
MAX_VARINT_BYTES = 10
"""A 64-bit value takes at most ten bytes of seven bits."""

Span = tuple[int, int]
"""Where bytes are: from the one to before the other."""
Field = tuple[int, int, int]
"""(field number, value or start, end). For a number `end` is -1; for bytes they are data[start:end]."""


_SHORT = MORE | 7
"""What is left of a key by which a number below 16 and its kind are known from one byte."""


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


def parts(data: bytes, known: Container[int], most: int) -> tuple[dict[int, list[Span]], dict[int, int]]:
    """Walk a whole message: give where the bytes of each `known` field are, in their order, and each one's last number.

    It does what `fields` does, in one loop: of 100,000 fields a generator's turns are most of the time.

    :raises WireMalformed: what `fields` refuses, or more than `most` fields of bytes.
    """
    spans: dict[int, list[Span]] = defaultdict(list)
    numbers: dict[int, int] = {}
    at, last, room = 0, len(data), most
    while at < last:
        key = data[at]
        if key & _SHORT == BYTES and at + 2 < last:
            number, size, high = key >> 3, data[at + 1], data[at + 2]
            if size < MORE:
                at += 2
            elif high < MORE:
                size, at = high << 7 | size & 0x7F, at + 3
            else:
                size, at = varint(data, at + 1)
            end = after = at + size
        else:
            number, at, end, after = _field(data, at)
        if after > last:
            raise WireMalformed(f"a field at byte {at} claims {after - at} bytes, the message has {last - at} left")
        if number in known:
            if end < 0:
                numbers[number] = at
            elif room:
                spans[number].append((at, end))
                room -= 1
            else:
                raise WireMalformed(f"more than {most} entries, the last one in field {number} at byte {at}")
        at = after
    return spans, numbers


def _field(data: bytes, at: int) -> tuple[int, int, int, int]:
    """Read one field of any kind: as `fields` gives it, and where the next one is; -1 is the number of a fixed one."""
    key, at = varint(data, at)
    kind = key & 7
    if kind == VARINT:
        value, after = varint(data, at)
        return key >> 3, value, -1, after
    if kind == BYTES:
        size, at = varint(data, at)
        return key >> 3, at, at + size, at + size
    if kind in {FIXED64, FIXED32}:
        return -1, at, -1, at + (8 if kind == FIXED64 else 4)
    raise WireMalformed(f"wire type {kind} at byte {at} is not known")


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
