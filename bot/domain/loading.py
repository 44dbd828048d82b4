"""Whether a program could be started on a host: what the kernel and the loader would find, without starting it.

The loader's rules are those of ld.so(8) and of musl's ldso/dynlink.c; a level of x86-64 is that of its psABI, 3.1.1,
which is also what a Go program checks when it starts (runtime/asm_amd64.s).
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from posixpath import basename, dirname

from bot.domain.elf import Elf

ARCHES = {
    "x86_64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386", "armv6l": "arm", "armv7l": "arm",
    "armv8l": "arm", "loongarch64": "loong64", "ppc64le": "ppc64le", "riscv64": "riscv64", "s390x": "s390x",
}  # fmt: skip
"""GOARCH by what the kernel calls its machine (uname -m)."""
ALSO_RUNS = {"amd64": ("386", "x32"), "arm64": ("arm",), "mips64": ("mips",), "mips64le": ("mipsle",)}
LEVELS: tuple[frozenset[str], ...] = (
    frozenset(["cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"]),
    frozenset(["abm", "avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe", "xsave"]),
    frozenset(["avx512bw", "avx512cd", "avx512dq", "avx512f", "avx512vl"]),
)
"""What level 2, 3 and 4 add, in the words of /proc/cpuinfo."""
EMULATORS = re.compile(r"(qemu-[a-z0-9_]+?(?:-static|-binfmt)?|rosetta|box64|box86|FEXInterpreter|FEX)")
FOLDERS = ("/lib64", "/usr/lib64", "/lib", "/usr/lib")
MUSL_FOLDERS = ("/lib", "/usr/local/lib", "/usr/lib")
MUSL_OWN = re.compile(r"lib(c|pthread|rt|m|dl|util|xnet)\.")
"""Names that musl's loader takes for itself."""
MOST_LIBRARIES = 64

Open = Callable[[str], Elf | None]
"""The ELF file at a path; None when there is none."""


@dataclass(frozen=True)
class Lack:
    """A library (or interpreter) that is not on the host, or a `version` that the host's does not have.

    `by`: whoever needs it, "" the program itself. `newest`: the newest version of its kind that the host's has.
    """

    name: str
    version: str = ""
    newest: str = ""
    by: str = ""

    def __str__(self) -> str:
        return f"{self.version} of {self.name}" if self.version else self.name


def runs(host: str, arch: str) -> bool:
    """Tell whether a CPU runs programs for another arch by itself."""
    return arch == host or arch in ALSO_RUNS.get(host, ())


def level_of(cpuinfo: bytes) -> int:
    """Give the level (1 to 4) of an x86-64 CPU by /proc/cpuinfo; 0 when it says nothing of flags."""
    found = re.search(rb"^flags\s*:(.*)$", cpuinfo, re.MULTILINE)
    if not found:
        return 0
    flags, level = set(found[1].decode("ascii", "replace").split()), 1
    for wanted in LEVELS:
        if not wanted <= flags:
            break
        level += 1
    return level


def configured_folders(text: str) -> tuple[str, ...]:
    """Read ld.so.conf, included files and all: the folders that the loader's cache is made of."""
    return tuple(line.strip() for line in text.splitlines() if line.startswith("/"))


def is_emulator(path: str) -> bool:
    """Tell whether a running program is one that runs programs for another CPU."""
    return EMULATORS.fullmatch(basename(path.removesuffix(" (deleted)"))) is not None


def handles(entry: str, head: bytes) -> bool:
    """Tell whether an entry of binfmt_misc takes files that begin like this (admin-guide/binfmt-misc.rst)."""
    words = dict(line.partition(" ")[::2] for line in entry.splitlines())
    try:
        magic, at = bytes.fromhex(words["magic"]), int(words["offset"])
        mask = bytes.fromhex(words["mask"]) if "mask" in words else b"\xff" * len(magic)
    except (KeyError, ValueError):
        return False
    piece = head[at : at + len(magic)]
    return (
        "enabled" in words
        and len(piece) == len(magic) == len(mask)
        and all((have ^ want) & care == 0 for have, want, care in zip(piece, magic, mask, strict=True))
    )


