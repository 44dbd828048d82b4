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
    read = list(map(_After(width, at).__getitem__, found.tails))
    heads, whole = found.heads, found.spans[SAMPLES]
    if None in read:
        # Something is odd about one of them: what it is, and where, tells who reads them whole.
        heads, read, whole = [], [], parts(raw, (SAMPLES,), sys.maxsize).spans[SAMPLES]
    slowly = [written(raw, span, width) for span in whole]
    values = [value for value in read if value is not None] + [number_of(numbers[at]) for _, numbers, _ in slowly]
    return heads + [stack for stack, _, _ in slowly], values


class _After(dict[bytes, int | None]):
    """The value of a sample by what follows its locations; None where that is not all there is to it.

    Most samples are alike in it, so that it is read once for many of them.
    """

    def __init__(self, width: int, at: int) -> None:
        super().__init__()
        self._width, self._at = width, at

    def __missing__(self, rest: bytes) -> int | None:
        try:
            more, numbers, _ = written(rest, (0, len(rest)), self._width)
        except WireMalformed:
            more, numbers = _MORE, []
        found = self[rest] = None if more else number_of(numbers[self._at])
        return found


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
