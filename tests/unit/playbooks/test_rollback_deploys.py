"""Which release a rollback calls bad, which one good, and what is remembered of it."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.deploys import deploys_key
from bot.domain.gate.policy import GatePolicy
from bot.domain.run import RunStatus
from bot.ports import Commit
from tests.fakes import NOON, FakeRepository, FakeRouter
from tests.unit.playbooks.desk import CATALOG, Desk, desk
from tests.unit.playbooks.test_rollback import OPEN_, ask, go_on, opened, waiting


async def test_what_was_deployed_is_said_and_remembered_as_taken_back() -> None:
    house = await opened(FakeRouter(OPEN_))
    for release in ("v1.4.0", "v1.5.0"):
        await house.say(f"deploy checkout release={release}")
        house.later(60)
    run_id = await ask(house)
    said = house.incident().waiting[0].measured["Plan"]
    assert said.endswith("Deployed last: v1.5.0 by Ada. Last known good: v1.4.0 by Ada.")
    await go_on(house, run_id)
    kept = json.loads(house.state.marks[deploys_key("checkout")])
    assert [each["release"] for each in kept if each["rolled_back_at"]] == ["v1.5.0"]


async def test_a_tag_that_nobody_deployed_is_not_what_is_taken_back() -> None:
    tags = (Commit("b" * 40, "Ben", NOON + timedelta(minutes=2), "v1.6.0"), Commit("a" * 40, "Ben", NOON, "v1.3.0"))
    checkout = replace(CATALOG.services[0], repository="/srv/git/checkout")
    catalog = replace(CATALOG, services=(checkout,))
    house = desk(router=FakeRouter(OPEN_), catalog=catalog, repository=FakeRepository(tags=tags))
    await house.say("start sev3 checkout slow")
    house.later(60)
    await house.say("deploy checkout release=v1.5.0")
    house.later(600)
    run_id = await ask(house)
    said = house.incident().waiting[0].measured["Plan"]
    assert said.endswith("Deployed last: v1.5.0 by Ada. Last known good: v1.3.0 (aaaaaaa) by Ben.")
    await go_on(house, run_id)
    kept = json.loads(house.state.marks[deploys_key("checkout")])
    assert [bool(each["rolled_back_at"]) for each in kept] == [True]


async def gated() -> Desk:
    """Give a house whose gate lets all through, and in which two releases were deployed."""
    checkout = replace(CATALOG.services[0], gate=GatePolicy(signature=False, sbom=False))
    house = desk(router=FakeRouter(OPEN_), catalog=replace(CATALOG, services=(checkout,)))
    await house.say("start sev3 checkout slow")
    for release in ("v1.4.0", "v1.5.0"):
        await house.say(f"deploy checkout release={release}")
        house.later(60)
    return house


async def passes(house: Desk, release: str, **more: str) -> bool:
    """Ask the gate; tell whether it lets this through."""
    digest = f"sha256:{release.encode().hex():0>64}"
    run = await house.run("gate", {"service": "checkout", "release": release, "digest": digest, **more})
    house.later(60)
    return run.status is RunStatus.DONE


def bad(house: Desk) -> list[str]:
    kept = json.loads(house.state.marks[deploys_key("checkout")])
    return [each["release"] for each in kept if each["rolled_back_at"]]


async def test_of_what_was_deployed_and_what_the_gate_let_through_since_it_is_said_which_is_taken_back() -> None:
    house = await gated()
    assert await passes(house, "v1.6.0")
    house.later(600)
    run_id = await ask(house)
    said = house.incident().waiting[0].measured["Plan"]
    assert said.endswith(
        "Deployed last: v1.5.0 by Ada. v1.6.0, which the gate let through at 12:02 UTC and nobody told as deployed, "
        "counts as taken back; to take back v1.5.0 instead: `/incident rollback checkout release=v1.5.0`. "
        "Last known good: v1.5.0 by Ada."
    )
    await go_on(house, run_id)
    assert bad(house) == ["v1.6.0"]
    assert not await passes(house, "v1.6.0")
    assert (await house.text("changes checkout")).startswith(
        "v1.6.0 was let through by the gate 12 min ago and taken back at 12:13 UTC; v1.5.0 by Ada was deployed 13 min "
        "ago; v1.6.0 was denied 1 min ago (rolled back). "
    )


async def named(house: Desk, release: str) -> str:
    """Ask for a rollback that takes a release back."""
    params = {"service": "checkout", "release": release}
    run_id = await house.begin("rollback", params)
    await house.work(lambda: bool(waiting(house) or house.state.runs[run_id].status.ended))
    return run_id


async def test_what_is_on_its_way_to_mend_it_is_not_taken_back_where_what_is_bad_is_named() -> None:
    house = await gated()
    assert await passes(house, "v1.6.0")
    house.later(86_400)
    run_id = await named(house, "v1.5.0")
    said = house.incident().waiting[0].measured["Plan"]
    assert said.endswith(
        "Deployed last: v1.5.0 by Ada. v1.5.0 by Ada counts as taken back, and not v1.6.0, which the gate let through "
        "at 2026-03-01 12:02 UTC and nobody told as deployed; to take back v1.6.0 instead: "
        "`/incident rollback checkout release=v1.6.0`. Last known good: v1.4.0 by Ada."
    )
    await go_on(house, run_id)
    assert bad(house) == ["v1.5.0"]
    assert [await passes(house, release) for release in ("v1.5.0", "v1.6.0")] == [False, True]


async def test_what_ran_before_and_is_on_its_way_again_is_not_taken_back() -> None:
    house = await gated()
    assert await passes(house, "v1.4.0")
    run_id = await ask(house)
    said = house.incident().waiting[0].measured["Plan"]
    assert "v1.5.0 by Ada counts as taken back, and not v1.4.0, which" in said
    assert said.endswith("`/incident rollback checkout release=v1.4.0`. Last known good: v1.4.0 by Ada.")
    await go_on(house, run_id)
    assert [await passes(house, release) for release in ("v1.4.0", "v1.5.0")] == [True, False]


async def test_one_that_ran_earlier_is_taken_back_where_it_is_named_and_one_that_never_went_out_is_not() -> None:
    house = await gated()
    unknown = await named(house, "v9")
    refused = house.state.runs[unknown]
    assert (refused.status, refused.reason) == (
        RunStatus.FAILED,
        "v9 of checkout never went out. Known: v1.4.0, v1.5.0.",
    )
    run_id = await named(house, "v1.4.0")
    said = house.incident().waiting[0].measured["Plan"]
    assert said.endswith(
        "Deployed last: v1.5.0 by Ada. v1.4.0 by Ada counts as taken back; to take back v1.5.0 instead: "
        "`/incident rollback checkout release=v1.5.0`."
    )
    await go_on(house, run_id)
    assert bad(house) == ["v1.4.0"]


async def test_what_the_gate_lets_through_while_a_rollback_is_agreed_on_is_not_taken_back() -> None:
    house = await gated()
    run_id = await ask(house)
    assert await passes(house, "v1.6.0")
    await go_on(house, run_id)
    assert bad(house) == ["v1.5.0"]
    assert not await passes(house, "v1.5.0")
    assert await passes(house, "v1.6.0")


@pytest.mark.parametrize("at", ["", " at=12:02"])
async def test_a_release_that_asks_the_gate_whenever_it_is_synced_is_one_that_a_rollback_forgets_not(at: str) -> None:
    house = await gated()
    house.later(30)
    assert await passes(house, "v1.6.0")
    await house.say(f"deploy checkout release=v1.6.0 commit=abc12345{at}")
    for _ in range(3):
        house.later(600)
        assert await passes(house, "v1.6.0")
    run_id = await ask(house)
    said = house.incident().waiting[0].measured["Plan"]
    assert said.endswith("Deployed last: v1.6.0 (abc1234) by Ada. Last known good: v1.5.0 by Ada.")
    await go_on(house, run_id)
    assert not await passes(house, "v1.6.0")
    await house.say("deploy checkout release=v1.6.0 commit=abc12345")
    assert await passes(house, "v1.6.0")


async def test_one_that_was_told_once_hides_nothing_that_the_gate_alone_is_asked_about() -> None:
    house = await gated()
    for release in ("v1.6.0", "v1.7.0", "v1.8.0"):
        house.later(4 * 86_400)
        assert await passes(house, release)
    run_id = await ask(house)
    said = house.incident().waiting[0].measured["Plan"]
    assert "Deployed last: v1.7.0. v1.8.0, which the gate let through at 12:04 UTC" in said
    assert said.endswith("Last known good: v1.7.0.")
    await go_on(house, run_id)
    assert bad(house) == ["v1.8.0"]
    assert not await passes(house, "v1.8.0")
