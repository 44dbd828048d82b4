"""Profiles as others than Go's runtime write them: all that profile.proto allows, and some that it does not."""

import gzip

import pytest

from bot.domain.costs import ProfileMalformed
from bot.domain.profile import decode
from bot.domain.protobuf import field_bytes, number_bytes
from bot.domain.stacks import Frame

STRINGS = (b"", b"cpu", b"nanoseconds", b"work", b"inner", b"app.py", b"thread", b"main")


def strings(*texts: bytes) -> bytes:
    return b"".join(field_bytes(6, text) for text in texts or STRINGS)


def types(*pairs: tuple[int, int]) -> bytes:
    return b"".join(field_bytes(1, field_bytes(1, kind) + field_bytes(2, unit)) for kind, unit in pairs or ((1, 2),))


def function(identity: int, name: int, file: int = 0) -> bytes:
    return field_bytes(5, field_bytes(1, identity) + field_bytes(2, name) + (field_bytes(4, file) if file else b""))


def location(identity: int, *lines: tuple[int, int]) -> bytes:
    content = field_bytes(1, identity) if identity else b""
    return field_bytes(4, content + b"".join(field_bytes(4, field_bytes(1, f) + field_bytes(2, at)) for f, at in lines))


def sample(locations: tuple[int, ...], *values: int) -> bytes:
    packed = b"".join(map(number_bytes, locations)), b"".join(map(number_bytes, values))
    return field_bytes(2, field_bytes(1, packed[0]) + field_bytes(2, packed[1]))


WORK = sample((1,), 10) + location(1, (1, 7)) + function(1, 3, 5)


def test_without_mapping_file_or_line() -> None:
    found = decode(types() + sample((1,), 10) + location(1, (1, 0)) + function(1, 3) + strings())

    assert (found.mappings, found.build_id) == ((), "")
    assert found.top("cpu")[0].frame == Frame("work")


def test_inlined_calls_are_frames_of_one_location_innermost_first() -> None:
    found = decode(
        types() + sample((1,), 10) + location(1, (2, 3), (1, 7)) + function(1, 3, 5) + function(2, 4, 5) + strings()
    )

    assert found.samples[0].stack == (Frame("inner", "app.py", 3), Frame("work", "app.py", 7))


def test_the_order_of_fields_does_not_matter() -> None:
    assert decode(strings() + function(1, 3, 5) + location(1, (1, 7)) + sample((1,), 10) + types()) == decode(
        types() + WORK + strings()
    )


def test_ids_of_zero_and_ids_of_nothing_are_no_frames() -> None:
    zero = decode(types() + sample((0, 9), 10) + location(0, (0, 1)) + strings())

    assert zero.total("cpu") == 10
    assert [str(frame.function) for frame in zero.samples[0].stack] == ["?"]


def test_numbers_that_are_not_packed_are_read() -> None:
    loose = field_bytes(2, field_bytes(1, 1) + field_bytes(2, 10))

    assert decode(types() + loose + location(1, (1, 7)) + function(1, 3, 5) + strings()) == decode(
        types() + WORK + strings()
    )


def test_a_type_that_is_there_twice_is_counted_once() -> None:
    found = decode(types((1, 2), (1, 2)) + sample((1,), 10, 99) + location(1, (1, 7)) + function(1, 3, 5) + strings())

    assert (found.index("cpu"), found.total("cpu")) == (0, 10)


def test_times_and_values_below_zero_are_numbers_as_a_difference_has_them() -> None:
    found = decode(types() + sample((1,), -10) + field_bytes(9, -1) + field_bytes(10, -5) + strings())

    assert (found.total("cpu"), found.duration_ns) == (-10, -5)


def test_labels_are_words_or_numbers() -> None:
    labels = field_bytes(3, field_bytes(1, 6) + field_bytes(2, 7)) + field_bytes(
        3, field_bytes(1, 6) + field_bytes(3, -3)
    )
    found = decode(types() + field_bytes(2, field_bytes(2, 10) + labels) + strings())

    assert found.samples[0].labels == (("thread", "main"), ("thread", "-3"))


def test_fields_that_nobody_knows_are_passed_over() -> None:
    unknown = (
        field_bytes(99, b"new")
        + field_bytes(98, 1)
        + number_bytes(97 << 3 | 1)
        + bytes(8)
        + number_bytes(96 << 3 | 5)
        + bytes(4)
    )

    assert decode(unknown + types() + WORK + strings()) == decode(types() + WORK + strings())


def test_packed_or_not_the_bytes_are_the_same_profile() -> None:
    raw = types() + WORK + strings()

    assert decode(raw) == decode(gzip.compress(raw)) == decode(gzip.compress(raw[:9]) + gzip.compress(raw[9:]))


@pytest.mark.parametrize("broken", [types((1, 77)), function(1, 77), field_bytes(3, field_bytes(5, 77))])
def test_a_string_beyond_the_table_is_said(broken: bytes) -> None:
    with pytest.raises(ProfileMalformed, match="beyond the end of its table"):
        decode(types() + broken + strings())
