"""Which release a rollback calls bad, which one good, and what is remembered of it."""

import json
from dataclasses import replace
from datetime import timedelta

from bot.domain.deploys import deploys_key
from bot.domain.gate.policy import GatePolicy
from bot.ports import Commit
from tests.fakes import NOON, FakeRepository, FakeRouter
from tests.unit.playbooks.desk import CATALOG, desk
from tests.unit.playbooks.test_rollback import OPEN_, ask, go_on, opened


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


async def test_what_the_gate_let_through_and_nobody_told_to_run_is_not_called_the_bad_one() -> None:
    checkout = replace(CATALOG.services[0], gate=GatePolicy(signature=False, sbom=False))
    house = desk(router=FakeRouter(OPEN_), catalog=replace(CATALOG, services=(checkout,)))
    for release in ("v1.4.0", "v1.5.0"):
        await house.say(f"deploy checkout release={release}")
        house.later(60)
    await house.run("gate", {"service": "checkout", "release": "v1.6.0", "digest": f"sha256:{'a' * 64}"})
    house.later(600)
    await house.say("start sev3 checkout slow")
    run_id = await ask(house)
    assert (
        house.incident()
        .waiting[0]
        .measured["Plan"]
        .endswith(
            "Deployed last: v1.5.0 by Ada. The gate has let v1.6.0 through since, and nobody told whether it runs. "
            "Last known good: v1.4.0 by Ada."
        )
    )
    await go_on(house, run_id)
    kept = json.loads(house.state.marks[deploys_key("checkout")])
    assert not [each["release"] for each in kept if each["rolled_back_at"]]
