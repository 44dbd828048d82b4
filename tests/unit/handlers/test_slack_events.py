"""What is heard of what happens in Slack: marks, and what becomes of messages; nothing of the app's own doing."""

import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from bot.domain.run import VIA_EVENT, VIA_SHORTCUT, Run, Source
from bot.domain.timeline import FIRSTFIVE, Author, Draft, Kind, Person
from tests.unit.handlers.slack_door import BrokenStore, Door, open_door

US, APP, BEN, CHANNEL, TS = "U0BOX0BOT", "A0BOX0APP", "U0BEN0002", "C0INC0001", "1700000000.000100"
ITEM = {"type": "message", "channel": CHANNEL, "ts": TS}
MARK = {"type": "reaction_added", "user": BEN, "reaction": "stopwatch", "item_user": BEN, "item": ITEM}
PIN = {
    "type": "pin_added",
    "user": BEN,
    "channel_id": CHANNEL,
    "item": {"type": "message", "channel": CHANNEL, "message": {"ts": TS, "user": BEN}},
}
EDIT = {"type": "message", "subtype": "message_changed", "channel": CHANNEL, "message": {"ts": TS, "user": BEN}}
DELETION = {
    "type": "message",
    "subtype": "message_deleted",
    "channel": CHANNEL,
    "deleted_ts": TS,
    "previous_message": {"ts": TS, "user": BEN},
}


CAME = {"type": "member_joined_channel", "user": BEN, "channel": CHANNEL, "channel_type": "G", "inviter": "U0ADA0001"}
WENT = {"type": "member_left_channel", "user": BEN, "channel": CHANNEL, "channel_type": "G"}


@pytest.fixture
async def door() -> Door:
    door = open_door()
    drafts = [Draft(Kind.CHANNEL_OPENED, {"channel": CHANNEL, "name": "inc-1"})]
    author, now = Author(FIRSTFIVE), door.ports.clock.now()
    timeline, opening = door.ports.timeline, Draft(Kind.OPENED, {"title": "checkout slow", "severity": "SEV3"})
    opened = await door.store.write(lambda tx: timeline.open(tx, opening, author, now))
    await door.store.write(lambda tx: timeline.append(tx, opened, drafts, author, now))
    return door


async def deliver(door: Door, event: Mapping[str, Any], event_id: str = "Ev1") -> httpx.Response:
    body = {
        "type": "event_callback",
        "team_id": "T1",
        "api_app_id": APP,
        "event_id": event_id,
        "event": event,
        "authorizations": [{"team_id": "T1", "user_id": US, "is_bot": True}],
    }
    return await door.post(json.dumps(body).encode(), "application/json")


@pytest.mark.parametrize(
    "event",
    [
        MARK,
        {**MARK, "type": "reaction_removed"},
        {**MARK, "reaction": "pushpin::skin-tone-3"},
        PIN,
        {**PIN, "type": "pin_removed"},
        EDIT,
    ],
)
async def test_a_mark_and_a_change_make_one_look_at_the_message(door: Door, event: Mapping[str, Any]) -> None:
    for _ in range(4):
        assert (await deliver(door, event)).status_code == 200
    (run,) = door.runs
    assert (run.plan.playbook, given(run), run.incident_id) == ("pick", {"channel": CHANNEL, "ts": TS}, "INC-1")
    assert run.plan.params["changed"] is (event is EDIT)
    assert (run.source, run.slot) == (Source(CHANNEL, via=VIA_EVENT, team="T1"), "slack:event:Ev1")
    assert run.actor == Person(BEN, BEN)


async def test_who_deletes_is_not_told(door: Door) -> None:
    await deliver(door, DELETION)
    assert [run.actor for run in door.runs] == [FIRSTFIVE]


