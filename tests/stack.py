"""The product as a person meets it: the real bot process, the local Slack, and the lab if asked for."""

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from bot.demo import app_options
from tests.databases import fresh_sqlite
from tests.integration.emulator_process import ADA, APP_TOKEN, BOT_TOKEN, SECRET, Emulator, eventually, running_emulator
from tests.lab import Lab
from tests.oracles.sent import remember

READY_S = 60.0
TRANSCRIPT = "transcript.ndjson"
"""What a stack leaves in its folder: all that went between Slack and the bot, one exchange a line."""


SIGN_IN = ("[sign_in]", 'by = "slack"')
CLIENT = {"SLACK_CLIENT_ID": "1.2", "SLACK_CLIENT_SECRET": "emulator-secret"}


@dataclass
class Bot:
    """One bot process over one database; it can be killed and started again."""

    port: int
    folder: Path
    environment: Mapping[str, str]
    process: asyncio.subprocess.Process | None = None
    starts: int = field(default=0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        self.starts += 1
        log = (self.folder / f"bot-{self.starts}.log").open("w")
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", "serve", "--exit-with-stdin",
            stdin=asyncio.subprocess.PIPE, stdout=log, stderr=log,
            env={**os.environ, **self.environment, "PORT": str(self.port)},
        )  # fmt: skip
        log.close()
        await eventually(self.is_ready, READY_S)

    async def is_ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log
        try:
            async with aiohttp.ClientSession() as session, session.get(f"{self.url}/health/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    @property
    def log(self) -> str:
        return (self.folder / f"bot-{self.starts}.log").read_text()

    async def run_cli(self, *words: str) -> tuple[int, str, str]:
        """Run `firstfive` on the bot's database; give its exit code, output and errors."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot.cli", *words,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self.environment},
        )  # fmt: skip
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()

    async def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.send_signal(how)
        return await self.process.wait()


@dataclass
class Stack:
    """What runs, and how a person uses it."""

    slack: Emulator
    bot: Bot
    folder: Path
    cookies: Mapping[str, str] = field(default_factory=dict)

    async def type(self, text: str, *, channel: str = "general", user: str = ADA, times: int = 1) -> dict[str, Any]:
        return await self.slack.act("command", user=user, channel=channel, text=text, times=times)

    async def get(self, path: str) -> Any:
        async with aiohttp.ClientSession(cookies=self.cookies) as browser, browser.get(f"{self.bot.url}{path}") as page:
            return await page.json()

    async def listed(self, path: str) -> list[dict[str, Any]]:
        return await every(self.get, path)

    async def incident(self, incident_id: str = "INC-1") -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"/api/v1/incidents/{incident_id}")
        return found

    async def incident_channels(self) -> list[dict[str, Any]]:
        channels: list[dict[str, Any]] = (await self.slack.read("state"))["channels"]
        return [channel for channel in channels if str(channel.get("name", "")).startswith("inc-")]

    async def run_cli(self, *words: str) -> tuple[int, str, str]:
        return await self.bot.run_cli(*words)


async def every(get: Callable[[str], Awaitable[Any]], path: str) -> list[dict[str, Any]]:
    """Give the whole of a list of the API, page by page; nothing while what it is about is not there."""
    found: list[dict[str, Any]] = []
    cursor: int | None = 0
    while cursor is not None:
        shown = await get(f"{path}{'&' if '?' in path else '?'}limit=500&cursor={cursor}")
        found, cursor = found + shown.get("items", []), shown.get("next")
    return found


@asynccontextmanager
async def running_stack(
    folder: Path,
    *,
    lab: Lab | None = None,
    database_url: str = "",
    config: Sequence[str] = (),
    service: Sequence[str] = (),
    emulator_options: Sequence[str] = (),
    secrets: Mapping[str, str] | None = None,
    sign_in: bool = False,
) -> AsyncIterator[Stack]:
    """Start a local Slack and a bot on free ports; `config` are lines of its TOML file, `secrets` go before others.

    `service`: lines of the service's table, after its targets. With `sign_in` whoever looks at the bot's pages signs in
    with the local Slack, and the stack itself has done so as Ada.
    """
    port = free_port()
    options = [*app_options(), *_labs(lab), *emulator_options]
    async with running_emulator(f"http://127.0.0.1:{port}/slack/events", *options) as slack:
        lines = [f'url = "http://127.0.0.1:{port}"', *config, *services(lab, service), *(SIGN_IN if sign_in else ())]
        (folder / "firstfive.toml").write_text("\n".join(lines))
        environment = {
            "FIRSTFIVE_CONFIG": str(folder / "firstfive.toml"),
            "DATABASE_URL": database_url or fresh_sqlite(folder, "firstfive.db"),
            "ARTIFACTS_URL": str(folder / "artifacts"),
            "SLACK_API_URL": slack.api_url,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SECRET,
            "SLACK_APP_TOKEN": APP_TOKEN if "--socket-mode" in emulator_options else "",
            **(CLIENT if sign_in else {}),
            **(secrets or {}),
        }
        bot = Bot(port, folder, environment)
        await bot.start()
        try:
            yield Stack(slack, bot, folder, await signed_in(bot.url) if sign_in else {})
        finally:
            await bot.end()
            (folder / TRANSCRIPT).write_text(transcript := await slack.transcript_lines())
            remember(transcript)


async def signed_in(bot: str, person: str = ADA) -> dict[str, str]:
    """Sign somebody in with the local Slack, as a browser would; give the cookies it has then."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(cookie_jar=jar) as browser:
        async with browser.get(f"{bot}/sign-in/begin") as page:
            asked = page.url
        async with browser.post(asked.with_query(None), data={**asked.query, "person": person}) as page:
            assert str(page.url) == f"{bot}/", await page.text()
    return {cookie.key: cookie.value for cookie in jar}


def _labs(lab: Lab | None) -> list[str]:
    targets = lab["targets"] if lab else ()
    known = [(target["name"], target["admin"]) for target in targets] + ([("lab", lab["lab"])] if lab else [])
    return [word for name, admin in known for word in ("--lab", f"{name}={admin}")]


def services(lab: Lab | None, more: Sequence[str] = ()) -> list[str]:
    """Write the configuration of the lab's service; without a lab, of one whose targets nobody serves."""
    nobody = [{"name": "checkout-1", **{key: f"http://127.0.0.1:{free_port()}" for key in ("pprof", "url")}}]
    targets: Sequence[Mapping[str, Any]] = lab["targets"] if lab else nobody
    keys = [line for line in more if line.startswith(("prometheus", "hops")) or (lab and line == "lab = true")]
    lines = ["[[services]]", 'name = "checkout"', f'repository = "{lab["repository"]}"' if lab else "", *keys]
    if lab and "lab = true" in more:
        lines.append(f'lab_switches = "{lab["lab"]}"')
        lines.append(f'pods = {{ api = "{lab["lab"]}", namespace = "lab", selector = "app=checkout" }}')
    for target in targets:
        told = [key for key in ("name", "pprof", "url", "binary", "https", "ca", "server_name") if key in target]
        lines += ["[[services.targets]]", *(f'{key} = "{target[key]}"' for key in told)]
        lines += ["h2 = true"] if "https" in target else []
    return [*lines, *(line for line in more if line not in keys)]


def free_ports(*offsets: int) -> int:
    """Give a port from which ports at these distances are free too, all below those that connections are given."""
    while True:
        port = random.randrange(20_000, 32_768 - max(offsets))  # noqa: S311 - no secret
        with ExitStack() as probes:
            try:
                for offset in offsets:
                    probes.enter_context(socket.socket()).bind(("127.0.0.1", port + offset))
            except OSError:
                continue
        return port


def free_port() -> int:
    """Give a port that nobody listens on now."""
    return free_ports(0)
