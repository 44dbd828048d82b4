"""A service that keeps secrets everywhere is captured, diagnosed and shown: none of them comes out anywhere."""

import asyncio
import gzip
import io
import json
import re
import subprocess
import tarfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

from bot.lab import toolchain
from bot.lab.processes import Child
from tests.agents import TOKEN, running_agent
from tests.integration.emulator_process import ADA, BEN, eventually
from tests.stack import Stack, running_stack

pytestmark = [pytest.mark.go, pytest.mark.timeout(600)]
SOURCE = Path(__file__).parent.parent / "services" / "careless"
PLANTED = {
    where: f"hunter2-{where}-0a1b2c3d4e5f"
    for where in ("flag", "environment", "build", "label", "log", "request", "answer")
}
SLOW_S = 120.0
PAGES = 80
"""Pages of the incident that are read at most; it has fewer."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the careless service, with a secret in its build flags."""
    made = tmp_path_factory.mktemp("careless") / "careless"
    flags = f"-ldflags=-X main.apiKey={PLANTED['build']}"
    environment = {**toolchain.build_environment(), "GOFLAGS": "-mod=mod"}
    command = [str(toolchain.find_go()), "build", "-buildvcs=false", flags, "-o", str(made), "."]
    subprocess.run(command, cwd=SOURCE, env=environment, check=True, capture_output=True)
    return made


