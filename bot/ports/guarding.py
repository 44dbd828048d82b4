"""Where monitoring reads what the guard of builds has found."""

from collections.abc import Collection, Mapping
from typing import Protocol

from bot.domain.guard_plan import Reason
from bot.domain.run import Missing

Group = tuple[str, str]
"""A service and its environment, "" where none is told: what is replaced as a whole."""


class Gateway(Protocol):
    """Where the monitoring reads what the guard found; never raises for what the other side does."""

    @property
    def place(self) -> str:
        """Where it is, without secrets; "" when none is configured."""

    async def push(self, service: str, env: str, counts: Mapping[Reason, int]) -> Missing | None:
        """Let it tell these numbers of a service in an environment, and none that were told of it there before."""

    async def forget(self, groups: Collection[Group]) -> Missing | None:
        """Let it tell nothing any more of these; of what it does not tell, nothing is forgotten."""
