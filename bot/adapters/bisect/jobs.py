"""Jobs, started in a sandbox and heard out."""

import asyncio
from dataclasses import dataclass

from bot.adapters.bisect import child
from bot.adapters.bisect.rooms import Room
from bot.adapters.bisect.sandbox import NO_MODULES, SOURCE, Bubblewrap, Job, Limits, SandboxRefused, Unguarded

__all__ = ["NO_MODULES", "SOURCE", "Bubblewrap", "Heard", "Job", "Limits", "SandboxRefused", "Unguarded", "run"]


@dataclass(frozen=True)
class Heard(child.Ran):
    """How a job ended, and what the program itself has said."""

    @property
    def last(self) -> str:
        """Give the last line that it printed."""
        return (self.text.strip().splitlines() or ["it said nothing"])[-1][:300]


async def run(sandbox: Bubblewrap | Unguarded, job: Job, room: Room, *, seconds: float, stop: asyncio.Event) -> Heard:
    """Run a job in a room to its end, or until it is stopped.

    Raises:
        SandboxRefused: it cannot be run apart here.
    """
    begun = sandbox.start(job, room.number)

    def look(seen: child.Seen) -> None:
        room.waits = seen.waits and not job.trusted

    try:
        bounds = child.Bounds(seconds, sandbox.limits.memory, stop)
        ran = await child.run(begun.words, bounds, environment=begun.environment, cwd=begun.cwd, look=look)
    except OSError as error:
        raise SandboxRefused(f"The sandbox did not start: {error}.") from error
    finally:
        room.waits = False
    said, cpu_s = (b"", 0.0) if ran.why and not ran.said else begun.said(ran.said)
    return Heard(ran.code, said, ran.seconds, max(cpu_s, ran.cpu_s), ran.why, ran.stopped)
