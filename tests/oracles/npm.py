"""Packages of npm for tests: exact versions, installed when first asked for, kept outside of the repository."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from bot.lab.folders import alone_in, cache, replacing

_INSTALL = ("npm", "install", "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")
_INSTALL_S = 300
_OLDEST_NODE = 20


def node() -> str:
    """Give the `node` command; without a usable one the test is skipped, which in CI is a failure."""
    found = shutil.which("node")
    if found is None or shutil.which("npm") is None:
        pytest.skip("node or npm is missing: apt-get install nodejs npm")
    version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if int(re.findall(r"\d+", version)[0]) < _OLDEST_NODE:
        pytest.skip(f"node {version} is older than {_OLDEST_NODE}, which Slack's packages need")
    return found


def packages(*wanted: str) -> Path:
    """Give a folder whose `node_modules` holds these packages (`name@version`), installed now if they are not there."""
    name = hashlib.sha256(" ".join(sorted(wanted)).encode()).hexdigest()[:12]
    place = cache() / f"npm-{name}"
    with alone_in(cache()):
        if not place.exists():
            with replacing(place) as fresh:
                _install(fresh, wanted)
    return place


def _install(folder: Path, wanted: tuple[str, ...]) -> None:
    # Without a package.json of its own npm would look for one further up.
    (folder / "package.json").write_text('{"private": true}\n')
    done = subprocess.run(
        [*_INSTALL, *wanted], cwd=folder, capture_output=True, text=True, check=False, timeout=_INSTALL_S
    )
    if done.returncode:
        pytest.skip(f"npm could not install {' '.join(wanted)}: {done.stderr.strip()[-300:]}")
