"""Go source of a folder, or of a commit without a checkout, read; nothing of it is ever run."""

import asyncio
import os
import re
import stat
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.audits.gotree import GoFile
from bot.domain.run import Missing
from bot.ports import Wanted
from bot.processes import bare, run

_COMMIT = re.compile(r"HEAD|[0-9a-f]{7,64}")
_READ_S = 30.0
_MOST = 80_000_000
"""Bytes that git tells: what may be read, and a line for each file."""
_REGULAR = ("100644", "100755")
_SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.allow=never", "safe.directory=*")
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
}


Bring = Callable[[str], Awaitable[Path | Missing]]
"""Gives the folder of a repository by what the configuration calls it."""


@dataclass(frozen=True)
class Source:
    """Where source is: a folder, and the commit in it that is meant; "" for what stands in the folder."""

    place: Path
    commit: str

    @property
    def at(self) -> str:
        """Name it to people."""
        return self.commit[:12] or self.place.name


async def brought(of: Wanted, bring: Bring) -> Source | Missing:
    """Give the source that an audit is of: a service's at what is deployed, else the folder as it stands."""
    if not of.repository:
        return Missing("no repository is configured")
    place = await bring(of.repository)
    return place if isinstance(place, Missing) else Source(place, (of.revision or "HEAD") if of.service else "")


@dataclass(frozen=True)
class Reach:
    """What of a repository is read: bounds in files and bytes (also of the largest file), and what is asked for."""

    files: int = 10_000
    bytes: int = 64_000_000
    largest: int = 2_000_000
    vendor: bool = False
    testdata: bool = False
    tests: bool = False
    examples: bool = True

    def takes(self, path: str) -> bool:
        """Tell whether a path, relative to the repository, is Go that is asked for; what Go leaves out is not."""
        *folders, name = path.split("/")
        unwanted = {"node_modules", *(() if self.vendor else ("vendor",)), *(() if self.testdata else ("testdata",))}
        unwanted |= set() if self.examples else {"example", "examples"}
        return (
            name.endswith(".go")
            and (self.tests or not name.endswith("_test.go"))
            and not any(part[:1] in {".", "_"} for part in (*folders, name))
            and unwanted.isdisjoint(folders)
        )


@dataclass(frozen=True)
class GoFiles:
    """Files in the order of their paths; `left_out`: how many more there are beyond the bounds."""

    files: tuple[GoFile, ...]
    left_out: int = 0


@dataclass(frozen=True)
class Listing:
    """The files that may be read, by their paths in order: their sizes in bytes, of a commit their blobs too.

    `left_out` are those beyond the bounds. `commit` is "" for a folder as it is.
    """

    place: Path
    commit: str
    sizes: Mapping[str, int]
    blobs: Mapping[str, str]
    left_out: tuple[str, ...] = ()


async def read(place: Path, commit: str = "", reach: Reach | None = None) -> GoFiles | Missing:
    """Read the Go of a folder as it is, or of a commit of its git repository (of HEAD, where the folder is bare)."""
    listing = await listed(place, commit, reach)
    if isinstance(listing, Missing):
        return listing
    files = await load(listing, tuple(listing.sizes))
    return files if isinstance(files, Missing) else GoFiles(files, len(listing.left_out))


async def listed(place: Path, commit: str = "", reach: Reach | None = None) -> Listing | Missing:
    """List what `read` would read, for who cannot hold all of it at once."""
    wanted = reach or Reach()
    is_bare = (place / "objects").is_dir() and (place / "HEAD").is_file()
    if commit or is_bare:
        return await _of_commit(place, commit or "HEAD", wanted)
    return await asyncio.to_thread(_of_folder, place, wanted)


async def load(listing: Listing, paths: Sequence[str]) -> tuple[GoFile, ...] | Missing:
    """Read some files of a listing."""
    if listing.commit:
        return await _blobs(listing, paths)
    return await asyncio.to_thread(_contents, listing.place, paths)


def _of_folder(place: Path, reach: Reach) -> Listing | Missing:
    if not place.is_dir():
        return Missing(f"there is no folder {place.name}")
    sizes = {}
    for folder, folders, names in os.walk(place):  # follows no links
        base = os.path.relpath(folder, place)
        start = "" if base == "." else f"{base}/"
        folders[:] = [name for name in folders if reach.takes(f"{start}{name}/x.go")]
        for path in (start + name for name in names):
            if reach.takes(path) and (size := _regular(place / path)) is not None:
                sizes[path] = size
    return _within(place, "", sizes, {}, reach)


def _regular(file: Path) -> int | None:
    """Give the size of a file; None for one that is a link, a pipe, or gone."""
    try:
        found = file.lstat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None


def _contents(place: Path, paths: Sequence[str]) -> tuple[GoFile, ...] | Missing:
    try:
        return tuple(GoFile(path, (place / path).read_bytes()) for path in paths)
    except OSError as error:
        return Missing(f"{place.name} cannot be read: {error.strerror}")


async def _of_commit(place: Path, commit: str, reach: Reach) -> Listing | Missing:
    if not _COMMIT.fullmatch(commit):
        return Missing(f"{commit[:40]!r} names no commit")
    told = await _git(place, "ls-tree", "-r", "-z", "-l", "--full-tree", commit)
    if isinstance(told, Missing):
        return told
    rows = (row.partition("\t") for row in told.decode(errors="surrogateescape").split("\0"))
    blobs = {path: head.split() for head, _, path in rows if head.startswith(_REGULAR) and reach.takes(path)}
    sizes = {path: int(size) for path, (_, _, _, size) in blobs.items()}
    return _within(place, commit, sizes, {path: blob for path, (_, _, blob, _) in blobs.items()}, reach)


async def _blobs(listing: Listing, paths: Sequence[str]) -> tuple[GoFile, ...] | Missing:
    asked = "".join(f"{listing.blobs[path]}\n" for path in paths).encode()
    told = await _git(listing.place, "cat-file", "--batch", given=asked)
    if isinstance(told, Missing):
        return told
    files, at = [], 0
    for path in paths:  # a line with id, kind and size, the content, a line's end (git help cat-file)
        at = told.index(b"\n", at) + 1
        files.append(GoFile(path, told[at : at + listing.sizes[path]]))
        at += listing.sizes[path] + 1
    return tuple(files)


def _within(place: Path, commit: str, sizes: Mapping[str, int], blobs: Mapping[str, str], reach: Reach) -> Listing:
    """List the paths that the bounds leave room for, in their order."""
    taken: dict[str, int] = {}
    held = 0
    for path, size in sorted(sizes.items()):
        if size <= reach.largest and held + size <= reach.bytes and len(taken) < reach.files:
            taken[path] = size
            held += size
    return Listing(place, commit, taken, blobs, tuple(path for path in sorted(sizes) if path not in taken))


async def _git(place: Path, *words: str, given: bytes = b"") -> bytes | Missing:
    """Run git in a place, by its objects alone."""
    options = [part for each in _SAFE for part in ("-c", each)]
    command = ("git", "-C", str(place), *options, *words)
    ended = await run(command, seconds=_READ_S, environment={**bare(), **_ENVIRONMENT}, given=given, most_bytes=_MOST)
    if isinstance(ended, Missing) or ended.why:
        return Missing(f"git {words[0]}: {ended.reason if isinstance(ended, Missing) else ended.why}")
    return ended.out if len(ended.out) < _MOST else Missing(f"git {words[0]} tells more than {_MOST // 1_000_000} MB")
