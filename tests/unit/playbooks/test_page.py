"""Whoever is on call is paged, once for a key, and who was reached is on the timeline."""

from typing import Any

from bot.domain.narrative import tell
from bot.domain.timeline import Kind, Person
from tests.fakes import FakePager, FakeRota
from tests.unit.playbooks.desk import ADA, BEN, Desk, desk

EVE = Person("pagerduty:PEVE", "Eve")
ON_CALL = Person("paging:on-call", "whoever is on call")


def paged(house: Desk) -> list[str]:
    return [tell(entry) for entry in house.chain() if entry.kind == Kind.PAGED]


async def answered(words: str, **parts: Any) -> tuple[str, Desk]:
    house = desk(**parts)
    await house.say("start sev4 checkout slow")
    return await house.text(f"page INC-1 {words}"), house


async def test_whoever_is_on_call_is_paged() -> None:
    told, house = await answered("the shop burns", rota=FakeRota(BEN), pager=FakePager())
    assert told == "Paged Ben (fake)."
    assert paged(house) == ["Paged Ben (fake): the shop burns"]


async def test_people_of_a_paging_service_are_reached_by_it() -> None:
    pager = FakePager(on_call=[ON_CALL])
    await answered("the shop burns", rota=FakeRota(BEN, EVE), pager=pager)
    assert [person for person, _ in pager.paged.values()] == [ON_CALL, BEN]


async def test_nobody_is_paged_about_what_they_did_themselves() -> None:
    pager = FakePager()
    told, house = await answered(f"besides={ADA.id} key=k the shop burns", rota=FakeRota(ADA, BEN), pager=pager)
    assert told == "Paged Ben (fake)."
    assert list(pager.paged) == [f"firstfive:k:{BEN.id}"]
    assert len(paged(house)) == 1


async def test_who_could_not_be_reached_is_named() -> None:
    told, house = await answered("the shop burns", rota=FakeRota(BEN), pager=FakePager(ok=False))
    assert told == "Could not reach Ben (nobody is there)."
    assert paged(house) == ["Paged nobody; could not reach Ben (nobody is there): the shop burns"]


async def test_where_nobody_is_on_call_it_says_what_would_change_that() -> None:
    told, house = await answered("the shop burns", rota=FakeRota(), pager=FakePager())
    assert told.startswith("Nobody is on call who does not know of it already.")
    assert paged(house) == ["Paged nobody: the shop burns"]
