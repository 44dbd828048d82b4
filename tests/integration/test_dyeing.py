"""Marked requests through a real Envoy: as it should be, with a way left open, without ids, with other ids."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.adapters.targets.fronts import HttpFronts
from bot.domain.dyeing import Dyeing, Front, read, requests
from bot.domain.traffic import CLOSED, Split
from bot.lab.envoy import DYED_KEY, WEIGHT_KEY, bootstrap
from bot.lab.wheels import find_envoy
from tests.routers.programs import Running, running
from tests.routers.tracks import running_tracks
from tests.stack import free_ports

pytestmark = pytest.mark.timeout(300)

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
