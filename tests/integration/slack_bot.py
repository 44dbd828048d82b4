"""The bot as it runs, but for its targets: real database, real worker, in front of a running emulator."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI

import playbooks
from bot.adapters.artifacts import FolderArtifacts
from bot.adapters.bell import LocalBell
from bot.adapters.clock import SystemClock
from bot.adapters.slack.config import SlackConfig
from bot.adapters.slack.side import SlackSide
from bot.adapters.sql.journal import SqlJournal
from bot.adapters.sql.marks import SqlMarks
from bot.adapters.sql.store import SqlStore
from bot.adapters.sql.surfaces import SqlSurfaces
from bot.adapters.sql.timeline import SqlTimeline
from bot.adapters.worker import EmbeddedWorker
from bot.demo import app_options
from bot.domain.service import Catalog, Service, Target
from bot.domain.timeline import Entry
from bot.engine.admission import Admission
from bot.engine.playbook import load
from bot.engine.ports import Ports
from bot.engine.runner import Runner
from bot.ports import Clock, Listed
from handlers.slack import slack_app, slack_route
from handlers.slack_desk import Desk
from tests.databases import fresh_sqlite
from tests.fakes import fake_ports
from tests.integration.emulator_process import APP_TOKEN, BOT_TOKEN, SECRET, Emulator, running_emulator

CATALOG = Catalog(
    services=(Service("checkout", (Target("checkout-1", "checkout", "http://127.0.0.1:9"),)),),
    on_call=("@ben",),
)


@dataclass
class Bot:
    """What a test looks at."""

    side: SlackSide
    ports: Ports
    url: str = ""

    async def incidents(self) -> list[Listed]:
        return await self.ports.store.read(lambda tx: self.ports.timeline.incidents(tx, ended=True))

    async def entries(self, incident_id: str) -> list[Entry]:
        return await self.ports.store.read(lambda tx: self.ports.timeline.entries(tx, incident_id))


def free_server(app: FastAPI) -> uvicorn.Server:
    return uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning", lifespan="off"))


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    server = free_server(app)
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        await asyncio.sleep(0.02)  # what was shut down is closed by the loop, which must go on for that


def wired(folder: Path, config: SlackConfig, clock: Clock, catalog: Catalog) -> tuple[SqlStore, Bot]:
    """Make the ports: what is Slack's or the database's is real."""
    database = fresh_sqlite(folder, "bot.db")
    bell = LocalBell(clock)
    listeners: list[Callable[[frozenset[str]], None]] = [bell.ring]

    def heard(topics: frozenset[str]) -> None:
        for listen in listeners:
            listen(topics)

    store = SqlStore(database, heard)
    timeline, artifacts = SqlTimeline(), FolderArtifacts(folder / "artifacts")
    seen: Any = {"store": store, "timeline": timeline, "artifacts": artifacts, "clock": clock}
    side = SlackSide(config, surfaces=SqlSurfaces(), marks=SqlMarks(), catalog=catalog, **seen)
    listeners.append(side.heard)
    journal = SqlJournal(clock)
    ports = replace(fake_ports(catalog), journal=journal, bell=bell, marks=SqlMarks(), **seen)
    return store, Bot(side, replace(ports, of_workspace=partial(in_workspace, side)))


def in_workspace(side: SlackSide, team: str) -> Mapping[str, Any]:
    """Give the ports that belong to a workspace; who is on call there stays a fake's word."""
    there = side.workspaces.of(team)
    names = ("directory", "groups", "pager", "poster", "transcript")
    return {name: getattr(there, name) for name in names} if there else {}


@asynccontextmanager
async def running_bot(
    folder: Path, app: FastAPI, api_url: str, *, socket_mode: bool = False, **config: Any
) -> AsyncIterator[Bot]:
    token = APP_TOKEN if socket_mode else ""
    clock, catalog = config.pop("clock", None) or SystemClock(), config.pop("catalog", CATALOG)
    store, bot = wired(folder, SlackConfig(BOT_TOKEN, SECRET, token, api_url=api_url, **config), clock, catalog)
    registry = load(playbooks)
    side = bot.side
    bolt = slack_app(Desk(registry, Admission(registry, bot.ports), bot.ports, side))
    app.router.routes.append(slack_route(bolt, SECRET, bot.ports.clock))
    worker = EmbeddedWorker(Runner(registry, bot.ports), bot.ports, folder / "lock")
    await worker.start()
    await bot.side.start(bolt)
    try:
        with pytest.MonkeyPatch.context() as patience:
            patience.setattr("bot.adapters.slack.directory._AT_ONCE_S", 2.0)  # a busy machine tells a name late
            yield bot
    finally:
        await worker.stop(0.2)
        await bot.side.stop()
        await store.close()


@asynccontextmanager
async def town(folder: Path, *options: str, **settings: Any) -> AsyncIterator[tuple[Bot, Emulator]]:
    """Run a bot and the emulator in front of each other."""
    app = FastAPI()
    async with (
        served(app) as url,
        running_emulator(f"{url}/slack/events", *app_options(), *options) as slack,
        running_bot(folder, app, slack.api_url, **settings) as bot,
    ):
        bot.url = url
        yield bot, slack


async def until(look: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> Any:
    """Give what `look` gives once it is something; fail if that takes too long."""
    async with asyncio.timeout(seconds):
        while not (found := await look()):  # noqa: ASYNC110 - the other side is another process
            await asyncio.sleep(0.02)
    return found


async def incident_channels(slack: Emulator) -> list[dict[str, Any]]:
    channels = (await slack.read("state"))["channels"]
    return [channel for channel in channels if str(channel.get("name", "")).startswith("inc-")]
