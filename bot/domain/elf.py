"""What an ELF file tells the kernel and the loader: machine, interpreter, libraries, versions of their symbols.

It is read as these two read it, by its program headers: `strip` may have taken the section headers away. Formats: man 5
elf; symbol versions: Linux Standard Base Core 5.0, 10.7. Whatever is in a file, little of it is read.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, takewhile
from struct import calcsize, iter_unpack
from typing import NamedTuple

from bot.domain.buildinfo import Read
from bot.domain.errors import FirstFiveError

MOST_SEGMENTS, MOST_ENTRIES = 128, 512
"""Entries of the dynamic table, and versions. libc defines 40 of them; Chromium needs 60 libraries."""
LONGEST_NAME = 1_024
PROGRAM, SHARED = 2, 3
LOAD, DYNAMIC, INTERPRETER = 1, 2, 3
WRITABLE = WEAK = 2
"""Flags of a segment, and of a version that may be absent."""
NEEDED, STRINGS, RPATH, RUNPATH, DEFINES, NEEDS = 1, 5, 15, 29, 0x6FFFFFFC, 0x6FFFFFFE
ARCHES = {
    (3, 32): "386", (62, 64): "amd64", (62, 32): "x32", (40, 32): "arm", (183, 64): "arm64", (243, 64): "riscv64",
    (22, 64): "s390x", (21, 64): "ppc64", (8, 32): "mips", (8, 64): "mips64", (258, 64): "loong64",
}  # fmt: skip
"""GOARCH by machine and bits; of machines with two byte orders, that of the big one."""


class ElfMalformed(FirstFiveError):
    """It is no ELF file, or a damaged one; says what is wrong."""


@dataclass(frozen=True)
class Elf:
    """A program or library, built for `arch` (GOARCH's words). `needs`: versions by the file they are needed of.

    `folders`: where it wants libraries to be looked for first. `defines`: the versions that it has itself. `written`:
    offset and size of its first segment that can be written to, where Go keeps what it says of itself.
    """

    arch: str
    interpreter: str = ""
    needed: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    needs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    defines: tuple[str, ...] = ()
    written: tuple[int, int] = (0, 0)


class _Segment(NamedTuple):
    kind: int
    flags: int
    offset: int
    address: int
    size: int


@dataclass(frozen=True)
class _File:
    read: Read
    wide: bool
    order: str
    segments: tuple[_Segment, ...] = ()

    def table(self, layout: str, at: int, count: int) -> Iterator[tuple[int, ...]]:
        """Read entries that follow each other, at most so many."""
        size = calcsize(self.order + layout)
        piece = self.read(at, count * size)
        return iter_unpack(self.order + layout, piece[: len(piece) // size * size])

    def row(self, layout: str, at: int) -> tuple[int, ...]:
        for row in self.table(layout, at, 1):
            return row
        raise ElfMalformed(f"it is cut off at byte {at}")

    def chain(self, layout: str, at: int) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Follow entries whose last number says how far away the next is; 0 ends them."""
        step = 1
        while step:
            row = self.row(layout, at)
            yield at, row
            at += (step := row[-1])

    def offset(self, address: int) -> int:
        """Find an address of memory in the file."""
        for each in self.segments:
            if each.kind == LOAD and each.address <= address < each.address + each.size:
                return address - each.address + each.offset
        raise ElfMalformed(f"address {address:#x} is not in it")

    def text(self, at: int) -> str:
        return self.read(at, LONGEST_NAME).partition(b"\0")[0].decode("utf-8", "replace")


def read_elf(read: Read) -> Elf:
    """Read a file.

    :raises ElfMalformed: it is none, or damaged.
    """
    start = read(0, 16)
    if start[:4] != b"\x7fELF":
        what = "it is empty" if not start else "a script" if start[:2] == b"#!" else f"it begins with {start[:4]!r}"
        raise ElfMalformed(f"it is no ELF file: {what}")
    if start[4:5] not in {b"\1", b"\2"} or start[5:6] not in {b"\1", b"\2"}:
        raise ElfMalformed("its ELF header is damaged")
    file = _File(read, start[4] == 2, "<" if start[5] == 1 else ">")  # noqa: PLR2004 - 64 bits
    kind, machine, _, _, at, _, _, _, size, count = file.row("HHIQQQIHHH" if file.wide else "HHIIIIIHHH", 16)
    layout = "IIQQQQQQ" if file.wide else "IIIIIIII"
    if kind not in {PROGRAM, SHARED} or size != calcsize(layout):
        raise ElfMalformed("it is neither a program nor a library")
    rows = file.table(layout, at, min(count, MOST_SEGMENTS))
    segments = tuple(_segment(row, wide=file.wide) for row in rows)
    if len(segments) < min(count, MOST_SEGMENTS):
        raise ElfMalformed(f"it is cut off at byte {at}")
    return _read(_arch(machine, file), _File(read, file.wide, file.order, segments))


def _arch(machine: int, file: _File) -> str:
    name = ARCHES.get((machine, 64 if file.wide else 32), f"machine {machine}")
    return f"{name}le" if file.order == "<" and name in {"ppc64", "mips", "mips64"} else name


def _segment(row: tuple[int, ...], *, wide: bool) -> _Segment:
    if wide:
        return _Segment(row[0], row[1], row[2], row[3], row[5])
    return _Segment(row[0], row[6], row[1], row[2], row[4])


def _read(arch: str, file: _File) -> Elf:
    first = {each.kind: each for each in reversed(file.segments)}
    data = next((each for each in file.segments if each.kind == LOAD and each.flags & WRITABLE), None)
    written = (data.offset, data.size) if data else (0, 0)
    interpreter = file.text(first[INTERPRETER].offset) if INTERPRETER in first else ""
    if DYNAMIC not in first:
        return Elf(arch, interpreter, written=written)
    rows = list(file.table("qQ" if file.wide else "iI", first[DYNAMIC].offset, MOST_ENTRIES))
    entries = list(takewhile(lambda row: row[0], rows))
    where = {row[0]: row[1] for row in entries}
    if len(entries) == len(rows) or STRINGS not in where:
        raise ElfMalformed("its dynamic table is cut off")
    strings = file.offset(where[STRINGS])

    def names(wanted: int) -> list[str]:
        return [file.text(strings + row[1]) for row in entries if row[0] == wanted]

    folders = tuple(":".join(names(RUNPATH) or names(RPATH)).split(":"))
    needs = tuple(_needs(file, strings, file.offset(where[NEEDS]))) if NEEDS in where else ()
    defines = tuple(_defines(file, strings, file.offset(where[DEFINES]))) if DEFINES in where else ()
    return Elf(arch, interpreter, tuple(names(NEEDED)), tuple(filter(None, folders)), needs, defines, written)


def _needs(file: _File, strings: int, at: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    left = MOST_ENTRIES
    for place, (_, _, name, inner, _) in islice(file.chain("HHIII", at), MOST_ENTRIES):
        versions = [row for _, row in islice(file.chain("IHHII", place + inner), left)]
        left -= len(versions)
        yield file.text(strings + name), tuple(file.text(strings + row[3]) for row in versions if not row[1] & WEAK)


def _defines(file: _File, strings: int, at: int) -> Iterator[str]:
    for place, row in islice(file.chain("HHHHIII", at), MOST_ENTRIES):
        yield file.text(strings + file.row("II", place + row[5])[0])
