"""How long `make` needs to set up the environment in a fresh clone, and to find that it is there."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from tests.bench.row import Row

ROOT = Path(__file__).resolve().parents[2]
STARTS = 5


def run() -> Iterable[Row]:
    """Clone into an empty folder, with an empty home and no cache of pip's."""
    with tempfile.TemporaryDirectory(prefix="firstfive bench ") as folder:
        clone, home = Path(folder) / "clone", Path(folder) / "home"
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True)
        environment = {**os.environ, "HOME": str(home), "PIP_NO_CACHE_DIR": "1", "MAKEFLAGS": ""}
        yield Row("first set-up", timed(clone, environment), "s", at_most=150, notes="3 min less the lab's build")
        again = min(timed(clone, environment) for _ in range(STARTS))
        yield Row("set-up found ready", again, "s", at_most=1, notes=f"best of {STARTS}")


def timed(clone: Path, environment: dict[str, str]) -> float:
    """Give the seconds that `make environment` takes."""
    started = time.monotonic()
    base = getattr(sys, "_base_executable", sys.executable)
    command = ["make", "-s", "environment", f"PYTHON={base}"]
    subprocess.run(command, cwd=clone, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started
