"""An update says where things stand, whom it hits, and by when more is heard."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.service import UpdateRules
from bot.domain.timeline import Kind
from tests.fakes import NOON, fake_ports
from tests.unit.playbooks.desk import BEN, CATALOG, Desk, desk


async def opened(words: str = "start sev2 checkout slow") -> Desk:
    house = desk()
    await house.say(words)
    return house


@pytest.mark.parametrize(
    ("severity", "words", "minutes"),
    [
        ("sev1", "", 30),
        ("sev3", "", None),
        ("sev3", "next=2h", 120),
        ("sev1", "next=0m", None),
        ("sev2", "next=45", 45),
    ],
)
async def test_the_next_update_is_promised_as_said_or_as_the_severity_asks(
    severity: str, words: str, minutes: int | None
) -> None:
    house = await opened(f"start {severity} checkout slow")
    said = await house.text(f"update INC-1 rolling back {words}")
    next_at = house.incident().next_update_at
    assert next_at == (None if minutes is None else NOON + timedelta(minutes=minutes))
    assert ("promised for" in said) is (minutes is not None)
    assert [each.facts["text"] for each in house.chain() if each.kind == Kind.UPDATE] == ["rolling back"]


async def test_how_soon_is_configured() -> None:
    catalog = replace(CATALOG, updates=UpdateRules(sev2_min=10))
    house = Desk(fake_ports(catalog))
    await house.say("start sev2 checkout slow")
    assert "promised for 12:10 UTC" in await house.text("update INC-1 rolling back")


async def test_an_update_may_say_who_is_hit() -> None:
    house = await opened()
    await house.say('update INC-1 impact="1 in 5 checkouts" it is the cache')
    assert house.incident().impact == "1 in 5 checkouts"
    await house.say("update INC-1 still the cache")
    assert house.incident().impact == "1 in 5 checkouts"
    await house.say("update INC-1 impact=none it is over")
    assert house.incident().impact == ""
    assert [entry.kind for entry in house.chain()].count(Kind.IMPACT_SET) == 2


async def test_numbers_at_its_beginning_are_words() -> None:
    house = await opened()
    await house.say("update INC-1 30 checkouts a minute fail")
    said = house.incident().last_update
    assert said is not None
    assert said.text == "30 checkouts a minute fail"


async def test_a_time_that_is_none_is_refused() -> None:
    house = await opened()
    with pytest.raises(Exception, match="`soon` is not a length of time"):
        await house.say("update INC-1 hello next=soon")


async def test_a_missed_promise_is_reminded_of_with_the_time_in_it() -> None:
    house = await opened()
    await house.say("role commander me incident=INC-1", BEN)
    await house.say("update INC-1 rolling back next=10m", BEN)
    house.later(601)
    await house.say("remind update INC-1")
    (reminded,) = [each.facts for each in house.chain() if each.kind == Kind.REMINDED]
    assert (reminded["about"], reminded["person"]) == ("update", BEN.id)
    assert "promised for 12:10 UTC" in reminded["text"]


async def test_what_is_over_promises_nothing() -> None:
    house = await opened()
    await house.say("resolve INC-1")
    await house.say("update INC-1 all is well")
    assert house.incident().next_update_at is None
