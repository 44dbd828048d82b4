"""The emulator as a process and as a neighbour of web browsers."""

import asyncio
import socket
import sys
from pathlib import Path

import aiohttp
import pytest

from bot.emulator import assets
from tests.integration.emulator_process import SECRET, running_emulator
from tests.samples import SLACK

pytestmark = SLACK


async def started(*options: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "bot.emulator", *options]
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    _, errors = await process.communicate()
    return process.returncode or 0, errors.decode()


async def test_a_busy_port_is_one_line_and_exit_2() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        code, errors = await started("--port", str(port), "--signing-secret", SECRET)
    assert (code, errors) == (2, f"Port {port} is in use; name another with --port.\n")


async def test_a_real_token_is_refused() -> None:
    code, errors = await started("--port", "0", "--signing-secret", SECRET, "--bot-token", "xoxb-1-2-abc")
    assert code == 2
    assert "SLACK_BOT_TOKEN" in errors
    assert "abc" not in errors


async def test_a_real_app_token_of_the_surroundings_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_APP_TOKEN", "xapp-1-A012-345-abc")
    code, errors = await started("--port", "0", "--signing-secret", SECRET)
    assert code == 2
    assert "SLACK_APP_TOKEN" in errors
    assert "A012" not in errors


async def test_it_ends_with_its_standard_input() -> None:
    command = [sys.executable, "-m", "bot.emulator", "--port", "0", "--signing-secret", SECRET, "--exit-with-stdin"]
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdin is not None
    await process.stdout.readline()
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 10) == 0


@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example:4390"}, {"Origin": "http://evil.example"}, {"Origin": "null"}]
)
async def test_other_sites_are_kept_out(headers: dict[str, str]) -> None:
    async with (
        running_emulator("http://127.0.0.1:9/") as emulator,
        emulator.session.post(f"{emulator.url}__box/message", headers=headers, json={}) as response,
    ):
        assert response.status == 403


async def test_a_form_cannot_act() -> None:
    async with (
        running_emulator("http://127.0.0.1:9/") as emulator,
        emulator.session.post(f"{emulator.url}__box/message", data={"user": "ada"}) as response,
    ):
        assert response.status == 415


async def test_the_page_allows_nothing_from_elsewhere() -> None:
    async with (
        running_emulator("http://127.0.0.1:9/") as emulator,
        emulator.session.get(emulator.url) as response,
    ):
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy


async def test_the_page_is_small_on_the_wire() -> None:
    page = Path(assets.__file__).parent / "page"
    async with running_emulator("http://127.0.0.1:9/") as emulator, aiohttp.ClientSession(auto_decompress=False) as raw:
        sizes = []
        for file in page.iterdir():
            async with raw.get(f"{emulator.url}page/{file.name}") as response:
                assert response.status == 200
                sizes.append(len(await response.read()))
    assert sum(sizes) < 60_000


async def test_nothing_outside_of_the_page_is_sent() -> None:
    async with (
        running_emulator("http://127.0.0.1:9/") as emulator,
        emulator.session.get(f"{emulator.url}page/..%2Fsettings.py") as response,
    ):
        assert response.status == 404
