"""Somebody who types one note after the other, whatever happens to the bot meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.integration.emulator_process import ADA, Emulator


@dataclass
class Typist:
    """`failed` are the notes that Slack said had failed."""

    slack: Emulator
    done: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    enough: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def typing(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self._type())
        try:
            yield
            some = len(self.done) + 10
            while len(self.done) < some:  # noqa: ASYNC110 - the other side is another process
                await asyncio.sleep(0.01)
        finally:
            self.enough.set()
            await task

    async def _type(self) -> None:
        while not self.enough.is_set():
            said = f"note number {len(self.done) + len(self.failed)}"
            text = f"/incident note incident=INC-1 {said}"
            answer = await self.slack.act("command", user=ADA, channel="general", text=text)
            (self.done if answer["ok"] else self.failed).append(said)
