"""What a Go binary says of itself: toolchain, module, flags, commit. Read a little at a time, never the whole file.

The format is that of debug/buildinfo in Go 1.18 and later: a magic string aligned to 16 bytes, then two strings.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice

from bot.domain.errors import FirstFiveError

MAGIC = b"\xff Go buildinf:"
ALIGN = 16
HEADER_BYTES = 32
INLINE_STRINGS = 0x2
"""Flag of Go 1.18: the strings follow the header instead of being pointed at."""
FLAGS_AT = 15
CHUNK_BYTES = 1024 * 1024
MAX_TEXT_BYTES = 4 * 1024 * 1024
"""Module text of the largest known programs stays below 1 MB."""
MAX_PLACES = 64
"""A program that reads build info holds the magic string itself, too, and may have it aligned."""
SENTINEL_BYTES = 16
"""The linker puts 16 bytes before and after the module text (modload.ModInfoData)."""

EXPERIMENTS = r"[ -]X:[\w,]{1,200}"
"""What follows the version of a toolchain with another GOEXPERIMENT than its own (cmd/link/internal/ld/main.go):
`go1.27.3-X:arenas`, ` X:arenas` of older ones. `go env GOVERSION`, which is what is stamped, never names them."""
_EXPERIMENTS = re.compile(EXPERIMENTS)

Read = Callable[[int, int], bytes]
"""read(offset, size): the bytes there, fewer at the end of the file."""


class BuildInfoMissing(FirstFiveError):
    """The file is not a Go binary of Go 1.18 or later, or its build info was stripped."""


@dataclass(frozen=True)
class Dependency:
    """A module that was compiled in: path, version, `sum` (h1:...; "" of a folder), and whose place it took, if any."""

    path: str
    version: str
    sum: str = ""
    replaces: str = ""


@dataclass(frozen=True)
class BuildInfo:
    """Toolchain (`go1.27.3`), package path, module path, settings such as vcs.revision and -ldflags, and modules."""

    go: str
    path: str
    module: str
    settings: tuple[tuple[str, str], ...]
    dependencies: tuple[Dependency, ...] = ()

    def setting(self, key: str) -> str:
        """Give one setting, "" when it is not there."""
        return dict(self.settings).get(key, "")

    @property
    def revision(self) -> str:
        """The commit it was built from, "" when unknown."""
        return self.setting("vcs.revision")

    @property
    def modified(self) -> bool:
        """Whether the work tree had changes that no commit holds."""
        return self.setting("vcs.modified") == "true"


def is_toolchain(go: str, named: str) -> bool:
    """Tell whether a program's toolchain (`go1.27.3-X:arenas`) is the one named; a name may leave experiments out."""
    return go == named or _EXPERIMENTS.sub("", go) == named


def read_build_info(read: Read, size: int) -> BuildInfo:
    """Find and read the build info of a binary of `size` bytes.

    :raises BuildInfoMissing: there is none.
    """
    refused = BuildInfoMissing("no Go build info in it: not a Go binary, or stripped of it")
    for at in islice(_places(read, size), MAX_PLACES):
        try:
            return _read_at(read, at)
        except BuildInfoMissing as error:
            refused = error
    raise refused


def _read_at(read: Read, at: int) -> BuildInfo:
    header = read(at, HEADER_BYTES)
    if len(header) < HEADER_BYTES or not header[FLAGS_AT] & INLINE_STRINGS:
        raise BuildInfoMissing(f"its build info at byte {at} is older than Go 1.18")
    go, after = _string(read, at + HEADER_BYTES)
    text, _ = _string(read, after)
    return parse(go.decode("utf-8", "replace"), text[SENTINEL_BYTES:-SENTINEL_BYTES].decode("utf-8", "replace"))


def parse(go: str, text: str) -> BuildInfo:
    """Read the module text: tab-separated lines of path, mod, dep, =>, build. Unknown lines are passed over."""
    path = module = ""
    settings: list[tuple[str, str]] = []
    modules: list[Dependency] = []
    for line in text.splitlines():
        kind, _, rest = line.partition("\t")
        if kind == "path":
            path = rest
        elif kind == "mod":
            module = rest.partition("\t")[0]
            modules += [main] if (main := _dependency(rest)).sum else []
        elif kind == "dep":
            modules.append(_dependency(rest))
        elif kind == "=>" and modules:
            modules[-1] = replace(_dependency(rest), replaces=f"{modules[-1].path}@{modules[-1].version}")
        elif kind == "build":
            key, _, value = rest.partition("=")
            settings.append((_unquote(key), _unquote(value)))
    return BuildInfo(go, path, module, tuple(settings), tuple(modules))


def _dependency(columns: str) -> Dependency:
    path, version, checksum = (*columns.split("\t"), "", "")[:3]
    return Dependency(path, version, checksum)


def _places(read: Read, size: int) -> Iterator[int]:
    """Give the offsets of the magic string; chunks overlap so that none is cut in two."""
    for start in range(0, size, CHUNK_BYTES):
        chunk = read(start, CHUNK_BYTES + len(MAGIC) - 1)
        at = chunk.find(MAGIC)
        while at >= 0:
            if (start + at) % ALIGN == 0:
                yield start + at
            at = chunk.find(MAGIC, at + 1)


def _string(read: Read, at: int) -> tuple[bytes, int]:
    """Read a string with its length before it (a varint); give it and where it ends."""
    length = shift = 0
    head = read(at, 10)
    for index, byte in enumerate(head):
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            start = at + index + 1
            break
    else:
        raise BuildInfoMissing(f"its build info is cut off at byte {at}")
    if length > MAX_TEXT_BYTES or len(text := read(start, length)) < length:
        raise BuildInfoMissing(f"its build info is cut off at byte {at}")
    return text, start + length


def _unquote(text: str) -> str:
    """Undo Go's quoting of keys and values with special signs in them (strconv.Quote, or back quotes).

    JSON reads what Quote writes but for hexadecimal escapes, which a flag does not hold; such a text stays as it is.
    """
    if len(text) > 1 and text[0] == text[-1] == "`":
        return text[1:-1]
    if len(text) > 1 and text[0] == text[-1] == '"':
        with contextlib.suppress(ValueError):
            return str(json.loads(text)).encode("utf-8", "replace").decode()
    return text
