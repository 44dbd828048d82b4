"""A press counts for whoever has the right, when it is pressed and when it is used; what does not is told once."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.authority import People
from bot.domain.narrative import tell
from bot.domain.run import RunStatus
from bot.domain.timeline import Kind, Person
from bot.domain.traffic import Route
from tests.fakes import FakeGroups
from tests.unit.engine.house import ANN, House
from tests.unit.engine.tending import CHECKOUT, CY, DAN, OPERATOR, served, tending
from tests.unit.engine.test_approval import breaking
from tests.unit.engine.waiting import BEN, Waiting

ABOUT = {"playbook": "tend", "service": "checkout"}


def tried(house: House, chain: str = "house") -> list[tuple[str, str]]:
    return [(entry.actor_name, tell(entry)) for entry in house.chain(chain) if entry.kind == Kind.APPROVAL_TRIED]


@pytest.mark.parametrize("by", [BEN, CY])
async def test_whoever_is_named_by_id_or_by_group_approves(by: Person) -> None:
    house = served()
    tending(house)
    async with Waiting(house, **ABOUT) as waiting:
        assert (await waiting.press(by)).status is RunStatus.DONE
        run = await waiting.ended()
    assert (run.status, run.result["text"]) == (RunStatus.DONE, f"tended checkout by {by.name}")
    assert tried(house) == []


@pytest.mark.parametrize(
    ("by", "refusal"),
    [
        (ANN, "You asked for tend service=checkout yourself"),
        (DAN, "Dan is not among those who may approve for checkout."),
        (OPERATOR, "An account of the bot's machine holds no role"),
        (Person("api:local", "API"), "Who approves must be known"),
    ],
)
async def test_whoever_may_not_is_told_so_and_it_is_on_the_timeline_once(by: Person, refusal: str) -> None:
    house = served()
    tending(house)
    async with Waiting(house, **ABOUT) as waiting:
        pressed = [await waiting.press(by) for _ in range(3)]
        assert waiting.asked.decided is None
    assert {run.status for run in pressed} == {RunStatus.REFUSED}
    assert all(run.reason.startswith(refusal) for run in pressed)
    [(name, said)] = tried(house)
    assert name == by.name
    assert said.startswith(f"Tried to approve tend on checkout, which did not count: {refusal}")
    assert house.done == ["look"]


async def test_everybody_may_refuse() -> None:
    house = served()
    tending(house)
    async with Waiting(house, **ABOUT) as waiting:
        assert (await waiting.press(DAN, "refuse", reason="not now")).status is RunStatus.DONE
        assert (await waiting.ended()).status is RunStatus.REFUSED


async def test_what_is_pressed_twice_or_too_late_or_for_another_plan_is_on_the_timeline_too() -> None:
    house = served()
    tending(house)
    async with Waiting(house, **ABOUT) as waiting:
        await waiting.press(BEN, plan="0" * 12)
        await waiting.kill()
        await waiting.press(BEN)
        await waiting.press(BEN)
        await waiting.press(CY, "refuse")
    assert [(name, said.partition("count: ")[2]) for name, said in tried(house)] == [
        ("Ben", "The plan of tend service=checkout is not the one you saw. Look at it again."),
        ("Ben", "tend service=checkout was approved by Ben already. Nothing was changed."),
        ("Cy", "tend service=checkout was approved by Ben already. Nothing was changed."),
    ]
    async with Waiting(house, **ABOUT) as waiting:
        await waiting.kill()
        house.ports.clock.at += timedelta(minutes=10)  # type: ignore[attr-defined]
        assert "is over" in (await waiting.press(BEN)).reason
    assert "The time to approve" in tried(house)[-1][1]


async def test_a_press_about_no_service_is_told_of_as_well() -> None:
    house = House()
    breaking(house)
    async with Waiting(house) as waiting:
        await waiting.press(ANN)
    [(_, said)] = tried(house)
    assert said.startswith("Tried to approve break, which did not count: You asked for break text=hi yourself")


async def test_while_slack_is_away_whoever_is_in_a_group_only_is_told_what_to_do() -> None:
    house = served()
    house.use(groups=FakeGroups(failure="Slack answered timeout"))
    tending(house)
    async with Waiting(house, **ABOUT) as waiting:
        refused = await waiting.press(CY)
        assert "Whether Cy may approve for checkout cannot be told now" in refused.reason
        assert (await waiting.press(BEN)).status is RunStatus.DONE
        assert (await waiting.ended()).status is RunStatus.DONE
    assert len(tried(house)) == 1


async def test_a_role_that_is_taken_away_between_press_and_step_does_not_count() -> None:
    house = served()
    tending(house)
    async with Waiting(house, **ABOUT) as waiting:
        await waiting.kill()
        await waiting.press(CY)
        house.use(groups=FakeGroups({"S1": [], "S2": []}))
        waiting.start()
        run = await waiting.ended()
    assert (run.status, house.done) == (RunStatus.REFUSED, ["look"])
    assert run.reason.startswith("Cy is not among those who may approve for checkout.")


async def test_a_role_that_is_taken_away_once_the_change_has_begun_leaves_nothing_half_done() -> None:
    house = served()
    tending(house)
    async with Waiting(house, **ABOUT) as waiting:
        await waiting.kill()
        await waiting.press(CY)
        house.use(groups=FakeGroups({"S1": [], "S2": []}))
        house.state.memos[waiting.run_id]["began:act"] = house.ports.clock.now().isoformat()
        waiting.start()
        assert (await waiting.ended()).status is RunStatus.DONE


async def test_another_router_after_a_restart_is_another_plan() -> None:
    house = served()
    tending(house)
    async with Waiting(house, **ABOUT) as waiting:
        await waiting.kill()
        await waiting.press(BEN)
        moved = replace(CHECKOUT, route=Route("haproxy", {"socket": "/run/other.sock"}))
        house.use(catalog=replace(house.ports.catalog, services=(moved,)))
        waiting.start()
        run = await waiting.ended()
    assert (run.status, house.done) == (RunStatus.REFUSED, ["look"])
    assert "is not the one you saw" in run.reason


async def test_one_person_breaks_the_glass_of_what_waits() -> None:
    house = served()
    tending(house)
    async with Waiting(house, **ABOUT) as waiting:
        refused = await waiting.press(DAN, "break-glass", reason="it burns")
        assert refused.reason.startswith("Dan is not among those who may break glass for checkout.")
        pressed = await waiting.press(ANN, "break-glass", reason="it burns", plan=waiting.asked.plan[:12])
        assert pressed.result["text"].startswith("You let `tend service=checkout` through alone")
        run = await waiting.ended()
        again = await waiting.press(CY)
    assert (run.status, run.result["text"]) == (RunStatus.DONE, "tended checkout by Ann")
    assert again.reason == "tend service=checkout was let through alone by Ann already. Nothing was changed."
    assert f"{run.id}.glass" in house.state.runs


async def test_where_there_is_no_glass_it_cannot_be_broken() -> None:
    house = served()
    tending(house, break_glass="")
    async with Waiting(house, **ABOUT) as waiting:
        refused = await waiting.press(ANN, "break-glass", reason="it burns")
    assert refused.reason.startswith("There is no glass to break")


async def test_a_service_whose_people_change_is_looked_up_as_it_is_now() -> None:
    house = served()
    tending(house)
    async with Waiting(house, **ABOUT) as waiting:
        await waiting.kill()
        house.use(catalog=replace(house.ports.catalog, services=(replace(CHECKOUT, people=People(approve=("U4",))),)))
        assert (await waiting.press(BEN)).status is RunStatus.REFUSED
        assert (await waiting.press(DAN)).status is RunStatus.DONE
        waiting.start()
        assert (await waiting.ended()).status is RunStatus.DONE
