"""What is settled before anybody is asked, and what one person may do alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.authority import Frozen, People, Standing
from bot.domain.narrative import tell
from bot.domain.run import Run, RunStatus, Source
from bot.domain.timeline import FIRSTFIVE, HOUSE, Kind, Person
from bot.domain.traffic import Route
from bot.engine.admission import Command
from bot.engine.authority import FROZEN, STANDING, frozen_key, policy_sha256, standing_key
from bot.engine.playbook import PlaybookRefused, check
from bot.engine.tools import Tools
from tests.fakes import NOON, FakeGroups, FakePager
from tests.unit.engine.house import ANN, House
from tests.unit.engine.tending import CHECKOUT, CY, DAN, EVE, OPERATOR, Tend, served, tending
from tests.unit.engine.waiting import BEN, Waiting

ALONE: dict[str, Any] = {"service": "checkout", "rollback": True, "reason": "half of all checkouts fail"}


async def asked(house: House, by: Person, *, incident_id: str = "", **params: Any) -> Run:
    """Ask for `tend` where nobody needs to be waited for."""
    command = Command("tend", {"service": "checkout", **params}, by, Source(), incident_id=incident_id)
    run_id = (await house.admission.admit(command)).run_id
    ended = await house.runner.execute(run_id)
    assert ended is not None
    return ended


async def freeze(house: House, until_min: int | None = None) -> None:
    until = NOON + timedelta(minutes=until_min) if until_min else None
    text = FROZEN.dump_json(Frozen("checkout", "data migration", BEN, NOON, until)).decode()
    await house.ports.store.write(lambda tx: house.ports.marks.put(tx, frozen_key("checkout"), text))


async def stand(house: House, policy: str = "") -> None:
    kept = Standing("checkout", policy or policy_sha256(CHECKOUT), ANN, BEN, NOON)
    text = STANDING.dump_json(kept).decode()
    await house.ports.store.write(lambda tx: house.ports.marks.put(tx, standing_key("checkout"), text))


@pytest.mark.parametrize("by", [Person("api:local", "API"), FIRSTFIVE])
async def test_who_asks_for_a_change_must_be_one_of_two_people(by: Person) -> None:
    house = served()
    tending(house)
    run = await asked(house, by)
    assert (run.status, run.reason[:43]) == (RunStatus.REFUSED, "Who asks for a change must be known: ask in")
    assert house.done == ["look"]


async def test_where_nobody_may_approve_nobody_is_waited_for() -> None:
    house = served(replace(CHECKOUT, people=People()))
    tending(house)
    run = await asked(house, ANN)
    assert (run.status, run.reason[:36]) == (RunStatus.REFUSED, "Nobody may approve for checkout yet.")
    assert Kind.APPROVAL_ASKED not in house.told()


async def test_a_service_that_is_not_configured_is_not_touched() -> None:
    house = served()
    tending(house)
    run = await asked(house, ANN, service="search")
    assert (run.status, "No service is named `search`" in run.reason) == (RunStatus.FAILED, True)
    assert house.done == ["look"]


@pytest.mark.parametrize("by", [ANN, CY, OPERATOR])
async def test_whoever_may_breaks_the_glass_and_answers_for_it(by: Person) -> None:
    house = served()
    tending(house)
    run = await asked(house, by, **ALONE)
    assert (run.status, run.result["text"]) == (RunStatus.DONE, f"tended checkout by {by.name}")
    broke = next(entry for entry in house.chain() if entry.kind == Kind.BROKE_GLASS)
    assert broke.actor == by.id
    said = "Broke the glass: let tend on checkout through alone, without a second person: half of all checkouts fail."
    assert tell(broke) == said


async def test_whoever_is_on_call_is_paged_once_but_not_for_what_they_did_themselves() -> None:
    house = served(replace(CHECKOUT, people=People(break_glass=(BEN.id,))))
    pager = house.ports.pager
    assert isinstance(pager, FakePager)
    tending(house)
    run = await asked(house, BEN, **ALONE)
    assert await house.runner.execute(f"{run.id}.glass") is not None
    assert [(person, key) for key, (person, _) in pager.paged.items()] == [(EVE, "firstfive:glass:r1:U5")]
    [(_, text)] = pager.paged.values()
    assert text == "Ben broke the glass: tend on checkout, without a second person. Why: half of all checkouts fail"
    assert house.told().count(Kind.PAGED) == 1


@pytest.mark.parametrize(
    ("by", "more", "refusal"),
    [
        (BEN, {}, "Ben is not among those who may break glass for checkout."),
        (DAN, {}, "Dan is not among those who may break glass for checkout."),
        (ANN, {"reason": " "}, "To break the glass takes a reason"),
        (Person("api:local", "API"), {}, "Who asks for a change must be known"),
    ],
)
async def test_whoever_may_not_does_not_and_it_is_told(by: Person, more: dict[str, str], refusal: str) -> None:
    house = served()
    tending(house)
    run = await asked(house, by, **{**ALONE, **more})
    assert (run.status, run.reason[: len(refusal)]) == (RunStatus.REFUSED, refusal)
    assert (house.done, Kind.BROKE_GLASS in house.told()) == (["look"], False)
    tried = [tell(entry) for entry in house.chain() if entry.kind == Kind.APPROVAL_TRIED]
    assert len(tried) == (by in {BEN, DAN})
    assert all(each.startswith("Tried to break the glass for tend on checkout, which did") for each in tried)


async def test_while_slack_is_away_whoever_is_named_by_id_still_may() -> None:
    house = served()
    house.use(groups=FakeGroups(failure="Slack answered timeout"))
    tending(house)
    assert (await asked(house, ANN, **ALONE)).status is RunStatus.DONE
    refused = await asked(house, CY, **ALONE)
    assert "cannot be told now (S2: Slack answered timeout)" in refused.reason
    assert "breaks the glass on the bot's machine" in refused.reason
    assert (await asked(house, OPERATOR, **ALONE)).status is RunStatus.DONE


async def test_a_run_that_is_killed_after_the_glass_was_broken_is_done_once() -> None:
    house = served()
    tending(house)
    run = await asked(house, ANN, **ALONE)
    memos = house.state.memos[run.id]
    del memos["step:act"], memos["began:act"]
    house.state.runs[run.id] = replace(house.state.runs[run.id], status=RunStatus.RUNNING)
    again = await house.runner.execute(run.id)
    assert again is not None
    assert again.status is RunStatus.DONE
    assert house.told().count(Kind.BROKE_GLASS) == 1


async def test_a_right_that_is_taken_away_before_the_step_runs_does_not_count() -> None:
    house = served()
    tending(house)
    run = await asked(house, ANN, **ALONE)
    memos = house.state.memos[run.id]
    del memos["step:act"], memos["began:act"]
    house.state.runs[run.id] = replace(house.state.runs[run.id], status=RunStatus.RUNNING)
    without = replace(CHECKOUT, people=replace(CHECKOUT.people, break_glass=()))
    house.use(catalog=replace(house.ports.catalog, services=(without,)))
    again = await house.runner.execute(run.id)
    assert again is not None
    assert (again.status, again.reason[:39]) == (RunStatus.REFUSED, "Nobody may break glass for checkout yet")


async def test_what_is_frozen_is_left_alone_but_by_whoever_breaks_the_glass() -> None:
    house = served()
    tending(house)
    await freeze(house)
    run = await asked(house, ANN)
    assert run.status is RunStatus.REFUSED
    assert run.reason.startswith("checkout is frozen: data migration (Ben, 2026-03-01 12:00 UTC). Nothing was changed.")
    assert "`rollback=yes reason=...`" in run.reason
    assert Kind.APPROVAL_ASKED not in house.told()
    assert (await asked(house, ANN, **ALONE)).status is RunStatus.DONE
    broke = next(entry for entry in house.chain() if entry.kind == Kind.BROKE_GLASS)
    assert " Despite a freeze: checkout is frozen: data migration" in tell(broke)


async def test_a_freeze_between_the_approval_and_the_change_holds_it() -> None:
    house = served()
    tending(house)
    async with Waiting(house, playbook="tend", service="checkout") as waiting:
        await waiting.kill()
        await waiting.press(BEN)
        await freeze(house)
        waiting.start()
        run = await waiting.ended()
    assert (run.status, run.reason[:35]) == (RunStatus.REFUSED, "checkout is frozen: data migration ")
    assert house.done == ["look"]


async def test_a_freeze_ends_when_its_time_is_over() -> None:
    house = served()
    tending(house)
    await freeze(house, until_min=30)
    assert (await asked(house, ANN)).status is RunStatus.REFUSED
    house.ports.clock.at += timedelta(minutes=30)  # type: ignore[attr-defined]
    async with Waiting(house, playbook="tend", service="checkout") as waiting:
        await waiting.press(BEN)
        assert (await waiting.ended()).status is RunStatus.DONE


async def test_what_leaves_the_service_alone_is_not_held_by_a_freeze() -> None:
    house = served()
    tending(house, freezable=False)
    await freeze(house)
    async with Waiting(house, playbook="tend", service="checkout") as waiting:
        await waiting.press(BEN)
        assert (await waiting.ended()).status is RunStatus.DONE


async def test_firstfive_does_by_itself_only_what_two_people_have_let_it() -> None:
    house = served()
    tending(house, standing=True)
    assert (await asked(house, FIRSTFIVE)).reason.startswith("No standing approval of checkout is in force")
    await stand(house, policy="another")
    assert (await asked(house, FIRSTFIVE)).status is RunStatus.REFUSED
    await stand(house)
    run = await asked(house, FIRSTFIVE)
    assert (run.status, run.result["text"]) == (RunStatus.DONE, "tended checkout by FirstFive")
    await freeze(house)
    assert (await asked(house, FIRSTFIVE)).reason.startswith("checkout is frozen")


async def test_a_standing_approval_is_void_when_the_policy_changes() -> None:
    house = served()
    tending(house, standing=True)
    await stand(house)
    moved = replace(CHECKOUT, route=Route("haproxy", {"socket": "/run/other.sock"}))
    house.use(catalog=replace(house.ports.catalog, services=(moved,)))
    assert (await asked(house, FIRSTFIVE)).status is RunStatus.REFUSED


async def test_a_standing_approval_does_not_stand_for_what_a_person_asks() -> None:
    house = served()
    tending(house, standing=True)
    await stand(house)
    async with Waiting(house, playbook="tend", service="checkout") as waiting:
        assert waiting.asked.requester == ANN


@pytest.mark.parametrize(
    ("by", "status"), [(BEN, RunStatus.DONE), (OPERATOR, RunStatus.DONE), (DAN, RunStatus.REFUSED)]
)
async def test_one_with_the_right_is_enough_for_what_only_takes_back(by: Person, status: RunStatus) -> None:
    house = served()
    demo = tending(house)

    @demo.alone
    async def takes_back(tools: Tools, params: Tend) -> bool:
        return bool(tools.actor.id and params.service)

    run = await asked(house, by)
    assert run.status is status
    assert Kind.APPROVAL_ASKED not in house.told()


async def test_the_service_of_an_incident_is_what_a_plan_is_about_that_names_none() -> None:
    house = served()
    tending(house)
    incident_id = await house.incident()
    async with Waiting(house, incident_id, playbook="tend", rollback=False) as waiting:
        assert waiting.asked.service == ""
        await waiting.press(BEN)
        assert (await waiting.ended()).status is RunStatus.DONE


async def test_a_change_that_was_begun_under_a_standing_approval_is_finished_without_it() -> None:
    house = served()
    tending(house, standing=True)
    await stand(house)
    run = await asked(house, FIRSTFIVE)
    del house.state.memos[run.id]["step:act"]
    house.state.runs[run.id] = replace(house.state.runs[run.id], status=RunStatus.RUNNING)
    await stand(house, policy="another")
    again = await house.runner.execute(run.id)
    assert again is not None
    assert again.status is RunStatus.DONE
    assert Kind.APPROVAL_ASKED not in [entry.kind for entry in house.chain(HOUSE)]


def test_a_playbook_that_offers_to_break_the_glass_needs_what_that_takes() -> None:
    house = served()
    with pytest.raises(PlaybookRefused, match="needs its param, a service and a reason"):
        check(tending(house, break_glass="force"))
