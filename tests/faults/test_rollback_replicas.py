"""A process that is killed, or stops and comes back, in the middle of a rollback: the router is set once, and whole."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from bot.adapters.routers.envoy import EnvoyDriver
from bot.domain.traffic import CLOSED, Route
from tests.databases import fresh_postgres
from tests.integration.emulator_process import ADA, BEN, eventually
from tests.replicas import Replicas, running_replicas, serving
from tests.routers.envoy import running_envoy
from tests.routers.programs import Running
from tests.routers.tracks import Tracks
from tests.samples import DEATHS

pytestmark = [DEATHS, pytest.mark.postgres, pytest.mark.go, pytest.mark.timeout(600)]
WITHIN_S = 30.0
LATE_S = 4.0


@dataclass
class LateRouter:
    """A real Envoy whose operators' answers come late: `before` it does what it was told, or after."""

    envoy: Running
    before: bool
    told: int = 0
    at_it: int = 0

    async def answer(self, request: web.Request) -> web.Response:
        is_move = request.method == "POST"
        self.told += is_move
        self.at_it += is_move
        if is_move and self.before:
            await asyncio.sleep(LATE_S)
        url = f"{self.envoy.settings['admin']}{request.rel_url}"
        async with aiohttp.ClientSession() as session, session.request(request.method, url) as answer:
            body = await answer.text()
        if is_move and not self.before:
            await asyncio.sleep(LATE_S)
        self.at_it -= is_move
        return web.Response(text=body, status=answer.status)

    @property
    def route(self) -> Route:
        return self.envoy.route


@pytest.fixture
def envoy(tmp_path: Path) -> Iterator[Running]:
    with running_envoy(Tracks("127.0.0.1:9", "127.0.0.1:9"), tmp_path) as running:
        yield running


@pytest.fixture(params=[False, True], ids=["the answer is late", "the effect is late"])
async def router(envoy: Running, request: pytest.FixtureRequest) -> AsyncIterator[tuple[LateRouter, str]]:
    late = LateRouter(envoy, before=request.param)
    async with serving(late.answer) as url:
        yield late, url


@pytest.mark.matrix(sample=1)
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_rollback_is_taken_over_and_neither_done_twice_nor_half(
    tmp_path: Path, router: tuple[LateRouter, str], how: signal.Signals
) -> None:
    late, url = router
    table = late.envoy.toml.replace(str(late.envoy.settings["admin"]), url)
    people = f'[services.people]\napprove = ["{ADA}", "{BEN}"]\n'
    with fresh_postgres() as database:
        async with running_replicas(tmp_path, database, count=2, more=table + people) as replicas:
            await _in_mid_move(replicas, late)
            first = replicas.bots[0].process
            assert first is not None
            first.send_signal(how)
            await eventually(lambda: _ended(replicas), WITHIN_S)
            assert await EnvoyDriver().read(late.route) == CLOSED
            if how is signal.SIGSTOP:
                first.send_signal(signal.SIGCONT)
                await asyncio.sleep(LATE_S)
                assert await replicas.bots[0].is_ready()
            entries = await replicas.listed("/api/v1/incidents/INC-1/entries", place=1)
            [(taken_by,)] = await replicas.ask("SELECT fence FROM run WHERE playbook = 'rollback'")
            assert taken_by > 1
    told = [entry["kind"] for entry in entries if entry["kind"] in {"traffic set", "approval decided", "drifted"}]
    assert told == ["approval decided", "traffic set"]
    # A move whose effect is late may be told again, by whoever reads that it is not there: it is the same move.
    assert late.told <= (2 if late.before else 1)
    assert await EnvoyDriver().read(late.route) == CLOSED


async def _in_mid_move(replicas: Replicas, late: LateRouter) -> None:
    """Let the first replica tell the router what was approved; the second one is there, and idle."""
    replicas.service.pause_s = 0.0
    await replicas.start(0)
    await replicas.type("/incident start sev4 checkout 5xx after deploy")
    await eventually(lambda: replicas.phase("mitigate", "running", place=0), WITHIN_S)
    await replicas.type("/incident rollback checkout it fails")
    await eventually(lambda: _has(replicas, "approval asked", place=0), WITHIN_S)
    await replicas.start(1)
    await replicas.slack.act("command", user=BEN, channel="general", text="/incident approve INC-1")
    await eventually(lambda: _told(late), WITHIN_S)


async def _told(late: LateRouter) -> bool:
    return late.at_it > 0


async def _has(replicas: Replicas, kind: str, place: int) -> list[dict[str, Any]]:
    entries = await replicas.listed("/api/v1/incidents/INC-1/entries", place)
    return [entry for entry in entries if entry["kind"] == kind]


async def _ended(replicas: Replicas) -> bool:
    ended = await _has(replicas, "run ended", place=1)
    return any(entry["body"]["playbook"] == "rollback" and entry["body"]["status"] == "done" for entry in ended)
