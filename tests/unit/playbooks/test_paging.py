"""Pages to whoever is on call: sent at 5:00, answered on the timeline, ended with the incident."""

from typing import Any

from bot.domain.run import RunStatus
from bot.domain.timeline import Kind, Person
from bot.ports import PageState
from tests.fakes import FakePager, FakeRota
from tests.unit.playbooks.desk import ADA, BEN, Desk, desk

ON_CALL = Person("paging:on-call", "whoever is on call")
KEY = "firstfive:r1.sop:paging:on-call"
PAGE = "r1.sop.paging"


async def five_minutes(pager: FakePager, **parts: Any) -> Desk:
    house = desk(pager=pager, **{"rota": FakeRota(BEN), **parts})
    await house.say("start sev1 checkout slow")
    await house.reach("mitigate")
    await house.resume_later("r1.sop")
    return house


def told(house: Desk, kind: Kind) -> list[dict[str, Any]]:
    return [entry.facts for entry in house.chain() if entry.kind == kind]


async def test_whoever_is_on_call_is_paged_though_nobody_is_named() -> None:
    pager = FakePager(on_call=[ON_CALL])
    house = await five_minutes(pager, rota=FakeRota())
    assert list(pager.paged) == [KEY]
    assert (
        told(house, Kind.ESCALATED)[0]["text"] == "Five minutes are over unmitigated. Paged whoever is on call (fake)."
    )
    assert PAGE in house.state.runs


async def test_a_mention_is_not_called_a_page() -> None:
    house = await five_minutes(FakePager(paged=False))
    assert (
        told(house, Kind.ESCALATED)[0]["text"] == "Five minutes are over unmitigated. Mentioned, not paged: Ben (fake)."
    )
    assert PAGE not in house.state.runs


async def test_who_answers_there_acknowledges_here() -> None:
    pager = FakePager(on_call=[ON_CALL])
    house = await five_minutes(pager)
    pager.answers[KEY] = Person("pagerduty:P1", "Ada")
    await house.work(lambda: bool(told(house, Kind.PAGE_ANSWERED)) and "acknowledged" in house.incident().milestones)
    assert told(house, Kind.PAGE_ANSWERED) == [{"person": "Ada", "how": "pagerduty"}]
    assert house.incident().answered == "Ada"
    assert (KEY, PageState.ACKNOWLEDGED) not in pager.followed


async def test_what_is_done_here_is_passed_on() -> None:
    pager = FakePager(on_call=[ON_CALL])
    house = await five_minutes(pager)
    await house.say("ack INC-1", ADA)
    await house.work(lambda: len(pager.followed) == 1)
    await house.say("resolve INC-1", ADA)
    await house.work(lambda: house.state.runs[PAGE].status is RunStatus.DONE)
    assert pager.followed == [(KEY, PageState.ACKNOWLEDGED), (KEY, PageState.RESOLVED)]
