"""The five minutes: who is asked, who is paged, and that a restart changes neither."""

from typing import Any

import pytest

from bot.domain.phases import PhaseState
from bot.domain.service import Catalog
from bot.domain.timeline import Kind, Person
from tests.fakes import FakeDirectory, FakePager, FakeRota
from tests.unit.playbooks.desk import BEN, CATALOG, Desk, desk

SOP = "r1.sop"
PEOPLE = FakeDirectory({"@ben": BEN})


async def five_minutes(words: str = "start sev2 checkout slow", **parts: Any) -> Desk:
    """Live through an incident that nobody mitigates: the run dies while it waits, and is resumed too late."""
    house = desk(**{"directory": PEOPLE, "rota": FakeRota(BEN), **parts})
    await house.say(words)
    await house.reach("mitigate")
    await house.resume_later(SOP)
    return house


def escalations(house: Desk) -> list[dict[str, Any]]:
    return [entry.facts for entry in house.chain() if entry.kind == Kind.ESCALATED]


async def test_nobody_mitigated_so_whoever_is_on_call_is_paged() -> None:
    pager = FakePager()
    house = await five_minutes(pager=pager)
    assert [person for person, _ in pager.paged.values()] == [BEN]
    [told] = escalations(house)
    assert told["text"] == "Five minutes are over unmitigated. Paged Ben (fake)."
    mitigate = next(phase for phase in house.incident().phases if phase.name == "mitigate")
    assert mitigate.state is PhaseState.OVERRAN


@pytest.mark.parametrize("severity", ["sev3", "sev4"])
async def test_sev3_and_sev4_page_nobody(severity: str) -> None:
    pager = FakePager()
    house = await five_minutes(f"start {severity} checkout slow", pager=pager)
    assert pager.paged == {}
    assert "pages nobody" in escalations(house)[0]["text"]


async def test_nobody_on_call_is_said_and_not_hidden() -> None:
    house = await five_minutes(catalog=Catalog(CATALOG.services), rota=FakeRota())
    assert "Nobody was paged: on_call is empty" in escalations(house)[0]["text"]


async def test_whoever_cannot_be_reached_is_named_at_once_and_tried_again() -> None:
    pager = FakePager(ok=False)
    house = await five_minutes(pager=pager)
    first, last = escalations(house)
    assert first["text"] == "Five minutes are over unmitigated. Could not reach Ben (nobody is there). Trying again."
    assert last["reached"] == [{"person": "Ben", "how": "fake", "ok": False, "reason": "nobody is there"}]


async def test_whoever_only_a_paging_service_knows_is_left_to_it() -> None:
    eve, duty = Person("pagerduty:PEVE", "Eve"), Person("paging:on-call", "whoever is on call")
    pager = FakePager(on_call=(duty,))
    await five_minutes(pager=pager, rota=FakeRota(BEN, eve))
    assert [person for person, _ in pager.paged.values()] == [duty, BEN]
    alone = FakePager()
    await five_minutes(pager=alone, rota=FakeRota(eve))
    assert [person for person, _ in alone.paged.values()] == [eve]


async def test_a_rota_that_does_not_answer_is_told() -> None:
    house = await five_minutes(rota=FakeRota(failure="PagerDuty does not answer"))
    assert "Nobody was paged: PagerDuty does not answer" in escalations(house)[0]["text"]


async def test_mitigated_in_time_pages_nobody() -> None:
    pager = FakePager()
    house = desk(pager=pager, directory=PEOPLE)
    await house.say("start sev1 checkout slow")
    await house.reach("mitigate")
    await house.say("mitigate INC-1 rolled back")
    await house.resume_later(SOP)
    assert pager.paged == {}
    assert escalations(house) == []


async def test_without_a_service_the_clock_runs_and_naming_one_captures_it() -> None:
    house = desk(directory=PEOPLE)
    await house.say("start sev2 something smells")
    await house.reach("capture")
    assert "No service is named yet" in next(p for p in house.incident().phases if p.name == "declare").summary
    await house.say("service checkout INC-1")
    await house.reach("mitigate")
    assert house.incident().service == "checkout"
    assert house.state.runs["r1.sop.snapshot"].plan.params["service"] == "checkout"


async def test_the_commander_is_asked_by_name_once() -> None:
    house = desk(directory=PEOPLE)
    await house.say("start sev2 checkout slow")
    await house.say("ack INC-1", BEN)
    await house.work(lambda: any(entry.kind == Kind.ASKED for entry in house.chain()))
    await house.resume_later(SOP)
    asked = [entry.facts for entry in house.chain() if entry.kind == Kind.ASKED]
    assert [each["person"] for each in asked] == [BEN.id]


async def test_the_five_minutes_run_once_at_a_time_and_not_after_mitigation() -> None:
    house = desk(directory=PEOPLE)
    await house.say("start sev2 checkout slow")
    await house.reach("mitigate")
    phases = house.incident().phases
    assert await house.text("sop INC-1") == "The five minutes of INC-1 run already; its card shows them."
    assert "r2" not in {entry.run_id for entry in house.chain()}
    await house.say("mitigate INC-1")
    await house.resume_later(SOP)
    assert await house.text("sop INC-1") == "INC-1 is mitigated. `/incident diagnose` looks at it again."
    assert house.incident().phases[:4] == phases[:4]
    assert escalations(house) == []
