"""Two people let a denied deploy through: once, for an hour, this artifact, despite these reasons."""

import pytest

from bot.domain.deploys import rolled_back
from bot.domain.gate.evidence import Submission
from bot.domain.run import Run, RunStatus
from bot.domain.timeline import HOUSE, Kind, Person
from bot.engine.deploys import Deploys
from bot.engine.tools import adapter_of
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


async def test_what_was_rolled_back_is_denied_again_when_its_override_is_used_up() -> None:
    house = gated_desk()
    await asked(house)
    back = rolled_back(kept(house), "v1.2.3", house.ports.clock.now())
    house.state.marks["deploys:checkout"] = adapter_of(Deploys).dump_json(back).decode()
    house.later(60)
    await asked(house)
    await overridden(house)
    ends = [(await asked(house)).status for _ in range(3)]
    assert ends == [RunStatus.DONE, RunStatus.REFUSED, RunStatus.REFUSED]
    house.later(60)
    await house.say("deploy checkout release=v1.2.3")
    assert (await asked(house)).status is RunStatus.DONE


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
    assert text.startswith(
        "*Ada asks to deploy checkout v1.2.3 all the same*: it is the fix\ncheckout v1.2.3 by Ada was "
    )
    assert text.endswith(f" The artifact is {DIGEST}.")
