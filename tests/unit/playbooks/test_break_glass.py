"""Its button asks in a form why it cannot wait, and carries the plan that was seen."""

import pytest

from bot.domain.errors import WordsMissing
from bot.domain.run import Source
from bot.domain.timeline import Kind
from bot.engine.fields import Ask, questions
from bot.engine.grammar import parse
from handlers.slack_forms import Occasion, form
from tests.fakes import FakeRouter
from tests.unit.playbooks.desk import ADA, BEN, CATALOG, REGISTRY, desk
from tests.unit.playbooks.test_rollback import ask, entries, opened


def test_it_asks_for_nothing_but_the_reason() -> None:
    [asked] = questions(REGISTRY["break-glass"], CATALOG, {})
    assert (asked.name, asked.ask, asked.required) == ("reason", Ask.TEXT, True)


def test_the_form_carries_what_the_button_named() -> None:
    with pytest.raises(WordsMissing) as missing:
        parse(REGISTRY, "break-glass incident=INC-1 run=r1 plan=abc", CATALOG)
    wanted = missing.value
    view = form(REGISTRY["break-glass"], CATALOG, Occasion(Source(), "U1", wanted.incident_id, wanted.given))
    assert '"g": {"run": "r1", "plan": "abc"}' in view["private_metadata"]


async def test_where_nothing_waits_it_says_so() -> None:
    house = desk()
    await house.say("start sev4 checkout slow")
    assert await house.text("break-glass INC-1 it burns") == "Nothing waits for an approval in INC-1."


async def test_blank_words_are_no_reason() -> None:
    house = await opened(FakeRouter())
    run_id = await ask(house, by=BEN)
    run = await house.run("break-glass", {"run": run_id, "reason": "  "}, ADA, "INC-1")
    assert run.reason == "To break the glass takes a reason: why can it not wait for a second person?"
    assert entries(house, Kind.BROKE_GLASS) == []
