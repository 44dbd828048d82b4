"""Drivers against the real thing, where somebody gives one.

FIRSTFIVE_LIVE_ROUTERS names a firstfive.toml with a service for each kind; its secrets come from the environment as
always. With FIRSTFIVE_LIVE_ROUTERS_MAY_CHANGE=1 each is moved to what it was before, and back.
"""

import asyncio
import os

import pytest

from bot.domain.run import Missing
from bot.domain.service import Service
from bot.domain.traffic import Split
from bot.settings import read
from bot.wiring import wired_router

CONFIG, MAY_CHANGE = "FIRSTFIVE_LIVE_ROUTERS", "FIRSTFIVE_LIVE_ROUTERS_MAY_CHANGE"
SETTLES_S, LOOK_S = 120.0, 1.0


@pytest.mark.live
@pytest.mark.timeout(600)
@pytest.mark.parametrize("kind", ["deployment", "rollouts", "argocd", "ingress"])
async def test_a_real_one_is_read_and_moved_there_and_back(kind: str) -> None:
    if not os.environ.get(CONFIG):
        pytest.skip(f"{CONFIG} is not set")
    settings = read({**os.environ, "FIRSTFIVE_CONFIG": os.environ[CONFIG]})
    router = wired_router(settings)
    services = [each for each in settings.catalog().services if each.route and each.route.kind == kind]
    if not services:
        pytest.skip(f"no router of the kind {kind} in {os.environ[CONFIG]}")
    for service in services:
        before, earlier = await router.read(service), await router.earlier(service)
        assert isinstance(before, Split), before
        assert isinstance(earlier, str), earlier
        assert await router.plan(service, Split(before.weight, before.dyed, before.release)) == ()
        there = Split(release=earlier) if earlier else Split(weight=0.0)
        assert not isinstance(await router.plan(service, there), Missing)
        if os.environ.get(MAY_CHANGE):
            await go(service, there)
            await go(service, Split(before.weight, before.dyed, before.release))


async def go(service: Service, wanted: Split) -> None:
    """Make the moves and wait until they can be read back."""
    router = wired_router(read({**os.environ, "FIRSTFIVE_CONFIG": os.environ[CONFIG]}))
    moves = await router.plan(service, wanted)
    assert not isinstance(moves, Missing), moves
    for move in moves:
        assert await router.make(service, move) is None
    async with asyncio.timeout(SETTLES_S):
        while True:
            now = await router.read(service)
            if isinstance(now, Split) and now.meets(wanted):
                return
            await asyncio.sleep(LOOK_S)
