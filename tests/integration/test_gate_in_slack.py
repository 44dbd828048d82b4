"""A denied deploy as people meet it in Slack: channels are told, one asks, another agrees, and it goes out once."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

import playbooks
from bot.domain.gate.policy import GatePolicy
from bot.domain.service import Catalog
from bot.domain.timeline import Kind
from bot.engine.admission import Admission
from bot.engine.playbook import load
from handlers import gate
from tests.cosigned import CYCLONEDX, DIGEST, Named, cyclonedx
from tests.integration.emulator_process import ADA, BEN
from tests.integration.slack_bot import incident_channels, town, until
from tests.integration.test_who_may import SERVICE, Ahead, Scene
from tests.samples import BOTS

pytestmark = BOTS

SIGNER = Named()
PROOFS = [SIGNER.image(), SIGNER.attest(CYCLONEDX, cyclonedx())]
CATALOG = Catalog((replace(SERVICE, gate=GatePolicy(("release.pub",))),), announcements="#announcements")


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    clock = Ahead()
    async with town(tmp_path, clock=clock, catalog=CATALOG) as (bot, slack):
        yield Scene(bot, slack, clock)


async def asked(scene: Scene, *proofs: str) -> httpx.Response:
    ports, app = scene.bot.ports, FastAPI()
    app.include_router(gate.router(Admission(load(playbooks), ports), ports, ""))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as client:
        body = {"service": "checkout", "release": "v1.2.3", "digest": DIGEST, "proofs": "\n".join(proofs)}
        return await client.post("/gate", json=body)


async def said(scene: Scene, channel: str, words: str) -> None:
    """Wait until something is said in a channel, or in a thread there."""

    async def look() -> bool:
        told: dict[str, Any] = await scene.slack.channel(channel)
        return words in json.dumps(told, ensure_ascii=False)

    await until(look)


async def test_a_denial_is_told_and_two_people_let_it_through_once(scene: Scene) -> None:
    assert (await asked(scene, *PROOFS)).status_code == 200
    await scene.type("start sev3 checkout slow")
    [channel] = await until(lambda: incident_channels(scene.slack))
    await scene.told(Kind.CHANNEL_OPENED)
    assert (await asked(scene, PROOFS[1])).status_code == 403
    await said(scene, "announcements", "checkout v1.2.3 was not deployed*: the gate denied it")
    await said(scene, channel["name"], "The deploy gate denied *checkout v1.2.3*: unsigned: no signature of sha256:")
    await scene.type("override checkout v1.2.3 it is the fix")
    await scene.told(Kind.APPROVAL_ASKED)
    await scene.press("Approve", ADA)
    await scene.whispered("it takes a second person to approve it")
    assert (await asked(scene, PROOFS[1])).status_code == 403
    await scene.press("Approve", BEN)
    [overridden] = await scene.told(Kind.DEPLOY_OVERRIDDEN)
    assert overridden["reasons"][0].startswith("unsigned: ")
    once, again = await asked(scene, PROOFS[1]), await asked(scene, PROOFS[1])
    assert (once.status_code, again.status_code) == (200, 403)
    assert "approved by" in once.json()["overridden"]
