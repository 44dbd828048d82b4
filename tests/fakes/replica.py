"""A replica that may be lost, and is another one after that."""

from asyncio import CancelledError

from bot.domain.run import Missing


class FakeReplica:
    """Its process ends as a task does; `stays` is why it cannot be lost."""

    def __init__(self, stays: str = "", after: str = "bot-2:8:b") -> None:
        self.name = "bot-1:7:a"
        self.stays = stays
        self._after = after

    def lose(self) -> Missing:
        if self.stays:
            return Missing(self.stays)
        self.name = self._after
        raise CancelledError
