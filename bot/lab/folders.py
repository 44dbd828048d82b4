"""Where the lab keeps what it can make again, and how it replaces a folder in one piece."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHIPPED = Path(__file__).parent
UNFINISHED = ".unfinished-"


def cache() -> Path:
    """Return the folder for Go, its build cache and the default lab."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "firstfive"


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes of the lab out of a folder while it is changed."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def replacing(place: Path) -> Iterator[Path]:
    """Give an empty folder that takes a place when the block succeeds; call it inside `alone_in(place.parent)`."""
    for remains in place.parent.glob(f"{UNFINISHED}*"):
        shutil.rmtree(remains, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=place.parent))
    try:
        yield fresh
        fresh.chmod(0o755)
        if place.exists():
            place.rename(Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=place.parent)) / "old")
        fresh.rename(place)
    finally:
        for remains in place.parent.glob(f"{UNFINISHED}*"):
            shutil.rmtree(remains, ignore_errors=True)
