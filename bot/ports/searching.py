"""The port of logs: the lines of a trace, wherever services send them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.run import Missing
from bot.domain.trace.names import Names


@dataclass(frozen=True)
class Sought:
    """A trace by its 32 hex digits, and between which times its lines were written."""

    trace: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class Logged:
    """The lines of a trace: a JSON object each, without secrets. `missing`: why these are not all, "" if they are."""

    content: bytes
    lines: int
    missing: str = ""


class Logs(Protocol):
    """A store of log lines; never raises for what it answers."""

    @property
    def place(self) -> str:
        """What is asked, in words."""

    @property
    def mend(self) -> str:
        """What is to be configured before anything can be asked; "" where it is."""

    @property
    def names(self) -> Names:
        """Under which names lines keep what a chain is rebuilt from."""

    async def lines(self, of: Sought) -> Logged | Missing:
        """Give every line of a trace; those that came in time where the store is slow; why there are none otherwise."""

    async def check(self) -> str | Missing:
        """Say in words what answers there, or why nothing does."""
