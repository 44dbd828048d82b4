"""FirstFive takes a bad canary's traffic away by itself where two people have let it, nowhere else; one can veto."""

import re
from dataclasses import replace

import pytest

from bot.domain.authority import Frozen, Standing
from bot.domain.narrative import tell
from bot.domain.run import VIA_CLOCK, RunStatus, Source
from bot.domain.timeline import FIRSTFIVE, Kind, Person
from bot.domain.traffic import CLOSED, Split
from bot.engine.admission import Command
from bot.engine.authority import FROZEN, STANDING, frozen_key, policy_sha256, standing_key
from tests.fakes import NOON, FakePager
from tests.unit.playbooks.desk import ADA, BEN
from tests.unit.playbooks.test_rollback import go_on
from tests.unit.playbooks.test_watch import minute, rolled_back
from tests.unit.playbooks.watched import SERVICE, SHARED, WatchedDesk, watched_desk

EMPTY = Split(0.0, dyed=True)
CARL = Person("U3", "Carl")


def stand(house: WatchedDesk, policy: str = "") -> None:
    kept = Standing("checkout", policy or policy_sha256(SERVICE), ADA, BEN, NOON)
    house.state.marks[standing_key("checkout")] = STANDING.dump_json(kept).decode()


async def breach(house: WatchedDesk) -> str:
    """Let the watch find the canary bad, and what follows by itself come to its end; give the run that may follow."""
    await minute(house)
    followed = [each for each in house.state.runs if each.endswith((".empty", ".page"))]
    await house.work(lambda: all(house.state.runs[each].status.ended for each in followed))
    return next((each for each in followed if each.endswith(".empty")), "")


async def emptied() -> tuple[WatchedDesk, str]:
    house = watched_desk(failing=0.2)
    stand(house)
    run_id = await breach(house)
    return house, run_id


async def test_with_a_standing_approval_it_is_emptied_and_announced_and_never_closed() -> None:
    house, run_id = await emptied()
    assert (house.state.runs[run_id].status, house.router.split) == (RunStatus.DONE, EMPTY)
    [told] = house.entries(Kind.TRAFFIC_SET)
    assert tell(told).startswith(
        "Took the new traffic away from the canary of checkout, by itself, as two people have let it ("
    )
    assert house.entries(Kind.APPROVAL_ASKED) == []


async def test_without_one_nothing_is_done_by_itself() -> None:
    house = watched_desk(failing=0.2)
    assert (await breach(house), house.router.split) == ("", SHARED)


async def test_a_policy_that_was_changed_since_voids_it() -> None:
    house = watched_desk(failing=0.2)
    stand(house, "another")
    assert (await breach(house), house.router.split) == ("", SHARED)


async def test_a_frozen_service_is_left_alone_and_whoever_is_on_call_is_paged() -> None:
    house = watched_desk(failing=0.2)
    house.ports = replace(house.ports, pager=(pager := FakePager(on_call=(CARL,))))
    house.__post_init__()
    stand(house)
    kept = Frozen("checkout", "data migration", BEN, NOON)
    house.state.marks[frozen_key("checkout")] = FROZEN.dump_json(kept).decode()
    await breach(house)
    assert (house.router.split, len(pager.paged)) == (SHARED, 1)
    [(who, text)] = pager.paged.values()
    assert who == CARL
    assert text.startswith(
        "The canary of checkout is bad, and nothing may be changed. checkout is frozen: data migration"
    )


async def test_when_both_tracks_fail_it_is_not_the_canary() -> None:
    house = watched_desk(failing=0.3)
    house.counters.ailing = 0.3
    stand(house)
    assert (await breach(house), house.router.split) == ("", SHARED)


@pytest.mark.parametrize(("by", "split"), [(ADA, SHARED), (BEN, SHARED), (CARL, EMPTY)])
async def test_one_person_with_the_role_can_veto(by: Person, split: Split) -> None:
    house, run_id = await emptied()
    run = await house.run("restore", {"service": "checkout", "veto": run_id}, by, "INC-1")
    assert (run.status is RunStatus.DONE, house.router.split) == (split == SHARED, split)


async def test_a_veto_is_of_exactly_that_change() -> None:
    house, run_id = await emptied()
    house.router.split = CLOSED
    house.state.marks.pop(standing_key("checkout"))
    other = await house.run("restore", {"service": "checkout", "veto": "another"}, ADA, "INC-1")
    assert other.reason == "The router of checkout was set again since. Look at what it does now."
    assert run_id


async def test_what_somebody_has_changed_since_takes_two_people() -> None:
    house, run_id = await emptied()
    house.router.split = CLOSED
    asked = (await house.admission.admit(_restore(run_id))).run_id
    await house.work(lambda: house.waits or house.state.runs[asked].status.ended)
    assert (house.waits, house.router.split) == (True, CLOSED)


async def test_after_a_veto_it_is_left_to_people_for_a_day() -> None:
    house, run_id = await emptied()
    await house.run("restore", {"service": "checkout", "veto": run_id}, ADA, "INC-1")
    house.later(1_860)  # so long ago that it is told again
    await breach(house)
    assert house.router.split == SHARED
    assert re.search(
        r"; people gave the canary its traffic back at 12:\d\d UTC, so that until 2026-03-02 12:\d\d UTC FirstFive "
        "takes nothing away by itself$",
        house.entries(Kind.JUDGED)[-1].facts["words"],
    )
    house.later(86_400)
    await breach(house)
    assert house.router.split == EMPTY


async def test_what_was_due_long_ago_is_not_done_by_itself_any_more() -> None:
    house = watched_desk()
    stand(house)
    await house.say("start sev3 checkout slow")
    command = Command("empty", {"service": "checkout"}, FIRSTFIVE, Source(via=VIA_CLOCK), incident_id="INC-1")
    run_id = (await house.admission.admit(command)).run_id
    house.later(601)
    await house.work(lambda: house.state.runs[run_id].status.ended)
    assert (house.state.runs[run_id].status, house.router.split) == (RunStatus.REFUSED, SHARED)


async def test_what_two_people_did_takes_two_to_undo() -> None:
    house = watched_desk()
    await rolled_back(house)
    last = next(each for each in house.state.runs if house.state.runs[each].plan.playbook == "rollback")
    run_id = await house.admission.admit(_restore(last))
    await house.work(lambda: house.waits)
    assert house.router.split == CLOSED
    assert (await go_on(house, run_id.run_id)).status is RunStatus.DONE


def _restore(veto: str) -> Command:
    return Command("restore", {"service": "checkout", "veto": veto}, ADA, Source(), incident_id="INC-1")
