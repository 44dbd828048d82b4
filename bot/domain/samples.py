"""The samples of a profile, read as they are written: a stack stays the numbers of its locations, as bytes.

A profile of 5 MB has 100,000 samples, of which a person looks at a graph. What is done for each of them is therefore
little, and done while the profile is walked: Go writes most locations of a sample in one piece, and what follows them
in few ways, each of which is read once.
"""

import sys

from bot.domain.costs import NUMBERS
from bot.domain.protobuf import MORE, Parts, Span, WireMalformed, fields, number_bytes, parts, signed, varint

MAX_DEPTH = 4096
"""Frames of one sample; the runtime records at most 128 (maxProfStackDepth, runtime/mprof.go)."""
MAX_STACK_BYTES = 10 * MAX_DEPTH
MAX_LABELS = 64
SAMPLES = 2
"""The field of a profile that has them."""

_MORE = bytes((MORE,))


def columns(raw: bytes, found: Parts, width: int, at: int) -> tuple[list[bytes], list[int]]:
    """Give the stack of each sample, and the value at one place of its `width` values; `found` has them split.

    They are not in the order of the profile.

    :raises WireMalformed: what `written` refuses.
    """
    known = {tail: _value(tail, width, at) for tail in set(found.tails)}
    if None in known.values():
        # Something is odd about one of them: what it is, and where, tells who reads them whole.
        found = parts(raw, (SAMPLES,), sys.maxsize)
    values = [value for tail in found.tails if (value := known[tail]) is not None]
    slowly = [written(raw, span, width) for span in found.spans[SAMPLES]]
    values += [number_of(numbers[at]) for _, numbers, _ in slowly]
    return found.heads + [stack for stack, _, _ in slowly], values


def _value(tail: bytes, width: int, at: int) -> int | None:
    """Give the value of a sample by what follows its locations; None where that is not all there is to it."""
    try:
        more, numbers, _ = written(tail, (0, len(tail)), width)
    except WireMalformed:
        return None
    return None if more else number_of(numbers[at])


def written(raw: bytes, span: Span, width: int) -> tuple[bytes, list[bytes], list[Span]]:
    """Give a sample as it is written: its locations' numbers one after another, its values, its labels.

    :raises WireMalformed: it has not `width` values, a number of it does not end, or it is larger than our limits.
    """
    stack = values = b""
    labels: list[Span] = []
    for field, value, end in fields(raw, *span):
        if field == 1:
            stack += raw[value:end] if end >= 0 else number_bytes(value)
        elif field == 2:  # noqa: PLR2004 - a field number
            values += raw[value:end] if end >= 0 else number_bytes(value)
        elif end >= 0:
            labels.append((value, end))
        if len(stack) > MAX_STACK_BYTES or len(values) > MAX_STACK_BYTES or len(labels) > MAX_LABELS:
            break
    numbers = NUMBERS.findall(values)
    if len(numbers) != width or len(stack) > MAX_STACK_BYTES or len(labels) > MAX_LABELS:
        counts = f"{len(numbers)} values, {len(stack)} bytes of locations, {len(labels)} labels"
        raise WireMalformed(f"the sample at byte {span[0]} has {counts}")
    if stack[-1:] >= _MORE or values[-1:] >= _MORE:
        raise WireMalformed(f"a number of the sample at byte {span[0]} does not end")
    return stack, numbers, labels


def number_of(written: bytes) -> int:
    """Read a number of a sample, which may be below nothing."""
    return signed(varint(written, 0)[0])
