import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.deploys import Deploy
from bot.domain.errors import CommandRejected
from bot.domain.run import VIA_DEPLOYS, Missing, RunStatus, Source
from bot.domain.service import Catalog, Service
from bot.domain.timeline import HOUSE, Kind, Person, to_us
from bot.engine.admission import Command
from bot.engine.deploys import Deploys
from bot.engine.tools import adapter_of
from bot.ports import Commit
from tests.fakes import NOON, FakeRepository, fake_ports
from tests.unit.playbooks.desk import Desk, desk

SHOP = Catalog((Service("checkout", (), repository="here"), Service("payment", ())))


def told(house: Desk, chain: str = HOUSE) -> list[dict[str, Any]]:
    return [entry.facts for entry in house.chain(chain) if entry.kind == Kind.DEPLOYED]


def kept(house: Desk) -> Deploys:
    known: Deploys = adapter_of(Deploys).validate_json(house.state.marks["deploys:checkout"])
    return known


async def test_a_deploy_is_kept_and_on_the_timelines_of_its_service() -> None:
    house = desk()
    await house.say("start sev2 checkout slow")
    await house.say("start sev2 payment slow too")
    text = await house.text("deploy checkout release=v1.2.3 commit=ABC1234")

    assert text == "*checkout*: v1.2.3 (abc1234) by Ada was deployed at 12:00:00 UTC."
    body = {"service": "checkout", "release": "v1.2.3", "commit": "abc1234", "by": "Ada"}
    assert told(house) == told(house, "INC-1") == [{**body, "at": to_us(NOON), "source": "typed"}]
    assert told(house, "INC-2") == []
    assert kept(house) == (Deploy("checkout", "v1.2.3", NOON, "Ada", "abc1234", "typed"),)


async def test_how_it_was_built_is_kept_for_who_compares() -> None:
    house = desk()
    await house.say("deploy checkout release=v1.2.3 go=go1.27.3 build=4f5e6d7c")

    assert [(each.go, each.build) for each in kept(house)] == [("go1.27.3", "4f5e6d7c")]
    await house.say("deploy checkout release=v1.2.4 go=go1.27.3-X:arenas,nojsonv2")
    assert kept(house)[-1].go == "go1.27.3-X:arenas,nojsonv2"
    with pytest.raises(CommandRejected, match=r"such as go1\.27\.3"):
        await house.say("deploy checkout release=v1.2.5 go=1.27")


async def test_the_same_again_is_no_news() -> None:
    house = desk()
    await house.say("deploy checkout release=v1.2.3")
    house.later(60)
    await house.say("deploy checkout release=v1.2.3")

    assert len(told(house)) == len(kept(house)) == 1


async def test_what_is_told_later_of_the_same_moment_completes_it() -> None:
    house = desk()
    house.later(60)
    await house.say("deploy checkout release=v1.2.3 at=12:00")
    await house.say("deploy checkout release=v1.2.3 at=12:00 commit=abc1234 build=4f5e6d7c")

    assert [(each.at, each.commit, each.build) for each in kept(house)] == [(NOON, "abc1234", "4f5e6d7c")]
    assert [each["commit"] for each in told(house)] == ["", "abc1234"]


async def test_what_ran_before_is_told() -> None:
    house = desk()
    await house.say("deploy checkout release=v1")
    house.later(60)

    assert (await house.text("deploy checkout release=v2")).endswith("Before it ran v1 by Ada.")


async def test_a_release_that_nobody_deployed_is_not_what_ran_before() -> None:
    tags = [Commit("f" * 40, "Ben", NOON + timedelta(minutes=1), "v1.1")]
    house = Desk(replace(fake_ports(SHOP), repository=FakeRepository(tags=tags)))
    await house.say("deploy checkout release=v1")
    house.later(120)

    assert (await house.text("deploy checkout release=v2")).endswith("Before it ran v1 by Ada.")


async def test_what_a_webhook_tells_is_nobodys_unless_it_says_so() -> None:
    house = desk()
    params = {"service": "checkout", "release": "v1"}
    command = Command("deploy", params, Person("webhook:deploys", "Deploy webhook"), Source(via=VIA_DEPLOYS))
    run_id = (await house.admission.admit(command)).run_id
    await house.work(lambda: house.state.runs[run_id].status.ended)

    assert [(each.by, each.source) for each in kept(house)] == [("", "webhook")]


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("deploy checkout release=v1 commit=xyz", "commit is wrong: a commit is 7 to 64 hexadecimal digits"),
        ("deploy checkout release=--force", "release is wrong: a release is one word such as v1.12.3"),
        ("deploy nothing release=v1", "`nothing` is not a service"),
    ],
)
async def test_what_cannot_be_is_refused(words: str, reason: str) -> None:
    house = desk()
    with pytest.raises(CommandRejected, match=reason):
        await house.say(words)

    assert told(house) == []


async def test_what_is_still_to_come_was_not_deployed() -> None:
    house = desk()
    ended = await house.say("deploy checkout release=v1 at=2999-01-01T00:00:00Z")

    assert ended.status is RunStatus.FAILED
    assert "still to come" in ended.reason
    assert told(house) == []


async def test_what_changed_says_how_long_before_it_started_the_last_deploy_was() -> None:
    house = Desk(fake_ports(SHOP))
    await house.say("deploy checkout release=v1.12.3 commit=abc1234")
    house.later(360)
    await house.say("start sev2 checkout slow started=12:06")

    said = await house.text("changes incident=INC-1")

    assert "v1.12.3 (abc1234) by Ada was deployed 6 min before it started." in said


async def test_tags_stand_in_for_deploys_that_nobody_told() -> None:
    tags = [Commit("f" * 40, "Ben", NOON - timedelta(hours=2), "v1.11.0")]
    house = Desk(replace(fake_ports(SHOP), repository=FakeRepository(tags=tags)))

    assert "v1.11.0 (fffffff) by Ben was tagged 2 h ago." in await house.text("changes checkout")


async def test_a_later_tag_hides_no_deploy_that_was_told() -> None:
    tags = [Commit("f" * 40, "Ben", NOON + timedelta(minutes=4), "v1.11.0")]
    house = Desk(replace(fake_ports(SHOP), repository=FakeRepository(tags=tags)))
    await house.say("deploy checkout release=v1.10.0")
    house.later(300)

    assert "v1.10.0 by Ada was deployed 5 min ago." in await house.text("changes checkout")


async def test_a_repository_that_cannot_be_read_hides_no_deploy() -> None:
    house = Desk(replace(fake_ports(SHOP), repository=FakeRepository(tags=Missing("no git"))))
    await house.say("deploy checkout release=v1")

    assert "v1 by Ada was deployed" in await house.text("changes checkout")


async def test_a_repository_that_does_not_answer_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    class Hanging(FakeRepository):
        async def tags(self, service: Service, limit: int) -> tuple[Commit, ...] | Missing:
            await asyncio.Event().wait()
            return await super().tags(service, limit)

    monkeypatch.setattr("bot.engine.deploys._WITHIN_S", 0.01)
    house = Desk(replace(fake_ports(SHOP), repository=Hanging()))
    await house.say("deploy checkout release=v1")

    assert "v1 by Ada was deployed" in await house.text("changes checkout")
