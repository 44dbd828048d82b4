"""What is peculiar to Envoy: layers of its runtime, and what a restart leaves of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.routers.envoy import EnvoyDriver
from bot.domain.run import Missing
from bot.domain.traffic import CLOSED, Move, Route, Split
from bot.lab.envoy import BASELINE, CANARY, DYED_KEY, WEIGHT_KEY
from tests.routers.envoy import running_envoy
from tests.routers.programs import Running
from tests.routers.tracks import Tracks, share

pytestmark = pytest.mark.timeout(180)  # the first Envoy on a machine is fetched
STATIC = {"name": "static", "static_layer": {WEIGHT_KEY: 10, DYED_KEY: 100}}
ADMIN: Mapping[str, Any] = {"name": "admin", "admin_layer": {}}
DRIVER = EnvoyDriver()


@contextmanager
def envoy(folder: Path, *layers: Mapping[str, Any]) -> Iterator[tuple[Running, Route]]:
    """Give an Envoy whose tracks nobody asks for anything."""
    nobody = Tracks("127.0.0.1:9", "127.0.0.1:9")
    with running_envoy(nobody, folder, layers) as router:
        keys = {key: str(value) for key, value in router.settings.items() if key != "kind"}
        yield router, Route("envoy", keys)


async def close(route: Route) -> Missing | None:
    """Try to close the canary."""
    moves = await DRIVER.plan(route, CLOSED)
    assert isinstance(moves, tuple), moves
    (move,) = moves
    return await DRIVER.make(route, move)


async def test_a_restart_loses_what_was_set_and_that_is_seen(tmp_path: Path) -> None:
    with envoy(tmp_path, STATIC, ADMIN) as (router, route):
        assert await close(route) is None
        assert await DRIVER.read(route) == CLOSED
        router.restart()
        assert await DRIVER.read(route) == Split(weight=10.0, dyed=True)
        assert await close(route) is None


async def test_requests_for_nobody_are_counted_as_refused(tmp_path: Path) -> None:
    with envoy(tmp_path) as (router, route):
        assert share(router.address, 20)["503"] == 20
        told = await DRIVER.backends(route)
        assert isinstance(told, tuple)
        assert {each.name for each in told} == {f"{name}/127.0.0.1:9" for name in (BASELINE, CANARY)}
        assert [sum(each) for each in zip(*((b.sent, b.failed, b.refused) for b in told), strict=True)] == [20, 20, 20]
        assert {each.state for each in told} == {"healthy"}


async def test_both_keys_are_set_in_one_request_that_is_shown(tmp_path: Path) -> None:
    with envoy(tmp_path, STATIC, ADMIN) as (router, route):
        asked = f"{router.settings['admin']}/runtime_modify?{WEIGHT_KEY}=0&{DYED_KEY}=0"
        words = "give the canary 0 % and keep marked requests from it, until Envoy restarts"
        assert await DRIVER.plan(route, CLOSED) == (
            Move(words, f"curl -X POST '{asked}'", {WEIGHT_KEY: "0", DYED_KEY: "0"}),
        )


async def test_without_a_layer_to_write_to_the_layer_is_asked_for(tmp_path: Path) -> None:
    with envoy(tmp_path, STATIC) as (_, route):
        failed = await close(route)
    assert isinstance(failed, Missing)
    assert "admin_layer: {}" in failed.reason


async def test_a_layer_above_ours_that_wins_is_named(tmp_path: Path) -> None:
    above = {"name": "above", "static_layer": {WEIGHT_KEY: 10}}
    with envoy(tmp_path, STATIC, ADMIN, above) as (_, route):
        failed = await close(route)
    assert isinstance(failed, Missing)
    assert f"{WEIGHT_KEY}=0" in failed.reason
    assert "the last of its layers" in failed.reason


@pytest.mark.parametrize("value", [None, "much", 250], ids=str)
async def test_a_key_without_a_share_is_named(tmp_path: Path, value: object) -> None:
    values = {DYED_KEY: 100} if value is None else {WEIGHT_KEY: value, DYED_KEY: 100}
    with envoy(tmp_path, {"name": "static", "static_layer": values}, ADMIN) as (_, route):
        failed = await DRIVER.read(route)
    assert isinstance(failed, Missing)
    assert WEIGHT_KEY in failed.reason
    assert "from 0 to 100 in a static layer" in failed.reason


async def test_without_a_key_for_marked_requests_nothing_is_said_of_them(tmp_path: Path) -> None:
    with envoy(tmp_path, STATIC, ADMIN) as (_, route):
        bare = Route("envoy", {**route.settings, "dyed_key": ""})
        assert await close(bare) is None
        split = await DRIVER.read(bare)
        assert isinstance(split, Split)
        assert (split.weight, split.dyed) == (0.0, None)
        assert "no route of marked requests" in split.note
        assert await DRIVER.plan(bare, CLOSED) == ()
