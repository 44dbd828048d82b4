"""A command is made durable once, and acknowledged with what helps."""

from typing import Any

import pytest

from bot.adapters.slack.manifest import COMMANDS, SlashCommand
from bot.domain.errors import ChatFailed
from bot.domain.run import Source
from bot.domain.timeline import Person
from tests.unit.handlers.slack_door import TEAM, BrokenStore, Door, open_door, submitted


@pytest.fixture
def door() -> Door:
    return open_door()


async def test_a_command_becomes_a_run(door: Door) -> None:
    answer = await door.command("start sev1 checkout 5xx")
    assert answer.json()["text"] == "Opening an incident…"
    assert answer.json()["response_type"] == "ephemeral"
    run = door.runs[0]
    assert (run.plan.playbook, run.plan.params["severity"], run.plan.params["title"]) == ("start", "SEV1", "5xx")
    assert run.actor == Person("U0ADA0001", "ada")
    assert run.source == Source("C0BOX0001", "general", "http://slack/response/1", "slack", TEAM)
    assert run.slot == "slack:1.2.abc"


async def test_four_deliveries_are_one_run_and_answer_alike(door: Door) -> None:
    answers = [await door.command("start checkout 5xx") for _ in range(4)]
    assert len(door.runs) == 1
    assert len({answer.content for answer in answers}) == 1


async def test_a_short_verb_is_acknowledged_silently_and_a_long_one_with_a_word(door: Door) -> None:
    assert (await door.command("ack", trigger_id="1")).content == b""
    assert (await door.command("snapshot checkout", trigger_id="2")).json()["text"] == "On it."


async def test_nothing_typed_asks_for_help(door: Door) -> None:
    await door.command("")
    assert [run.plan.playbook for run in door.runs] == ["help"]


@pytest.mark.parametrize("short", [command for command in COMMANDS if command.name != "/incident"])
async def test_every_other_command_of_the_app_is_short_for_a_verb(door: Door, short: SlashCommand) -> None:
    service = "checkout" if short.hint.startswith("[service]") else ""
    await door.command(service, short.name)
    (run,) = door.runs
    assert (run.plan.playbook, run.plan.params.get("service", "")) == (short.name.removeprefix("/"), service)


async def test_an_unknown_word_offers_what_was_meant(door: Door) -> None:
    answer = (await door.command("strat checkout is down")).json()
    assert "I don't know `strat`" in answer["text"]
    assert answer["blocks"] == [
        {"label": "/incident start checkout is down", "do": "start checkout is down"},
        {"label": "Start an incident with these words", "do": "start strat checkout is down"},
    ]
    assert door.runs == []


async def test_wrong_words_of_a_known_verb_are_explained(door: Door) -> None:
    answer = (await door.command("severity huge")).json()
    assert "sev1, sev2, sev3, sev4" in answer["text"]
    assert answer["blocks"] == []


async def test_a_long_unknown_text_has_no_button_that_would_not_fit(door: Door) -> None:
    assert (await door.command("everything " + "x" * 3_900)).json()["blocks"] == []


async def test_start_alone_opens_a_form(door: Door) -> None:
    answer = await door.command("start")
    assert answer.content == b""
    trigger_id, view = door.views[0]
    assert (trigger_id, view["callback_id"]) == ("1.2.abc", "ff:start")
    assert [block["block_id"] for block in view["blocks"][1:]] == ["title", "severity", "service", "started", "private"]
    assert view["blocks"][2]["element"]["initial_option"]["value"] == "SEV2"
    assert door.runs == []


async def test_the_form_starts_the_incident_once(door: Door) -> None:
    await door.command("start")
    values = {"title": "checkout is down", "severity": ("select", "SEV1"), "service": ("select", "checkout")}
    payload = submitted(door.views[0][1], values)
    for _ in range(2):
        answer = await door.interact(payload)
        assert (answer.status_code, answer.content) == (200, b"")
    assert len(door.runs) == 1
    run = door.runs[0]
    assert run.plan.params["title"] == "checkout is down"
    assert (run.plan.params["severity"], run.plan.params["service"]) == ("SEV1", "checkout")
    assert run.source == Source("C0BOX0001", "general", "http://slack/response/1", "slack", TEAM)


async def test_an_empty_form_starts_with_defaults(door: Door) -> None:
    await door.command("start")
    await door.interact(submitted(door.views[0][1], {"title": None, "severity": ("select", "SEV2")}))
    assert door.runs[0].plan.params["title"] == ""


async def test_a_form_that_does_not_open_is_no_reason_to_wait(door: Door) -> None:
    door.view_failure = ChatFailed("unanswered", retryable=True)
    answer = (await door.command("start")).json()
    assert answer["blocks"] == [{"label": "Start now", "do": "start now=yes"}]
    await door.press({"do": "start now=yes"})
    assert [run.plan.playbook for run in door.runs] == ["start"]


async def test_a_second_delivery_of_start_says_nothing(door: Door) -> None:
    door.view_failure = ChatFailed("exchanged_trigger_id")
    assert (await door.command("start")).content == b""


async def test_note_alone_opens_a_form_for_the_incident(door: Door) -> None:
    await door.press({"do": "note incident=INC-3"})
    view = door.views[0][1]
    await door.interact(submitted(view, {"text": "CPU fell"}))
    run = door.runs[0]
    assert (run.plan.playbook, run.plan.params, run.incident_id) == ("note", {"text": "CPU fell"}, "INC-3")
    assert run.source.channel == "C0BOX0005"


@pytest.mark.parametrize("hangs", [False, True])
async def test_without_a_database_nobody_is_left_in_silence(
    hangs: bool,  # noqa: FBT001 - a parameter of the test
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("bot.engine.admission._PATIENCE_S", 0.05)
    store = BrokenStore()
    store.hangs = hangs
    door = open_door(store)
    answer = (await door.command("start checkout 5xx")).json()
    assert ("perhaps not recorded" if hangs else "was not recorded: the disk is full") in answer["text"]
    assert "firstfive run start" in answer["text"]


async def test_without_a_database_a_form_stays_open() -> None:
    door = open_door(BrokenStore())
    await door.command("start")
    answer: dict[str, Any] = (await door.interact(submitted(door.views[0][1], {"title": "x"}))).json()
    assert answer["response_action"] == "errors"
    assert "not recorded" in answer["errors"]["title"]


async def test_an_error_of_our_own_is_told(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handlers.slack_desk.parse", lambda *_: 1 / 0)
    answer = await door.command("ack")
    assert answer.status_code == 200
    assert "error of its own" in answer.text
