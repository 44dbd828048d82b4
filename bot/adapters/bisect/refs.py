"""Names of commits, made full once, and the commits between two of them."""

import asyncio
import os
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from bot.adapters.bisect.objects import Objects, RepositoryUnreadable, command, environment
from bot.adapters.bisect.trees import changed
from bot.domain.bisect.history import Commit, Described, History, between
from bot.domain.run import Missing
from bot.processes import run

_NAME = re.compile(r"[^-\s\x00-\x20\x7f~^:?*\[\\][^\s\x00-\x20\x7f:?*\[\\]{0,250}")
_FULL = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_READ_S = 30.0
_MOST = 200_000
_PERSON = re.compile(r"(.*?) ?<([^>]*)> (-?\d+) ([+-])(\d\d)(\d\d)")


class CommitUnknown(RepositoryUnreadable):
    """A name that no commit of the repository has."""


async def resolve(repository: Path, name: str) -> str:
    """Give the commit that a name stands for, in full.

    Raises:
        CommitUnknown: none has it, or it is no name.
        RepositoryUnreadable: there is no repository.
    """
    if not await asyncio.to_thread(repository.is_dir):
        raise RepositoryUnreadable(f"There is no repository at {repository}: name its folder, or its address.")
    if not _NAME.fullmatch(name) or ".." in name or "@{" in name:
        raise CommitUnknown(f"{name[:80]!r} is no name of a commit: write a branch, a tag or an id.")
    words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    said = (await _git(repository, *words, may_fail=True)).strip()
    if _FULL.fullmatch(said):
        return said
    if not (await _git(repository, "rev-parse", "--git-dir", may_fail=True)).strip():
        raise RepositoryUnreadable(f"{repository} is no git repository.")
    raise CommitUnknown(f"{name} is no commit, branch or tag of {repository.name}.")


async def history(repository: Path, old: str, new: str, *, first_parent: bool) -> History:
    """Give the commits between two that are named in full.

    Raises:
        HistoryRejected: there are none, for a reason that it tells.
        RepositoryUnreadable: there are too many.
    """
    for commit in (old, new):
        if not _FULL.fullmatch(commit):
            raise CommitUnknown(f"{commit[:80]!r} is no commit named in full.")
    words = ("rev-list", "--parents", f"--max-count={_MOST + 1}", f"{old}...{new}", "--")
    rows = (await _git(repository, *words)).splitlines()
    if len(rows) > _MOST:
        raise RepositoryUnreadable(f"There are more than {_MOST} commits between these two: name ends that are closer.")
    listed = (row.split() for row in rows)
    return between((Commit(own, tuple(parents)) for own, *parents in listed), old, new, first_parent=first_parent)


async def line(repository: Path, new: str) -> tuple[str, ...]:
    """Give a commit and its first parents, newest first."""
    said = await _git(repository, "rev-list", "--first-parent", f"--max-count={_MOST}", new, "--")
    return tuple(said.split())


def describe(objects: Objects, commit: str) -> Described:
    """Tell what a commit is, by its objects."""
    head, _, message = objects.text(commit).partition("\n\n")
    lines = [line.partition(" ")[::2] for line in head.splitlines()]
    parents = [value for name, value in lines if name == "parent"]
    author = next((found for name, value in lines if name == "author" and (found := _PERSON.fullmatch(value))), None)
    before = objects.root(parents[0]) if parents else ""
    paths = changed(objects, before, objects.root(commit))
    files = tuple(os.fsencode(path).decode(errors="replace") for path in paths)
    if author is None:
        return Described(commit, "", "", datetime.fromtimestamp(0, UTC), message.strip(), files)
    name, email, seconds, sign, hours, minutes = author.groups()
    off = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    at = datetime.fromtimestamp(int(seconds), timezone(off))
    return Described(commit, name, email, at, message.strip(), files)


async def _git(repository: Path, *words: str, may_fail: bool = False) -> str:
    ended = await run(command(repository, *words), seconds=_READ_S, environment=environment())
    if isinstance(ended, Missing):
        raise RepositoryUnreadable(f"The repository cannot be read: {ended.reason}.")
    if ended.why and not may_fail:
        raise RepositoryUnreadable(f"{repository.name} cannot be read: {ended.why}.")
    return ended.text
