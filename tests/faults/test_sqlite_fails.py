"""The file of the database cannot be written: runs pause and go on, commands are answered, nothing accepted is lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from typer.testing import Result

from tests.cli import firstfive
from tests.faults.disks import DATABASE, can_mount, corrupt, full, locked, read_only, small_disk, unwritable
from tests.integration.emulator_process import eventually
from tests.samples import DEATHS
from tests.stack import Bot, Stack, free_ports, running_stack

pytestmark = DEATHS

AILMENTS = [
    pytest.param(unwritable, "disk I/O error", id="unwritable"),
    pytest.param(lambda stack: locked(stack.folder), "database is locked. Another program", id="locked"),
    *([pytest.param(full, "disk is full. Make room on its disk.", id="full")] if can_mount() else []),
]
AILMENTS_AT_START = [
    pytest.param(corrupt, "put a backup in its place", id="corrupt"),
    pytest.param(locked, "Another program holds it", id="locked"),
    *([pytest.param(read_only, "must be there, and be writable", id="read-only")] if can_mount() else []),
]
LONG = "x" * 3_000


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Stack]:
    """Give a bot whose whole folder, its log too, is on a small disk if there can be one."""
    with small_disk(folder / "disk") if can_mount() else nullcontext(folder) as disk:
        async with running_stack(disk) as stack:
            yield stack


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize(("ailing", "reason"), AILMENTS)
async def test_what_was_accepted_is_kept_and_what_was_not_is_said(
    tmp_path: Path, ailing: Callable[[Stack], AbstractContextManager[None]], reason: str
) -> None:
    async with serving(tmp_path) as stack:
        await stack.type("/incident start sev3 checkout slow")
        await eventually(lambda: phase(stack, "mitigate", "running"), 30)
        with ailing(stack):
            accepted = await noted_until_refused(stack)
            refusal = await eventually(lambda: refused(stack, reason), 15)
            assert "break-glass" in refusal
            ready = await eventually(lambda: unready(stack, reason), 15)
            assert set(ready["checks"]) == {"database", "engine"}
        await eventually(stack.bot.is_ready, 15)
        assert (await command(stack, "note INC-1 mended"))[0] == 202
        await eventually(lambda: is_noted(stack, "mended"), 15)
        texts = await notes(stack)
        assert set(accepted) | {"mended"} == set(texts)
        assert len(texts) == len(set(texts))
        assert [row["id"] for row in await stack.listed("/api/v1/incidents")] == ["INC-1"]
        await stack.type("/incident mitigate INC-1 rolled back")
        await eventually(lambda: phase(stack, "mitigate", "done"), 15)
        code, _, err = await stack.run_cli("verify")
        assert (code, err) == (0, "")


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize(("ailing", "reason"), AILMENTS_AT_START)
async def test_a_file_that_cannot_be_used_is_named_at_the_start_and_used_once_it_can(
    tmp_path: Path, ailing: Callable[[Path], AbstractContextManager[None]], reason: str
) -> None:
    with small_disk(tmp_path / "disk") if can_mount() else nullcontext(tmp_path) as disk:
        environment = {"DATABASE_URL": f"sqlite:///{disk}/{DATABASE}", "ARTIFACTS_URL": str(tmp_path / "artifacts")}
        bot = Bot(free_ports(0), tmp_path, environment)
        assert (await here("run", "start", "title=slow", **environment)).exit_code == 0
        with ailing(disk):
            code, out, err = await bot.run_cli("serve")
            assert (code, out) == (1, "")
            assert reason in err
            assert "Traceback" not in err
            done = await here("run", "note", "incident=INC-1", "text=meanwhile", **environment)
            assert done.exit_code == 1
            assert reason in done.stderr
        await bot.start()
        try:
            assert (await here("run", "note", "incident=INC-1", "text=mended", **environment)).exit_code == 0
        finally:
            await bot.end()


async def here(*words: str, **environment: str) -> Result:
    return await asyncio.to_thread(firstfive, *words, **environment)


async def noted_until_refused(stack: Stack) -> list[str]:
    """Note something again and again; give what was accepted before the first that was not."""
    accepted: list[str] = []
    for number in range(2_000):
        text = f"{number} {LONG}"
        began = time.monotonic()
        status, answer = await command(stack, f"note INC-1 {text}")
        assert time.monotonic() - began < 5
        if status == 202:
            accepted.append(text)
            continue
        assert status == 503
        assert "not recorded" in answer["detail"]
        return accepted
    raise AssertionError("everything was accepted")


async def refused(stack: Stack, reason: str) -> str:
    """Ask in Slack; give its refusal once it names the reason."""
    await stack.type("/incident start sev4 meanwhile")
    said = str((await stack.slack.channel("general"))["ephemerals"][-1]["text"])
    # A busy machine may be too late for Slack once.
    assert "not recorded" in said or "operation_timeout" in said
    return said if reason in said else ""


async def unready(stack: Stack, reason: str) -> dict[str, Any]:
    ready: dict[str, Any] = await stack.get("/health/ready")
    assert ready["status"] == "unusable"
    return ready if reason in ready["text"] else {}


async def command(stack: Stack, text: str) -> tuple[int, dict[str, Any]]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{stack.bot.url}/api/v1/commands", json={"text": text}) as answer,
    ):
        return answer.status, await answer.json()


async def notes(stack: Stack) -> list[str]:
    entries = await stack.listed("/api/v1/incidents/INC-1/entries")
    return [entry["body"]["text"] for entry in entries if entry["kind"] == "note"]


async def is_noted(stack: Stack, text: str) -> bool:
    return text in await notes(stack)


async def phase(stack: Stack, name: str, state: str) -> bool:
    phases = (await stack.incident()).get("phases", ())
    return any(phase["name"] == name and phase["state"] == state for phase in phases)
