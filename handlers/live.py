"""Tell a page, while it is open, that what it shows has changed."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from fastapi import Request, Response
from fastapi.responses import PlainTextResponse, StreamingResponse

from bot.engine.ports import Ports
from bot.ports import Tx

# Another process on the same SQLite rings no bell of ours, and what it writes is to be seen within a second, too.
_LOOK_AGAIN = timedelta(seconds=0.7)
_LONGEST = timedelta(minutes=10)
_STREAMS_MAX = 64
_MARK_MAX = 100


@dataclass
class Streams:
    """Every stream that pages listen to, and no more than there is room for; `stopping` ends them."""

    ports: Ports
    stopping: Callable[[], bool]
    open_: int = 0

    def answer(self, request: Request, topic: str, look: Callable[[Tx], str]) -> Response:
        """Stream to a page each time that what stands for its state is not what it has seen: `?seen=`, later its id."""
        if self.open_ >= _STREAMS_MAX:
            return PlainTextResponse("Not now.\n", 503, headers={"Retry-After": "10"})
        seen = request.headers.get("last-event-id") or request.query_params.get("seen", "")
        return StreamingResponse(self._counted(topic, look, seen[:_MARK_MAX]), media_type="text/event-stream")

    async def _counted(self, topic: str, look: Callable[[Tx], str], seen: str) -> AsyncIterator[str]:
        self.open_ += 1
        try:
            async for event in changes(self.ports, topic, look, seen, self.stopping):
                yield event
        finally:
            self.open_ -= 1


async def changes(
    ports: Ports, topic: str, look: Callable[[Tx], str], seen: str, stopping: Callable[[], bool]
) -> AsyncIterator[str]:
    """Give server-sent events: `changed` with what stands for its state, each time that is not what was `seen`.

    Ends after ten minutes, or when the process stops; browsers come back by themselves.
    """
    began = ports.clock.now()
    yield "retry: 2000\n\n"
    while not stopping() and ports.clock.now() - began < _LONGEST:
        now = await ports.store.read(look)
        if now != seen:
            seen = now
            yield f"id: {now}\nevent: changed\ndata: {now}\n\n"
        else:
            yield ": nothing new\n\n"
        await ports.bell.wait(topic, ports.clock.now() + _LOOK_AGAIN)


def mark(shown: object) -> str:
    """Give what stands for the state of what a page shows."""
    return sha256(repr(shown).encode()).hexdigest()[:16]
