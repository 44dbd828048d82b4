"""The gate as a run: what it decides, what is recorded and told of it, and how it fails."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.conditions import of_denied
from bot.domain.deploys import last_good
from bot.domain.gate.evidence import Submission
from bot.domain.gate.policy import GatePolicy, Hold
from bot.domain.run import RunStatus
from bot.domain.timeline import Kind
from bot.engine.deploys import Deploys
from bot.engine.gate_answers import answer, shown_as
from bot.engine.gating import Gated
from bot.engine.tools import adapter_of
from bot.ports import Posted
from tests.cosigned import DIGEST, OTHER, Named
from tests.fakes import FakeArtifacts, FakePoster, FakeVerifier
from tests.unit.playbooks.desk import BEN
from tests.unit.playbooks.gated import HOOK, POLICY, SIGNER, WHOLE, asked, gated_desk, kept, told


async def test_what_proves_all_that_is_asked_for_is_allowed_and_is_a_deploy() -> None:
    house = gated_desk()
    run = await asked(house)
    assert (run.status, run.result["allowed"]) == (RunStatus.DONE, True)
    assert told(house, Kind.DEPLOY_ALLOWED) == [
        "The gate let checkout v1.2.3 through: signed by release.pub; made of 1 component, as release.pub says."
    ]
    assert [(each.release, each.source, each.digest, each.denied) for each in kept(house)] == [
        ("v1.2.3", "gate", DIGEST, ())
    ]
    assert isinstance(house.ports.poster, FakePoster)
    assert not house.ports.poster.posts


async def test_a_denial_is_recorded_told_and_answered() -> None:
    house = gated_desk()
    await house.say("start sev3 checkout slow")
    run = await asked(house, Submission(DIGEST))
    reason = "checkout v1.2.3 by Ada is denied: unsigned: no signature of sha256:"
    assert (run.status, run.reason[: len(reason)]) == (RunStatus.REFUSED, reason)
    assert len(told(house, Kind.DEPLOY_DENIED)) == len(told(house, Kind.DEPLOY_DENIED, "INC-1")) == 1
    assert isinstance(house.ports.poster, FakePoster)
    [(channel, text)] = house.ports.poster.posts.values()
    assert channel == "#releases"
    assert text.startswith("*checkout v1.2.3 was not deployed*: the gate denied it.\n• unsigned: ")
    gated = await answer(house.ports, run.id)
    assert isinstance(gated, Gated)
    assert gated.summary == run.reason


async def test_without_a_policy_everything_is_denied() -> None:
    run = await asked(gated_desk(None))
    assert (run.status, "no gate: the configuration has no [services.gate]" in run.reason) == (RunStatus.REFUSED, True)


class Hanging(FakeVerifier):
    async def verify(self, submission: Submission, policy: GatePolicy) -> Any:
        del submission, policy
        raise TimeoutError  # what the time limit comes to


@pytest.mark.parametrize(
    ("parts", "shown", "reason"),
    [
        ({}, Submission(DIGEST, "what"), "malformed: proof 1 of 1: it is not JSON that can be read"),
        ({}, replace(WHOLE, proofs=SIGNER.image(OTHER)), "replayed: a signature by release.pub is of another artifact"),
        ({}, replace(WHOLE, proofs=Named(name="evil.pub").image()), "untrusted: no trusted key has made a signature"),
    ],
)
async def test_it_fails_closed_and_says_why(parts: Mapping[str, Any], shown: Submission, reason: str) -> None:
    run = await asked(gated_desk(**parts), shown)
    assert run.status is RunStatus.REFUSED
    assert f"denied: {reason}" in run.reason or f"; {reason}" in run.reason


KEY = "not verified: nothing could be verified: the key x cannot be read"


@pytest.mark.parametrize(
    ("parts", "shown", "reason"),
    [
        ({"verifier": FakeVerifier(missing="the key x cannot be read")}, WHOLE, KEY),
        ({"verifier": Hanging()}, WHOLE, "slow: to verify what was sent takes longer than 10 s"),
        ({}, replace(WHOLE, digest=OTHER), "replayed: what was sent is about another artifact"),
    ],
)
async def test_of_what_could_not_be_looked_at_nothing_is_said_to_be_lacking(
    parts: Mapping[str, Any], shown: Submission, reason: str
) -> None:
    house = gated_desk(**parts)
    assert (await asked(house, shown)).reason == f"checkout v1.2.3 by Ada is denied: {reason}."
    await house.say("freeze checkout a migration")
    [deploy] = kept(house)
    assert [str(each) for each in deploy.denied] == [reason]
    frozen = await asked(house, shown)
    assert [each.obstacle for each in kept(house)[-1].denied] == ["frozen", deploy.denied[0].obstacle]
    assert frozen.reason.endswith(f"; {reason}.")


async def test_what_was_kept_and_is_gone_or_unreadable_is_denied() -> None:
    house = gated_desk()
    params = {"service": "checkout", "release": "v1", "digest": DIGEST}
    gone = "checkout v1 is denied: not verified: what was sent is not kept any more; send it again."
    assert (await house.run("gate", {**params, "evidence": "f" * 64}, HOOK)).reason == gone
    sha256 = (await house.ports.artifacts.put("x", b"[1]")).sha256
    unread = "checkout v1 is denied: malformed: what was sent cannot be read."
    assert (await house.run("gate", {**params, "evidence": sha256})).reason == unread
    assert isinstance(house.ports.artifacts, FakeArtifacts)


async def test_an_answer_that_nobody_waits_for_any_more_is_no() -> None:
    house = gated_desk()
    sha256 = (await house.ports.artifacts.put("shown.json", shown_as(WHOLE))).sha256
    params = {"service": "checkout", "release": "v1", "digest": DIGEST, "evidence": sha256}
    run_id = await house.begin("gate", params, HOOK)
    house.later(31)
    await house.work(lambda: house.state.runs[run_id].status.ended)
    assert "denied: slow: it could not be decided within 30 s" in house.state.runs[run_id].reason


@pytest.mark.parametrize(
    ("words", "hold", "reason"),
    [
        ("start sev1 payment down", Hold.ANY, "open incident: INC-1, a SEV1, is open"),
        ("start sev1 payment down", Hold.SERVICE, ""),
        ("start sev1 checkout down", Hold.SERVICE, "open incident: INC-1, a SEV1, is open"),
        ("start sev1 checkout down", Hold.NONE, ""),
        ("start sev2 checkout down", Hold.ANY, ""),
        ("freeze checkout a migration", Hold.NONE, "frozen: checkout is frozen: a migration"),
    ],
)
async def test_an_open_sev1_and_a_freeze_hold_deploys_up(words: str, hold: Hold, reason: str) -> None:
    house = gated_desk(replace(POLICY, hold=hold))
    await house.say(words)
    run = await asked(house)
    assert (run.status is RunStatus.DONE) is not bool(reason)
    assert reason in run.reason


async def test_once_it_is_mitigated_a_sev1_holds_nothing_up() -> None:
    house = gated_desk()
    await house.say("start sev1 checkout down")
    await house.say("mitigate incident=INC-1 rolled back")
    assert (await asked(house)).status is RunStatus.DONE


async def test_a_private_incident_is_not_named_and_told_apart_from_another() -> None:
    house = gated_desk()
    await house.say("start sev1 payment down private=yes")
    house.later(61)
    await house.say("start sev1 payment down again private=yes")
    opened = "open incident: an incident of the severity SEV1, opened at 2026-03-01"
    private = [f"{opened} {at} UTC, is open" for at in ("12:01:01", "12:00:00")]
    run = await asked(house)
    assert run.reason == f"checkout v1.2.3 by Ada is denied: {'; '.join(private)}."
    assert not {"INC-1", "INC-2", "payment"} & {*run.reason.replace(",", " ").split()}


async def test_what_was_denied_is_no_release_to_go_back_to_and_is_told_as_what_changed() -> None:
    house = gated_desk()
    for release, shown in (("v1", WHOLE), ("v2", Submission(DIGEST)), ("v3", WHOLE)):
        await asked(house, shown, release)
        house.later(60)
    good = last_good(kept(house))
    assert good is not None
    assert good.release == "v1"
    await asked(house, Submission(DIGEST), "v4")
    house.later(120)
    said = await house.text("changes checkout")
    assert "v3 by Ada was let through by the gate 3 min ago; v4 by Ada was denied 2 min ago (unsigned, no sbom)" in said


async def test_what_was_let_through_hides_no_deploy_that_was_told() -> None:
    house = gated_desk()
    await house.say("deploy checkout release=v1")
    house.later(60)
    await asked(house, WHOLE, "v2")
    house.later(60)
    said = await house.text("changes checkout")
    assert "v1 by Ada was deployed 2 min ago; v2 by Ada was let through by the gate 1 min ago." in said


async def test_what_was_let_through_is_completed_by_whoever_deploys_it() -> None:
    house = gated_desk()
    await asked(house)
    house.later(30)
    await house.say("deploy checkout release=v1.2.3 commit=abc1234 go=go1.27.3", BEN)
    (only,) = kept(house)
    assert (only.source, only.commit, only.go, only.digest) == ("typed", "abc1234", "go1.27.3", DIGEST)


async def test_what_was_rolled_back_does_not_go_out_again_by_itself() -> None:
    house = gated_desk()
    await asked(house)
    (deploy,) = kept(house)
    back = replace(deploy, rolled_back_at=house.ports.clock.now())
    house.state.marks["deploys:checkout"] = adapter_of(Deploys).dump_json((back,)).decode()
    assert "rolled back: it was rolled back at 2026-03-01 12:00 UTC" in (await asked(house)).reason


async def test_a_channel_that_does_not_take_it_is_tried_again_and_that_is_recorded_at_last() -> None:
    busy = Posted(ok=False, reason="ratelimited", again=True)
    house = gated_desk(poster=FakePoster(busy, busy))
    await asked(house, Submission(DIGEST))
    assert isinstance(house.ports.poster, FakePoster)
    assert len(house.ports.poster.posts) == 1
    lost = gated_desk(poster=FakePoster(Posted(ok=False, reason="there is no such channel")))
    await asked(lost, Submission(DIGEST))
    assert told(lost, Kind.CHAT_FAILED) == [
        "Slack did not take the denial of checkout v1.2.3: there is no such channel"
    ]


async def test_the_digest_tells_of_a_denial_until_something_goes_out() -> None:
    house = gated_desk()
    await asked(house, Submission(DIGEST))
    house.later(120)
    [condition] = of_denied(kept(house), house.ports.clock.now())
    assert condition.text == "checkout: v1.2.3 by Ada was denied 2 min ago (unsigned, no sbom)"
    assert condition.text in await house.text("digest")
    await asked(house)
    assert list(of_denied(kept(house), house.ports.clock.now())) == []
