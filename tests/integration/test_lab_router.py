"""The lab's router is a real Envoy: it shares the load, keeps request ids, and its canary can be emptied and closed."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import httpx
import pytest

from tests.lab import Lab, LabRouter, running_lab
from tests.samples import BOTS

pytestmark = [BOTS, pytest.mark.go, pytest.mark.timeout(600)]

PATIENCE_S = 60
MARKED = {"X-Release-Phase": "canary"}


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab(router=True) as running:
        yield running


@pytest.fixture
def router(lab: Lab) -> LabRouter:
    return lab["router"]


def counted(router: LabRouter) -> dict[str, int]:
    """Give how many requests each track has answered, by the router's own counters."""
    page = httpx.get(f"{router['admin']}/stats/prometheus", params={"filter": r"upstream_rq_[1-5]xx"}).text
    rows = re.findall(r'^envoy_cluster_upstream_rq_xx\{.*envoy_cluster_name="([^"]+)"\} (\d+)$', page, re.MULTILINE)
    counts = dict.fromkeys((router["baseline"], router["canary"]), 0)
    for name, count in rows:
        counts[name] += int(count)
    return counts


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.1)
    return False


@contextmanager
def set_to(router: LabRouter, **keys: int) -> Iterator[None]:
    wanted = {router["weight_key" if name == "weight" else "dyed_key"]: value for name, value in keys.items()}
    httpx.post(f"{router['admin']}/runtime_modify", params=wanted).raise_for_status()
    try:
        yield
    finally:
        httpx.post(f"{router['admin']}/runtime_modify", params=dict.fromkeys(wanted, "")).raise_for_status()


def asked(router: LabRouter, headers: Mapping[str, str] | None = None, query: str = "") -> httpx.Response:
    return httpx.get(f"{router['url']}/version{query}", headers=headers)


def test_the_canary_gets_its_share_of_the_load(router: LabRouter) -> None:
    before = counted(router)
    assert eventually(lambda: counted(router)[router["baseline"]] >= before[router["baseline"]] + 900)
    after = counted(router)

    canary, baseline = (after[router[name]] - before[router[name]] for name in ("canary", "baseline"))
    assert canary / (canary + baseline) == pytest.approx(0.1, abs=0.05)


@pytest.mark.parametrize(
    ("headers", "query", "track"),
    [
        (MARKED, "", "canary"),
        ({"Cookie": "basket=7; release_phase=canary"}, "", "canary"),
        ({}, "?release_phase=canary", "canary"),
        ({"X-Release-Phase": "baseline"}, "?release_phase=canary", "baseline"),
        ({"X-Release-Phase": "baseline", "Cookie": "release_phase=canary"}, "", "baseline"),
        ({"Cookie": "release_phase=baseline"}, "?release_phase=canary", "baseline"),
    ],
)
def test_a_marked_request_reaches_the_track_that_it_names(
    router: LabRouter, headers: Mapping[str, str], query: str, track: str
) -> None:
    answer = asked(router, headers, query)

    assert answer.headers["X-Track"] == track
    assert answer.json()["version"] == {"canary": "v1.5.0", "baseline": "v1.4.0"}[track]


def test_a_request_keeps_its_id_and_one_without_gets_one(router: LabRouter) -> None:
    assert asked(router, {"X-Request-ID": "basket-7"}).headers.get_list("X-Request-ID") == ["basket-7"]
    assert len(asked(router).headers["X-Request-ID"]) == 36


def test_an_emptied_canary_still_gets_marked_requests_and_a_closed_one_gets_none(router: LabRouter) -> None:
    with set_to(router, weight=0):
        assert {asked(router).headers["X-Track"] for _ in range(50)} == {"baseline"}
        assert asked(router, MARKED).headers["X-Track"] == "canary"
        with set_to(router, dyed=0):
            ways = [asked(router, MARKED), asked(router, {"Cookie": "release_phase=canary"})]
            ways.append(asked(router, query="?release_phase=canary"))
            assert [answer.headers["X-Track"] for answer in ways] == ["baseline"] * 3


def test_latencies_can_be_told_apart_where_a_rule_needs_it(router: LabRouter) -> None:
    page = httpx.get(f"{router['admin']}/stats/prometheus", params={"filter": "upstream_rq_time"}).text
    bounds = re.findall(
        r'^envoy_cluster_upstream_rq_time_bucket\{.*checkout-baseline.*le="([0-9]+)"\}', page, re.MULTILINE
    )

    assert {"50", "100", "200", "250", "300", "500"} <= set(bounds)
