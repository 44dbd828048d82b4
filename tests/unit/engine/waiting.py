"""A run that waits for a second person, and what people press."""

import asyncio
from typing import Any, Self

from bot.domain.approval import Request, requests
from bot.domain.run import Run, Source
from bot.domain.timeline import HOUSE, Person
from bot.engine.admission import Command
from tests.fakes import NOON
from tests.unit.engine.house import ANN, House

BEN = Person("U2", "Ben")


class Waiting:
    """A run that waits for an approval; by default of `break`, which Ann asks for."""

    def __init__(self, house: House, incident_id: str = "", *, playbook: str = "break", **params: Any) -> None:
        self.house = house
        self.incident_id = incident_id
        self.playbook = playbook
        self.params: dict[str, Any] = params or {"text": "hi"}
        self.run_id = ""

    async def __aenter__(self) -> Self:
        command = Command(self.playbook, self.params, ANN, Source(), incident_id=self.incident_id)
        self.run_id = (await self.house.admission.admit(command)).run_id
        self.start()
        await self.until(lambda: self.asked.decided is None)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def start(self) -> None:
        self.task = asyncio.create_task(self.house.runner.execute(self.run_id))

    async def kill(self) -> None:
        await self.__aexit__()

    async def until(self, true: Any) -> None:
        async with asyncio.timeout(5):
            while not (self.all_asked and true()):
                await self.house.ports.bell.wait("anything", NOON)

    @property
    def all_asked(self) -> tuple[Request, ...]:
        return requests(self.house.chain(self.incident_id or HOUSE))

    @property
    def asked(self) -> Request:
        return self.all_asked[-1]

    async def press(self, by: Person, verb: str = "approve", **params: str) -> Run:
        given = {"run": self.run_id, **params}
        run_id = (await self.house.admission.admit(Command(verb, given, by, Source()))).run_id
        ended = await self.house.runner.execute(run_id)
        assert ended is not None
        return ended

    async def ended(self) -> Run:
        async with asyncio.timeout(5):
            run = await self.task
        assert run is not None
        return run
