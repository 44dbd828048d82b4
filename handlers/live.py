"""Tell a page, while it is open, that its incident's timeline has grown."""

from collections.abc import AsyncIterator, Callable
from datetime import timedelta

from bot.domain.timeline import Entry
from bot.engine.ports import Ports

_LOOK_AGAIN = timedelta(seconds=2)
_LONGEST = timedelta(minutes=10)


async def changes(ports: Ports, incident_id: str, after: int, stopping: Callable[[], bool]) -> AsyncIterator[str]:
    """Give server-sent events: `changed` with the number of the last entry, each time there are new ones.

    Ends after ten minutes, or when the process stops; browsers come back by themselves.
    """
    began = ports.clock.now()
    yield "retry: 2000\n\n"
    while not stopping() and ports.clock.now() - began < _LONGEST:
        entries = await _newer(ports, incident_id, after)
        if entries:
            after = entries[-1].seq
            yield f"id: {after}\nevent: changed\ndata: {after}\n\n"
        else:
            yield ": nothing new\n\n"
        await ports.bell.wait(f"incident:{incident_id}", ports.clock.now() + _LOOK_AGAIN)


async def _newer(ports: Ports, incident_id: str, after: int) -> list[Entry]:
    return await ports.store.read(lambda tx: ports.timeline.entries(tx, incident_id, after))
