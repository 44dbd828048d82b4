"""Who has not got the app in their workspace, or not any more, is answered kindly, and nothing is done for them."""

import json
from collections.abc import Mapping

import httpx
import pytest

from tests.unit.handlers.slack_door import TEAM, Door, open_door, pressed, submitted, typed

SAID = "FirstFive is not installed in this workspace"


@pytest.fixture
def door() -> Door:
    door = open_door()
    door.strangers.add(TEAM)
    return door


async def test_a_command_is_answered_with_how_to_get_it(door: Door) -> None:
    answer = await door.command("start checkout 5xx")
    assert answer.json()["text"].startswith(SAID)
    assert "/slack/install" in answer.json()["text"]
    assert answer.json()["response_type"] == "ephemeral"
    assert door.runs == []


async def test_a_press_and_the_menu_of_a_message_are_answered_where_they_came_from(door: Door) -> None:
    await door.press({"do": "ack incident=INC-1"})
    menu = {"type": "message_action", "callback_id": "ff:pick", "message_ts": "1.1", "message": {"ts": "1.1"}}
    pressing = {key: value for key, value in pressed("", "").items() if key not in {"actions", "container"}}
    await door.interact({**pressing, **menu})
    assert [said.startswith(SAID) for said in door.whispered] == [True, True]
    assert [(source.team, source.response_url) for source, _, _ in door.whispers] == [
        (TEAM, "http://slack/response/2")
    ] * 2
    assert door.runs == []


async def test_a_form_stays_open_and_says_it(door: Door) -> None:
    view = {
        "type": "modal",
        "callback_id": "ff:start",
        "blocks": [{"type": "input", "block_id": "title"}],
        "private_metadata": "{}",
    }
    answer = await door.interact(submitted(view, {"title": "checkout 5xx"}))
    assert answer.json()["errors"]["title"].startswith(SAID)
    assert door.runs == []


async def test_an_event_passes_by(door: Door) -> None:
    opened = {"type": "app_home_opened", "user": "U1", "tab": "home"}
    assert (await event(door, opened)).status_code == 200
    door.strangers.clear()
    assert (await event(door, opened)).status_code == 200
    assert door.homes == [(TEAM, "U1")]


async def test_another_workspaces_commands_are_done(door: Door) -> None:
    form = {**typed("ack", "/incident", "5.5"), "team_id": "T2"}
    await door.post("&".join(f"{key}={value}" for key, value in form.items()).encode())
    assert [run.source.team for run in door.runs] == ["T2"]


@pytest.mark.parametrize(
    ("told", "revoked"),
    [
        ({"type": "app_uninstalled"}, True),
        ({"type": "tokens_revoked", "tokens": {"oauth": [], "bot": ["UBOT"]}}, True),
        ({"type": "tokens_revoked", "tokens": {"oauth": ["U1"], "bot": []}}, False),
        ({"type": "tokens_revoked"}, False),
    ],
)
async def test_the_end_of_an_installation_is_taken_in(door: Door, told: Mapping[str, object], *, revoked: bool) -> None:
    assert (await event(door, told)).status_code == 200
    assert [(team, at.timestamp()) for team, at in door.revoked] == ([(TEAM, 1_700_000_001)] if revoked else [])


async def test_an_end_that_cannot_be_kept_is_to_be_told_again() -> None:
    door = open_door()
    door.revoke_failure = "the disk is full"
    assert (await event(door, {"type": "app_uninstalled"})).status_code >= 400


async def event(door: Door, what: Mapping[str, object]) -> httpx.Response:
    body = {"type": "event_callback", "team_id": TEAM, "event_id": "Ev1", "event_time": 1_700_000_000, "event": what}
    return await door.post(json.dumps(body).encode(), "application/json")
