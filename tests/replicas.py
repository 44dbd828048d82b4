"""Several real bot processes on one Postgres, behind a balancer, with one local Slack and one slow service."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psycopg
from aiohttp import web

from bot.demo import app_options
from tests.integration.emulator_process import ADA, APP_TOKEN, BOT_TOKEN, SECRET, Emulator, running_emulator
from tests.stack import Bot, every, free_port

_HOP = {"host", "content-length", "transfer-encoding", "connection"}


@dataclass
class Balancer:
    """Hands each request to the next replica; to the one after it when that does not take it."""

    bots: list[Bot] = field(default_factory=list)
    taken: list[int] = field(default_factory=list)
    turn: int = 0

    async def hand_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        for _ in self.bots:
            self.turn, place = self.turn + 1, self.turn % len(self.bots)
            url = f"{self.bots[place].url}{request.rel_url}"
            try:
                async with aiohttp.ClientSession() as session:
                    limit = aiohttp.ClientTimeout(total=3)
                    sent = session.request(request.method, url, data=body, headers=headers, timeout=limit)
                    async with sent as answer:
                        self.taken.append(place)
                        return web.Response(
                            status=answer.status, body=await answer.read(), content_type=answer.content_type
                        )
            except aiohttp.ClientConnectorError:
                continue
        return web.Response(status=503)


@dataclass
class SlowService:
    """A target whose every answer takes a while; it counts what it is asked."""

    pause_s: float = 0.4
    asked: list[str] = field(default_factory=list)
    unanswered: dict[str, int] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.Response:
        what = request.path_qs
        self.asked.append(what)
        self.unanswered[what] = self.unanswered.get(what, 0) + 1
        await asyncio.sleep(self.pause_s)
        self.unanswered[what] -= 1
        return web.Response(text="not a profile\n")


@dataclass
class Replicas:
    """What runs, and how a person uses it."""

    slack: Emulator
    bots: list[Bot]
    balancer: Balancer
    service: SlowService
    database_url: str
    folder: Path

    async def start(self, *places: int) -> None:
        await asyncio.gather(*(self.bots[place].start() for place in places))

    def send(self, how: signal.Signals, *places: int) -> None:
        for place in places:
            process = self.bots[place].process
            if process is not None and process.returncode is None:
                process.send_signal(how)

    async def type(self, text: str, *, user: str = ADA, times: int = 1) -> dict[str, Any]:
        return await self.slack.act("command", user=user, channel="general", text=text, times=times)

    async def get(self, path: str, place: int = -1) -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"{self.bots[place].url}{path}", timeout=aiohttp.ClientTimeout(total=5)) as answer,
        ):
            return await answer.json()

    async def listed(self, path: str, place: int = -1) -> list[dict[str, Any]]:
        return await every(lambda page: self.get(page, place), path)

    async def ask(self, statement: str) -> list[Any]:
        """Look into the database."""
        async with await psycopg.AsyncConnection.connect(self.database_url, autocommit=True) as connection:
            return await (await connection.execute(statement.encode())).fetchall()

    async def phase(self, name: str, state: str, incident_id: str = "INC-1", place: int = -1) -> bool:
        phases = (await self.get(f"/api/v1/incidents/{incident_id}", place)).get("phases", ())
        return any(phase["name"] == name and phase["state"] == state for phase in phases)

    async def incident_channels(self) -> list[dict[str, Any]]:
        channels: list[dict[str, Any]] = (await self.slack.read("state"))["channels"]
        return [channel for channel in channels if str(channel.get("name", "")).startswith("inc-")]


@asynccontextmanager
async def running_replicas(
    folder: Path, database_url: str, bots_url: str = "", count: int = 3, *, socket_mode: bool = False, more: str = ""
) -> AsyncIterator[Replicas]:
    """Set `count` replicas up; none is started yet. The bots reach the database at `bots_url` if it is given.

    `more`: tables of the service, in its configuration.
    """
    options = [*app_options(), *(["--socket-mode"] if socket_mode else [])]
    balancer, service = Balancer(), SlowService()
    async with AsyncExitStack() as stack:
        front = await stack.enter_async_context(serving(balancer.hand_on))
        target = await stack.enter_async_context(serving(service.answer))
        slack = await stack.enter_async_context(running_emulator(f"{front}/slack/events", *options))
        (folder / "firstfive.toml").write_text(
            f'url = "{front}"\n[[services]]\nname = "checkout"\n'
            f'[[services.targets]]\nname = "checkout-1"\npprof = "{target}"\nurl = "{target}"\n{more}'
        )
        environment = {
            "FIRSTFIVE_CONFIG": str(folder / "firstfive.toml"),
            "DATABASE_URL": bots_url or database_url,
            "ARTIFACTS_URL": str(folder / "artifacts"),
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_APP_TOKEN": APP_TOKEN if socket_mode else "",
        }
        for place in range(count):
            (folder / f"replica-{place}").mkdir()
            balancer.bots.append(Bot(free_port(), folder / f"replica-{place}", environment))
        replicas = Replicas(slack, balancer.bots, balancer, service, database_url, folder)
        try:
            yield replicas
        finally:
            replicas.send(signal.SIGCONT, *range(count))  # who stands still cannot end
            await asyncio.gather(*(bot.end() for bot in balancer.bots if bot.process is not None))


@asynccontextmanager
async def serving(handler: Any) -> AsyncIterator[str]:
    """Serve one handler for every path; give the address."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()
