"""A replica that may be lost, and is another one after that."""

from asyncio import CancelledError

from bot.domain.facts import Build
from bot.domain.run import Missing


class FakeReplica:
    """Its process ends as a task does; `stays` is why it cannot be lost."""

    def __init__(self, stays: str = "", after: str = "bot-2:8:b") -> None:
        self.name = "bot-1:7:a"
        self.stays = stays
        self.runs = Build(release="1.2.3", revision="a" * 40)
        self._after = after

    async def build(self) -> Build:
        return self.runs

    def lose(self) -> Missing:
        if self.stays:
            return Missing(self.stays)
        self.name = self._after
        raise CancelledError
