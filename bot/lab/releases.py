"""Prepare the lab in a state folder: the repository of checkout and one program for each release."""

import hashlib
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from bot.lab import toolchain
from bot.lab.errors import PreparationFailed
from bot.lab.folders import alone_in, replacing
from bot.lab.history import TAGS, check_out, shipped_files, write_history
from bot.lab.terminal import progress

HEALTHY = "v1.4.0"
SICK = "v1.5.0"
KEPT = 2
"""So many prepared labs stay, the last used; others share the folder, so that none goes which was used within a day."""
_DAY_S = 86_400


@dataclass(frozen=True)
class Releases:
    """A prepared lab."""

    folder: Path

    @property
    def repository(self) -> Path:
        """The git repository that the programs were built from."""
        return self.folder / "checkout"

    def program(self, tag: str) -> Path:
        """Return the checkout program of a release."""
        return self.folder / "bin" / tag / "checkout"


def prepare(state: Path) -> Releases:
    """Build in a state folder what is missing there of these sources; those of other sources are left as they are."""
    releases = Releases(state / f"releases-{_fingerprint()[:16]}")
    if not releases.folder.is_dir():
        go = toolchain.find_go()
        with alone_in(state):
            if not releases.folder.is_dir():
                with replacing(releases.folder) as fresh:
                    _build(Releases(fresh), go)
            prune(state)
    os.utime(releases.folder)
    return releases


def prune(state: Path) -> None:
    """Remove what nobody has used for long; call it inside `alone_in(state)`."""
    made = sorted(state.glob("releases-*"), key=lambda each: each.stat().st_mtime, reverse=True)
    for old in made[KEPT:]:
        if old.stat().st_mtime < time.time() - _DAY_S:
            shutil.rmtree(old, ignore_errors=True)


def _fingerprint() -> str:
    """Hash everything that decides what the programs are."""
    digest = hashlib.sha256()
    for path in [*shipped_files(), Path(__file__), toolchain.LOCK]:
        digest.update(f"{path.name}\0".encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _build(releases: Releases, go: Path) -> None:
    releases.repository.mkdir()
    write_history(releases.repository)
    if not Path(toolchain.build_environment()["GOCACHE"]).exists():
        progress("building Go's own library with the first release: about half a minute, once")
    for tag in TAGS:
        progress(f"building checkout {tag}")
        check_out(releases.repository, tag)
        compile_program(go, releases.repository, releases.program(tag))
    check_out(releases.repository, "main")


def compile_program(go: Path, source: Path, program: Path) -> None:
    """Build as a release is built: the commit is stamped in, the folder is not."""
    command = [str(go), "build", "-trimpath", "-buildvcs=true", "-o", str(program), "."]
    done = subprocess.run(
        command, cwd=source, env=toolchain.build_environment(), capture_output=True, check=False, text=True
    )
    if done.returncode:
        reason = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise PreparationFailed(f"checkout does not build with {go}: {reason[-1]}")
