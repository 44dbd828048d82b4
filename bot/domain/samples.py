"""The samples of a profile, read as they are written: a stack stays the numbers of its locations, as bytes.

A profile of 5 MB has 100,000 samples, of which a person looks at a graph. What is done for each of them is therefore
one loop without a call: Go writes the locations of a sample in one piece, and what follows them in few ways.
"""

from collections.abc import Iterable

from bot.domain.costs import NUMBERS
from bot.domain.protobuf import BYTES, MORE, Span, WireMalformed, fields, number_bytes, signed, varint

MAX_DEPTH = 4096
"""Frames of one sample; the runtime records at most 128 (maxProfStackDepth, runtime/mprof.go)."""
MAX_STACK_BYTES = 10 * MAX_DEPTH
MAX_LABELS = 64

_LOCATIONS = 1 << 3 | BYTES
_MORE = bytes((MORE,))


def columns(raw: bytes, spans: Iterable[Span], width: int, at: int) -> tuple[list[bytes], list[int]]:
    """Give the stack of each sample, and the value at one place of its `width` values.

    :raises WireMalformed: what `written` refuses.
    """
    stacks: list[bytes] = []
    values: list[int] = []
    after = _After(width, at)
    for start, end in spans:
        value, low = None, start + 2
        if low < end and raw[start] == _LOCATIONS:
            size = raw[start + 1]
            if size >= MORE:
                size += (raw[low] << 7) - MORE
                low += 1
            high = low + size
            if high < end and raw[low - 1] < MORE and raw[high - 1] < MORE:
                value = after[raw[high:end]]
        if value is None:
            stack, numbers, _ = written(raw, (start, end), width)
            value = number_of(numbers[at])
        else:
            stack = raw[low:high]
        stacks.append(stack)
        values.append(value)
    return stacks, values


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
