"""What the gate turned away unread: a denial as any other, of which people hear, though not each time."""

from typing import Any

import pytest

from bot.domain.errors import ParamRejected
from bot.domain.gate.evidence import Submission
from bot.domain.run import Run, RunStatus
from bot.domain.timeline import Kind
from tests.cosigned import DIGEST
from tests.fakes import FakePoster
from tests.unit.playbooks.desk import Desk
from tests.unit.playbooks.gated import HOOK, asked, gated_desk, kept, told
from tests.unit.playbooks.test_override import overridden

WRONG = {"obstacle": "incomplete", "text": "the body broke off after 12 bytes"}


async def denied(house: Desk, **named: Any) -> Run:
    return await house.run("deny", {**WRONG, **named}, HOOK)


def posts(house: Desk) -> list[tuple[str, str]]:
    assert isinstance(house.ports.poster, FakePoster)
    return list(house.ports.poster.posts.values())


async def test_what_names_a_release_is_a_deploy_that_was_denied() -> None:
    house = gated_desk()
    await house.say("start sev3 checkout slow")
    run = await denied(house, service="checkout", release="v1.2.3", digest=DIGEST, by="Ada")
    reason = "checkout v1.2.3 is denied: incomplete: the body broke off after 12 bytes."
    assert (run.status, run.reason) == (RunStatus.REFUSED, reason)
    line = "The gate denied checkout v1.2.3: incomplete: the body broke off after 12 bytes."
    assert told(house, Kind.DEPLOY_DENIED) == told(house, Kind.DEPLOY_DENIED, "INC-1") == [line]
    assert [(each.release, each.by, each.obstacles) for each in kept(house)] == [("v1.2.3", "Ada", "incomplete")]
    [(channel, text)] = posts(house)
    assert (channel, text.splitlines()[1]) == ("#releases", "• incomplete: the body broke off after 12 bytes")


async def test_what_names_nothing_is_on_the_timeline_of_the_house() -> None:
    house = gated_desk()
    run = await denied(house)
    assert run.reason == "A deploy is denied: incomplete: the body broke off after 12 bytes."
    assert told(house, Kind.DEPLOY_DENIED) == [
        "The gate denied a deploy: incomplete: the body broke off after 12 bytes."
    ]
    assert "deploys:" not in house.state.marks
    [(channel, text)] = posts(house)
    assert (channel, text.splitlines()[0]) == (
        "#releases",
        "*A deploy was not deployed*: the gate could not look at what it was sent.",
    )


async def test_a_service_without_a_release_is_told_of_and_is_no_deploy() -> None:
    house = gated_desk()
    await denied(house, service="checkout")
    assert told(house, Kind.DEPLOY_DENIED) == [
        "The gate denied checkout: incomplete: the body broke off after 12 bytes."
    ]
    assert "deploys:checkout" not in house.state.marks


async def test_people_hear_of_the_same_once_in_five_minutes_and_all_is_recorded() -> None:
    house = gated_desk()
    await house.say("start sev3 checkout slow")
    for _ in range(3):
        await denied(house, service="checkout", release="v1.2.3")
    assert (len(posts(house)), len(told(house, Kind.DEPLOY_DENIED, "INC-1"))) == (1, 1)
    assert len(told(house, Kind.DEPLOY_DENIED)) == 3
    await denied(house, service="checkout", release="v1.2.3", obstacle="malformed")
    assert len(posts(house)) == 2
    house.later(301)
    await denied(house, service="checkout", release="v1.2.3")
    assert len(posts(house)) == 3


async def test_there_is_nothing_of_it_to_override() -> None:
    house = gated_desk()
    await denied(house, service="checkout", release="v1.2.3", digest=DIGEST)
    refused = await overridden(house)
    assert refused.reason == "v1.2.3 of checkout is not denied. Denied lately: nothing."
    await asked(house, Submission(DIGEST))
    house.later(1)
    await denied(house, service="checkout", release="v1.2.3", digest=DIGEST)
    assert (await overridden(house)).status is RunStatus.DONE


async def test_only_the_words_of_the_gate_are_taken() -> None:
    with pytest.raises(ParamRejected, match="obstacle is wrong: the gate's words are no gate, malformed"):
        await denied(gated_desk(), obstacle="ugly")
