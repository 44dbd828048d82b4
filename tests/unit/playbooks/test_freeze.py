"""A service is frozen and thawed by whoever may approve or break the glass; what is frozen is not touched."""

import pytest

from bot.domain.narrative import tell
from bot.domain.run import RunStatus, Source
from bot.domain.timeline import Kind, Person
from bot.engine.admission import Command
from tests.fakes import FakeRouter
from tests.unit.playbooks.desk import ADA, BEN, Desk
from tests.unit.playbooks.watched import SHARED, watched_desk

DAN, OPERATOR = Person("U4", "Dan"), Person("cli:root", "root")


def told(house: Desk, kind: Kind, chain: str = "house") -> list[str]:
    return [tell(entry) for entry in house.chain(chain) if entry.kind == kind]


@pytest.mark.parametrize("by", [BEN, OPERATOR])
async def test_whoever_has_a_right_on_the_service_freezes_it(by: Person) -> None:
    house = watched_desk()
    said = await house.text("freeze checkout until=2h data migration", by)
    assert said.startswith(f"checkout is frozen until 2026-03-01 14:00 UTC: data migration ({by.name}, ")
    assert told(house, Kind.FROZEN) == ["Froze checkout until 2026-03-01 14:00 UTC: data migration"]


async def test_nobody_else_does() -> None:
    house = watched_desk()
    ended = await house.say("freeze checkout because I like to", DAN)
    assert (ended.status, ended.reason[:42]) == (RunStatus.REFUSED, "Dan is not among those who may approve for")
    assert told(house, Kind.FROZEN) == []


async def test_a_rollback_is_held_until_it_is_thawed() -> None:
    house = watched_desk(FakeRouter(SHARED))
    await house.say("start sev4 checkout slow")
    await house.say("freeze checkout data migration", BEN)
    held = await house.say("rollback checkout it fails")
    assert (held.status, house.router.made) == (RunStatus.REFUSED, [])
    assert held.reason.startswith("checkout is frozen: data migration (Ben")
    assert await house.text("thaw checkout it is done", BEN) == "checkout is not frozen any more."
    assert told(house, Kind.THAWED) == ["Thawed checkout: it is done"]
    command = Command("rollback", {"service": "checkout"}, ADA, Source(via="test"), incident_id="INC-1")
    await house.admission.admit(command)
    await house.work(lambda: house.waits)


async def test_who_breaks_the_glass_overrides_it_and_says_so() -> None:
    house = watched_desk(FakeRouter(SHARED))
    await house.say("start sev4 checkout slow")
    await house.say("freeze checkout data migration", BEN)
    done = await house.say("rollback checkout rollback=yes half of all checkouts fail", ADA)
    assert done.status is RunStatus.DONE
    [broke] = told(house, Kind.BROKE_GLASS, "INC-1")
    assert "Despite a freeze: checkout is frozen: data migration (Ben" in broke


async def test_what_is_not_frozen_cannot_be_thawed() -> None:
    house = watched_desk()
    assert await house.text("thaw checkout", BEN) == "checkout is not frozen."
