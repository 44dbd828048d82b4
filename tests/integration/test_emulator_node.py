"""Slack's own Node SDK, from npm, as a client of the local Slack."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bot.emulator.scopes import SCOPES
from tests.integration.emulator_process import running_emulator
from tests.oracles import npm
from tests.samples import SLACK

pytestmark = SLACK

CLIENT = Path(__file__).parents[1] / "oracles" / "node" / "client.mjs"
PACKAGES = ("@slack/web-api@8.2.0", "@slack/socket-mode@3.1.0")


@pytest.mark.timeout(400)
async def test_slacks_node_sdk_works_as_a_client() -> None:
    node, folder = npm.node(), await asyncio.to_thread(npm.packages, *PACKAGES)
    async with running_emulator("http://127.0.0.1:9/slack/events", "--socket-mode", "--second-team") as emulator:
        client = await asyncio.create_subprocess_exec(
            node, str(CLIENT), str(folder), emulator.url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, errors = await client.communicate()
    assert client.returncode == 0, errors.decode()
    saw: dict[str, Any] = json.loads(out)
    assert saw["history"] == [["a file", None, "a.txt"], ["two", {"n": 1}, None]]
    assert saw["scopes"] == len(SCOPES)
    assert saw["pages"] == [2, 2, 1]
    assert (saw["view"], saw["again"]) == ("Start", "exchanged_trigger_id")
    assert saw["invalid"]["error"] == "invalid_blocks"
    assert "[json-pointer:/blocks/0/text/type]" in saw["invalid"]["response_metadata"]["messages"][0]
    assert (saw["patient"], saw["waits"]) == (True, 1)
    assert saw["state"] == "s1"
    assert saw["team"] == ["T0BOX0002", "U0BOT0002", "chat:write,commands"]
    missing = saw["missing"]
    assert (missing["error"], missing["needed"]) == ("missing_scope", "channels:manage")
    assert missing["provided"] == "chat:write,commands"
    assert saw["unknown"] == "channel_not_found"
    assert saw["socket"] == "heard by socket"
