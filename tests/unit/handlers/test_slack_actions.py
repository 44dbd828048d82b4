"""Buttons: safe to press twice, and never silent."""

import pytest

from bot.domain.run import Source
from bot.domain.timeline import Person
from tests.unit.handlers.slack_door import Door, open_door


@pytest.fixture
def door() -> Door:
    return open_door()


async def test_a_button_does_its_words(door: Door) -> None:
    assert (await door.press({"do": "ack incident=INC-7"})).content == b""
    run = door.runs[0]
    assert (run.plan.playbook, run.incident_id, run.actor) == ("ack", "INC-7", Person("U0BEN0002", "ben"))
    assert run.source == Source("C0BOX0005", "inc-1", "http://slack/response/2", "slack")
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
    answer = await door.press({"again": "gone", "incident": "INC-4"})
    assert "not known any more" in answer.json()["text"]
    assert answer.json()["replace_original"] is False


async def test_a_link_s_button_is_only_acknowledged(door: Door) -> None:
    assert (await door.press(None)).content == b""
    assert door.runs == []


async def test_a_button_from_an_older_release_is_explained(door: Door) -> None:
    assert "I don't know `explode`" in (await door.press({"do": "explode incident=INC-1"})).json()["text"]


async def test_a_stranger_s_button_is_acknowledged(door: Door) -> None:
    assert (await door.press({"do": "ack"}, "other:1")).status_code == 200
    assert door.runs == []