def lacks(program: Elf, path: str, open_elf: Open, configured: Sequence[str]) -> tuple[Lack, ...]:
    """Give what of a program's libraries and their versions is not there, as its loader would find out.

    What LD_LIBRARY_PATH would say at its start is not known, nor a folder of its own with `$LIB` or `$PLATFORM` in it:
    libraries of such a program are never called absent.
    """
    if not program.interpreter:
        return ()
    loader = open_elf(program.interpreter)
    if loader is None:
        return (Lack(program.interpreter),)
    return tuple(_Loading(program, path, loader, open_elf, configured).lacks())


class _Loading:
    """One look for everything that a program needs, and what that needs."""

    def __init__(self, program: Elf, path: str, loader: Elf, open_elf: Open, configured: Sequence[str]) -> None:
        self._program = program
        self._open = open_elf
        self._is_musl = not loader.defines
        self._folders = MUSL_FOLDERS if self._is_musl else (*configured, *FOLDERS)
        self._todo = deque([(program, path, "")])
        self._loaded: dict[str, Elf | None] = {basename(program.interpreter): loader}

    def lacks(self) -> Iterator[Lack]:
        while self._todo:
            elf, path, name = self._todo.popleft()
            own = tuple(_own(elf, path))
            for library in elf.needed:
                if library not in self._loaded and len(self._loaded) < MOST_LIBRARIES:
                    yield from self._load(library, own, name)
            if not self._is_musl:
                yield from self._versions(elf.needs, name)

    def _load(self, library: str, own: Sequence[str], by: str) -> Iterator[Lack]:
        if self._is_musl and MUSL_OWN.match(library):
            return
        places = [library] if "/" in library else [f"{folder}/{library}" for folder in (*own, *self._folders)]
        opened = ((place, self._open(place)) for place in places if "$" not in place)
        found = next(((place, elf) for place, elf in opened if elf and elf.arch == self._program.arch), None)
        self._loaded[library] = found[1] if found else None
        if found:
            self._todo.append((found[1], found[0], library))
        elif not any("$" in place for place in places):
            yield Lack(library, by=by)

    def _versions(self, needs: Iterable[tuple[str, Sequence[str]]], by: str) -> Iterator[Lack]:
        for name, versions in needs:
            library = self._loaded.get(name)
            known = library.defines if library else ()
            for version in versions:
                if known and version not in known:
                    yield Lack(name, version, newest(known, version), by)


def _own(elf: Elf, path: str) -> Iterator[str]:
    folder = dirname(path)
    for each in elf.folders:
        yield each.replace("${ORIGIN}", folder).replace("$ORIGIN", folder)


def newest(versions: Iterable[str], like: str) -> str:
    """Give the newest version of a kind, such as GLIBC_2.36 of what is like GLIBC_2.38; "" when there is none."""
    kind = like.rpartition("_")[0]
    known = {numbers(each): each for each in versions if each.rpartition("_")[0] == kind and numbers(each)}
    return known[max(known)] if known else ""


def numbers(version: str) -> tuple[int, ...]:
    """Give the numbers of a version: (2, 36) of GLIBC_2.36; () when it has none."""
    found = re.fullmatch(r"\d{1,6}(\.\d{1,6}){0,5}", version.rpartition("_")[2])
    return tuple(map(int, found[0].split("."))) if found else ()


def libc(machine: str, open_elf: Open, configured: Sequence[str]) -> str:
    """Name the host's C library and its version: `glibc 2.36`, `musl`; "" where there is none."""
    for folder in (*configured, *FOLDERS):
        found = open_elf(f"{folder}/libc.so.6")
        if found and found.defines and found.arch == ARCHES.get(machine):
            return f"glibc {newest(found.defines, 'GLIBC_').removeprefix('GLIBC_')}"
    return "musl" if open_elf(f"/lib/ld-musl-{machine}.so.1") else ""
