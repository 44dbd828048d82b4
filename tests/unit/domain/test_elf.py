"""ELF files are read by their program headers; hostile ones are refused after a little of them was read."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.elf import LONGEST_NAME, MOST_ENTRIES, Elf, ElfMalformed, read_elf
from tests.unit.domain.elves import elf
from tests.unit.domain.reads import reader

MOST_READS = 4 * MOST_ENTRIES + 20
WHOLE = elf(
    interpreter="/lib64/ld-linux-x86-64.so.2",
    needed=["libfoo.so.1", "libc.so.6"],
    runpath="$ORIGIN/../lib:/opt/lib",
    needs={"libc.so.6": ["GLIBC_2.2.5", "GLIBC_2.34"], "libfoo.so.1": ["FOO_1"]},
    defines=["app", "APP_1", "APP_2"],
    tail=b"written",
)


def test_what_the_loader_reads_is_read() -> None:
    found = read_elf(reader(WHOLE))

    assert found == Elf(
        "amd64",
        "/lib64/ld-linux-x86-64.so.2",
        ("libfoo.so.1", "libc.so.6"),
        ("$ORIGIN/../lib", "/opt/lib"),
        (("libc.so.6", ("GLIBC_2.2.5", "GLIBC_2.34")), ("libfoo.so.1", ("FOO_1",))),
        ("app", "APP_1", "APP_2"),
        (len(WHOLE) - 7, 7),
    )


@pytest.mark.parametrize(
    ("machine", "wide", "order", "arch"),
    [
        (62, True, "<", "amd64"),
        (62, False, "<", "x32"),
        (3, False, "<", "386"),
        (183, True, "<", "arm64"),
        (40, False, "<", "arm"),
        (21, True, ">", "ppc64"),
        (21, True, "<", "ppc64le"),
        (22, True, ">", "s390x"),
        (8, False, "<", "mipsle"),
        (243, True, "<", "riscv64"),
        (5000, True, "<", "machine 5000"),
    ],
)
def test_every_machine_has_the_name_that_go_gives_it(*, machine: int, wide: bool, order: str, arch: str) -> None:
    made = elf(machine=machine, wide=wide, order=order, needed=["libc.so.6"], needs={"libc.so.6": ["GLIBC_2.4"]})
    found = read_elf(reader(made))

    assert (found.arch, found.needed, found.needs) == (arch, ("libc.so.6",), (("libc.so.6", ("GLIBC_2.4",)),))


def test_a_static_program_needs_nothing() -> None:
    assert read_elf(reader(elf(machine=183))) == Elf("arm64", written=(len(elf()), 0))


def test_a_version_that_may_be_absent_is_not_needed() -> None:
    made = elf(needs={"libc.so.6": ["GLIBC_2.34", "GLIBC_ABI"]}, weak=["GLIBC_ABI"])

    assert read_elf(reader(made)).needs == (("libc.so.6", ("GLIBC_2.34",)),)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it is no ELF file: it is empty"),
        (b"#!/bin/sh\nexec checkout\n", "it is no ELF file: a script"),
        (b"MZ\x90\0", r"it is no ELF file: it begins with b'MZ\x90\x00'"),
        (b"\x7fELF\x03\x01", "its ELF header is damaged"),
        (WHOLE[:30], "it is cut off at byte 16"),
        (WHOLE[:16] + b"\x01" + WHOLE[17:], "it is neither a program nor a library"),
        (WHOLE[:200], "it is cut off at byte 64"),
        (WHOLE[: len(WHOLE) // 2], "its dynamic table is cut off"),
    ],
)
def test_what_cannot_be_read_says_why(content: bytes, said: str) -> None:
    with pytest.raises(ElfMalformed) as refused:
        read_elf(reader(content))

    assert said in str(refused.value)


def test_a_table_that_leads_back_into_itself_ends() -> None:
    versions = elf(needs={"libc.so.6": ["GLIBC_2.34"] * 3}, defines=["A_1"] * 3)
    endless = versions.replace(b"\x10\0\0\0" * 2, b"\0\0\0\0\x01\0\0\0")
    sizes: list[int] = []
    try:
        read_elf(reader(endless, sizes))
    except ElfMalformed as refused:
        assert "cut off" in str(refused)  # noqa: PT017 - either way of ending is right
    assert len(sizes) <= MOST_READS


@given(
    at=st.lists(st.integers(0, len(WHOLE) - 1), max_size=6),
    values=st.lists(st.integers(0, 255), min_size=6, max_size=6),
    cut=st.integers(0, len(WHOLE)),
)
@example(at=[32, 33, 34, 35, 36, 37], values=[255] * 6, cut=len(WHOLE))
def test_whatever_is_damaged_is_refused_or_read_within_bounds(at: list[int], values: list[int], cut: int) -> None:
    content = bytearray(WHOLE)
    for place, value in zip(at, values, strict=False):
        content[place] = value
    _read_within_bounds(bytes(content[:cut]))


@given(rest=st.binary(max_size=400), start=st.sampled_from([WHOLE[:16], WHOLE[:64], WHOLE[:200], b""]))
def test_no_file_keeps_the_reader_long(rest: bytes, start: bytes) -> None:
    _read_within_bounds(start + rest)


def _read_within_bounds(content: bytes) -> None:
    sizes: list[int] = []
    try:
        found = read_elf(reader(content, sizes))
    except ElfMalformed as refused:
        assert str(refused)  # noqa: PT017 - it may as well be readable still
    else:
        assert len(found.needed) <= MOST_ENTRIES
    assert len(sizes) <= MOST_READS
    assert max(sizes) <= max(LONGEST_NAME, 16 * MOST_ENTRIES)
