"""Every verb's form is one that Slack takes, comes filled with what was said, and says under which field a flaw is."""

import json
from typing import Any

import pytest
from slack_sdk.models.views import View

import playbooks
from bot.domain.run import Source
from bot.domain.service import Catalog, DigestPlan, Service
from bot.emulator.block_kit.blocks import view_problems
from bot.engine.fields import Ask, questions
from bot.engine.grammar import usage
from bot.engine.playbook import load
from handlers.slack_forms import Occasion, form
from tests.unit.handlers.slack_door import Door, open_door, submitted

REGISTRY = load(playbooks)
SOURCE = Source("C0BOX0001", "general", "http://slack/response/1", "slack", "T0BOX0001")
CATALOG = Catalog((Service("checkout", ()), Service("search", ())), digests=(DigestPlan("shop", "", "", "", ()),))


@pytest.fixture
def door() -> Door:
    return open_door()


def fields(view: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {block["block_id"]: block["element"] for block in view["blocks"] if block["type"] == "input"}


@pytest.mark.parametrize("verb", [verb for verb in REGISTRY if questions(REGISTRY[verb], CATALOG, {})])
def test_slack_takes_the_form_of_every_verb(verb: str) -> None:
    view = form(REGISTRY[verb], CATALOG, Occasion(SOURCE, "U0ADA0001", "INC-123456789"))
    assert view_problems(view) == []
    View(**view).validate_json()
    assert len(view["title"]["text"]) <= 24
    assert len(view["submit"]["text"]) <= 24


@pytest.mark.parametrize("names", [0, 1, 100, 101])
def test_however_many_services_there_are_one_can_be_named(names: int) -> None:
    catalog = Catalog(tuple(Service(f"service-{number}", ()) for number in range(names)))
    view = form(REGISTRY["service"], catalog, Occasion(SOURCE, "U0ADA0001"))
    assert view_problems(view) == []
    assert fields(view)["service"]["type"] == ("static_select" if 0 < names <= 100 else "plain_text_input")


def test_what_no_person_says_is_not_asked() -> None:
    asked = {verb: {each.name for each in questions(REGISTRY[verb], CATALOG, {})} for verb in REGISTRY}
    assert asked["paging"] == set()
    assert "warnings" not in asked["start"]


def test_what_only_the_command_line_takes_is_neither_asked_nor_in_the_usage() -> None:
    for verb in ("audit", "bisect"):
        assert "repo" not in {each.name for each in questions(REGISTRY[verb], CATALOG, {})}
        assert "repo=" not in usage(REGISTRY[verb])


def test_what_must_be_said_comes_first_then_the_words() -> None:
    asked = {verb: [each.name for each in questions(REGISTRY[verb], CATALOG, {})] for verb in REGISTRY}
    assert asked["start"] == ["title", "severity", "service", "started", "private"]
    assert asked["redact"] == ["entry", "reason"]
    assert [each.ask for each in questions(REGISTRY["role"], CATALOG, {})] == [Ask.CHOICE, Ask.PERSON]


NEEDING = {
    "cancel": "reason",
    "impact": "text",
    "milestone": "milestone",
    "note": "text",
    "redact": "entry",
    "role": "role",
    "service": "service",
    "severity": "severity",
    "update": "text",
}


@pytest.mark.parametrize(("verb", "field"), NEEDING.items())
async def test_a_verb_that_needs_more_asks_for_it(door: Door, verb: str, field: str) -> None:
    assert (await door.command(f"{verb} incident=INC-3")).content == b""
    [(_, view)] = door.views
    assert next(iter(fields(view))) == field
    assert door.runs == []


async def test_what_was_said_is_filled_in_and_kept(door: Door) -> None:
    await door.command("role <@U0BEN0002|ben> INC-3")
    [(_, view)] = door.views
    assert fields(view)["person"]["initial_user"] == "U0BEN0002"
    await door.interact(submitted(view, {"role": ("select", "scribe"), "person": ("user", "U0CHEN003")}))
    run = door.runs[0]
    said = (run.plan.params["role"], run.plan.params["person"], run.incident_id)
    assert said == ("scribe", "<@U0CHEN003>", "INC-3")


async def test_me_is_whoever_asked(door: Door) -> None:
    await door.command("role")
    assert fields(door.views[0][1])["person"]["initial_user"] == "U0ADA0001"


async def test_what_the_form_does_not_ask_is_carried_along(door: Door) -> None:
    catalog, occasion = CATALOG, Occasion(SOURCE, "U0ADA0001", "", {"run": "r7", "reason": "no"})
    view = form(REGISTRY["refuse"], catalog, occasion)
    assert fields(view)["reason"]["initial_value"] == "no"
    await door.interact(submitted(view, {"reason": "not now"}))
    params = door.runs[0].plan.params
    assert (params["run"], params["reason"]) == ("r7", "not now")
    assert door.runs[0].source.team == "T0BOX0001"


@pytest.mark.parametrize(
    ("verb", "values", "field", "said"),
    [
        ("milestone", {"milestone": ("select", "mitigated"), "at": "25:99"}, "at", "is not a time"),
        ("redact", {"entry": "the third", "reason": "a name"}, "entry", "is not an entry"),
        ("snooze", {"time": "a while"}, "time", "not a length of time"),
        ("service", {"service": "chekcout"}, "service", "Did you mean `checkout`?"),
        ("note", {"text": "  "}, "text", "text is missing"),
        ("action", {"text": "x", "due": ("day", "2026-02-31")}, "due", "is not a day"),
    ],
)
async def test_a_flaw_is_said_under_its_field(
    door: Door, verb: str, values: dict[str, Any], field: str, said: str
) -> None:
    view = form(REGISTRY[verb], CATALOG, Occasion(SOURCE, "U0ADA0001", "INC-3"))
    answer = (await door.interact(submitted(view, values))).json()
    assert answer["response_action"] == "errors"
    assert list(answer["errors"]) == [field]
    assert said in answer["errors"][field]
    assert door.runs == []


async def test_private_is_a_box_to_tick(door: Door) -> None:
    await door.command("start")
    await door.interact(submitted(door.views[0][1], {"title": "leak", "private": ("ticked", "yes")}))
    assert door.runs[0].plan.params["private"] is True


async def test_a_verb_that_is_the_machines_opens_no_form(door: Door) -> None:
    assert "needs a key" in (await door.command("paging")).json()["text"]
    assert door.views == []


def test_the_hidden_part_fits_though_the_words_are_long() -> None:
    given = {"text": "x" * 8_000}
    view = form(REGISTRY["note"], CATALOG, Occasion(SOURCE, "U0ADA0001", "INC-3", given))
    assert view_problems(view) == []
    assert len(json.dumps(view)) < 20_000
