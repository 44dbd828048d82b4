"""Who may do what with a service, as people meet it in Slack: buttons, forms, whispers, the card after a minute."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.clock import SystemClock
from bot.domain.authority import People
from bot.domain.canary import CanaryPlan
from bot.domain.service import Catalog, Service
from bot.domain.timeline import Kind
from bot.domain.traffic import Route
from tests.fakes import FakeRouter
from tests.integration.emulator_process import ADA, BEN, Emulator
from tests.integration.slack_bot import Bot, incident_channels, town, until
from tests.samples import BOTS

pytestmark = BOTS

DANA = "U0DANA004"
ON_CALL = "S0BOX0001"
"""The emulator's user group; Ben is in it."""
SERVICE = Service(
    "checkout",
    (),
    route=Route("envoy", {"admin": "http://127.0.0.1:9"}),
    canary=CanaryPlan("rq", "t", exposition="http://127.0.0.1:9/stats/prometheus"),
    people=People(approve=(ADA, ON_CALL), break_glass=(ADA,)),
)
CATALOG = Catalog((SERVICE,), announcements="#announcements")


class Ahead(SystemClock):
    """The system's clock, which can be set ahead while others wait for it."""

    def __init__(self) -> None:
        self.by = timedelta()

    def now(self) -> datetime:
        return super().now() + self.by

    async def sleep_until(self, at: datetime) -> None:
        while self.now() < at:  # noqa: ASYNC110 - nothing tells when it is set
            await asyncio.sleep(0.02)


@dataclass
class Scene:
    """An incident on checkout, and what people do there."""

    bot: Bot
    slack: Emulator
    clock: Ahead

    @property
    def router(self) -> FakeRouter:
        assert isinstance(self.bot.ports.router, FakeRouter)
        return self.bot.ports.router

    async def type(self, words: str, user: str = ADA) -> None:
        [channel] = await incident_channels(self.slack) or [{"name": "general"}]
        assert (await self.slack.act("command", user=user, channel=channel["name"], text=f"/incident {words}"))["ok"]

    async def told(self, kind: Kind, count: int = 1) -> list[dict[str, Any]]:
        """Give the bodies of a kind, with who did it, once there are so many."""

        async def look() -> list[dict[str, Any]]:
            found = [entry for entry in await self.bot.entries("INC-1") if entry.kind == kind]
            return [{**entry.facts, "by": entry.actor} for entry in found] if len(found) >= count else []

        found: list[dict[str, Any]] = await until(look)
        return found

    async def ended(self, reason: str) -> None:
        """Wait until a run has ended for a reason."""

        async def look() -> bool:
            ended = [entry for entry in await self.bot.entries("INC-1") if entry.kind == Kind.RUN_ENDED]
            return any(reason in str(entry.facts["reason"]) for entry in ended)

        await until(look)

    async def press(self, button: str, user: str) -> None:
        """Press a button of the pinned card, once it is there."""
        act = await until(lambda: self.offered(button))
        assert (await self.slack.act("action", user=user, **act))["ok"]

    async def offered(self, button: str) -> dict[str, str] | None:
        """Give how a button of the card is pressed; None when the card does not offer it."""
        [channel] = await incident_channels(self.slack)
        for message in channel["messages"]:
            rows = [block["elements"] for block in message.get("blocks", ()) if block["type"] == "actions"]
            named = [each for row in rows for each in row if each.get("text", {}).get("text") == button]
            if named and message["ts"] in channel["pins"]:
                where = {"channel": str(channel["id"]), "message_ts": message["ts"]}
                return {**where, "action_id": named[0]["action_id"]}
        return None

    async def whispered(self, words: str) -> None:
        """Wait until somebody is told something that nobody else sees."""

        async def look() -> bool:
            return words in json.dumps(
                [line for line in await self.slack.transcript() if "ephemeral" in json.dumps(line)]
            )

        await until(look)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    clock = Ahead()
    async with town(tmp_path, clock=clock, catalog=CATALOG) as (bot, slack):
        made = Scene(bot, slack, clock)
        await made.type("start sev4 checkout slow")
        await until(lambda: _pinned(slack))
        yield made


