"""The module cache of this machine: what lies there of modules, hashed again."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from time import monotonic

from bot.adapters.audits.archives import MAX_FILES, PIECE_BYTES, zip_h1
from bot.domain.sumdb.dirhash import ModuleRefused, h1
from bot.domain.sumdb.records import RecordRefused, lookup_path

LONGEST_S = 10.0
"""For all that is hashed at once: a module or two a tenth of a second."""


@dataclass(frozen=True)
class Cached:
    """What lies in a module cache: by `path@version` the hash of its archive and of its folder.

    `refused` says of which modules there is something that no module can be, `left` how many time did not reach.
    """

    where: str = ""
    sums: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    left: int = 0


def find(environ: Mapping[str, str]) -> Path | None:
    """Give the module cache of whom an environment belongs to; None when there is none here."""
    home = environ.get("HOME", "")
    gopath = environ.get("GOPATH", "").split(os.pathsep)[0] or (f"{home}/go" if home else "")
    named = environ.get("GOMODCACHE", "") or (f"{gopath}/pkg/mod" if gopath else "")
    with suppress(OSError):
        if Path(named).is_absolute() and Path(named).is_dir():
            return Path(named)
    return None


def look(cache: Path, modules: Sequence[tuple[str, str]], longest_s: float = LONGEST_S) -> Cached:
    """Hash what lies there of these modules (path, version)."""
    sums: dict[str, Mapping[str, str]] = {}
    refused: dict[str, str] = {}
    end = monotonic() + longest_s
    for place, (path, version) in enumerate(modules):
        if monotonic() > end:
            return Cached(str(cache), sums, refused, len(modules) - place)
        try:
            found = dict(_hashes(cache, path, version))
        except ModuleRefused as error:
            refused[f"{path}@{version}"] = str(error)
        except (OSError, RecordRefused):
            continue
        else:
            sums |= {f"{path}@{version}": found} if found else {}
    return Cached(str(cache), sums, refused)


def _hashes(cache: Path, path: str, version: str) -> Iterator[tuple[str, str]]:
    escaped, _, escaped_version = lookup_path(path, version).rpartition("@")
    archive = cache / "cache/download" / escaped / "@v" / f"{escaped_version}.zip"
    if archive.is_file():
        with archive.open("rb") as content:
            yield "archive", zip_h1(content, path, version)
    folder = cache / f"{escaped}@{escaped_version}"
    if folder.is_dir():
        yield "folder", folder_h1(folder, path, version)


def folder_h1(folder: Path, path: str, version: str) -> str:
    """Give the hash of a module's folder, as `go mod verify` computes it.

    :raises ModuleRefused: it holds what go never unpacks: links, devices, too many files.
    """
    prefix = f"{path}@{version}".encode()
    return h1((prefix + os.fsencode(f"/{file.relative_to(folder)}"), _digest(file)) for file in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    count = 0
    for parent, folders, names in os.walk(folder):
        for name in (*names, *folders):
            file = Path(parent, name)
            if file.is_symlink() or not (file.is_file() or file.is_dir()):
                raise ModuleRefused(f"{file.relative_to(folder)} is no plain file")
        for name in names:
            count += 1
            if count > MAX_FILES:
                raise ModuleRefused(f"its folder has more than {MAX_FILES} files")
            yield Path(parent, name)


def _digest(file: Path) -> str:
    hashed = sha256()
    with file.open("rb") as content:
        while piece := content.read(PIECE_BYTES):
            hashed.update(piece)
    return hashed.hexdigest()
