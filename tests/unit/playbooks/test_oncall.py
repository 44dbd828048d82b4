"""Whoever is on call when an incident opens is recorded, and so invited; it holds the opening up for nothing."""

import asyncio
from typing import Any

from bot.domain.run import RunStatus
from bot.domain.timeline import Kind, Person
from bot.ports import OnCall
from tests.fakes import FakeRota
from tests.unit.playbooks.desk import BEN, Desk, desk

EVE = Person("pagerduty:PEVE", "Eve")
RUN = "r1.oncall"


async def opened(rota: Any, words: str = "start sev2 checkout slow") -> Desk:
    house = desk(rota=rota)
    await house.say(words)
    await house.work(lambda: house.state.runs[RUN].status.ended)
    return house


def told(house: Desk) -> list[dict[str, Any]]:
    return [entry.facts for entry in house.chain() if entry.kind == Kind.ON_CALL]


async def test_start_looks_who_is_on_call() -> None:
    house = await opened(FakeRota(BEN, EVE))
    people = [{"id": BEN.id, "name": "Ben"}, {"id": EVE.id, "name": "Eve"}]
    assert told(house) == [{"people": people, "source": "fake", "note": ""}]
    assert house.incident().on_call == (BEN, EVE)
    assert BEN in house.incident().people


async def test_what_is_no_news_is_not_recorded_again() -> None:
    rota = FakeRota(BEN)
    house = await opened(rota)
    assert await house.text("oncall INC-1") == "On call by fake: Ben."
    assert len(told(house)) == 1
    rota.people = (EVE,)
    await house.say("oncall INC-1")
    assert house.incident().on_call == (EVE,)


async def test_where_nobody_is_named_nothing_is_recorded() -> None:
    house = await opened(FakeRota())
    assert told(house) == []
    assert (await house.text("oncall INC-1")).startswith("Nobody is on call.")


async def test_why_nobody_is_known_is_recorded() -> None:
    house = await opened(FakeRota(failure="PagerDuty answered 401"))
    assert [each["note"] for each in told(house)] == ["PagerDuty answered 401"]
    assert "(PagerDuty answered 401)" in await house.text("oncall INC-1")


class Hangs:
    """Never answers, which no rota may do."""

    async def on_call(self, service: str) -> OnCall:
        del service
        await asyncio.Event().wait()
        raise AssertionError


async def test_the_incident_opens_and_goes_on_while_nobody_says_who_is_on_call() -> None:
    house = desk(rota=Hangs())
    assert (await house.say("start sev2 checkout slow")).status is RunStatus.DONE
    await house.reach("mitigate")
    assert not house.state.runs[RUN].status.ended


async def test_a_service_named_later_has_a_rota_of_its_own() -> None:
    house = await opened(FakeRota(BEN), "start sev2 something is slow")
    ended = await house.say("service payment INC-1")
    assert f"{ended.id}.oncall" in house.state.runs
