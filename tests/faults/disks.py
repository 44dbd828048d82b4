"""What can be wrong with the file of a SQLite database, done for real, and mended."""

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.stack import Stack

DATABASE = "firstfive.db"


def can_mount() -> bool:
    """Tell whether this machine lets us mount a disk; where it does not, there are no cases that need one."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "--mount", "true"], check=False, timeout=10).returncode == 0


@contextmanager
def small_disk(place: Path, kib: int = 4_096) -> Iterator[Path]:
    """Mount a disk of a few megabytes."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={kib}k", "tmpfs", str(place)], check=True, timeout=10)
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True, timeout=10)


@contextmanager
def full(stack: Stack) -> Iterator[None]:
    """Fill the disk that the database lies on, to the last byte."""
    filler = stack.folder / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (65_536, 1):
            while _written(file.fileno(), size):
                pass
    try:
        yield
    finally:
        filler.unlink()


def _written(file: int, size: int) -> bool:
    try:
        return os.write(file, bytes(size)) > 0
    except OSError:
        return False


@contextmanager
def unwritable(stack: Stack) -> Iterator[None]:
    """Let the bot write to no file any more, those that it has open included; to its log neither."""
    assert stack.bot.process is not None
    pid, most = stack.bot.process.pid, resource.RLIM_INFINITY
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, most))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be another process that has begun to write and does not come to an end."""
    with closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """Mount a disk read-only."""
    subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True, timeout=10)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(place)], check=True, timeout=10)


@contextmanager
def corrupt(folder: Path) -> Iterator[None]:
    """Put rubbish where the database's first page was."""
    database, kept = folder / DATABASE, folder / "kept"
    shutil.copyfile(database, kept)
    with database.open("r+b") as file:
        file.write(os.urandom(4_096))
    try:
        yield
    finally:
        kept.replace(database)
