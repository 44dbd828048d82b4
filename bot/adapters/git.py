"""The git history of services, read with the real git, which is given nothing it could run."""

import asyncio
import hashlib
import os
import re
from datetime import UTC, datetime
from pathlib import Path

from bot.domain.run import Missing
from bot.domain.service import Service
from bot.ports import Commit

_SHA = re.compile(r"[0-9a-f]{7,64}")
_READ_S = 10.0
_CLONE_S = 120.0
_SAFE = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("protocol.ext.allow", "never"),
    ("uploadpack.packObjectsHook", ""),
)


class GitRepository:
    """Reads local repositories in place, and remote ones from a mirror under `mirrors`."""

    def __init__(self, mirrors: Path) -> None:
        self._mirrors = mirrors
        self._locks: dict[Path, asyncio.Lock] = {}

    async def between(self, service: Service, good: str, bad: str, limit: int) -> tuple[Commit, ...] | Missing:
        """Give the commits in `bad` that are not in `good`, newest first, or say why that cannot be told."""
        if not service.repository:
            return Missing(f"no repository is configured for {service.name}")
        if not (_SHA.fullmatch(good) and _SHA.fullmatch(bad)):
            return Missing("a build does not say which commit it was made of")
        place = await self._place(service.repository, bad)
        if isinstance(place, Missing):
            return place
        log = "--format=%H%x1f%an%x1f%at%x1f%s%x1e"
        told = await _git(place, "log", "-n", str(limit), log, f"{good}..{bad}", "--", seconds=_READ_S)
        return told if isinstance(told, Missing) else tuple(_commit(row) for row in told.split("\x1e") if row.strip())

    async def _place(self, repository: str, sha: str) -> Path | Missing:
        """Find the repository on this disk; bring a remote one here, or up to date, if it lacks the commit."""
        if "://" not in repository and not re.match(r"[\w.-]+@[\w.-]+:", repository):
            return _local(Path(repository))
        mirror = self._mirrors / hashlib.sha256(repository.encode()).hexdigest()[:16]
        async with self._locks.setdefault(mirror, asyncio.Lock()):
            if not mirror.is_dir():
                mirror.parent.mkdir(parents=True, exist_ok=True)
                arguments = ("clone", "--quiet", "--mirror", "--", repository, str(mirror))
                told = await _git(mirror.parent, *arguments, seconds=_CLONE_S)
            elif isinstance(await _git(mirror, "cat-file", "-e", f"{sha}^{{commit}}", seconds=_READ_S), Missing):
                told = await _git(mirror, "fetch", "--quiet", "--prune", "origin", seconds=_CLONE_S)
            else:
                return mirror
        return told if isinstance(told, Missing) else mirror


def _local(place: Path) -> Path | Missing:
    return place if place.is_dir() else Missing(f"the repository {place} is not there")


def _commit(row: str) -> Commit:
    sha, author, at, subject = row.strip().split("\x1f", 3)
    return Commit(sha, author, datetime.fromtimestamp(int(at), UTC), subject)


async def _git(place: Path, *arguments: str, seconds: float) -> str | Missing:
    """Run git in a place and give what it prints, or the last line of why it could not."""
    options = [part for key, value in _SAFE for part in ("-c", f"{key}={value}")]
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "HOME": os.environ.get("HOME", "/"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C.UTF-8",
    }
    process = await asyncio.create_subprocess_exec(
        "git", *options, *arguments,
        cwd=place, env=environment,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        async with asyncio.timeout(seconds):
            out, err = await process.communicate()
    except TimeoutError:
        return Missing(f"git {arguments[0]} took longer than {seconds:.0f} s")
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        last = err.decode(errors="replace").strip().splitlines()[-1:] or ["no reason given"]
        return Missing(f"git {arguments[0]}: {last[0]}")
    return out.decode(errors="replace")
