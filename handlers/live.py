"""Tell a page, while it is open, that what it shows has changed."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from hashlib import sha256

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from bot.engine.ports import Ports
from bot.ports import Tx
from handlers.reader import is_admitted

# Another process on the same SQLite rings no bell of ours, and what it writes is to be seen within a second, too.
_LOOK_AGAIN = timedelta(seconds=0.7)
_LONGEST = timedelta(minutes=10)
_STREAMS_MAX = 64
_MARK_MAX = 100

Look = Callable[[Tx], str | None]
"""Gives what stands for the state of a page; None when it is not there any more for who looks at it."""
Observe = Callable[[], Awaitable[str | None]]


@dataclass
class Streams:
    """Every stream that pages listen to, and no more than there is room for; `stopping` ends them."""

    ports: Ports
    stopping: Callable[[], bool]
    open_: int = 0

    def answer(self, request: Request, topic: str, look: Look) -> Response:
        """Stream to a page each time that what stands for its state is not what it has seen: `?seen=`, later its id.

        Before each look it is asked again whether its reader would still be let through.
        """
        if self.open_ >= _STREAMS_MAX:
            return PlainTextResponse("Not now.\n", 503, headers={"Retry-After": "10"})
        seen = request.headers.get("last-event-id") or request.query_params.get("seen", "")
        observe = partial(self._observe, request, look)
        return StreamingResponse(self._counted(topic, observe, seen[:_MARK_MAX]), media_type="text/event-stream")

    async def _observe(self, request: Request, look: Look) -> str | None:
        return await self.ports.store.read(look) if await is_admitted(request) else None

    async def _counted(self, topic: str, observe: Observe, seen: str) -> AsyncIterator[str]:
        self.open_ += 1
        self.ports.observer.stream_opened()
        try:
            async for event in changes(self.ports, topic, observe, seen, self.stopping):
                yield event
        finally:
            self.open_ -= 1
            self.ports.observer.stream_closed()


async def changes(
    ports: Ports, topic: str, observe: Observe, seen: str, stopping: Callable[[], bool]
) -> AsyncIterator[str]:
    """Give server-sent events: `changed` with what stands for its state, each time that is not what was `seen`.

    Ends after ten minutes, or when the process stops; browsers come back by themselves. Ends with a last `changed` when
    whoever listens may not see it any more: the page then meets what everybody meets who may not.
    """
    began = ports.clock.now()
    yield "retry: 2000\n\n"
    while not stopping() and ports.clock.now() - began < _LONGEST:
        now = await observe()
        if now is None:
            yield "event: changed\ndata: over\n\n"
            return
        if now != seen:
            seen = now
            yield f"id: {now}\nevent: changed\ndata: {now}\n\n"
        else:
            yield ": nothing new\n\n"
        await ports.bell.wait(topic, ports.clock.now() + _LOOK_AGAIN)


def mark(shown: object) -> str:
    """Give what stands for the state of what a page shows."""
    return sha256(repr(shown).encode()).hexdigest()[:16]
