"""The port of a bisect: a repository's history, and a test run at any commit of it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bot.domain.bisect.history import Described, History
from bot.domain.bisect.results import Trial
from bot.domain.bisect.subject import Overlay, Subject


@dataclass(frozen=True)
class Probed:
    """A run that ended, what it wrote, and in a few words why it came out as it did."""

    trial: Trial
    said: bytes
    why: str = ""


class Prober(Protocol):
    """Runs what is not trusted, apart from everything else, at commits of a repository on this disk.

    Raises FirstFiveError, with a sentence for who asked, where something cannot be answered at all.
    """

    @property
    def at_once(self) -> int:
        """How many runs are worth having at once: more than there are cores while some of them only wait."""

    async def close(self) -> None:
        """End what is kept running."""

    async def resolve(self, repository: Path, name: str) -> str:
        """Give the commit that a branch, a tag or a part of an id names, in full."""

    async def history(self, repository: Path, old: str, new: str, *, first_parent: bool = False) -> History:
        """Give the commits between two, both named in full."""

    async def line(self, repository: Path, new: str) -> tuple[str, ...]:
        """Give a commit and its first parents, newest first, to the first commit of all."""

    async def overlay(self, repository: Path, commit: str, path: str) -> Overlay:
        """Give a test file to lay over a package: of this machine by its full path, else of a commit."""

    async def keys(self, repository: Path, commits: Sequence[str], subject: Subject) -> Mapping[str, Mapping[str, str]]:
        """Give, for each commit, the keys of the packages that the test is built from; the tested one by its folder."""

    async def test(self, repository: Path, commit: str, subject: Subject, *, stop: asyncio.Event) -> Probed:
        """Build and run it at a commit; it is moot as soon as `stop` is set."""

    async def describe(self, repository: Path, commit: str) -> Described:
        """Tell what a commit is."""
