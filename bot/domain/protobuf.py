"""The protobuf wire format, as far as profiles need it."""

from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass, field

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MORE = 0x80
"""The bit which says that a number goes on in the next byte."""
MAX_VARINT_BYTES = 10
"""A 64-bit value takes at most ten bytes of seven bits."""

Span = tuple[int, int]
"""Where bytes are: from the one to before the other."""
Field = tuple[int, int, int]
"""(field number, value or start, end). For a number `end` is -1; for bytes they are data[start:end]."""


_NUMBERS = 1 << 3 | BYTES
_SHORT = MORE | 7
"""What is left of a key by which a number below 16 and its kind are known from one byte."""


class WireMalformed(ValueError):
    """The bytes are not a protobuf message."""


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number at `at`; give it and where the next byte is."""
    size = len(data)
    byte = data[at] if at < size else -1
    if 0 <= byte < MORE:
        return byte, at + 1
    if at + 1 < size and (high := data[at + 1]) < MORE:
        return high << 7 | byte & 0x7F, at + 2
    value = shift = 0
    for end in range(at, min(at + MAX_VARINT_BYTES, size)):
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


@dataclass
class Parts:
    """A message in parts: where the bytes of each field are, in their order, and each field's last number.

    `heads` and `tails`: the fields that are split, each in two: the bytes of its own first field, and what follows it.
    """

    spans: defaultdict[int, list[Span]] = field(default_factory=lambda: defaultdict(list))
    numbers: dict[int, int] = field(default_factory=dict)
    heads: list[bytes] = field(default_factory=list)
    tails: list[bytes] = field(default_factory=list)


def parts(data: bytes, known: Container[int], most: int, split: int = 0) -> Parts:
    """Walk a whole message for its `known` fields; those of number `split` that begin with numbers 1 are split there.

    It does what `fields` does, in one loop: of 100,000 fields a generator's turns are most of the time. A field is left
    whole where a number of it does not end, where another one's would begin in the middle, and where nothing follows.

    :raises WireMalformed: what `fields` refuses, or more than `most` fields of bytes.
    """
    found = Parts()
    spans, numbers = found.spans, found.numbers
    tails: dict[bytes, bytes] = {}
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
            elif not room:
                raise WireMalformed(f"more than {most} entries, the last one in field {number} at byte {at}")
            else:
                room -= 1
                if number != split or not _split(data, at, end, found, tails):
                    spans[number].append((at, end))
        at = after
    return found


def _split(data: bytes, at: int, end: int, found: Parts, known: dict[bytes, bytes]) -> bool:
    """Split a message after its first field, if that is a list of whole numbers in bytes and something follows it.

    Of tails that are alike only one is kept: there are few, and what is not kept costs nothing again.
    """
    low = at + 2
    if low >= end or data[at] != _NUMBERS:
        return False
    size = data[at + 1]
    if size >= MORE:
        size += (data[low] << 7) - MORE
        low += 1
    high = low + size
    if high >= end or data[low - 1] >= MORE or data[high - 1] >= MORE:
        return False
    found.heads.append(data[low:high])
    tail = data[high:end]
    found.tails.append(known.setdefault(tail, tail))
    return True


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
