"""What is peculiar to HAProxy: what a reload leaves of it, who may use the socket, servers that are not there."""

import asyncio
import signal
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from bot.adapters.routers.haproxy import HaproxyDriver
from bot.domain.run import Missing
from bot.domain.traffic import CLOSED, EMPTIED, Move, Route, Split
from tests.routers.haproxy import running_haproxy
from tests.routers.programs import Running
from tests.routers.tracks import Tracks, share

DRIVER = HaproxyDriver()
OPEN = Split(weight=10.0, dyed=True)


@pytest.fixture
def router(tmp_path: Path) -> Iterator[Running]:
    nobody = Tracks("127.0.0.1:9", "127.0.0.1:9")
    with running_haproxy(nobody, tmp_path) as router:
        yield router


@pytest.fixture
def route(router: Running) -> Route:
    return Route("haproxy", {key: str(value) for key, value in router.settings.items() if key != "kind"})


async def take(route: Route, wanted: Split) -> list[Move]:
    moves = await DRIVER.plan(route, wanted)
    assert isinstance(moves, tuple), moves
    for move in moves:
        assert await DRIVER.make(route, move) is None
    return list(moves)


async def reload(router: Running) -> None:
    """Have the master start a worker anew, and wait for it; one that has only just begun does not hear the signal."""
    assert router.process is not None
    loaded = router.log.read_text().count("Loading success")
    async with asyncio.timeout(60):
        for look in count():
            if not look % 50:  # one more signal is one more reload: it is sent again only when this one was not heard
                router.process.send_signal(signal.SIGUSR2)
            await asyncio.sleep(0.1)
            if router.log.read_text().count("Loading success") > loaded:
                return


async def test_what_was_set_survives_a_reload(router: Running, route: Route) -> None:
    await take(route, CLOSED)
    await reload(router)
    assert await DRIVER.read(route) == CLOSED
    await take(route, OPEN)
    await reload(router)
    assert await DRIVER.read(route) == OPEN


async def test_without_a_state_file_a_reload_undoes_it_and_that_is_seen(router: Running, route: Route) -> None:
    bare = replace(route, settings={**route.settings, "state_file": ""})
    await take(bare, CLOSED)
    assert await DRIVER.read(bare) == CLOSED
    await reload(router)
    assert await DRIVER.read(bare) == OPEN


async def test_what_a_reload_would_undo_is_said_and_kept_by_planning_again(router: Running, route: Route) -> None:
    await take(replace(route, settings={**route.settings, "state_file": ""}), EMPTIED)
    split = await DRIVER.read(route)
    assert split == Split(weight=0.0, dyed=True, note="a reload of HAProxy would undo it")
    (move,) = await take(route, EMPTIED)
    assert move.command == f"show servers state > {route.text('state_file')}"
    await reload(router)
    assert await DRIVER.read(route) == Split(weight=0.0, dyed=True)


async def test_requests_for_nobody_are_counted_as_refused(router: Running, route: Route) -> None:
    assert share(router.address, 10) == {"503": 10}
    told = await DRIVER.backends(route)
    assert isinstance(told, tuple)
    assert [(each.name, each.address, each.state) for each in told] == [
        ("checkout/baseline", "127.0.0.1:9", "no check"),
        ("checkout/canary", "127.0.0.1:9", "no check"),
        ("dyed/canary", "127.0.0.1:9", "no check"),
    ]
    assert [sum(each) for each in zip(*((b.sent, b.failed, b.refused) for b in told), strict=True)] == [10, 10, 10]


async def test_the_line_that_is_sent_is_shown(route: Route) -> None:
    kept = f"> {route.text('state_file')}"
    weigh, close = (
        "set server checkout/canary weight 0; show servers state",
        "set server dyed/canary state maint; show servers state",
    )
    assert await DRIVER.plan(route, CLOSED) == (
        Move("give the canary 0 %", f"{weigh} {kept}", {"line": weigh}),
        Move("keep marked requests from it", f"{close} {kept}", {"line": close}),
    )


async def test_a_state_file_that_cannot_be_written_is_told_with_what_it_means(route: Route) -> None:
    away = replace(route, settings={**route.settings, "state_file": "/nowhere/state"})
    moves = await DRIVER.plan(away, EMPTIED)
    assert isinstance(moves, tuple)
    failed = await DRIVER.make(away, moves[0])
    assert isinstance(failed, Missing)
    assert "a reload of HAProxy would undo it: /nowhere/state" in failed.reason
    assert await DRIVER.read(away) == Split(weight=0.0, dyed=True, note="a reload of HAProxy would undo it")


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("canary", "checkout/nobody", "HAProxy has no server checkout/nobody; it has checkout/baseline"),
        ("socket", "/nowhere.sock", "/nowhere.sock cannot be asked (No such file or directory): start HAProxy"),
    ],
    ids=str,
)
async def test_what_is_not_there_is_named(route: Route, key: str, value: str, said: str) -> None:
    failed = await DRIVER.read(replace(route, settings={**route.settings, key: value}))
    assert isinstance(failed, Missing)
    assert said in failed.reason


async def test_a_socket_that_may_not_change_anything_is_told(route: Route) -> None:
    socket = route.text("socket").replace("haproxy.sock", "operator.sock")
    reading = replace(route, settings={**route.settings, "socket": socket})
    moves = await DRIVER.plan(reading, CLOSED)
    assert isinstance(moves, tuple)
    failed = await DRIVER.make(reading, moves[0])
    assert isinstance(failed, Missing)
    assert "`level admin`" in failed.reason
    assert await DRIVER.read(route) == OPEN


async def test_a_router_without_a_server_for_marked_requests_says_nothing_of_them(route: Route) -> None:
    bare = replace(route, settings={**route.settings, "dyed": ""})
    await take(bare, CLOSED)
    split = await DRIVER.read(bare)
    assert isinstance(split, Split)
    assert (split.weight, split.dyed) == (0.0, None)
    assert "no route of marked requests" in split.note
