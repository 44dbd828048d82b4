"""Two people with the right let FirstFive empty a canary by itself, by these rules; one takes it back at once."""

from dataclasses import replace

import pytest

from bot.domain.narrative import tell
from bot.domain.run import Run, RunStatus, Source
from bot.domain.timeline import Kind, Person
from bot.domain.traffic import Route
from bot.engine.admission import Command
from bot.engine.authority import policy_sha256, standing
from tests.fakes import FakePoster
from tests.unit.playbooks.desk import ADA, BEN, Desk
from tests.unit.playbooks.watched import SERVICE, watched_desk

DAN, OPERATOR = Person("U4", "Dan"), Person("cli:root", "root")


def told(house: Desk) -> list[str]:
    return [tell(entry) for entry in house.chain("house") if entry.kind == Kind.STANDING_SET]


async def asked(house: Desk, by: Person = ADA, second: Person = BEN) -> Run:
    """Ask for it, and let a second person approve what waits."""
    command = Command("standing", {"service": "checkout", "state": "on"}, by, Source(via="test"))
    run_id = (await house.admission.admit(command)).run_id
    waits = {Kind.APPROVAL_ASKED}
    await house.work(
        lambda: bool(waits & {entry.kind for entry in house.chain("house")} or house.state.runs[run_id].status.ended)
    )
    if not house.state.runs[run_id].status.ended:
        await house.say(f"approve run={run_id}", second)
        if second == BEN:
            await house.work(lambda: bool(house.state.runs[run_id].status.ended))
    run: Run = house.state.runs[run_id]
    return run


async def test_two_people_with_the_right_agree_to_exactly_these_rules() -> None:
    house = watched_desk()
    run = await asked(house)
    assert run.status is RunStatus.DONE
    assert "may take the weight from the canary of checkout (envoy) and nothing else" in run.result["text"]
    assert run.result["text"].endswith("Agreed by Ada and Ben.")
    policy = policy_sha256(SERVICE)
    assert told(house) == [
        f"Let FirstFive empty the canary of checkout by itself, approved by Ben, policy {policy[:12]}."
    ]
    found = await standing(house.ports, "checkout")
    assert found is not None
    assert (found.asked_by, found.approved_by, found.policy) == (ADA, BEN, policy)


@pytest.mark.parametrize("second", [ADA, DAN, OPERATOR])
async def test_nobody_without_the_right_is_the_second_person(second: Person) -> None:
    house = watched_desk()
    run = await asked(house, second=second)
    assert (run.status, told(house)) == (RunStatus.RUNNING, [])


@pytest.mark.parametrize(
    ("by", "why"), [(DAN, "Dan is not among those"), (OPERATOR, "An account of the bot's machine")]
)
async def test_nobody_without_the_right_asks(by: Person, why: str) -> None:
    house = watched_desk()
    run = await asked(house, by)
    assert (run.status, run.reason[: len(why)]) == (RunStatus.REFUSED, why)


async def test_one_person_takes_it_back_at_once_also_while_it_is_frozen() -> None:
    house = watched_desk()
    await asked(house)
    await house.say("freeze checkout data migration", BEN)
    assert await house.text("standing checkout off", BEN) == "FirstFive changes nothing of checkout by itself any more."
    assert told(house)[1:] == ["Took the standing approval of checkout back."]
    assert await standing(house.ports, "checkout") is None
    assert (await house.say("standing checkout off", DAN)).status is RunStatus.REFUSED


@pytest.mark.parametrize(
    "change",
    [
        {"route": Route("envoy", {"admin": "http://127.0.0.1:9902"})},
        {"canary": replace(SERVICE.canary, policy=replace(SERVICE.canary.policy, errors_over=0.5))}
        if SERVICE.canary
        else {},
    ],
)
async def test_other_rules_or_another_router_void_it(change: dict[str, object]) -> None:
    house = watched_desk()
    await asked(house)
    changed = replace(SERVICE, **change)  # type: ignore[arg-type]
    ports = replace(house.ports, catalog=replace(house.ports.catalog, services=(changed,)))
    assert await standing(ports, "checkout") is None
    same = replace(house.ports, catalog=replace(house.ports.catalog, services=(replace(SERVICE, links=()),)))
    assert await standing(same, "checkout") is not None


async def test_outside_of_an_incident_it_is_asked_where_announcements_go() -> None:
    house = watched_desk()
    poster = FakePoster()
    house = type(house)(
        replace(house.ports, poster=poster, catalog=replace(house.ports.catalog, announcements="incidents")),
        house.router,
        house.counters,
    )
    await asked(house)
    [(channel, text)] = poster.posts.values()
    assert channel == "incidents"
    assert text.startswith("*Ada asks for a standing approval.* By itself, FirstFive may take the weight")


async def test_a_service_without_a_canary_needs_none() -> None:
    house = watched_desk(service=replace(SERVICE, canary=None))
    run = await asked(house)
    assert (run.status, run.reason[:34]) == (RunStatus.FAILED, "checkout needs a router and a cana")
