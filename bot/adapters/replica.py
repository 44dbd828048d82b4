"""This process, as one of the replicas of the bot: it can be lost as if it was killed, and begins anew by itself."""

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from socket import gethostname

from bot.domain.run import Missing

LOST = "FIRSTFIVE_LOST"
"""In the environment of a process that was lost: how often it is to try to begin anew, once a second."""
_TRIES = 120
_FILES = Path("/dev/fd")
_STANDARD = 2


class ThisReplica:
    """The process that we are."""

    def __init__(self, command: Sequence[str] = ()) -> None:
        """`command` is what started it, as `sys.orig_argv` has it; without one it is not to be lost."""
        self._command = tuple(command)
        self._own = token_hex(3)

    @property
    def name(self) -> str:
        """HOST:PID, and what tells it from the process that had this pid before."""
        return f"{gethostname()}:{os.getpid()}:{self._own}"

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
