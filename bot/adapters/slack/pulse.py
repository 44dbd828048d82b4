"""Finds out for all incidents together whether Slack is away, and that it is back, with one call in a few seconds."""

import asyncio
from datetime import timedelta

from bot.adapters.slack.chat import Chat
from bot.domain.errors import ChatFailed
from bot.ports import Clock

_WITHIN_S = 3.0
_EVERY_S = 2.0
_CALL = "auth.test"
# Says nothing about whether Slack is there.
_OUR_OWN = {"busy", "ratelimited"}


class Pulse:
    """While Slack is away nothing but this asks for it: an outage costs few calls, and its end is seen at once."""

    def __init__(self, chat: Chat, clock: Clock) -> None:
        self._chat = chat
        self._clock = clock
        self._faltered = asyncio.Event()
        self._here = asyncio.Event()
        self._here.set()
        self._gone = asyncio.Event()

    @property
    def is_here(self) -> bool:
        """Tell whether Slack answers, as far as is known."""
        return self._here.is_set()

    def falter(self) -> None:
        """Say that a call went wrong in a way that may concern every call."""
        self._faltered.set()

    async def back(self) -> None:
        """Return when Slack answers."""
        await self._here.wait()

    async def gone(self) -> None:
        """Return when Slack does not answer."""
        await self._gone.wait()

    async def feel(self) -> None:
        """Ask for Slack whenever something has faltered, until it answers; for as long as this runs."""
        while True:
            await self._faltered.wait()
            if await self._answers():
                self._faltered.clear()
                self._gone.clear()
                self._here.set()
            else:
                self._here.clear()
                self._gone.set()
                await self._clock.sleep_until(self._clock.now() + timedelta(seconds=_EVERY_S))

    async def _answers(self) -> bool:
        try:
            await self._chat.call_within(_WITHIN_S, _CALL)
        except ChatFailed as failure:
            return failure.code in _OUR_OWN
        return True
