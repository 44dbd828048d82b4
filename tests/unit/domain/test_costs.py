"""What stacks cost, read as they are written, is what adding up every frame gives, whichever end they are read from."""

import random
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.costs import ProfileMalformed
from bot.domain.flame import Focus, Kind, draw
from bot.domain.profile import Profile, costs, decode
from bot.domain.protobuf import WireMalformed, field_bytes, fields, number_bytes, parts, signed, varint
from bot.domain.samples import columns
from bot.domain.samples import written as read_slowly
from bot.domain.stacks import Frame

T = TypeVar("T")
FUNCTIONS, LOCATIONS = 40, 400
"""Few functions repeat themselves in a stack; more locations than fit into one byte of a number."""
TYPES = field_bytes(6, b"") + field_bytes(6, b"cpu") + field_bytes(1, field_bytes(1, 1) + field_bytes(2, 0))


def written(seed: int) -> bytes:
    """Write a profile in which functions are inlined, have several locations, and some locations are not known."""
    dice = random.Random(seed)  # noqa: S311 - to try things out
    raw = TYPES
    for function in range(FUNCTIONS):
        raw += field_bytes(6, b"main.f%d" % function) + field_bytes(
            5, field_bytes(1, function) + field_bytes(2, 2 + function)
        )
    for location in range(LOCATIONS):
        lines = [(dice.randrange(FUNCTIONS), dice.randrange(1, 4)) for _ in range(dice.choice((1, 1, 2, 3)))]
        calls = (field_bytes(4, field_bytes(1, function) + field_bytes(2, line)) for function, line in lines)
        raw += field_bytes(4, field_bytes(1, location) + b"".join(calls))
    for _ in range(60):
        stack = b"".join(number_bytes(dice.randrange(LOCATIONS + 9)) for _ in range(dice.randrange(6)))
        raw += field_bytes(2, field_bytes(1, stack) + field_bytes(2, dice.randrange(1, 20)))
    return raw


def added(profile: Profile, *, inverted: bool) -> dict[tuple[str, ...], int]:
    """Add up by path, one frame after another."""
    sums: dict[tuple[str, ...], int] = defaultdict(int)
    for sample in profile.samples:
        names = [frame.function for frame in (sample.stack if inverted else reversed(sample.stack))]
        for depth in range(len(names)):
            sums[tuple(names[: depth + 1])] += sample.values[0]
    return sums


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_a_graph_has_every_path_and_what_it_costs(seed: int, *, inverted: bool) -> None:
    raw = written(seed)
    flame = draw(costs(raw, "cpu"), Focus(inverted=inverted))
    drawn = [
        (piece.row, piece.name, piece.value) for piece in flame.pieces if piece.row and piece.kind is not Kind.FOLDED
    ]
    expected = added(decode(raw), inverted=inverted)
    assert sorted(drawn) == sorted((len(path), path[-1], value) for path, value in expected.items())


@pytest.mark.parametrize("seed", range(4))
def test_functions_are_added_up_once_for_each_stack_they_are_in(seed: int) -> None:
    raw = written(seed)
    flat: dict[str, int] = defaultdict(int)
    cumulative: dict[str, int] = defaultdict(int)
    for sample in decode(raw).samples:
        if sample.stack:
            flat[sample.stack[0].function] += sample.values[0]
        for function in {frame.function for frame in sample.stack}:
            cumulative[function] += sample.values[0]
    found = costs(raw, "cpu").top()
    assert found == decode(raw).top("cpu")
    assert {each.frame.function: (each.flat, each.cumulative) for each in found} == {
        name: (flat[name], value) for name, value in cumulative.items()
    }


def test_a_location_that_cannot_be_read_is_one_error_when_it_is_looked_at() -> None:
    broken = field_bytes(4, field_bytes(1, 7) + b"\x22\x7f")
    sample = field_bytes(2, field_bytes(1, 7) + field_bytes(2, 5))
    found = costs(TYPES + broken + sample, "cpu")
    assert found.total == 5
    with pytest.raises(ProfileMalformed, match="claims 127 bytes"):
        draw(found, Focus())
    with pytest.raises(ProfileMalformed, match="claims 127 bytes"):
        found.top()


@pytest.mark.parametrize("stack", [b"\x80", b"\x01\xff", b"\x80" * 12 + b"\x01"])
def test_a_number_that_does_not_end_is_no_location(stack: bytes) -> None:
    with pytest.raises(ProfileMalformed, match="does not end"):
        draw(costs(TYPES + field_bytes(2, field_bytes(1, stack) + field_bytes(2, 5)), "cpu"), Focus())


