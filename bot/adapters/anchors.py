"""Anchors in a file: lines that are only ever added, each on the disk before it counts."""

import asyncio
import fcntl
import os
from pathlib import Path

from bot.domain.errors import AnchorRaced, StoreUnusable


class FileAnchors:
    """The anchors in a file of lines. A line that a crash has cut short never counted and is taken away."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def lines(self) -> list[str]:
        """Give every anchor, oldest first.

        :raises StoreUnusable: the file cannot be read.
        """
        return await asyncio.to_thread(self._lines)

    async def append(self, line: str, number: int) -> None:
        """Add anchor `number` (from 1).

        :raises AnchorRaced: there is one of this number.
        :raises StoreUnusable: the file cannot be written.
        """
        await asyncio.to_thread(self._append, line, number)

    def _lines(self) -> list[str]:
        try:
            return _whole(self._path.read_bytes())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreUnusable(f"The anchors {self._path} cannot be read: {error.strerror}.") from None

    def _append(self, line: str, number: int) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._path.open("a+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                file.seek(0)
                written = file.read()
                if len(_whole(written)) != number - 1:
                    raise AnchorRaced(f"Anchor {number} was written by somebody else meanwhile.")
                file.truncate(written.rfind(b"\n") + 1)
                file.write(line.encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise StoreUnusable(f"The anchors {self._path} cannot be written: {error.strerror}.") from None


def _whole(written: bytes) -> list[str]:
    """Give the lines that end."""
    return written.decode("utf-8", "replace").split("\n")[:-1]
