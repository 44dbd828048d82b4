"""Marked requests through a real Envoy and a real HAProxy: as it should be, with a way left open, with ids lost."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.routers.haproxy import HaproxyDriver
from bot.adapters.targets.fronts import HttpFronts
from bot.domain.dyeing import Dyeing, Front, read, requests
from bot.domain.traffic import CLOSED, EMPTIED, Route, Split
from bot.lab.envoy import DYED_KEY, WEIGHT_KEY, bootstrap
from bot.lab.wheels import find_envoy
from tests.routers.haproxy import CONFIG
from tests.routers.programs import Running, running
from tests.routers.tracks import running_tracks
from tests.samples import BOTS
from tests.stack import free_ports

pytestmark = [BOTS, pytest.mark.timeout(300)]

OPEN = Split(weight=10.0, dyed=True)
Change = Callable[[dict[str, Any]], None]


def set_to(weight: int, dyed: int) -> Change:
    def change(settings: dict[str, Any]) -> None:
        settings["layered_runtime"] = {
            "layers": [{"name": "start", "static_layer": {WEIGHT_KEY: weight, DYED_KEY: dyed}}]
        }

    return change


def users(settings: dict[str, Any]) -> dict[str, Any]:
    """Give the part of the settings that is about users' requests."""
    (listener,) = settings["static_resources"]["listeners"]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]
    return found


def without_ids(settings: dict[str, Any]) -> None:
    users(settings)["always_set_request_id_in_response"] = False


def with_ids_of_its_own(settings: dict[str, Any]) -> None:
    users(settings).update(preserve_external_request_id=False, use_remote_address=True)


def with_the_argument_first(settings: dict[str, Any]) -> None:
    routes = users(settings)["route_config"]["virtual_hosts"][0]["routes"]
    routes.sort(key=lambda route: "query_parameters" not in route["match"])


@contextmanager
def envoy(folder: Path, change: Change) -> Iterator[Front]:
    port = free_ports(0, 1)
    with running_tracks() as tracks:
        (host, baseline), (_, canary) = (place.split(":") for place in (tracks.baseline, tracks.canary))
        settings = bootstrap(port + 1, port, [(host, int(baseline))], (host, int(canary)))
        change(settings)
        config = folder / "envoy.json"
        config.write_text(json.dumps(settings))
        command = [str(find_envoy()), "-c", str(config), "--disable-hot-restart", "--concurrency", "1"]
        with running(Running(f"127.0.0.1:{port}", {}, command, folder / "envoy.log")):
            yield Front(f"http://127.0.0.1:{port}")


async def dyed(front: Front, split: Split) -> Dyeing:
    return read(front, await HttpFronts().send(front, requests("test", 40)), split)


async def test_marked_requests_are_sent_where_they_ask_and_the_header_wins(tmp_path: Path) -> None:
    with envoy(tmp_path, set_to(10, 100)) as front:
        dyeing = await dyed(front, OPEN)

    assert dyeing.flaws == ()
    assert dyeing.order == ("header", "cookie", "argument")
    assert "marked by header: 3 canary" in dyeing.facts
    assert "X-Request-ID comes back unchanged on all 55 answers" in dyeing.facts


async def test_a_full_rollback_closes_every_way(tmp_path: Path) -> None:
    with envoy(tmp_path, set_to(0, 0)) as front:
        dyeing = await dyed(front, CLOSED)

    assert dyeing.flaws == ()
    assert dyeing.marked_reach_canary is False


async def test_a_way_that_was_left_open_at_weight_0_is_found(tmp_path: Path) -> None:
    with envoy(tmp_path, set_to(0, 100)) as front:
        dyeing = await dyed(front, CLOSED)

    assert dyeing.flaws == ("the canary is not closed: requests marked by argument or header or cookie still reach it",)


async def test_a_router_that_drops_the_id_is_found(tmp_path: Path) -> None:
    with envoy(tmp_path, without_ids) as front:
        dyeing = await dyed(front, OPEN)

    assert dyeing.flaws == ("X-Request-ID does not come back on 55 of 55 answers",)


