"""ELF files made to order, without section headers: what the kernel and the loader read, and nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from struct import pack

ADDRESS = 0x400000


def elf(
    *,
    machine: int = 62,
    wide: bool = True,
    order: str = "<",
    interpreter: str = "",
    needed: Sequence[str] = (),
    runpath: str = "",
    needs: Mapping[str, Sequence[str]] | None = None,
    weak: Sequence[str] = (),
    defines: Sequence[str] = (),
    tail: bytes = b"",
) -> bytes:
    """Make a file: header, program headers, one segment with all tables in it, and `tail` as what can be written to."""
    names = _Names()
    entries = [(1, names.at(name)) for name in needed]
    entries += [(29, names.at(runpath))] if runpath else []
    versions, defined = _needs(order, names, needs or {}, weak), _defines(order, names, defines)
    word, head, size = ("Q", 64, 56) if wide else ("I", 52, 32)
    kinds = [1, 1, *([2] if entries or needs or defines else []), *([3] if interpreter else [])]
    at = head + size * len(kinds)
    body = names.content + versions + defined
    tables = ((5, 0, True), (0x6FFFFFFE, len(names.content), needs), (0x6FFFFFFC, len(body) - len(defined), defines))
    entries += [(tag, ADDRESS + at + place) for tag, place, there in tables if there]
    dynamic = b"".join(pack(order + word * 2, *entry) for entry in [*entries, (0, 0)])
    loader = interpreter.encode() + b"\0"
    segments = {1: (at, len(body)), 2: (at + len(body), len(dynamic)), 3: (at + len(body) + len(dynamic), len(loader))}
    end = at + len(body + dynamic + loader)
    rows = [segments[kind] for kind in kinds]
    rows[1] = (end, len(tail))
    table = b"".join(
        _segment(order, kind, 6 if number == 1 else 5, *row, wide=wide)
        for number, (kind, row) in enumerate(zip(kinds, rows, strict=True))
    )
    ident = b"\x7fELF" + bytes([2 if wide else 1, 1 if order == "<" else 2, 1]) + bytes(9)
    header = pack(order + "HHI" + word * 3 + "IHHHHHH", 3, machine, 1, 0, head, 0, 0, head, size, len(kinds), 0, 0, 0)
    return ident + header + table + body + dynamic + loader + tail


def _segment(order: str, kind: int, flags: int, at: int, size: int, *, wide: bool) -> bytes:
    address = ADDRESS + at
    if wide:
        return pack(order + "IIQQQQQQ", kind, flags, at, address, address, size, size, 4096)
    return pack(order + "IIIIIIII", kind, at, address, address, size, size, flags, 4096)


class _Names:
    def __init__(self) -> None:
        self.content = b"\0"

    def at(self, name: str) -> int:
        self.content += name.encode() + b"\0"
        return len(self.content) - len(name.encode()) - 1


def _needs(order: str, names: _Names, needs: Mapping[str, Sequence[str]], weak: Iterable[str]) -> bytes:
    made = b""
    for number, (file, versions) in enumerate(needs.items()):
        inner = b"".join(
            pack(order + "IHHII", 0, 2 if name in weak else 0, 2, names.at(name), 0 if name == versions[-1] else 16)
            for name in versions
        )
        last = number == len(needs) - 1
        made += pack(order + "HHIII", 1, len(versions), names.at(file), 16, 0 if last else 16 + len(inner)) + inner
    return made


def _defines(order: str, names: _Names, defines: Sequence[str]) -> bytes:
    return b"".join(
        pack(order + "HHHHIII", 1, 0, 1, 1, 0, 20, 0 if name == defines[-1] else 28)
        + pack(order + "II", names.at(name), 0)
        for name in defines
    )
