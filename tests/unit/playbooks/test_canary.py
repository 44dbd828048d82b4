"""Both tracks are watched until it is clear; what cannot be known is inconclusive, and never taken for healthy."""

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.canary import Judgement
from bot.domain.narrative import tell
from bot.domain.run import RunStatus
from bot.domain.service import Service
from bot.domain.timeline import Kind
from bot.domain.traffic import CLOSED
from tests.fakes import FakeArtifacts, FakeRouter
from tests.unit.playbooks.watched import PLAN, SERVICE, WatchedDesk, watched_desk


async def judged(house: WatchedDesk, words: str = "canary checkout") -> dict[str, Any]:
    run = await house.say(words)
    assert run.status is RunStatus.DONE, run.reason
    assert isinstance(run.result, dict)
    return run.result


async def test_a_canary_that_fails_is_judged_at_once_with_the_way_out() -> None:
    house = watched_desk(failing=0.2)
    await house.say("start sev3 checkout slow")
    began = house.ports.clock.now()
    result = await judged(house, "canary incident=INC-1")
    assert (house.ports.clock.now() - began).total_seconds() < 15
    assert result["judgement"] == "rollback"
    [errors, _] = result["reasons"]
    assert (errors["rule"], errors["judgement"]) == ("errors", "rollback")
    assert result["choices"] == [
        {"label": "Roll back checkout", "command": "rollback checkout incident=INC-1", "again": "", "incident_id": ""}
    ]
    text = str(result["text"]).splitlines()
    assert text[0].startswith("*Canary of checkout: rollback.* ")
    assert "20 % of " in text[0]
    assert text[1].startswith("`errors, % canary   ")
    assert text[2].startswith("`errors, % baseline ")


async def test_what_was_judged_is_on_the_timeline_with_numbers_and_a_picture() -> None:
    house = watched_desk(failing=0.2)
    await house.say("start sev3 checkout slow")
    await judged(house, "canary incident=INC-1")
    entry = house.entries(Kind.JUDGED)[-1]
    assert tell(entry).startswith("Judged the canary of checkout: rollback. ")
    facts = entry.facts
    assert [panel["title"] for panel in facts["trend"]["panels"]] == [
        "errors, %: canary, baseline",
        "P95, ms: canary, baseline",
    ]
    artifacts = house.ports.artifacts
    assert isinstance(artifacts, FakeArtifacts)
    kept = json.loads(artifacts.kept[facts["artifact"]])
    assert kept["judged"]["judgement"] == "rollback"
    assert len(kept["sights"]) > 2
    assert artifacts.kept[facts["picture"]].startswith(b"\x89PNG")
    rollout = house.incident().rollout
    assert rollout is not None
    assert (rollout.proposed, rollout.judgement) == (True, "rollback")


async def test_a_healthy_canary_may_have_more() -> None:
    house = watched_desk()
    result = await judged(house, "canary checkout seconds=70")
    assert (result["judgement"], result["choices"]) == ("promote", [])


async def test_a_slow_canary_is_held() -> None:
    house = watched_desk(slow=0.5, service=_with(settle_s=0.0))
    result = await judged(house, "canary checkout seconds=60")
    assert (result["judgement"], len(result["choices"])) == ("hold", 1)


async def test_numbers_that_are_missing_are_inconclusive_and_say_why() -> None:
    house = watched_desk(failing=0.2)
    house.counters.ailment = "http://127.0.0.1:9901 gave no answer within 3 s"
    result = await judged(house)
    assert result["judgement"] == "inconclusive"
    assert "the numbers cannot be read: http://127.0.0.1:9901 gave no answer within 3 s" in str(result["text"])


@pytest.mark.parametrize("failing", [0.0, 1.0])
async def test_counters_that_say_nothing_happened_prove_nothing(failing: float) -> None:
    house = watched_desk(failing=failing)
    house.counters.stuck = True
    result = await judged(house, "canary checkout seconds=70")
    assert (result["judgement"], result["choices"]) == ("inconclusive", [])


async def test_a_dead_canary_fails_by_its_routers_count_and_without_any_is_inconclusive() -> None:
    dead = watched_desk(failing=1.0)
    assert (await judged(dead))["judgement"] == "rollback"
    uncounted = watched_desk(failing=1.0)
    uncounted.counters.gone = True
    result = await judged(uncounted)
    assert result["judgement"] == "inconclusive"
    assert "there are no numbers of the canary" in result["text"]


async def test_a_canary_without_requests_is_inconclusive() -> None:
    house = watched_desk(FakeRouter(CLOSED))
    assert (await judged(house))["judgement"] == "inconclusive"


async def test_a_rule_on_a_dry_run_is_shown_and_proposes_nothing() -> None:
    house = watched_desk(failing=0.2, service=_with(errors_dry_run=True))
    result = await judged(house)
    assert (result["judgement"], result["choices"]) == ("inconclusive", [])
    assert re.search(r"• errors: .*20 % of .* \(dry run\)", str(result["text"]))


async def test_without_a_router_there_is_no_way_out_to_offer() -> None:
    house = watched_desk(failing=0.2, service=replace(SERVICE, route=None))
    result = await judged(house)
    assert (result["judgement"], result["choices"]) == ("rollback", [])


async def test_without_a_canary_it_says_so() -> None:
    house = watched_desk()
    result = await judged(house, "canary payment")
    assert result["text"] == "No canary is configured for payment, so no rollback is proposed."
    assert (result["judgement"], result["reasons"]) == (Judgement.INCONCLUSIVE, [])


async def test_a_time_that_is_none_is_refused() -> None:
    assert (await watched_desk().say("canary checkout seconds=0")).reason == "seconds=0: choose 1 to 120."


def _with(**policy: Any) -> Service:
    return replace(SERVICE, canary=replace(PLAN, policy=replace(PLAN.policy, **policy)))
