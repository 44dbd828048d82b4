"""What is kept on the disk for the next run, and when it goes."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

MOST_BYTES = 4_000_000_000
_DAY_S = 86_400.0
_STAMP = "trimmed"


class Rest:
    """Entered by every run: when none has been there for a while, what was kept for the next one is let go."""

    after_s = 600.0

    def __init__(self, let_go: Callable[[], None]) -> None:
        self._let_go = let_go
        self._runs = 0
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> Self:
        """Begin a run."""
        self._runs += 1
        self.cancel()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self._runs -= 1
        if not self._runs:
            self._timer = asyncio.get_running_loop().call_later(self.after_s, self._let_go)

    def cancel(self) -> None:
        """Let nothing go for now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def trim(cache: Path, most: int = MOST_BYTES) -> None:
    """Take away the oldest files of Go's cache while it is too large, at most once a day.

    Go itself takes away what was not used for days (cmd/go/internal/cache). What was used within a day is left alone: a
    build of another process may be at it.
    """
    stamp, now = cache / _STAMP, time.time()
    with suppress(FileNotFoundError):
        if now - stamp.stat().st_mtime < _DAY_S:
            return
    files = []
    for path in cache.glob("*/*"):
        with suppress(OSError):
            seen = path.lstat()
            files.append((seen.st_mtime, seen.st_size, path))
    whole = sum(size for _, size, _ in files)
    for used_at, size, path in sorted(files, key=lambda file: file[0]):
        if whole <= most or now - used_at < _DAY_S:
            break
        path.unlink(missing_ok=True)
        whole -= size
    with suppress(FileNotFoundError):
        stamp.touch()
