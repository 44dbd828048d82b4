"""A running emulator for tests: its own process, ended with the test, and a client for its control API."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
import uvicorn
from fastapi import FastAPI

T = TypeVar("T")

SECRET = "emulator-signing-secret"
BOT_TOKEN = "xoxb-emulator-test"
APP_TOKEN = "xapp-emulator-test"
ADA, BEN, CHEN, DANA = "U0ADA0001", "U0BEN0002", "U0CHEN003", "U0DANA004"


@dataclass(frozen=True)
class Emulator:
    url: str
    session: aiohttp.ClientSession

    @property
    def api_url(self) -> str:
        return f"{self.url}api/"

    async def act(self, name: str, /, **values: Any) -> dict[str, Any]:
        async with self.session.post(f"{self.url}__box/{name}", json=values) as response:
            body: dict[str, Any] = await response.json()
            return body

    async def read(self, name: str) -> dict[str, Any]:
        async with self.session.get(f"{self.url}__box/{name}") as response:
            body: dict[str, Any] = await response.json()
            return body

    async def transcript(self) -> list[dict[str, Any]]:
        """Give all that went between Slack and the app, in order."""
        lines: list[dict[str, Any]] = (await self.read("transcript"))["transcript"]
        return lines

    async def transcript_lines(self) -> str:
        """Give it as one JSON object a line."""
        async with self.session.get(f"{self.url}__box/transcript?format=ndjson") as response:
            return await response.text()

    async def channel(self, name: str) -> dict[str, Any]:
        channels = (await self.read("state"))["channels"]
        found: dict[str, Any] = next(one for one in channels if one.get("name") == name)
        return found

    async def id_of(self, name: str) -> str:
        return str((await self.channel(name))["id"])


@asynccontextmanager
async def running_emulator(app_url: str, *options: str) -> AsyncIterator[Emulator]:
    command = [sys.executable, "-m", "bot.emulator", "--port", "0", "--exit-with-stdin", "--app-url", app_url]
    command += ["--signing-secret", SECRET, "--bot-token", BOT_TOKEN, "--app-token", APP_TOKEN, *options]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    line = (await process.stdout.readline()).decode()
    try:
        async with aiohttp.ClientSession() as session:
            yield Emulator(line.rpartition(" ")[2].strip(), session)
    finally:
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """Serve an app on a free port within the test's own loop; yield its address."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="warning", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


async def eventually(found: Callable[[], Awaitable[T]], within_s: float = 20.0) -> T:
    """Ask again until there is something, soon at first; what is never there fails the test."""
    pause_s = 0.01
    async with asyncio.timeout(within_s):
        while not (value := await found()):
            await asyncio.sleep(pause_s)
            pause_s = min(0.05, 1.1 * pause_s)  # who is asked needs the time to do it
        return value
