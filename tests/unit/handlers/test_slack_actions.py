"""Buttons: safe to press twice, and never silent."""

import asyncio

import pytest

from bot.domain.run import Source
from bot.domain.timeline import Person
from handlers.slack_desk import Desk
from tests.unit.handlers.slack_door import TEAM, BrokenStore, Door, open_door


@pytest.fixture
def door() -> Door:
    return open_door()


async def test_a_button_does_its_words(door: Door) -> None:
    assert (await door.press({"do": "ack incident=INC-7"})).content == b""
    run = door.runs[0]
    assert (run.plan.playbook, run.incident_id, run.actor) == ("ack", "INC-7", Person("U0BEN0002", "ben"))
    assert run.source == Source("C0BOX0005", "inc-1", "http://slack/response/2", "slack", TEAM)
    assert run.slot == "slack:9.9.z:ff:3"


async def test_two_deliveries_of_a_press_are_one_run(door: Door) -> None:
    for _ in range(2):
        await door.press({"do": "ack incident=INC-7"})
    assert len(door.runs) == 1


async def test_two_buttons_of_one_message_are_two(door: Door) -> None:
    await door.press({"do": "ack incident=INC-7"}, "ff:0")
    await door.press({"do": "mitigate incident=INC-7"}, "ff:1")
    assert [run.plan.playbook for run in door.runs] == ["ack", "mitigate"]


async def test_again_runs_the_plan_for_the_incident_that_was_picked(door: Door) -> None:
    await door.command("note it is the cache")
    await door.press({"again": door.runs[0].id, "incident": "INC-4"})
    first, second = door.runs
    assert second.plan == first.plan
    assert (second.incident_id, second.actor.name) == ("INC-4", "ben")


async def test_again_of_a_run_nobody_knows_says_so(door: Door) -> None:
    assert (await door.press({"again": "gone", "incident": "INC-4"})).content == b""
    assert "not known any more" in door.whispered[0]


async def test_a_link_s_button_is_only_acknowledged(door: Door) -> None:
    assert (await door.press(None)).content == b""
    assert door.runs == []


async def test_a_button_from_an_older_release_is_explained(door: Door) -> None:
    assert (await door.press({"do": "explode incident=INC-1"})).content == b""
    [(source, person, reply)] = door.whispers
    assert (source.response_url, source.channel, person.id) == ("http://slack/response/2", "C0BOX0005", "U0BEN0002")
    assert "another release" in reply.text
    assert "`explode`" in reply.text


@pytest.mark.parametrize(
    "value", ["no json", "[]", "7", "[" * 1_999, '{"do": 7}', '{"do": " "}', '{"again": "run1"}', "{}"]
)
async def test_a_value_that_is_none_of_ours_is_explained(door: Door, value: str) -> None:
    assert (await door.press(value)).content == b""
    assert door.runs == []
    assert "another release" in door.whispered[0]


async def test_what_breaks_in_us_is_said_to_whoever_pressed(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    async def break_down(*_: object) -> None:
        await asyncio.sleep(0)
        raise AssertionError

    monkeypatch.setattr(Desk, "take_words", break_down)
    answer = await door.press({"do": "ack"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert "error of its own" in door.whispered[0]


async def test_a_press_that_is_not_recorded_says_so() -> None:
    door = open_door(BrokenStore())
    assert (await door.press({"do": "ack incident=INC-7"})).content == b""
    assert "This was not recorded: the disk is full" in door.whispered[0]


async def test_an_entry_of_a_menu_does_its_words(door: Door) -> None:
    await door.press(None, chosen={"do": "ack incident=INC-7"})
    assert [run.plan.playbook for run in door.runs] == ["ack"]


async def test_a_stranger_s_button_is_acknowledged(door: Door) -> None:
    assert (await door.press({"do": "ack"}, "other:1")).status_code == 200
    assert door.runs == []
