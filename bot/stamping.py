"""`firstfive stamp`: what a build is to carry, read from a work tree and its Go; the same tree is the same stamp."""

import asyncio
import os
import re
from hashlib import sha256
from pathlib import Path

from bot.domain.run import Missing
from bot.domain.stamp import DIRTY, Stamp, StampRefused
from bot.processes import bare, run

_WITHIN_S = 30.0
_SHORT, _CHANGES = 12, 8
_RELEASED = re.compile(r"go1\.[0-9]+[0-9A-Za-z.+-]*")
_KEPT = ("GOTOOLCHAIN", "GOENV", "GOROOT", "GOFLAGS", "GIT_DIR", "GIT_WORK_TREE", "GIT_CEILING_DIRECTORIES")


async def stamp(folder: Path, env: str, build_id: str = "", go: str = "", commit: str = "") -> Stamp:
    """Read what is not given: the commit from git, the toolchain from the `go` that builds there.

    Without an id of its own a build is called after its commit, and after its changes where it has some.

    :raises StampRefused: git or Go does not tell, and it was not given.
    """
    if not await asyncio.to_thread(folder.is_dir):
        raise StampRefused(f"{folder} is no folder")
    changes = ""
    if not commit:
        commit, changes = await _tree(folder)
    named = build_id or f"{commit[:_SHORT]}{f'.dirty.{changes}' if changes else ''}"
    return Stamp(named, f"{commit}{DIRTY if changes else ''}", go or await _toolchain(folder), env)


async def _tree(folder: Path) -> tuple[str, str]:
    """Give the commit, and a hash of all that differs from it, "" where nothing does."""
    hint = "give --commit where there is no git, as in a build of an image"
    head = (await _ask(folder, "git", "rev-parse", "--verify", "HEAD", hint=hint)).decode().strip()
    # As Go's own vcs.modified: what is not added counts, what is ignored does not.
    top = Path((await _ask(folder, "git", "rev-parse", "--show-toplevel", hint=hint)).decode().strip())
    status = await _ask(top, "git", "status", "--porcelain=v1", "-z", "--untracked-files=all", hint=hint)
    if not status:
        return head, ""
    diff = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--binary", "HEAD")
    digest = sha256(await _ask(top, "git", *diff, hint=hint))
    for row in status.split(b"\0"):
        if row.startswith(b"?? "):
            digest.update(row + await asyncio.to_thread(_content, top / os.fsdecode(row[3:])))
    return head, digest.hexdigest()[:_CHANGES]


def _content(file: Path) -> bytes:
    """Hash what a file holds; what a link points to is not of this tree."""
    if file.is_symlink() or not file.is_file():
        return b""
    with file.open("rb") as opened:
        digest = sha256()
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.digest()


async def _toolchain(folder: Path) -> str:
    """Name the Go that builds there: go.mod may want another one than that on PATH."""
    hint = "give --go where Go is not, as in go1.27.3"
    told = (await _ask(folder, "go", "env", "GOVERSION", hint=hint)).decode().strip()
    if not _RELEASED.fullmatch(told):
        raise StampRefused(f"go calls itself {told[:40]!r}; {hint}")
    return told


async def _ask(folder: Path, *words: str, hint: str) -> bytes:
    environment = bare() | {name: os.environ[name] for name in _KEPT if name in os.environ} | {"LC_ALL": "C.UTF-8"}
    ended = await run(words, seconds=_WITHIN_S, environment=environment, cwd=folder)
    why = ended.reason if isinstance(ended, Missing) else ended.why
    if why:
        raise StampRefused(f"{words[0]} does not tell: {why}; {hint}")
    assert not isinstance(ended, Missing)  # noqa: S101 - for the type checker: it would have had a reason
    return ended.out