async def _pinned(slack: Emulator) -> bool:
    return any(channel["pins"] for channel in await incident_channels(slack))


async def test_the_requester_cannot_approve_nor_somebody_without_the_right_but_one_of_the_group(scene: Scene) -> None:
    await scene.type("rollback checkout it fails")
    await scene.told(Kind.APPROVAL_ASKED)
    await scene.press("Approve", ADA)
    await scene.whispered("it takes a second person to approve it")
    await scene.press("Approve", DANA)
    await scene.whispered("is not among those who may approve for checkout")
    assert scene.router.made == []
    await scene.press("Approve", DANA)
    tried = await scene.told(Kind.APPROVAL_TRIED, 2)
    assert [(each["by"], each["decision"]) for each in tried] == [(ADA, "approved"), (DANA, "approved")]
    await scene.press("Approve", BEN)
    [done] = await scene.told(Kind.TRAFFIC_SET)
    assert "ben" in done["approved_by"].lower()
    assert len(await scene.told(Kind.APPROVAL_TRIED)) == 2


async def test_after_a_minute_the_card_offers_to_break_the_glass_and_asks_why(scene: Scene) -> None:
    await scene.type("rollback checkout it fails")
    await scene.told(Kind.APPROVAL_ASKED)
    await until(lambda: scene.offered("Approve"))
    assert await scene.offered("Break the glass") is None
    scene.clock.by += timedelta(seconds=61)
    await scene.press("Break the glass", ADA)
    await until(lambda: _asked_why(scene.slack))
    assert (await scene.slack.act("submit", user=ADA, values={"reason": {"reason": "nobody else is up"}}))["ok"]
    [broke] = await scene.told(Kind.BROKE_GLASS)
    assert (broke["by"], broke["reason"]) == (ADA, "nobody else is up")
    [done] = await scene.told(Kind.TRAFFIC_SET)
    assert done["approved_by"] == ""
    [paged] = await scene.told(Kind.PAGED)
    assert paged["text"].endswith("without a second person. Why: nobody else is up")


async def _asked_why(slack: Emulator) -> bool:
    return "Why can it not wait?" in json.dumps((await slack.read("state"))["views"].get(ADA, []))


async def test_what_is_frozen_is_held_until_it_is_thawed(scene: Scene) -> None:
    await scene.type("freeze checkout data migration", BEN)
    await scene.told(Kind.FROZEN)
    await scene.type("rollback checkout it fails")
    await scene.ended("checkout is frozen: data migration")
    assert scene.router.made == []
    await scene.type("thaw checkout", BEN)
    await scene.told(Kind.THAWED)
    await scene.type("rollback checkout it fails")
    await scene.press("Approve", BEN)
    await scene.told(Kind.TRAFFIC_SET)


async def test_two_people_let_firstfive_act_by_itself_and_one_ends_it(scene: Scene) -> None:
    await scene.type("standing checkout on")
    await scene.press("Approve", BEN)
    [agreed] = await scene.told(Kind.STANDING_SET)
    assert (agreed["by"], agreed["on"]) == (ADA, True)
    await scene.type("standing checkout off", BEN)
    both = await scene.told(Kind.STANDING_SET, 2)
    assert (both[1]["by"], both[1]["on"]) == (BEN, False)


async def test_while_slack_does_not_tell_who_is_in_a_group_whoever_is_named_approves(scene: Scene) -> None:
    await scene.slack.act("faults", method="usergroups.users.list", mode="error:fatal_error", times=9)
    await scene.type("rollback checkout it fails", DANA)
    await scene.told(Kind.APPROVAL_ASKED)
    await scene.press("Approve", BEN)
    await scene.whispered("cannot be told now")
    await scene.press("Approve", ADA)
    await scene.told(Kind.TRAFFIC_SET)
