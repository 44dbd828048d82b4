"""Records of modules: what `/lookup` answers, and the lines of go.sum."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain.errors import FirstFiveError
from bot.domain.sumdb.notes import MAX_NOTE_BYTES

H1 = re.compile(r"h1:[A-Za-z0-9+/]{43}=")
MAX_SUMS_BYTES = 16_000_000
"""Of a go.sum; that of Kubernetes has 60 KB."""
_PATH = re.compile(r"[A-Za-z0-9._~/-]{1,300}")
_VERSION = re.compile(r"v[A-Za-z0-9.+-]{1,200}")
_FIELDS = 3

Sums = Mapping[str, tuple[str, ...]]
"""By `path@version` (of a go.mod alone `path@version/go.mod`): the hashes that are written down for it."""


class RecordRefused(FirstFiveError):
    """What a checksum database answers is no record, or of another module; says which."""


@dataclass(frozen=True)
class Record:
    """A record's number, its very text, and the signed note that came with it."""

    number: int
    text: bytes
    note: bytes

    @property
    def sums(self) -> Sums:
        """The hashes in it."""
        return read_sums(self.text)


def lookup_path(path: str, version: str) -> str:
    """Give where a module is looked up; capital letters are written so that no file system can mix them up.

    :raises RecordRefused: this is no path or version that any module can have.
    """
    if not _PATH.fullmatch(path) or not _VERSION.fullmatch(version) or ".." in path or path.strip("/") != path:
        raise RecordRefused(f"no module can be called {path[:80]!r} {version[:40]!r}")
    return f"{_escaped(path)}@{_escaped(version)}"


def _escaped(text: str) -> str:
    return re.sub("[A-Z]", lambda found: f"!{found[0].lower()}", text)


def read_record(answer: bytes) -> Record:
    """Read the answer to a lookup: the number, the record, a blank line, the note.

    :raises RecordRefused: it is none.
    """
    number, _, rest = answer.partition(b"\n")
    text, blank, note = rest.partition(b"\n\n")
    if len(answer) > MAX_NOTE_BYTES or not re.fullmatch(rb"[0-9]{1,18}", number) or not text or not blank:
        raise RecordRefused("it is no record of a module")
    return Record(int(number), text + b"\n", note)


def read_sums(content: bytes) -> Sums:
    """Read the lines of a go.sum: path, version, hash; lines that are none are passed over."""
    found: dict[str, tuple[str, ...]] = {}
    for line in content[:MAX_SUMS_BYTES].decode("utf-8", "replace").splitlines():
        words = line.split()
        if len(words) == _FIELDS and H1.fullmatch(words[2]):
            name = f"{words[0]}@{words[1]}"
            found[name] = (*found.get(name, ()), words[2])
    return found


def merged(many: Iterable[Sums]) -> Sums:
    """Put what several files write down together."""
    found: dict[str, tuple[str, ...]] = {}
    for sums in many:
        for name, hashes in sums.items():
            found[name] = tuple(dict.fromkeys((*found.get(name, ()), *hashes)))
    return found
