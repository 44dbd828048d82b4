"""The places of runs at once: each has its own tree; what a process that is gone has left is taken away."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.adapters.bisect.objects import Objects
from bot.adapters.bisect.trees import Tree


@dataclass
class Room:
    """One place: its number, its folder, the tree in it and whose objects that is made of.

    `waits`: what runs in it uses no processor at the moment.
    """

    number: int
    folder: Path
    waits: bool = False
    objects: Objects | None = None
    tree: Tree | None = None

    def of(self, objects: Objects) -> Tree:
        """Give the tree for a repository; that of another one goes."""
        if self.tree is None or self.objects is not objects:
            self.objects, self.tree = objects, Tree(objects, self.folder / "tree")
        return self.tree


class Rooms:
    """As many as may run at once; more wait for one."""

    def __init__(self, state: Path, most: int) -> None:
        self.folder = _own(state)
        self._lock = _locked(self.folder)
        self._all = [Room(number, self.folder / str(number)) for number in range(most)]
        self._free = self._all[::-1]
        self._places = asyncio.Semaphore(most)

    @asynccontextmanager
    async def one(self, objects: Objects) -> AsyncIterator[Room]:
        """Lend a room, if possible one that holds a tree of this repository already."""
        async with self._places:
            room = next((each for each in reversed(self._free) if each.objects is objects), self._free[-1])
            self._free.remove(room)
            try:
                room.folder.mkdir(parents=True, exist_ok=True)
                yield room
            finally:
                self._free.append(room)

    @property
    def waiting(self) -> int:
        """How many hold something that only waits."""
        return sum(room.waits for room in self._all)

    def close(self) -> None:
        """Take all away."""
        shutil.rmtree(self.folder, ignore_errors=True)
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1


def _own(state: Path) -> Path:
    """Make a folder for this process, and take away those of processes that are gone."""
    state.mkdir(parents=True, exist_ok=True)
    for left in state.glob("rooms-*"):
        lock = _locked(left)
        if lock >= 0:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)
    return Path(tempfile.mkdtemp(prefix="rooms-", dir=state))


def _locked(folder: Path) -> int:
    """Lock a folder and give the handle that holds the lock; -1 if another process does."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            raise
        return handle
    return -1
