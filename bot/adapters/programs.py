"""Looks whether the programs that FirstFive starts are here, and do what they must."""

import os
import re
from collections.abc import Sequence

from bot.domain.checks import Check, fail, ok, warn
from bot.domain.run import Missing
from bot.processes import run

_PATIENCE_S, _MOST_BYTES = 4.0, 65_536
_OLDEST_GIT = (2, 30)
_BOX = ("bwrap", "--ro-bind", "/", "/", "--unshare-all", "--die-with-parent", "true")


async def git() -> Check:
    """Look for a git that is new enough to fetch one commit of a repository."""
    said = await _said(("git", "--version"))
    if isinstance(said, Missing):
        return fail("git", said.reason, "apt install git")
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:2])
    if version < _OLDEST_GIT:
        return fail("git", f"{said}: older than 2.30", "install a newer git")
    return ok("git", said)


async def go() -> Check:
    """Look for the Go toolchain."""
    said = await _said(("go", "version"))
    if isinstance(said, Missing):
        return warn("go", f"{said.reason}; the demo's lab needs it", "install Go: https://go.dev/dl/")
    return ok("go", said)


async def sandbox() -> Check:
    """Run a program in a sandbox of its own: no network, nothing to write to."""
    said = await _said(_BOX)
    if isinstance(said, Missing):
        return warn("sandbox", said.reason, "apt install bubblewrap, and allow unprivileged user namespaces")
    return ok("sandbox", "bwrap runs programs apart")


async def _said(command: Sequence[str]) -> str | Missing:
    """Run a program; give the first line it prints, or the last of why it could not."""
    ended = await run(command, seconds=_PATIENCE_S, environment=os.environ, most_bytes=_MOST_BYTES)
    if isinstance(ended, Missing):
        return ended
    if ended.why:
        return Missing(f"{command[0]}: {ended.why}")
    return (ended.text.splitlines() or [""])[0][:200]
