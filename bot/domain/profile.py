"""pprof profiles: decoded within bounds, added up by function and by line.

The format is profile.proto of github.com/google/pprof. A target is not trusted: every size has a limit.
"""

import re
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

from bot.domain.costs import MAX_FRAMES, NUMBERS, Cost, Costs, ProfileMalformed
from bot.domain.protobuf import VARINT, Span, WireMalformed, fields, number_bytes, packed, parts, signed, varint
from bot.domain.samples import MAX_DEPTH, MAX_LABELS, SAMPLES, columns, number_of, written
from bot.domain.stacks import Frame

MAX_DECODED_BYTES = 32 * 1024 * 1024
"""Larger than any profile of a Go runtime seen; a gzip bomb stops here."""
STEP_BYTES = 2 * 1024 * 1024
"""Decompressed at once: what is yet to come is copied at every step."""
MAX_ENTRIES = 500_000
"""Samples, locations, functions and strings together, some times what the largest services have: bounds memory and time
against tiny entries in a large file."""
KNOWN = frozenset(range(1, 15))
"""The fields of profile.proto; others are passed over."""
GZIP = b"\x1f\x8b"
_NUMBERED = 1 << 3 | VARINT
_NUMBER = rb"[\x80-\xff]{0,9}[\x00-\x7f]"
_ONE_LINE = re.compile(
    rb"\x08%b(?:\x10%b)?\x18%b\x22(.)(\x08(%b)\x10(%b))" % (_NUMBER, _NUMBER, _NUMBER, _NUMBER, _NUMBER), re.DOTALL
)
"""A location as Go writes most of them: its number, its mapping, its address, and one function with a line."""


@dataclass(frozen=True, slots=True)
class ValueType:
    """What a value of a sample means: `inuse_space` in `bytes`."""

    name: str
    unit: str


@dataclass(frozen=True, slots=True)
class Mapping:
    """A file mapped into the process, with its build id."""

    file: str
    build_id: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One stack (innermost frame first) with its values and labels."""

    stack: tuple[Frame, ...]
    values: tuple[int, ...]
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Profile:
    """A decoded profile. `duration_ns` and `period` are 0 where the profile has none."""

    types: tuple[ValueType, ...]
    samples: tuple[Sample, ...]
    mappings: tuple[Mapping, ...] = ()
    duration_ns: int = 0
    period: int = 0
    comments: tuple[str, ...] = ()

    @property
    def build_id(self) -> str:
        """The build id of the program itself (its mapping comes first), "" when it has none."""
        return self.mappings[0].build_id if self.mappings else ""

    def index(self, name: str) -> int:
        """Give which value of a sample has this type name; the last one when none has."""
        return _index(self.types, name)

    def total(self, name: str) -> int:
        """Add up one type of value over all samples."""
        at = self.index(name)
        return sum(sample.values[at] for sample in self.samples)

    def share(self, name: str, chosen: Callable[[str], bool]) -> float:
        """Give the part, 0..1, of a value in samples with a chosen function anywhere in the stack; 0 when empty."""
        at = self.index(name)
        total = hit = 0
        for sample in self.samples:
            total += sample.values[at]
            if any(chosen(frame.function) for frame in sample.stack):
                hit += sample.values[at]
        return hit / total if total else 0.0

    def costs(self, name: str) -> Costs:
        """Give what each stack costs of one type of value."""
        at = self.index(name)
        kind, numbers, frames = self.types[at], dict[int, bytes](), dict[bytes, tuple[Frame, ...]]()

        def number(frame: Frame) -> bytes:
            known = numbers.get(id(frame))
            if known is None:
                known = numbers[id(frame)] = number_bytes(len(numbers))
                frames[known] = (frame,)
            return known

        stacks = [b"".join(map(number, sample.stack)) for sample in self.samples]
        values = [sample.values[at] for sample in self.samples]
        return Costs(kind.name, kind.unit, self.duration_ns, stacks, values, frames)

    def top(self, name: str) -> tuple[Cost, ...]:
        """Add up by function, largest flat cost first; the frame is the function's most expensive line."""
        return self.costs(name).top()

    def by_frame(self, name: str, choose: Callable[[Sequence[Frame]], Frame | None]) -> tuple[tuple[Frame, int], ...]:
        """Add up by the one frame that `choose` picks of each stack, largest first; stacks without one are left out."""
        at = self.index(name)
        sums: dict[Frame, int] = defaultdict(int)
        for sample in self.samples:
            if (frame := choose(sample.stack)) is not None:
                sums[frame] += sample.values[at]
        return tuple(sorted(sums.items(), key=lambda item: (-item[1], str(item[0]))))


