"""Every way in of one bot, for every role: its pages, its API, and Slack's door; real but for Slack's own answers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI

from bot.domain.run import Run
from bot.engine.admission import Admission
from bot.engine.runner import Runner
from bot.ports import ASKED
from handlers.slack import slack_app, slack_route
from handlers.slack_desk import Desk
from tests.fakes import FakeStore
from tests.integration.emulator_process import eventually
from tests.roles import ROLES, Roles, running_roles, seal_of
from tests.unit.handlers.slack_door import SECRET, Door, pressed, submitted, typed

OURS, ELSEWHERE = "T0BOX0001", "T0OTHER01"
"""A workspace that the app is installed in, and one that it is not."""


@dataclass
class Doors:
    """The console and its roles, Slack's door to the same bot, and the engine."""

    roles: Roles
    door: Door
    runner: Runner
    admitted: list[str]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    @property
    def ports(self) -> Any:
        return self.roles.console.house.ports

    async def run(self, run_id: str) -> Run | None:
        found: Run | None = await self.ports.store.read(lambda tx: self.ports.journal.get(tx, run_id))
        return found

    async def kinds(self, incident_id: str) -> list[tuple[str, str]]:
        """Give what is on a timeline, and by whom."""
        entries = await self.ports.store.read(lambda tx: self.ports.timeline.entries(tx, incident_id))
        return [(entry.kind, entry.actor) for entry in entries]

    async def post(self, role: str, path: str, **fields: str) -> int:
        """Send a form with the seal of the reader's own pages."""
        client = self.roles.clients[role]
        return (await client.post(path, data={"seal": await seal_of(client), **fields})).status_code

    async def command(self, role: str, text: str, incident_id: str = "") -> httpx.Response:
        """Give a command by the API."""
        return await self.roles.clients[role].post("/api/v1/commands", json={"text": text, "incident": incident_id})

    async def type(self, user: str, text: str, team: str = OURS) -> httpx.Response:
        """Type a command in Slack."""
        said = {**typed(text, "/incident", f"t{next(self.numbers)}"), "user_id": user, "team_id": team}
        return await self.door.post(urlencode({**said, "channel_id": "C0NOWHERE"}).encode())

    async def press(self, user: str, words: str, team: str = OURS) -> httpx.Response:
        """Press a button that stands for some words."""
        body = {**pressed({"do": words}, "ff:It"), "trigger_id": f"t{next(self.numbers)}", "team": {"id": team}}
        return await self.door.interact({**body, "user": {"id": user, "username": user}})

    async def submit(self, user: str, verb: str, team: str = OURS) -> httpx.Response:
        """Send the form of a verb, empty."""
        view = {
            "type": "modal",
            "callback_id": f"ff:{verb}",
            "private_metadata": "{}",
            "blocks": [{"type": "input", "block_id": "x"}],
        }
        body = {**submitted(view, {}), "team": {"id": team}, "user": {"id": user, "username": user}}
        return await self.door.interact(body)

    async def said(self, who: str, words: str) -> str:
        """Let a role of the console, or a user of Slack, say something; give the run."""
        if who not in ROLES:
            assert (await self.type(who, words)).status_code == 200
            return self.admitted[-1]
        answer = await self.command(who, words)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["run"])

    async def outcome(self, who: str, words: str) -> str:
        """Let somebody say something, and the engine do it; give why it was not done, "" if it was."""
        ended = await self.runner.execute(await self.said(who, words))
        assert ended is not None
        return ended.reason

    async def asked(self, who: str, words: str) -> str:
        """Let somebody ask for what takes a second person; give the run, which waits then."""
        run_id = await self.said(who, words)
        self.tasks.append(asyncio.create_task(self.runner.execute(run_id)))
        await eventually(lambda: self.ports.store.read(lambda tx: self.ports.journal.memo(tx, run_id, ASKED)))
        return run_id


@asynccontextmanager
async def running_doors(folder: Path) -> AsyncIterator[Doors]:
    """Give a bot with every way in, and nobody who does what is admitted but whoever asks the runner to."""
    async with running_roles(folder) as roles:
        house, app = roles.console.house, FastAPI()
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://bot")
        door, admitted, numbers = Door(house.ports, FakeStore(), client), list[str](), count(1)
        door.strangers.add(ELSEWHERE)

        def new_id() -> str:
            admitted.append(f"slack-{next(numbers)}")
            return admitted[-1]

        desk = Desk(house.registry, Admission(house.registry, house.ports, new_id), house.ports, door)
        app.router.routes.append(slack_route(slack_app(desk), SECRET, house.ports.clock))
        made = Doors(roles, door, Runner(house.registry, house.ports), admitted)
        yield made
        for task in made.tasks:
            task.cancel()
        await asyncio.gather(*made.tasks, return_exceptions=True)
        await client.aclose()
