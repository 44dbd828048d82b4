"""What one person asks for in Slack, a second one lets happen there; the timeline says who did what."""

import json
from pathlib import Path
from typing import Any

from tests.integration.emulator_process import ADA, BEN, eventually
from tests.samples import SCENARIOS
from tests.stack import Stack, running_stack

pytestmark = SCENARIOS

SECRET = "Mrs Miller of 7 High Street"


def buttons(message: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give the buttons of a message by their label."""
    rows = [block for block in message.get("blocks") or () if block["type"] == "actions"]
    return {element["text"]["text"]: element for row in rows for element in row["elements"] if "text" in element}


async def message_with(stack: Stack, button: str) -> dict[str, Any] | None:
    """Give the newest message of the incident's channel that has a button."""
    channels = await stack.incident_channels()
    found = [(message, each["name"]) for each in channels for message in each["messages"] if button in buttons(message)]
    return {**found[-1][0], "in": found[-1][1]} if found else None


async def press(stack: Stack, button: str, by: str) -> None:
    message = await eventually(lambda: message_with(stack, button))
    assert message is not None
    element = buttons(message)[button]
    act = {"user": by, "channel": message["in"], "message_ts": message["ts"], "action_id": element["action_id"]}
    assert (await stack.slack.act("action", **act))["ok"]


async def entries(stack: Stack) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = await stack.listed("/api/v1/incidents/INC-1/entries")
    return found


async def told(stack: Stack, kind: str) -> dict[str, Any] | None:
    return next((entry for entry in await entries(stack) if entry["kind"] == kind), None)


async def test_a_note_is_blanked_by_two_people_in_slack(tmp_path: Path) -> None:
    async with running_stack(tmp_path) as stack:
        await stack.type("/incident start sev4 slow", user=ADA)
        await eventually(lambda: message_with(stack, "Add note"), 20)
        await stack.type(f"/incident note INC-1 {SECRET}", user=ADA)
        note = await eventually(lambda: told(stack, "note"))
        assert note is not None
        await stack.type(f"/incident redact INC-1 entry={note['seq']} a customer's name", user=ADA)
        await press(stack, "Approve", ADA)
        await press(stack, "Approve", BEN)
        blanked = await eventually(lambda: told(stack, "blanked"))
        assert blanked is not None
        assert (blanked["body"]["entries"], blanked["body"]["reason"]) == ([note["seq"]], "a customer's name")
        decided = [entry for entry in await entries(stack) if entry["kind"] == "approval decided"]
        assert [(entry["actor"], entry["body"]["decision"]) for entry in decided] == [(BEN, "approved")]
        assert SECRET not in json.dumps(await entries(stack))
        await eventually(lambda: _settled(stack))
        code, out, _ = await stack.run_cli("verify")
        assert (code, "1 blanked" in out) == (0, True)


async def _settled(stack: Stack) -> bool:
    """Tell whether the card asks for nothing any more and the channel says who approved."""
    [channel] = await stack.incident_channels()
    card = next(message for message in channel["messages"] if "Add note" in buttons(message))
    said = json.dumps(channel["messages"])
    return "Approve" not in buttons(card) and "approved *redact*" in said