@contextmanager
def careless(program: Path, name: str, folder: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """Run it; give where it listens, and its log."""
    words = [f"-password={PLANTED['flag']}", f"-label-secret={PLANTED['label']}", f"-log-secret={PLANTED['log']}"]
    line = f"CARELESS_TOKEN_LINE=token={PLANTED['environment']}"
    with Child(name, ["env", line, str(program), *words], folder / f"{name}.log") as running:
        yield running.announcement(), running.log


def configured(first: dict[str, str], log: Path, second: dict[str, str], agent: str) -> list[str]:
    """Write the service: its first target is looked at from here, its second through an agent."""
    return [
        "[[services]]", 'name = "careless"', f'people = {{ approve = ["{ADA}", "{BEN}"] }}',
        "[[services.targets]]", 'name = "careless-1"', f'pprof = "{first["admin"]}"', f'url = "{first["url"]}"',
        f'log = "{log}"',
        "[[services.targets]]", 'name = "careless-2"', f'pprof = "{second["admin"]}"', f'url = "{second["url"]}"',
        f'agent = "{agent}"',
    ]  # fmt: skip


async def test_no_planted_secret_comes_out_anywhere(program: Path, tmp_path: Path) -> None:
    folder = tmp_path / "careless"
    with careless(program, "careless-1", folder) as (first, log), careless(program, "careless-2", folder) as two:
        second, own = two
        ports = [word for url in (second["admin"], second["url"]) for word in ("--port", str(urlsplit(url).port))]
        with running_agent(*ports, "--log", str(own), "--packets") as agent:
            config = configured(first, log, second, agent.url)
            secrets = {"FIRSTFIVE_AGENT_TOKEN": TOKEN}
            async with running_stack(tmp_path, config=config, secrets=secrets) as stack:
                await live_through_it(stack, [first["url"], second["url"]])
                kept = {name: content async for name, content in everything(stack, tmp_path)}

    assert_all_was_looked_at(kept)
    found = [
        (where, name)
        for where, secret in {**PLANTED, "agent's token": TOKEN}.items()
        for name, content in kept.items()
        if secret.encode() in content
    ]
    assert found == []


def assert_all_was_looked_at(kept: dict[str, bytes]) -> None:
    """See that the parts which had secrets in them are there, with something in place of the secrets."""
    names = "\n".join(kept)
    for part in ("goroutine.pb.gz", "goroutine-dump.txt", "cpu.pb.gz", "build.json", "log.txt", "process.json"):
        for target in ("careless-1", "careless-2"):
            assert f"{target}/{part}" in names, names
    redacted = {name.rpartition("!")[2] for name, content in kept.items() if b"[redacted:" in content and "!" in name}
    assert {f"careless-{n}/{part}" for n in (1, 2) for part in ("log.txt", "build.json", "goroutine.pb.gz")} <= redacted
    assert [name for name, content in kept.items() if content.startswith(b"\xd4\xc3\xb2\xa1")], "no capture of packets"
    assert len([name for name in kept if name.startswith("page ")]) > 3, names


async def live_through_it(stack: Stack, urls: list[str]) -> None:
    """Open an incident, have the five minutes run, look again, and capture packets while users send secrets."""
    await stack.type("/incident start sev3 careless it is slow", user=ADA)
    await eventually(lambda: entry(stack, "verdict"), SLOW_S)
    code, out, err = await stack.run_cli("run", "snapshot", "service=careless", "incident=INC-1", "--json")
    (stack.folder / "snapshot.json").write_text(out + err)
    assert code == 0, out + err
    await stack.type("/incident packets INC-1 careless seconds=5", user=ADA)
    await eventually(lambda: entry(stack, "approval asked"), SLOW_S)
    await stack.type("/incident approve INC-1", user=BEN)
    users = asyncio.create_task(use(urls))
    try:
        await eventually(lambda: captured(stack), SLOW_S)
    finally:
        users.cancel()
    code, out, err = await stack.run_cli("run", "postmortem", "incident=INC-1", "--json")
    (stack.folder / "postmortem.json").write_text(out + err)
    assert code == 0, out + err


async def use(urls: list[str]) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {PLANTED['request']}"}) as session:
        while True:
            for url in urls:
                async with session.post(url, data=PLANTED["answer"] * 20) as answer:
                    assert PLANTED["answer"] in await answer.text()
            await asyncio.sleep(0.05)


async def entries(stack: Stack) -> list[dict[str, Any]]:
    return await stack.listed("/api/v1/incidents/INC-1/entries")


async def entry(stack: Stack, kind: str) -> dict[str, Any] | None:
    return next((each for each in await entries(stack) if each["kind"] == kind), None)


async def captured(stack: Stack) -> bool:
    names = [str(each["body"].get("name")) for each in await entries(stack) if each["kind"] == "artifact"]
    return any(name.endswith(".pcap") for name in names)


async def everything(stack: Stack, folder: Path) -> AsyncIterator[tuple[str, bytes]]:
    """Give all bytes that came out: files of the bot, exchanges with Slack, pages with what they link to."""
    yield "slack", (await stack.slack.transcript_lines()).encode()
    yield "slack's state", json.dumps(await stack.slack.read("state")).encode()
    async for path, content in pages(stack):
        for name, part in opened(f"page {path}", content):
            yield name, part
    for name, content in await asyncio.to_thread(files, folder):
        for inner, part in opened(name, content):
            yield inner, part


def files(folder: Path) -> list[tuple[str, bytes]]:
    """Give the files that the bot and Slack have left; the service's own log is its own."""
    found = [each for each in sorted(folder.rglob("*")) if each.is_file() and folder / "careless" not in each.parents]
    return [(str(each.relative_to(folder)), each.read_bytes()) for each in found]


async def pages(stack: Stack) -> AsyncIterator[tuple[str, bytes]]:
    """Follow every link of the bot's own pages from the incident's on."""
    told = "/api/v1/incidents/INC-1"
    queue, seen = ["/incidents/INC-1", told, f"{told}/entries?limit=500", "/metrics"], set[str]()
    async with aiohttp.ClientSession() as session:
        while queue and len(seen) < PAGES:
            path = queue.pop(0)
            if path in seen:
                continue
            seen.add(path)
            async with session.get(f"{stack.bot.url}{path}") as answer:
                content = await answer.read()
            yield path, content
            links = re.findall(rb'(?:href|src)="(?:%s)?(/[^"#]+)' % re.escape(stack.bot.url).encode(), content)
            queue += [link.decode().replace("&amp;", "&") for link in links if b"/static/" not in link]


def opened(name: str, content: bytes) -> Iterator[tuple[str, bytes]]:
    """Give a file, what is packed in it, and what is packed in that."""
    yield name, content
    if not content.startswith(b"\x1f\x8b"):
        return
    inner = gzip.decompress(content)
    yield f"{name} unzipped", inner
    if inner[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(inner)) as archive:
            for member in archive.getmembers():
                held = archive.extractfile(member)
                if held is not None:
                    inside = member.name.partition("/")[2] if "/careless-" in member.name else member.name
                    for path, part in opened(f"{name}!{inside}", held.read()):
                        yield path.removesuffix(" unzipped"), part
