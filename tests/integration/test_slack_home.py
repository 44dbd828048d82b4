"""The Home tab in front of a running Slack: drawn when it is opened, and again when something changes."""

import json
from pathlib import Path
from typing import Any

from tests.integration.emulator_process import ADA, BEN, Emulator
from tests.integration.slack_bot import town, until
from tests.samples import BOTS

pytestmark = BOTS


async def shows(slack: Emulator, user: str, *words: str) -> dict[str, Any]:
    """Wait until somebody's tab says all of this; give it."""

    async def look() -> dict[str, Any] | None:
        view: dict[str, Any] | None = (await slack.read("state"))["homes"].get(user)
        text = json.dumps(view, ensure_ascii=False) if view else ""
        return view if view and all(word in text for word in words) else None

    found: dict[str, Any] = await until(look)
    return found


async def test_it_shows_what_is_open_and_what_waits_and_follows(tmp_path: Path) -> None:
    async with town(tmp_path) as (_, slack):
        await slack.act("home", user=ADA)
        await shows(slack, ADA, "No incident is open.", "All is well.")
        await slack.act("command", user=ADA, channel="general", text="/incident start sev2 checkout 5xx")
        view = await shows(slack, ADA, "INC-1", "has no commander")
        button = next(block for block in view["blocks"] if block.get("accessory", {}).get("value"))
        press = {"user": ADA, "view_id": view["id"], "block_id": button["block_id"]}
        assert (await slack.act("action", **press, action_id=button["accessory"]["action_id"]))["ok"]
        await shows(slack, ADA, "commander: Ada Okafor", "Nothing waits for you.")


async def test_a_slack_that_passes_out_shows_it_later(tmp_path: Path) -> None:
    async with town(tmp_path) as (_, slack):
        await slack.act("faults", method="views.publish", mode="http500")
        await slack.act("home", user=BEN)
        await shows(slack, BEN, "No incident is open.")
