"""A prober that knows what the test says at each commit."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from bot.domain.bisect.history import Commit, Described, History, between
from bot.domain.bisect.results import Result, Trial
from bot.domain.bisect.subject import Overlay, Subject
from bot.domain.errors import FirstFiveError
from bot.ports import Probed


@dataclass
class FakeProber:
    """Commits in the order of `results`, one made from the other; a run ends when `go_on` is set.

    `packages` gives keys of commits that are not of a key of their own, `broken` what does not build where it does not.
    """

    results: Mapping[str, Result]
    names: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    broken: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    tested: list[str] = field(default_factory=list)
    at_once: int = 1

    def __post_init__(self) -> None:
        self.go_on.set()

    async def resolve(self, repository: Path, name: str) -> str:
        del repository
        commit = self.names.get(name, name)
        if commit not in self.results:
            raise FirstFiveError(f"{name} is no commit")
        return commit

    async def history(self, repository: Path, old: str, new: str, *, first_parent: bool = False) -> History:
        del repository
        order = list(self.results)
        listed = (
            order[order.index(old) + 1 : order.index(new) + 1] or order[order.index(new) + 1 : order.index(old) + 1]
        )
        parents = dict(zip(order[1:], order, strict=False))
        return between((Commit(each, (parents[each],)) for each in listed), old, new, first_parent=first_parent)

    async def line(self, repository: Path, new: str) -> tuple[str, ...]:
        del repository
        order = list(self.results)
        return tuple(reversed(order[: order.index(new) + 1]))

    async def overlay(self, repository: Path, commit: str, path: str) -> Overlay:
        del repository, commit
        return Overlay(Path(path).name, b"package payment\n")

    async def close(self) -> None:
        self.go_on.set()

    async def keys(self, repository: Path, commits: Sequence[str], subject: Subject) -> Mapping[str, Mapping[str, str]]:
        del repository
        return {commit: self.packages.get(commit, {subject.package: commit}) for commit in commits}

    async def test(self, repository: Path, commit: str, subject: Subject, *, stop: asyncio.Event) -> Probed:
        del repository, subject
        self.tested.append(commit)
        waits = [asyncio.ensure_future(event.wait()) for event in (self.go_on, stop)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        result = self.results[commit]
        trial = Trial(commit, result, broken=self.broken.get(commit, ()), moot=stop.is_set())
        return Probed(trial, f"it is {result}\n".encode(), "exit code 0")

    async def describe(self, repository: Path, commit: str) -> Described:
        del repository
        at = datetime(2026, 1, 1, tzinfo=UTC)
        return Described(commit, "Ada", "ada@example.com", at, f"Change {commit[:7]}", ("payment/payment.go",))
