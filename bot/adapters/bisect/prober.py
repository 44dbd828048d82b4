"""The Prober port: real git, real Go, in a sandbox."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bot.adapters.bisect import refs
from bot.adapters.bisect.caches import Rest, trim
from bot.adapters.bisect.closure import Closures
from bot.adapters.bisect.go import Go
from bot.adapters.bisect.jobs import Bubblewrap, Job, Unguarded, run
from bot.adapters.bisect.objects import Objects
from bot.adapters.bisect.rooms import Room, Rooms
from bot.domain.bisect import go_output
from bot.domain.bisect.history import SHORT, Described, History
from bot.domain.bisect.results import Result, Trial
from bot.domain.bisect.subject import Overlay, Subject, SubjectRejected
from bot.domain.errors import FirstFiveError
from bot.ports import Probed

_MOST_OVERLAID = 1_000_001
_PATH = "/usr/local/bin:/usr/bin:/bin"


class BisectEnded(FirstFiveError):
    """A command ended in a way that ends a bisect, as with `git bisect run`."""


class GitProber:
    """Runs tests at commits with what it keeps below `state`; `command` is that of Go.

    As many at once as there are `cores`, and more, up to `workers`, while some of them only wait.
    """

    def __init__(
        self,
        state: Path,
        sandbox: Bubblewrap | Unguarded,
        *,
        cores: int = 0,
        workers: int = 2,
        command: str = "go",
    ) -> None:
        """`cores`: how many there are for all runs together; as many as `workers`, if left out."""
        self._state = state.resolve()
        self._sandbox = sandbox
        self._cores, self._workers = cores or workers, workers
        self._cache = self._state / "go-cache"
        self._go = Go(sandbox, command, self._cache)
        self._rooms: Rooms | None = None
        self.rest = Rest(self._let_go)
        self._leaving = set[asyncio.Task[None]]()
        self._repositories: dict[Path, tuple[Objects, Closures]] = {}

    @property
    def at_once(self) -> int:
        """How many runs keep the cores busy now: what only waits leaves its core to another, if there is memory."""
        spare = self._rooms.waiting if self._rooms and _available() > self._sandbox.limits.memory else 0
        return min(self._cores + spare, self._workers)

    async def close(self) -> None:
        """End what is kept running, and take away what was written, except for Go's cache."""
        self.rest.cancel()
        self._let_go()
        await asyncio.gather(*self._leaving)

    def _let_go(self) -> None:
        """Let go of readers, trees and binaries; a run that begins meanwhile makes its own."""
        rooms, self._rooms = self._rooms, None
        readers, self._repositories = [objects for objects, _ in self._repositories.values()], {}
        self._go.forget()
        leaving = asyncio.get_running_loop().create_task(asyncio.to_thread(_let_go, rooms, readers, self._cache))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def resolve(self, repository: Path, name: str) -> str:
        """Give the commit that a name stands for, in full."""
        return await refs.resolve(repository, name)

    async def history(self, repository: Path, old: str, new: str, *, first_parent: bool = False) -> History:
        """Give the commits between two, both named in full."""
        return await refs.history(repository, old, new, first_parent=first_parent)

    async def line(self, repository: Path, new: str) -> tuple[str, ...]:
        """Give a commit and its first parents, newest first."""
        return await refs.line(repository, new)

    async def overlay(self, repository: Path, commit: str, path: str) -> Overlay:
        """Give a test file: of this machine by its full path, else of a commit."""
        objects, _ = self._of(repository)
        return await asyncio.to_thread(_overlay, objects, commit, path)

    async def describe(self, repository: Path, commit: str) -> Described:
        """Tell what a commit is."""
        objects, _ = self._of(repository)
        return await asyncio.to_thread(refs.describe, objects, commit)

    async def keys(self, repository: Path, commits: Sequence[str], subject: Subject) -> Mapping[str, Mapping[str, str]]:
        """Give the keys of the packages that the test is built from, for each commit."""
        _, closures = self._of(repository)
        return await asyncio.to_thread(closures.keys, commits, subject)

    async def test(self, repository: Path, commit: str, subject: Subject, *, stop: asyncio.Event) -> Probed:
        """Build and run it at a commit; it is moot as soon as `stop` is set."""
        objects, closures = self._of(repository)
        loop = asyncio.get_running_loop()
        if self._rooms is None:  # nothing is waited for in between: two would be made for two that begin at once
            self._rooms = Rooms(self._state, self._workers)
        with self.rest:
            async with self._rooms.one(objects) as room:
                begun = loop.time()
                if subject.command:
                    tested = await self._command(objects, room, commit, subject, stop)
                elif await asyncio.to_thread(closures.declared, commit, subject):
                    tested = await self._go.test(closures, room, commit, subject, stop=stop)
                else:
                    tested = Probed(Trial(commit, Result.ABSENT), b"", f"{subject.test} is not there")
        return replace(tested, trial=replace(tested.trial, seconds=loop.time() - begun))

    async def _command(
        self, objects: Objects, room: Room, commit: str, subject: Subject, stop: asyncio.Event
    ) -> Probed:
        tree = room.of(objects)
        await asyncio.to_thread(tree.show, commit)
        job = Job(tree.folder, subject.command, copied="", environment={"PATH": _PATH})
        ran = await run(self._sandbox, job, room, seconds=subject.timeout_s, stop=stop)
        result = Result.BAD if ran.why else go_output.by_code(ran.code)
        if result is None:
            raise BisectEnded(
                f"The command ended with {ran.code} at {commit[:SHORT]}, which ends a bisect: {ran.last}."
            )
        trial = Trial(commit, result, cpu_s=ran.cpu_s, moot=ran.stopped)
        return Probed(trial, ran.said, ran.why or f"exit code {ran.code}")

    def _of(self, repository: Path) -> tuple[Objects, Closures]:
        """Give what reads a repository; few are in use at a time."""
        place = repository.resolve()
        if place not in self._repositories:
            objects = Objects(place)
            self._repositories[place] = (objects, Closures(objects))
        return self._repositories[place]


def _available() -> int:
    """Give how much memory there is for new processes, in bytes (man proc_meminfo)."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1_024 for line in lines if line.startswith("MemAvailable:"))


def _let_go(rooms: Rooms | None, readers: Sequence[Objects], cache: Path) -> None:
    for reader in readers:
        reader.close()
    if rooms is not None:
        rooms.close()
    trim(cache)


def _overlay(objects: Objects, commit: str, path: str) -> Overlay:
    place = Path(path)
    if place.is_absolute():
        try:
            with place.open("rb") as file:
                return Overlay(place.name, file.read(_MOST_OVERLAID))
        except OSError as error:
            raise SubjectRejected(f"overlay={path} cannot be read: {error.strerror}.") from error
    item = objects.at(objects.root(commit), path)
    if item is None or item.is_tree:
        raise SubjectRejected(f"overlay={path[:80]} is no file of {commit[:SHORT]}.")
    return Overlay(place.name, objects.blob(item.id))