def decode(data: bytes, limit: int = MAX_DECODED_BYTES, *, stacks: bool = True) -> Profile:
    """Decode a profile, gzipped or raw; without `stacks` its samples are only values, in a third of the time.

    :raises ProfileMalformed: not a profile, or larger than `limit` bytes once decompressed.
    """
    raw = inflate(data, limit)
    try:
        return _Decoder(raw).profile(stacks=stacks)
    except (WireMalformed, IndexError) as error:
        raise _malformed(error) from error


def costs(data: bytes, name: str) -> Costs:
    """Read what each stack costs of one type of value: a tenth of the time of decoding it all.

    :raises ProfileMalformed: not a profile, or larger than our limits.
    """
    raw = inflate(data)
    try:
        return _Decoder(raw, SAMPLES).costs(name)
    except (WireMalformed, IndexError) as error:
        raise _malformed(error) from error


def _malformed(error: WireMalformed | IndexError) -> ProfileMalformed:
    if isinstance(error, WireMalformed):
        return ProfileMalformed(f"not a pprof profile: {error}")
    return ProfileMalformed("not a pprof profile: it names a string beyond the end of its table")


def inflate(data: bytes, limit: int = MAX_DECODED_BYTES) -> bytes:
    """Decompress a gzipped profile within `limit` bytes; raw bytes are given back as they are.

    :raises ProfileMalformed: the gzip stream is broken, unfinished or too large.
    """
    if not data.startswith(GZIP):
        if len(data) > limit:
            raise ProfileMalformed(f"the profile has more than {limit} bytes")
        return data
    out = bytearray()
    rest = data
    while rest.startswith(GZIP):
        rest = _inflate(rest, out, limit)
    return bytes(out)


def _inflate(data: bytes, out: bytearray, limit: int) -> bytes:
    """Decompress one gzip member, a step at a time, so that a bomb goes off small; give what follows it."""
    stream, pending = zlib.decompressobj(wbits=31), data
    try:
        while not stream.eof:
            size = len(out)
            out += stream.decompress(pending, STEP_BYTES)
            pending = stream.unconsumed_tail
            if len(out) > limit:
                raise ProfileMalformed(f"the profile decompresses to more than {limit} bytes")
            if len(out) == size and not pending:
                break
    except zlib.error as error:
        raise ProfileMalformed(f"not a gzip stream: {error}") from error
    if not stream.eof:
        size = len(out)
        raise ProfileMalformed(f"the gzip stream ends too early, at byte {len(data)}: {size} bytes came out of it")
    return stream.unused_data


