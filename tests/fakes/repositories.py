"""Git histories of services."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from bot.domain.expected import Lineage
from bot.domain.run import Missing
from bot.domain.service import Service
from bot.ports import Commit


class FakeRepository:
    """Has these commits and tags, and the same files at every commit."""

    def __init__(
        self,
        commits: Sequence[Commit] | Missing = (),
        tags: Sequence[Commit] | Missing = (),
        files: Mapping[str, bytes] | Missing = MappingProxyType({}),
    ) -> None:
        self.commits = commits
        self.tagged = tags
        self.lineages: dict[tuple[str, str], Lineage] = {}
        self.kept = files

    async def bring(self, place: str, *, fresh: bool) -> Path | Missing:
        del fresh
        return Path(place)

    async def between(self, service: Service, good: str, bad: str, limit: int) -> tuple[Commit, ...] | Missing:
        assert service.name
        assert good != bad
        return self.commits if isinstance(self.commits, Missing) else tuple(self.commits[:limit])

    async def lineage(self, service: Service, commit: str, other: str) -> Lineage | Missing:
        assert service.name
        return self.lineages.get((commit, other), Missing("this history is not known"))

    async def holds(self, service: Service, branches: Sequence[str], commit: str) -> bool | Missing:
        assert service.name
        told = [self.lineages[known] for known in self.lineages if known[0] == commit]
        return any({*branches} & {*each.refs} for each in told) if told else Missing("this history is not known")

    async def tags(self, service: Service, limit: int) -> tuple[Commit, ...] | Missing:
        assert service.name
        return self.tagged if isinstance(self.tagged, Missing) else tuple(self.tagged[:limit])

    async def files(self, place: str, sha: str, names: Collection[str]) -> Mapping[str, bytes] | Missing:
        assert place
        assert sha
        if isinstance(self.kept, Missing):
            return self.kept
        return {path: content for path, content in self.kept.items() if path.rpartition("/")[2] in names}
