"""The last lines of a file, read from its end."""

import os
import stat
import time
from pathlib import Path

from bot.domain.log_lines import MAX_LINES, WINDOW_BYTES, LogUnreadable, last_lines
from bot.domain.snapshot import LOG, Captured, captured, missed, skipped


def read_tail(name: str, file: Path) -> Captured:
    """Give the last lines of a log as a part; those of the file before it, too, if it was rotated just now."""
    started = time.monotonic()
    try:
        window, whole = _window(file, 0)
        if whole and window.count(b"\n") < MAX_LINES:
            window, whole = _with_rotated(file, window)
        text = last_lines(window, whole=whole)
    except (OSError, LogUnreadable) as error:
        reason = f"{name}: its log {file} could not be read: {_why(error)}"
        return missed(name, LOG, reason, time.monotonic() - started)
    if not text:
        return skipped(name, LOG, f"{name}: its log {file} is empty")
    return captured(name, LOG, text.encode(), time.monotonic() - started)


def _with_rotated(file: Path, window: bytes) -> tuple[bytes, bool]:
    """Put what was written before the rotation in front, if it is still there; links are not followed there."""
    try:
        before, whole = _window(file.with_name(f"{file.name}.1"), os.O_NOFOLLOW)
    except OSError:
        return window, True
    both = before + (b"" if before.endswith(b"\n") else b"\n") + window
    return both[-WINDOW_BYTES:], whole and len(both) <= WINDOW_BYTES


def _window(file: Path, flags: int) -> tuple[bytes, bool]:
    """Read the end of a file, and tell whether that is all of it; what is no file may never end, and is refused."""
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | flags)
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise LogUnreadable("it is no file")
        start = max(status.st_size - WINDOW_BYTES, 0)
        return os.pread(descriptor, WINDOW_BYTES, start), start == 0
    finally:
        os.close(descriptor)


def _why(error: OSError | LogUnreadable) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