class _Decoder:
    """Walks the message once for its parts, then builds values from strings up."""

    def __init__(self, raw: bytes, split: int = 0) -> None:
        self.raw = raw
        self.found = parts(raw, KNOWN, MAX_ENTRIES, split)
        self.parts, self.numbers = self.found.spans, self.found.numbers
        self.frames = 0
        self.strings = [raw[start:end].decode("utf-8", "replace") for start, end in self.parts[6]]
        if not self.strings or self.strings[0] != "":
            raise WireMalformed("the string table does not begin with an empty string")

    def profile(self, *, stacks: bool) -> Profile:
        """Build the profile."""
        types = self._types()
        frames = _Frames(self, _Functions(self, self.parts[5])) if stacks else None
        return Profile(
            types=types,
            samples=tuple(self._sample(span, frames, len(types)) for span in self.parts[2]),
            mappings=tuple(map(self._mapping, self.parts[3])),
            duration_ns=signed(self.numbers.get(10, 0)),
            period=signed(self.numbers.get(12, 0)),
            comments=self._comments(),
        )

    def costs(self, name: str) -> Costs:
        """Build what each stack costs."""
        types = self._types()
        at = _index(types, name)
        stacks, values = columns(self.raw, self.found, len(types), at)
        frames = _Frames(self, _Functions(self))
        return Costs(types[at].name, types[at].unit, signed(self.numbers.get(10, 0)), stacks, values, frames)

    def _types(self) -> tuple[ValueType, ...]:
        types = tuple(map(self._value_type, self.parts[1]))
        if not types:
            raise WireMalformed("it names no sample type")
        return types

    def _comments(self) -> tuple[str, ...]:
        indices = [self.numbers[13]] if 13 in self.numbers else []  # noqa: PLR2004 - a field number
        for span in self.parts[13]:
            indices += packed(self.raw, *span, MAX_LABELS)
        return tuple(self.strings[index] for index in indices)

    def _numbers(self, span: Span) -> dict[int, int]:
        return {number: value for number, value, end in fields(self.raw, *span) if end < 0 and number in KNOWN}

    def _value_type(self, span: Span) -> ValueType:
        numbers = self._numbers(span)
        return ValueType(self.strings[numbers.get(1, 0)], self.strings[numbers.get(2, 0)])

    def _mapping(self, span: Span) -> Mapping:
        numbers = self._numbers(span)
        return Mapping(self.strings[numbers.get(5, 0)], self.strings[numbers.get(6, 0)])

    def function(self, span: Span) -> tuple[int, tuple[str, str]]:
        """Give a function's number, its name and its file."""
        numbers = self._numbers(span)
        return self.number(span), (self.strings[numbers.get(2, 0)], self.strings[numbers.get(4, 0)])

    def number(self, span: Span) -> int:
        """Give the number of a location or of a function, which mostly comes first."""
        start, end = span
        if start < end and self.raw[start] == _NUMBERED:
            return varint(self.raw, start + 1)[0]
        return next((value for number, value, end in fields(self.raw, *span) if number == 1 and end < 0), 0)

    def location(self, span: Span, functions: "_Functions") -> tuple[Frame, ...]:
        """Give a location's frames: several where calls were inlined, innermost first."""
        one = _ONE_LINE.fullmatch(self.raw, *span)
        if one is not None and one[1][0] == len(one[2]):
            name, file = functions[varint(one[3], 0)[0]]
            return (Frame(name, file, max(signed(varint(one[4], 0)[0]), 0)),)
        address = 0
        frames: list[Frame] = []
        for number, value, end in fields(self.raw, *span):
            if number == 3:  # noqa: PLR2004 - a field number
                address = value
            elif number == 4 and end >= 0:  # noqa: PLR2004 - a field number
                line = self._numbers((value, end))
                name, file = functions[line.get(1, 0)]
                frames.append(Frame(name, file, max(signed(line.get(2, 0)), 0)))
                if len(frames) > MAX_DEPTH:
                    raise WireMalformed(f"the location at byte {span[0]} has more than {MAX_DEPTH} lines")
        return tuple(frames) or (Frame(f"0x{address:x}"),)

    def _sample(self, span: Span, frames: "_Frames | None", width: int) -> Sample:
        stack_bytes, values, labels = written(self.raw, span, width)
        known = [frames[each] for each in NUMBERS.findall(stack_bytes)] if frames is not None else ()
        self.frames += sum(map(len, known))
        if self.frames > MAX_FRAMES:
            raise WireMalformed(f"its samples have more than {MAX_FRAMES} frames")
        stack = tuple(chain.from_iterable(known))
        return Sample(stack, tuple(map(number_of, values)), tuple(self._labels(labels)))

    def _labels(self, spans: Iterable[Span]) -> Iterable[tuple[str, str]]:
        for span in spans:
            numbers = self._numbers(span)
            text = self.strings[numbers.get(2, 0)] or str(signed(numbers.get(3, 0)))
            yield self.strings[numbers.get(1, 0)], text


class _Functions(dict[int, tuple[str, str]]):
    """The name and the file of a function by its number; those that are not `read` at once are when somebody looks."""

    def __init__(self, decoder: _Decoder, read: Iterable[Span] = ()) -> None:
        super().__init__(map(decoder.function, read))
        self._decoder = decoder
        self._spans = {decoder.number(span): span for span in decoder.parts[5]}

    def __missing__(self, number: int) -> tuple[str, str]:
        span = self._spans.get(number)
        found = self[number] = self._decoder.function(span)[1] if span else ("?", "")
        return found


class _Frames(dict[bytes, tuple[Frame, ...]]):
    """The frames of a location by its number as a stack has it, each read once; none for one that is not there."""

    def __init__(self, decoder: _Decoder, functions: _Functions) -> None:
        super().__init__()
        self._decoder, self._functions = decoder, functions
        self._spans = {decoder.number(span): span for span in decoder.parts[4]}

    def __missing__(self, location: bytes) -> tuple[Frame, ...]:
        try:
            span = self._spans.get(varint(location, 0)[0])
            found = self[location] = self._decoder.location(span, self._functions) if span else ()
        except (WireMalformed, IndexError) as error:
            raise _malformed(error) from error
        return found


def _index(types: Sequence[ValueType], name: str) -> int:
    names = [each.name for each in types]
    return names.index(name) if name in names else len(names) - 1