def test_a_few_bytes_that_repeat_one_long_location_are_not_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.domain.costs.MAX_FRAMES", 1_000)
    long = field_bytes(4, field_bytes(1, 1) + field_bytes(4, b"") * 600)
    sample = field_bytes(2, field_bytes(1, 1) + field_bytes(2, 5))
    found = costs(TYPES + long + 2 * sample, "cpu")
    assert draw(found, Focus()).total == 10
    with pytest.raises(ProfileMalformed, match="more than 1000 frames"):
        found.top()


def test_where_there_is_no_room_for_more_the_rest_is_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.domain.call_tree.MOST_SPANS", 30)
    flame = draw(costs(written(1), "cpu"), Focus())
    assert flame.total == sum(piece.itself for piece in flame.pieces)


NUMBERS = st.integers(0, 2**64 - 1) | st.integers(0, 3)
PIECES = st.lists(
    st.tuples(st.just(1), st.lists(NUMBERS, max_size=90).map(lambda numbers: b"".join(map(number_bytes, numbers))))
    | st.tuples(st.integers(1, 4), NUMBERS | st.binary(max_size=20)),
    max_size=5,
).map(lambda pieces: b"".join(field_bytes(*piece) for piece in pieces))
WIDTH = field_bytes(2, number_bytes(2**64 - 3) + b"\x07")
SAMPLES = st.lists(PIECES | PIECES.map(lambda piece: piece + WIDTH) | st.binary(max_size=12), max_size=4)


@given(SAMPLES, st.integers(0, 1))
def test_samples_read_in_one_loop_are_those_of_a_slow_reader(samples: list[bytes], at: int) -> None:
    raw = b"".join(field_bytes(2, sample) for sample in samples)
    spans = [(start, end) for _, start, end in fields(raw, 0, len(raw))]

    def slowly() -> list[tuple[bytes, int]]:
        read = [read_slowly(raw, span, 2) for span in spans]
        return sorted((stack, signed(varint(values[at], 0)[0])) for stack, values, _ in read)

    def quickly() -> list[tuple[bytes, int]]:
        return sorted(zip(*columns(raw, parts(raw, (2,), 99, split=2), 2, at), strict=True))

    assert answer(slowly) == answer(quickly)


@given(st.lists(st.tuples(st.integers(1, 40), NUMBERS | st.binary(max_size=300)), max_size=6), st.binary(max_size=12))
def test_the_parts_of_a_message_are_its_fields(written_fields: list[tuple[int, int | bytes]], noise: bytes) -> None:
    raw = b"".join(field_bytes(*each) for each in written_fields) + noise

    def slowly() -> tuple[dict[int, list[tuple[int, int]]], dict[int, int]]:
        found = [each for each in fields(raw, 0, len(raw)) if each[0] < 16]
        spans: dict[int, list[tuple[int, int]]] = defaultdict(list)
        for number, start, end in found:
            if end >= 0:
                spans[number].append((start, end))
        return spans, {number: value for number, value, end in found if end < 0}

    def quickly() -> tuple[dict[int, list[tuple[int, int]]], dict[int, int]]:
        found = parts(raw, range(16), 99)
        return found.spans, found.numbers

    assert answer(slowly) == answer(quickly)


LINES = st.tuples(st.sampled_from([1, 2, 3]), NUMBERS | st.binary(max_size=4))


@given(
    st.integers(0, 2**64 - 1),
    st.lists(LINES, max_size=3) | st.just([(1, 3), (2, 700)]),
    st.integers(0, 30),
    st.sampled_from([b"", b"", b"\x28\x01", b"\x22\x02\x08\x03", b"\x18"]),
)
def test_a_location_of_one_call_is_read_at_a_glance_as_every_other(
    address: int, lines: list[tuple[int, int | bytes]], size: int, rest: bytes
) -> None:
    line = b"".join(field_bytes(*each) for each in lines)
    said = number_bytes(size if size > 20 else len(line))
    start = field_bytes(2, 1) + field_bytes(3, address) + b"\x22" + said + line + rest
    functions = TYPES + b"".join(field_bytes(5, field_bytes(1, each) + field_bytes(2, 1)) for each in range(4))
    sample = field_bytes(2, field_bytes(1, b"\x09") + field_bytes(2, b"\x05"))
    quick, slow = (
        functions + field_bytes(4, each) + sample for each in (field_bytes(1, 9) + start, start + field_bytes(1, 9))
    )

    def seen(raw: bytes) -> tuple[Frame, ...] | str:
        try:
            return costs(raw, "cpu").frames[b"\x09"]
        except ProfileMalformed as error:
            return type(error).__name__

    if rest != b"\x18":
        assert seen(quick) == seen(slow)
    else:
        assert seen(quick) == "ProfileMalformed"


def answer(read: Callable[[], T]) -> T | type[WireMalformed]:
    """Give what is read, or that it cannot be."""
    try:
        return read()
    except WireMalformed:
        return WireMalformed
