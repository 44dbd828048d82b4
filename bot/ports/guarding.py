"""Where monitoring reads what the guard of builds has found."""

from collections.abc import Collection, Mapping
from typing import Protocol

from bot.domain.guard_plan import Reason
from bot.domain.run import Missing


class Gateway(Protocol):
    """Where the monitoring reads what the guard found; never raises for what the other side does."""

    @property
    def place(self) -> str:
        """Where it is, without secrets; "" when none is configured."""

    async def push(self, service: str, env: str, counts: Mapping[Reason, int]) -> Missing | None:
        """Let it tell these numbers of a service, and none that were told of it before."""

    async def forget(self, services: Collection[str]) -> Missing | None:
        """Let it tell nothing any more of services that are not among these."""
