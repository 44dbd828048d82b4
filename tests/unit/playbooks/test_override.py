"""Two people let a denied deploy through: once, for an hour, this artifact, despite these reasons."""

import pytest

from bot.domain.gate.evidence import Submission
from bot.domain.run import Run, RunStatus
from bot.domain.timeline import HOUSE, Kind, Person
from tests.cosigned import DIGEST, OTHER
from tests.fakes import FakePoster
from tests.unit.playbooks.desk import ADA, BEN, Desk
from tests.unit.playbooks.gated import HOOK, asked, gated_desk, kept, told


async def overridden(house: Desk, second: Person = BEN) -> Run:
    params = {"service": "checkout", "release": "v1.2.3", "reason": "it is the fix"}
    run_id = await house.begin("override", params, ADA)
    waits = {Kind.APPROVAL_ASKED}
    await house.work(
        lambda: bool(waits & {entry.kind for entry in house.chain(HOUSE)} or house.state.runs[run_id].status.ended)
    )
    if not house.state.runs[run_id].status.ended:
        await house.say(f"approve run={run_id}", second)
        if second == BEN:
            await house.work(lambda: bool(house.state.runs[run_id].status.ended))
    run: Run = house.state.runs[run_id]
    return run


async def test_two_people_let_a_denied_deploy_through_once() -> None:
    house = gated_desk()
    await asked(house, Submission(DIGEST))
    house.later(1)
    run = await overridden(house)
    assert run.result["text"].startswith(
        "v1.2.3 of checkout may be deployed once until 13:00 UTC, agreed by Ada and Ben."
    )
    assert told(house, Kind.DEPLOY_OVERRIDDEN)[0].startswith(
        "Let checkout v1.2.3 be deployed once until 13:00 UTC, approved by Ben, despite: unsigned: no signature"
    )
    first = await asked(house, Submission(DIGEST))
    house.later(1)
    again = await asked(house, Submission(DIGEST))
    assert (first.status, first.result["overridden"]) == (RunStatus.DONE, "Ada, approved by Ben")
    assert again.status is RunStatus.REFUSED
    assert [each.denied == () for each in kept(house)] == [False, True, False]


async def test_an_override_is_for_this_artifact_and_these_reasons_alone() -> None:
    house = gated_desk()
    await asked(house, Submission(DIGEST))
    await overridden(house)
    other = await asked(house, Submission(OTHER), digest=OTHER)
    await house.say("freeze checkout a migration", BEN)
    frozen = await asked(house, Submission(DIGEST))
    assert (other.status, frozen.status) == (RunStatus.REFUSED, RunStatus.REFUSED)
    await house.say("thaw checkout", BEN)
    house.later(3_600)
    assert (await asked(house, Submission(DIGEST))).status is RunStatus.REFUSED


async def test_an_override_of_one_private_incident_is_none_of_another() -> None:
    house = gated_desk()
    await house.say("start sev1 payment down private=yes")
    await asked(house)
    await overridden(house)
    house.later(1)
    await house.say("start sev1 payment down again private=yes")
    assert (await asked(house)).status is RunStatus.REFUSED
    await house.say("mitigate incident=INC-2 rolled back")
    assert (await asked(house)).status is RunStatus.DONE


@pytest.mark.parametrize("second", [ADA, Person("U4", "Dan"), HOOK])
async def test_nobody_without_the_right_is_the_second_person(second: Person) -> None:
    house = gated_desk()
    await asked(house, Submission(DIGEST))
    run = await overridden(house, second)
    assert (run.status, told(house, Kind.DEPLOY_OVERRIDDEN)) == (RunStatus.RUNNING, [])


async def test_what_is_not_denied_needs_no_override() -> None:
    house = gated_desk()
    await asked(house)
    run = await overridden(house)
    assert run.reason == "v1.2.3 of checkout is not denied. Denied lately: nothing."


async def test_it_is_asked_where_people_are() -> None:
    house = gated_desk()
    await asked(house, Submission(DIGEST))
    await overridden(house)
    assert isinstance(house.ports.poster, FakePoster)
    [_, (channel, text)] = house.ports.poster.posts.values()
    assert channel == "#releases"
    first, second = text.split("\n")
    assert first == "*Ada asks to deploy checkout v1.2.3 all the same*: it is the fix"
    assert second.startswith(f"checkout v1.2.3 by Ada, {DIGEST}, was denied at 2026-03-01 12:00 UTC: unsigned: no sig")
