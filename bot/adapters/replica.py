"""This process, as one of the replicas of the bot: it can be lost as if it was killed, and begins anew by itself."""

import asyncio
import json
import os
import sys
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import Distribution, distribution
from pathlib import Path
from secrets import token_hex
from socket import gethostname
from urllib.parse import unquote, urlsplit

from bot.domain.facts import Build
from bot.domain.run import Missing
from bot.processes import run

LOST = "FIRSTFIVE_LOST"
"""In the environment of a process that was lost: how often it is to try to begin anew, once a second."""
_TRIES = 120
_FILES = Path("/dev/fd")
_STANDARD = 2
_GIT_S = 5.0


class ThisReplica:
    """The process that we are."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        """`command` is what started it, as `sys.orig_argv` has it; without one it is not to be lost."""
        self._command = tuple(command)
        self._own = token_hex(3)
        self._build: Build | None = None

    @property
    def name(self) -> str:
        """HOST:PID, and what tells it from the process that had this pid before."""
        return f"{gethostname()}:{os.getpid()}:{self._own}"

    async def build(self) -> Build:
        """Give what was installed: its release, the commit it is of, and whether its files are those of either."""
        if self._build is None:
            self._build = await _installed()
        return self._build

    def lose(self) -> Missing:
        """Become a new process of the same command in the place of this one: nothing is closed, ended or said."""
        if not self._command:
            return Missing("the process that executes this is no server, and nothing would start it again")
        for file in os.listdir(_FILES):  # noqa: PTH208 - numbers, not paths
            if int(file) > _STANDARD:
                with suppress(OSError):  # the one that listed them
                    os.set_inheritable(int(file), False)  # noqa: FBT003 - its signature
        os.environ[LOST] = str(_TRIES)
        with suppress(OSError):
            os.execv(sys.executable, (sys.executable, *self._command[1:]))  # noqa: S606 - our own command
        return Missing(f"{sys.executable} cannot be started again")


async def _installed() -> Build:
    """Read what the installer left behind (PEP 610 and RECORD); of a work tree, what git says of it."""
    package = distribution("firstfive")
    origin = json.loads(package.read_text("direct_url.json") or "{}")
    if origin.get("dir_info", {}).get("editable"):
        revision, modified = await _work_tree(Path(unquote(urlsplit(origin["url"]).path)))
    else:
        revision = str(origin.get("vcs_info", {}).get("commit_id", ""))
        modified = await asyncio.to_thread(is_changed, package)
    return Build(release=package.version, revision=revision, modified=modified)


async def _work_tree(folder: Path) -> tuple[str, bool | None]:
    """Give the commit of a work tree, and whether it has changes that no commit holds; ("", None) where none tells."""
    said = []
    for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "--untracked-files=no")):
        ended = await run(("git", *words), seconds=_GIT_S, cwd=folder)
        if isinstance(ended, Missing) or ended.why:
            return "", None
        said.append(ended.text.strip())
    return said[0], bool(said[1])


def is_changed(package: Distribution) -> bool:
    """Tell whether a file is not as it was installed; what is written later has no hash in RECORD."""
    for file in package.files or ():
        if file.hash is None or file.hash.mode != "sha256":
            continue
        try:
            digest = sha256(Path(str(file.locate())).read_bytes()).digest()
        except OSError:
            return True
        if urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            return True
    return False