async def test_a_router_that_writes_ids_of_its_own_is_found(tmp_path: Path) -> None:
    with envoy(tmp_path, with_ids_of_its_own) as front:
        (flaw,) = (await dyed(front, OPEN)).flaws

    assert flaw.startswith("X-Request-ID comes back changed on 55 of 55 answers (test-1 came back as ")


async def test_an_argument_that_wins_is_told(tmp_path: Path) -> None:
    with envoy(tmp_path, with_the_argument_first) as front:
        dyeing = await dyed(front, OPEN)

    assert dyeing.flaws == ()
    assert dyeing.order == ("argument", "header", "cookie")


async def test_an_address_outside_of_the_allowed_networks_is_not_asked() -> None:
    front = Front("http://127.0.0.1:9", allow=("10.0.0.0/8",))

    assert "did not answer" in (await dyed(front, OPEN)).flaws[0]
    assert "10.0.0.0/8" in (await dyed(front, OPEN)).flaws[0]


TOLD = """
    http-request set-var(txn.id) req.hdr(X-Request-ID)
    http-after-response set-header X-Request-ID %[var(txn.id)]
"""
TRACK = "    http-after-response set-header X-Track %s\n"


@contextmanager
def haproxy(folder: Path, told: str = TOLD) -> Iterator[tuple[Front, Route]]:
    """A HAProxy that tells the track, and `told`; marked requests go by the header alone."""
    port, config = free_ports(0, 1), folder / "told.cfg"
    with running_tracks() as tracks:
        given = CONFIG.format(folder=folder, port=port, stats=port + 1, tracks=tracks)
        config.write_text(given.replace("frontend users\n", f"frontend users\n{told}{TRACK}"))
        command = ["haproxy", "-W", "-db", "-f", str(config)]
        with running(Running(f"127.0.0.1:{port}", {}, command, folder / "log", "Loading success")):
            servers = {"canary": "checkout/canary", "baseline": "checkout/baseline", "dyed": "dyed/canary"}
            route = Route("haproxy", {"socket": f"{folder}/haproxy.sock", **servers})
            yield Front(f"http://127.0.0.1:{port}"), route


async def of_haproxy(front: Front, route: Route) -> Dyeing:
    split = await HaproxyDriver().read(route)
    assert isinstance(split, Split)
    return await dyed(front, split)


async def test_haproxy_that_emptied_its_canary_still_sends_it_what_is_marked(tmp_path: Path) -> None:
    with haproxy(tmp_path) as (front, route):
        opened = await of_haproxy(front, route)
        await moved(route, EMPTIED)
        emptied = await of_haproxy(front, route)
        await moved(route, CLOSED)
        closed = await of_haproxy(front, route)

    assert (opened.flaws, emptied.flaws, closed.flaws) == ((), (), ())
    assert "unmarked requests: 40 baseline" in emptied.facts
    assert [each.marked_reach_canary for each in (opened, emptied, closed)] == [True, True, False]


async def test_a_route_that_haproxys_driver_was_not_told_of_is_found_open(tmp_path: Path) -> None:
    with haproxy(tmp_path) as (front, route):
        untold = replace(route, settings={**route.settings, "dyed": ""})
        await moved(untold, CLOSED)
        dyeing = await of_haproxy(front, untold)

    assert dyeing.flaws == ("the weight is 0, and requests marked by header still reach the canary",)


async def test_a_haproxy_that_drops_the_id_is_found(tmp_path: Path) -> None:
    with haproxy(tmp_path, told="") as (front, route):
        dyeing = await of_haproxy(front, route)

    assert dyeing.flaws == ("X-Request-ID does not come back on 55 of 55 answers",)


async def moved(route: Route, wanted: Split) -> None:
    moves = await HaproxyDriver().plan(route, wanted)
    assert isinstance(moves, tuple), moves
    for move in moves:
        assert await HaproxyDriver().make(route, move) is None
