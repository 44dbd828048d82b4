import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.protobuf import Field, WireMalformed, field_bytes, fields, number_bytes, packed, signed, varint

NUMBERS = st.integers(0, 2**64 - 1)
FIELDS = st.lists(st.tuples(st.integers(1, 2**29 - 1), NUMBERS | st.binary(max_size=20)), max_size=12)


def slowly(data: bytes) -> list[Field]:
    """Read a message as the encoding guide of protobuf tells it, a bit at a time."""
    found: list[Field] = []
    at = 0

    def number() -> int:
        nonlocal at
        bits = ""
        while data[at] & 0x80:
            bits = f"{data[at] & 0x7F:07b}{bits}"
            at += 1
        at += 1
        return int(f"{data[at - 1]:07b}{bits}", 2) % 2**64

    while at < len(data):
        key = number()
        value = number()
        if key % 8 == 2:
            found.append((key // 8, at, at + value))
            at += value
        else:
            found.append((key // 8, value, -1))
    return found


@given(FIELDS)
def test_fields_are_those_of_a_slow_reader(written: list[tuple[int, int | bytes]]) -> None:
    data = b"".join(field_bytes(number, value) for number, value in written)
    found = list(fields(data, 0, len(data)))

    assert found == slowly(data)
    assert [(number, value if end < 0 else data[value:end]) for number, value, end in found] == written


@given(st.binary(max_size=200), st.integers(0, 20))
def test_noise_stays_inside_its_message_or_is_one_error(noise: bytes, start: int) -> None:
    end = max(len(noise) - 3, 0)
    try:
        found = list(fields(noise, start, end))
    except WireMalformed:
        found = []

    assert all(until < 0 or start <= value <= until <= end for _, value, until in found)


@given(st.lists(NUMBERS, max_size=30))
def test_packed_numbers_come_back(numbers: list[int]) -> None:
    data = b"".join(map(number_bytes, numbers))

    assert packed(data, 0, len(data), 30) == numbers
    if numbers:
        with pytest.raises(WireMalformed):
            packed(data, 0, len(data), len(numbers) - 1)


@given(st.binary(min_size=1, max_size=30), st.integers(0, 30))
def test_packed_noise_gives_numbers_or_one_error(noise: bytes, end: int) -> None:
    try:
        numbers = packed(noise, 0, min(end, len(noise)), 30)
    except WireMalformed:
        numbers = []

    assert all(0 <= number < 2**64 for number in numbers)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_negative_number_comes_back(number: int) -> None:
    assert signed(varint(number_bytes(number), 0)[0]) == number


def test_an_error_says_where() -> None:
    with pytest.raises(WireMalformed, match="a number at byte 3 does not end"):
        varint(b"\x01\x02\x03\x80", 3)
    with pytest.raises(WireMalformed, match="a field at byte 2 claims 9 bytes, the message has 1 left"):
        list(fields(b"\x0a\x09a", 0, 3))
