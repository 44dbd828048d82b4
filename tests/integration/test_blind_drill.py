"""A blind drill through the whole bot: nothing that it shows, keeps, answers or logs says what it is before its end.

The lab is made of switches alone: nothing can be captured from it, so that no verdict gives the class away.
"""

import json
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fastapi import FastAPI, Request

from tests.integration.emulator_process import eventually, served
from tests.samples import BOTS
from tests.stack import Stack, free_port, running_stack

pytestmark = BOTS

CLASS, SWITCH, TITLE = "heap-growth", "canary-switch-7", "A canary that must not be heard"
SECRETS = (CLASS, SWITCH, TITLE, "/debug/faults/")
PAGES = (
    "/",
    "/drills",
    "/incidents/INC-1",
    "/incidents/INC-1?show=everything",
    "/incidents/INC-1/postmortem",
    "/metrics",
)
ANSWERS = ("/api/v1/drills", "/api/v1/incidents", "/api/v1/incidents/INC-1", "/api/v1/incidents/INC-1/entries")


class Switchboard:
    """A target's switches, and nothing else of it."""

    def __init__(self) -> None:
        self.on = False
        self.app = FastAPI()
        self.app.add_api_route("/debug/faults", self.listed)
        self.app.add_api_route("/debug/faults/{name}", self.turn, methods=["POST"])

    async def listed(self) -> list[dict[str, Any]]:
        return [{"name": SWITCH, "title": TITLE, "class": CLASS, "on": self.on}]

    async def turn(self, request: Request) -> None:
        self.on = bool((await request.json())["on"])


async def everything(stack: Stack) -> str:
    """Give all that anybody can be shown, and the log."""
    async with aiohttp.ClientSession() as session:
        shown = [await (await session.get(f"{stack.bot.url}{path}")).text() for path in (*PAGES, *ANSWERS)]
        entries = json.loads(shown[-1])["items"]
        runs = {entry["run_id"] for entry in entries if entry["run_id"]}
        paths = [f"{way}/{run}" for run in runs for way in ("/runs", "/api/v1/runs")]
        shown += [await (await session.get(f"{stack.bot.url}{path}")).text() for path in paths]
    return "\n".join([*shown, await stack.slack.transcript_lines(), stack.bot.log])


async def ended(stack: Stack) -> dict[str, Any]:
    found = (await stack.get("/api/v1/drills"))["drills"]
    return dict(found[0]) if found else {}


@pytest.mark.timeout(120)
async def test_nobody_is_told_until_the_end_and_a_bot_that_is_killed_ends_it_all_the_same(tmp_path: Path) -> None:
    board = Switchboard()
    async with served(board.app) as address:
        lab = ["[[services]]", 'name = "lab"', "lab = true", f'lab_switches = "{address}"']
        lab += ["[[services.targets]]", 'name = "lab-1"', f'pprof = "http://127.0.0.1:{free_port()}"']
        async with running_stack(tmp_path, service=lab) as stack:
            await stack.type("/incident drill blind lab")
            channel = await eventually(lambda: _channel(stack), 20)
            assert board.on
            for words in ("ack", "status", "diagnose lab", "drill deadlock lab", "drill blind lab", "list", "digest"):
                await stack.type(f"/incident {words}", channel=channel)
            await stack.type("/incident drill answer=deadlock lab", channel=channel)
            await eventually(lambda: _has(stack, "drill answered"), 20)
            before = [await everything(stack)]
            await stack.bot.end(signal.SIGKILL)
            await stack.bot.start()
            before.append(await everything(stack))

            assert board.on
            assert all(shown.count("DRILL: something is wrong with lab") > len(PAGES) for shown in before)
            assert not [shown for shown in before if 'open_incidents{severity="SEV3"} 1' in shown]
            assert not [secret for secret in SECRETS for shown in before if secret in shown]
            await stack.type("/incident drill off lab", channel=channel)
            score = await eventually(lambda: ended(stack), 30)
            assert (score["fault"], score["blind"], score["how"]) == (CLASS, True, "ended early")
            assert not (await board.listed())[0]["on"]
            assert CLASS in await everything(stack)


async def _channel(stack: Stack) -> str:
    """Give the name of the drill's channel once its card and its beginning stand there."""
    channels = (await stack.slack.read("state"))["channels"]
    begun = [one["name"] for one in channels if str(one.get("name", "")).startswith("drill-1-") and one["pins"]]
    return str(begun[0]) if begun and await _has(stack, "drill started") else ""


async def _has(stack: Stack, kind: str) -> bool:
    return any(entry["kind"] == kind for entry in await stack.listed("/api/v1/incidents/INC-1/entries"))
