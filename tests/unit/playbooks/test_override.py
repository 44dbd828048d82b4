"""Two people let a denied deploy through: once, for an hour, this artifact, despite these reasons."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bot.domain.deploys import rolled_back
from bot.domain.errors import StoreUnusable
from bot.domain.gate.evidence import Submission
from bot.domain.run import Run, RunStatus
from bot.domain.timeline import HOUSE, Kind, Person
from bot.engine import Tools, gating
from bot.engine.deploys import Deploys
from bot.engine.runner import Runner
from bot.engine.tools import adapter_of
from tests.cosigned import DIGEST, OTHER
from tests.fakes import FakePoster
from tests.unit.playbooks.desk import ADA, BEN, REGISTRY, Desk
from tests.unit.playbooks.gated import HOOK, asked, gated_desk, kept, told

USED = "The override of Ada, approved by Ben, was used at 2026-03-01 12:00 UTC"


async def overridden(house: Desk, second: Person = BEN, release: str = "v1.2.3") -> Run:
    params = {"service": "checkout", "release": release, "reason": "it is the fix"}
    run_id = await house.begin("override", params, ADA)

    def waits() -> bool:
        return any(each.kind == Kind.APPROVAL_ASKED and each.facts["run"] == run_id for each in house.chain(HOUSE))

    await house.work(lambda: waits() or bool(house.state.runs[run_id].status.ended))
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
    assert again.reason.endswith(f". {USED}.")
    assert isinstance(house.ports.poster, FakePoster)
    assert f"\n• {USED}\n" in [text for _, text in house.ports.poster.posts.values()][-1]
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
    assert frozen.reason.endswith(
        ". The override of Ada, approved by Ben, does not cover all of these reasons: ask for a new one."
    )
    assert "override" not in other.reason
    await house.say("thaw checkout", BEN)
    house.later(3_600)
    late = await asked(house, Submission(DIGEST))
    assert late.status is RunStatus.REFUSED
    assert late.reason.endswith(". The override of Ada, approved by Ben, ran out at 2026-03-01 13:00 UTC.")


async def test_each_artifact_has_an_override_of_its_own() -> None:
    house = gated_desk()
    builds = {"v1": DIGEST, "v2": OTHER}
    for release, digest in builds.items():
        await asked(house, Submission(digest), release, digest)
        await overridden(house, release=release)
    runs = [await asked(house, Submission(digest), release, digest) for release, digest in builds.items()]
    assert [run.status for run in runs] == [RunStatus.DONE] * 2


async def test_of_two_who_ask_at_once_one_has_it() -> None:
    house = gated_desk()
    await asked(house, Submission(DIGEST))
    await overridden(house)
    params = {"service": "checkout", "release": "v1.2.3", "digest": DIGEST}
    ids = [await house.begin("gate", params, HOOK) for _ in range(2)]
    await house.work(lambda: all(house.state.runs[each].status.ended for each in ids))
    runs = [house.state.runs[each] for each in ids]
    assert sorted(run.status.value for run in runs) == ["done", "refused"]
    assert len(told(house, Kind.DEPLOY_ALLOWED)) == 1


async def killed(house: Desk, patch: pytest.MonkeyPatch, what: tuple[Any, str], dies: Callable[..., bool]) -> Run:
    """Ask the gate, have the process die at some point, and the run begun again minutes later."""
    real = getattr(*what)

    async def act(*args: Any) -> Any:
        if dies(*args):
            raise StoreUnusable("killed")
        return await real(*args)

    with patch.context() as patched:
        patched.setattr(*what, act)
        params = {"service": "checkout", "release": "v1.2.3", "digest": DIGEST}
        run_id = await house.begin("gate", params, HOOK)
        with pytest.raises(StoreUnusable):
            await Runner(REGISTRY, house.ports).execute(run_id)
    run = await house.resume_later(run_id)
    assert run is not None
    return run


async def test_an_override_is_not_used_up_by_a_decision_that_was_never_recorded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = gated_desk()
    await asked(house, Submission(DIGEST))
    await overridden(house)
    late = await killed(house, monkeypatch, (gating, "use_override"), lambda *_: True)
    assert "slow: it could not be decided within 30 s" in late.reason
    assert (await asked(house, Submission(DIGEST))).status is RunStatus.DONE


async def test_what_an_override_let_through_is_recorded_wherever_the_process_dies(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = gated_desk()
    await asked(house, Submission(DIGEST))
    await overridden(house)
    run = await killed(house, monkeypatch, (Tools, "commit"), lambda _, key, *__: key == "step:decide")
    assert (run.status, run.result["overridden"]) == (RunStatus.DONE, "Ada, approved by Ben")
    assert len(told(house, Kind.DEPLOY_ALLOWED)) == 1
    assert (await asked(house, Submission(DIGEST))).status is RunStatus.REFUSED


async def test_an_override_that_an_earlier_release_has_kept_counts_once() -> None:
    house = gated_desk()
    await asked(house, Submission(DIGEST))
    await overridden(house)
    kept_now = json.loads(house.state.marks.pop(f"override:checkout:{DIGEST}"))
    before = {key: value for key, value in kept_now.items() if key != "used_at"}
    house.state.marks["override:checkout"] = json.dumps(before)
    runs = [await asked(house, Submission(DIGEST)) for _ in range(2)]
    assert [run.status for run in runs] == [RunStatus.DONE, RunStatus.REFUSED]
    house.state.marks["override:checkout"] = "null"
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


async def test_what_is_out_and_was_denied_once_needs_none_when_it_is_let_through_again() -> None:
    house = gated_desk()
    await asked(house)
    house.later(60)
    await house.say("deploy checkout release=v1.2.3 commit=abc1234")
    house.later(60)
    await house.say("start sev1 payment down")
    assert (await asked(house)).status is RunStatus.REFUSED
    assert "v1.2.3 by Ada was denied 0 s ago (open incident)" in await house.text("changes checkout")
    house.later(60)
    await house.say("mitigate incident=INC-1 rolled back")
    assert (await asked(house)).status is RunStatus.DONE
    assert "denied" not in await house.text("changes checkout")
    assert (await overridden(house)).reason == "v1.2.3 of checkout is not denied. Denied lately: v1.2.3."


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
