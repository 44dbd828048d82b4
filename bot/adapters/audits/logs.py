"""Looks at what a service's source prints and logs: all of its Go, a part after the other, on every core."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from posixpath import dirname
from typing import Any

from bot.adapters.audits.go_package import Facts, tools
from bot.adapters.audits.gosource import Bring, Listing, Reach, brought, listed, load
from bot.adapters.audits.gotree import GoFile, ParserAbsent, parse
from bot.adapters.audits.log_reader import pack
from bot.domain.audits import Subject
from bot.domain.run import Missing
from bot.ports import Wanted
from bot.processes import run

REACH = Reach(files=60_000, bytes=1_000_000_000, largest=8_000_000, examples=False)
_PART_BYTES = 6_000_000
_PART_S = 120.0
_COMMAND = (sys.executable, "-m", "bot.adapters.audits.log_reader")
_NAMED = 3


@dataclass
class Read:
    """What was read: the calls, how many files and bytes, and the paths of what could not be, with the reasons."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    packages: list[Facts] = field(default_factory=list)
    files: int = 0
    bytes: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    too_large: tuple[str, ...] = ()

    @property
    def document(self) -> dict[str, Any]:
        """The same as JSON, for who judges; whose output is what it prints is known once all has been read."""
        printing = tools(self.packages)
        told = [{**call, "tool": call["package"] in printing} for call in self.calls]
        return {
            "calls": sorted(told, key=lambda call: (call["path"], call["line"], call["column"])),
            "files": self.files,
        }

    @property
    def unseen(self) -> tuple[str, ...]:
        """Say what was not read, and why."""
        reasons: dict[str, list[str]] = {}
        for path, reason in sorted(self.failed.items()):
            reasons.setdefault(reason, []).append(path)
        told = [f"{_listed(paths)}: {reason}" for reason, paths in reasons.items()]
        too_large = f"{_listed(self.too_large)}: beyond {REACH.largest // 1_000_000} MB a file or {REACH.files} files"
        return (*told, *([too_large] if self.too_large else []))


class LogsLook:
    """`bring` gives the folder of a repository."""

    def __init__(self, bring: Bring) -> None:
        self._bring = bring

    async def __call__(self, of: Wanted) -> Subject | Missing:
        """Look at all of its Go; what could not be read is told of."""
        source = await brought(of, self._bring)
        if isinstance(source, Missing):
            return source
        found = await read_logs(source.place, source.commit)
        if isinstance(found, Missing):
            return found
        told = f"{found.files} Go file{'s' * (found.files != 1)} at {source.at}"
        return Subject(told, found.document, found.unseen)


async def read_logs(
    place: Path, commit: str = "", reach: Reach = REACH, tell: Callable[[float], None] = lambda _: None
) -> Read | Missing:
    """Read the log lines of a folder, a commit, or one file; `tell` is told which share is done (0..1).

    Missing where there is no Go at all, or no parser.
    """
    try:
        parse(b"")
    except ParserAbsent as absent:
        return Missing(str(absent))
    listing = _alone(place) or await listed(place, commit, reach)
    if isinstance(listing, Missing):
        return listing
    if not listing.sizes and not listing.left_out:
        return Missing(f"there is no Go in {place.name or place}")
    found = Read(too_large=listing.left_out)
    cores = asyncio.Semaphore(len(os.sched_getaffinity(0)))
    total, done = sum(listing.sizes.values()) or 1, 0

    async def one(paths: Sequence[str]) -> None:
        nonlocal done
        async with cores:
            await _read_part(listing, paths, found)
        done += sum(listing.sizes[path] for path in paths)
        tell(done / total)

    async with asyncio.TaskGroup() as group:
        for paths in _parts(listing):
            group.create_task(one(paths))
    return found


def _alone(file: Path) -> Listing | None:
    return Listing(file.parent, "", {file.name: file.stat().st_size}, {}) if file.is_file() else None


def _parts(listing: Listing) -> Iterator[list[str]]:
    """Cut a listing into parts of some size; the files of one folder, which tell of each other, stay together."""
    part: list[str] = []
    held = 0
    paths = sorted(listing.sizes, key=lambda path: (dirname(path), path))
    for _, group in groupby(paths, key=dirname):
        folder = list(group)
        size = sum(listing.sizes[path] for path in folder)
        if part and held + size > _PART_BYTES:
            yield part
            part, held = [], 0
        part += folder
        held += size
    if part:
        yield part


async def _read_part(listing: Listing, paths: Sequence[str], found: Read) -> None:
    """Read some files; where that fails, halves of them, until it is known which file it is."""
    files = await load(listing, paths)
    why = files.reason if isinstance(files, Missing) else await _described(files, found)
    if not why:
        return
    if len(paths) == 1:
        found.failed[paths[0]] = why
        return
    middle = len(paths) // 2
    for half in (paths[:middle], paths[middle:]):
        await _read_part(listing, half, found)


async def _described(files: Iterable[GoFile], found: Read) -> str:
    """Have a process read files, and keep what it tells; give why it did not, "" if it did."""
    ended = await run(_COMMAND, seconds=_PART_S, given=pack(tuple(files)))
    if isinstance(ended, Missing):
        return ended.reason
    if ended.why:
        return ended.why
    _keep(json.loads(ended.out), found)
    return ""


def _keep(told: Mapping[str, Any], found: Read) -> None:
    found.calls += told["calls"]
    found.packages += [Facts(**{**each, "imports": frozenset(each["imports"])}) for each in told["packages"]]
    found.files += told["files"]
    found.bytes += told["bytes"]


def _listed(paths: Sequence[str]) -> str:
    named = ", ".join(path.encode(errors="replace").decode() for path in paths[:_NAMED])
    return named + (f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else "")