@pytest.mark.parametrize(("event", "by"), [(CAME, Person("U0ADA0001", "U0ADA0001")), (WENT, FIRSTFIVE)])
async def test_who_comes_or_goes_makes_one_look_at_who_is_there(
    door: Door, event: Mapping[str, Any], by: Person
) -> None:
    for _ in range(2):
        assert (await deliver(door, event)).status_code == 200
    (run,) = door.runs
    params = {"channel": CHANNEL, "person": BEN, "left": event is WENT, "back": False}
    assert (run.plan.playbook, run.plan.params, run.incident_id) == ("presence", params, "INC-1")
    assert (run.actor, run.source) == (by, Source(CHANNEL, via=VIA_EVENT, team="T1"))


async def test_whoever_brings_the_bot_back_makes_it_look_who_is_there(door: Door) -> None:
    await deliver(door, {**CAME, "user": US})
    (run,) = door.runs
    params = {"channel": CHANNEL, "person": US, "left": False, "back": True}
    assert (run.plan.playbook, run.plan.params, run.actor.id) == ("presence", params, "U0ADA0001")


def given(run: Run) -> dict[str, str]:
    return {name: value for name, value in run.plan.params.items() if value and name != "changed"}


OURS = {"ts": TS, "user": US, "app_id": APP}


@pytest.mark.parametrize(
    "event",
    [
        {**MARK, "user": US},
        {**MARK, "item_user": US},
        {**PIN, "user": US},
        {**PIN, "item": {**PIN["item"], "message": OURS}},  # type: ignore[dict-item]
        {**EDIT, "message": OURS},
        {**EDIT, "message": {"ts": TS, "bot_id": "B1", "app_id": APP}},
        {**DELETION, "previous_message": OURS},
        {**CAME, "user": US, "channel_type": "C"},
        {**CAME, "user": US, "inviter": US},
        {**CAME, "user": US, "inviter": ""},
        {**CAME, "inviter": US},
        {**WENT, "user": US},
        {"type": "message", "channel": CHANNEL, "ts": TS, "user": US, "text": "posted"},
    ],
)
async def test_the_bot_does_not_hear_itself(door: Door, event: Mapping[str, Any]) -> None:
    assert (await deliver(door, event)).status_code == 200
    assert door.runs == []


@pytest.mark.parametrize(
    "event",
    [
        {"type": "message", "channel": CHANNEL, "ts": TS, "user": BEN, "text": "hello"},
        {**MARK, "reaction": "eyes"},
        {**CAME, "channel_type": "C"},
        {**WENT, "channel": "G0OTHER01"},
        {**MARK, "item": {**ITEM, "channel": "C0OTHER01"}},
        {**MARK, "item": {"type": "file", "file": "F1"}},
        {"type": "channel_rename", "channel": {"id": CHANNEL, "name": "x"}},
        {},
    ],
)
async def test_all_else_is_passed_over(door: Door, event: Mapping[str, Any]) -> None:
    assert (await deliver(door, event)).status_code == 200
    assert door.runs == []


async def test_what_could_not_be_kept_is_delivered_again() -> None:
    class Away(BrokenStore):
        async def read(self, act: Any) -> Any:
            return await self.write(act)

    door = open_door(Away())
    assert (await deliver(door, MARK)).status_code >= 400


async def test_the_menu_tells_what_the_message_says(door: Door) -> None:
    payload = {
        "type": "message_action",
        "callback_id": "ff:pick",
        "trigger_id": "5.5.m",
        "team": {"id": "T1"},
        "user": {"id": "U0ADA0001", "username": "ada"},
        "channel": {"id": "C0OTHER01", "name": "random"},
        "response_url": "http://slack/response/3",
        "message": {"ts": TS, "user": BEN, "text": "it is the cache"},
    }
    for _ in range(2):
        assert (await door.interact(payload)).content == b""
    (run,) = door.runs
    told = {"channel": "C0OTHER01", "ts": TS, "author": BEN, "text": "it is the cache"}
    assert (run.plan.playbook, given(run), run.incident_id) == ("pick", told, "")
    assert run.source == Source("C0OTHER01", "random", "http://slack/response/3", VIA_SHORTCUT, "T1")
