"""Duplicates, a Slack that fails, and kill -9: the incident goes on, nothing is lost, nothing is there twice."""

import asyncio
import json
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.integration.emulator_process import ADA, eventually
from tests.lab import running_lab
from tests.samples import DEATHS
from tests.stack import Stack, running_stack

pytestmark = DEATHS

START = "/incident start sev3 5xx after deploy"
METHODS = (
    "conversations.create",
    "conversations.invite",
    "conversations.setTopic",
    "chat.postMessage",
    "chat.update",
    "pins.add",
    "bookmarks.add",
)
MODES = ("error:fatal_error", "http500", "drop", "after", "429")


async def card_of(stack: Stack) -> dict[str, Any]:
    """Give the channel once it has its card, pinned."""
    channels = await stack.incident_channels()
    return channels[0] if len(channels) == 1 and channels[0]["pins"] else {}


async def messages_of(stack: Stack, channel: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await stack.slack.channel(channel))["messages"]
    return found


async def test_four_deliveries_of_one_command_make_one_incident(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        answers = await stack.type(START, times=4)
        await eventually(lambda: card_of(stack))
        await asyncio.sleep(1)
        assert [row["id"] for row in await stack.listed("/api/v1/incidents")] == ["INC-1"]
        assert len(await stack.incident_channels()) == 1
        assert answers["ok"]


@pytest.mark.matrix(sample=2)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("method", METHODS)
async def test_a_slack_call_that_fails_is_made_up_for(tmp_path: Path, method: str, mode: str) -> None:
    async with running_stack(tmp_path) as stack:
        await stack.slack.act("faults", method=method, mode=mode, times=1)
        await stack.type(START)
        channel = await eventually(lambda: card_of(stack), 20)
        await eventually(lambda: _has(stack, channel["name"], "Mitigate"), 20)
        cards = [m for m in await messages_of(stack, channel["name"]) if "5xx after deploy" in json.dumps(m["blocks"])]
        assert len(cards) == 1
        assert len(await stack.incident_channels()) == 1
        assert (await _verify(stack)) == (0, "")


async def _has(stack: Stack, channel: str, text: str) -> bool:
    return text in json.dumps(await messages_of(stack, channel))


async def _verify(stack: Stack) -> tuple[int, str]:
    code, _, err = await stack.run_cli("verify")
    return code, err


async def test_a_slack_that_is_down_is_caught_up_with(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        for method in ("conversations.create", "chat.postMessage", "chat.postEphemeral"):
            await stack.slack.act("faults", method=method, mode="http500", times=3)
        await stack.type(START)
        incident = await eventually(lambda: _incident(stack))
        assert incident["status"] == "open"
        health = await stack.get("/health/ready")
        assert health["status"] == "ready"
        channel = await eventually(lambda: card_of(stack), 40)
        assert channel["name"].startswith("inc-1-")


async def _incident(stack: Stack) -> dict[str, Any]:
    rows = await stack.listed("/api/v1/incidents")
    return await stack.incident(rows[0]["id"]) if rows else {}


async def test_a_command_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        await asyncio.gather(*(stack.type(f"/incident start sev4 number {n}") for n in range(8)))
        await stack.bot.end(signal.SIGKILL)
        await stack.bot.start()
        titles = await eventually(lambda: _all_titles(stack, 8), 20)
        assert {f"number {n}" for n in range(8)} == titles
        assert (await _verify(stack))[0] == 0


async def _all_titles(stack: Stack, wanted: int) -> set[str] | None:
    rows = await stack.listed("/api/v1/incidents")
    return {row["title"] for row in rows} if len(rows) >= wanted else None


@pytest.mark.go
@pytest.mark.timeout(600)
@pytest.mark.parametrize("after_s", [0.3, 1.2, 2.4])
async def test_kill_9_in_the_middle_of_the_sop(tmp_path: Path, after_s: float) -> None:
    with running_lab() as lab:
        async with running_stack(tmp_path, lab=lab) as stack:
            await stack.type("/incident start sev3 checkout 5xx after deploy")
            await eventually(lambda: _incident(stack))
            await asyncio.sleep(after_s)
            await stack.bot.end(signal.SIGKILL)
            await stack.bot.start()
            await eventually(lambda: _phase(stack, "mitigate"), 30)
            entries = await stack.listed("/api/v1/incidents/INC-1/entries")
            ended = Counter((e["run_id"], e["step"]) for e in entries if e["kind"] == "step ended")
            assert [step for step, times in ended.items() if times != 1] == []
            assert sum(entry["kind"] == "artifact" for entry in entries) == 1
            assert (await stack.incident())["verdict"] == "goroutine-leak"
            await stack.type("/incident mitigate INC-1 rolled back", user=ADA)
            await eventually(lambda: _phase(stack, "mitigate", "done"), 10)
            assert (await _verify(stack))[0] == 0


async def _phase(stack: Stack, name: str, state: str = "running") -> bool:
    phases = (await stack.incident())["phases"]
    return any(phase["name"] == name and phase["state"] == state for phase in phases)


async def test_a_second_bot_on_one_database_is_refused(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        stack.bot.environment = {**stack.bot.environment, "PORT": "0"}
        code, _, err = await stack.run_cli("serve")
        assert code == 1
        assert len(err.strip().splitlines()) == 1
        assert "another FirstFive serves this database" in err


async def test_the_bot_ends_cleanly_when_told_to(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        await stack.type(START)
        await eventually(lambda: card_of(stack))
        assert await stack.bot.end(signal.SIGTERM) == 0
        assert "Traceback" not in stack.bot.log
