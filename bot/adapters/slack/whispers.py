"""Tells whoever pressed a button what there is to say at once: the acknowledgement of a press has no words."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

import structlog

from bot.adapters.slack.chat import Chat
from bot.adapters.slack.projection import is_user
from bot.domain.errors import ChatFailed
from bot.domain.run import Reply, Source
from bot.domain.timeline import Person
from bot.ports import Clock

log = structlog.get_logger()

Draw = Callable[[Reply], Mapping[str, Any]]
_WAITS_S = (0.0, 0.5, 2.0, 8.0)


class Whispers:
    """Nothing is kept: these words also come when our own database is away. After a crash the button is still there."""

    def __init__(self, chat: Chat, clock: Clock, draw: Draw) -> None:
        self._chat = chat
        self._clock = clock
        self._draw = draw
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, source: Source, person: Person, reply: Reply) -> None:
        """Begin to tell it, so that nobody waits for it."""
        task = asyncio.create_task(self._tell(source, person, reply))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Stop telling."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _tell(self, source: Source, person: Person, reply: Reply) -> None:
        said = self._draw(reply)
        error = ""
        for wait_s in _WAITS_S:
            await self._clock.sleep_until(self._clock.now() + timedelta(seconds=wait_s))
            try:
                await tell(self._chat, source, person, said)
            except ChatFailed as failure:
                error = failure.code
                if not failure.retryable:
                    break
            else:
                return
        log.warning("nobody was told", error=error, words=reply.text)


async def tell(chat: Chat, source: Source, person: Person, said: Mapping[str, Any]) -> None:
    """Tell somebody what nobody else sees: by the response url, in the channel, or directly, as far as each is open.

    :raises ChatFailed: none is open, now or for good.
    """
    if source.response_url:
        body = {"response_type": "ephemeral", "replace_original": False, **said}
        if await _went(chat.respond(source.response_url, body)):
            return
    if not is_user(person.id):
        raise ChatFailed("nobody to answer")
    if source.channel and await _went(chat.call("chat.postEphemeral", channel=source.channel, user=person.id, **said)):
        return
    await chat.call("chat.postMessage", channel=person.id, **said)


async def _went(call: Awaitable[object]) -> bool:
    """Tell whether a way was open; one that is closed for a while is waited for."""
    try:
        await call
    except ChatFailed as failure:
        if failure.retryable:
            raise
        return False
    return True
