import json

import pytest

from bot.adapters.routers.api import kubernetes
from bot.adapters.routers.ingress import KEPT, IngressDriver
from bot.domain.run import Missing
from bot.domain.traffic import CLOSED, EMPTIED, Route, Split
from tests.fakes.cluster import NAMESPACE, TOKEN, FakeCluster

ROUTE = Route("ingress", {"api": "https://cluster.test", "namespace": NAMESPACE, "name": "checkout-canary"})
PREFIX = "nginx.ingress.kubernetes.io"
MARKS = {f"{PREFIX}/canary-by-header": "X-Release-Phase", f"{PREFIX}/canary-by-header-value": "canary"}
CANARY = {f"{PREFIX}/canary": "true", f"{PREFIX}/canary-weight": "10"}


def with_notes(**notes: str) -> tuple[IngressDriver, FakeCluster]:
    cluster = FakeCluster()
    cluster.add("networking.k8s.io/v1/ingresses", "checkout-canary", {}, annotations=dict(notes))
    return IngressDriver(kubernetes(TOKEN, cluster.transport)), cluster


def notes_of(cluster: FakeCluster) -> dict[str, str]:
    [ingress] = cluster.objects.values()
    return dict(ingress["metadata"]["annotations"])


async def go(driver: IngressDriver, wanted: Split) -> list[str]:
    moves = await driver.plan(ROUTE, wanted)
    assert not isinstance(moves, Missing)
    for move in moves:
        assert await driver.make(ROUTE, move) is None
        assert await driver.make(ROUTE, move) is None
    return [move.words for move in moves]


async def test_a_full_rollback_takes_the_marks_away_and_keeps_them_for_the_way_back() -> None:
    driver, cluster = with_notes(**CANARY, **MARKS)
    before = await driver.read(ROUTE)
    assert before == Split(10.0, dyed=True)
    assert await go(driver, CLOSED) == ["give the canary 0 %", "close the route of marked requests"]
    assert await driver.read(ROUTE) == CLOSED
    assert not set(MARKS) & set(notes_of(cluster))
    assert len(cluster.calls) == 2
    assert isinstance(before, Split)
    assert len(await go(driver, before)) == 2
    assert notes_of(cluster) == {**CANARY, **MARKS}


async def test_emptied_leaves_the_marks_and_is_one_patch() -> None:
    driver, cluster = with_notes(**CANARY, **MARKS)
    moves = await driver.plan(ROUTE, EMPTIED)
    assert not isinstance(moves, Missing)
    assert [move.command for move in moves] == [
        f'kubectl -n shop annotate --overwrite ingress checkout-canary {PREFIX}/canary-weight="0"'
    ]
    await go(driver, EMPTIED)
    assert await driver.read(ROUTE) == Split(0.0, dyed=True)
    assert notes_of(cluster) == {**CANARY, **MARKS, f"{PREFIX}/canary-weight": "0"}


async def test_a_cookie_opens_the_canary_too_and_a_total_scales_the_weight() -> None:
    cookie = {f"{PREFIX}/canary-by-cookie": "canary", f"{PREFIX}/canary-weight-total": "1000"}
    driver, cluster = with_notes(**{**CANARY, **cookie})
    assert await driver.read(ROUTE) == Split(1.0, dyed=True)
    await go(driver, CLOSED)
    assert f"{PREFIX}/canary-by-cookie" not in notes_of(cluster)
    await go(driver, Split(weight=2.0))
    assert notes_of(cluster)[f"{PREFIX}/canary-weight"] == "20"


async def test_an_ingress_that_is_no_canary_is_empty_already() -> None:
    driver, _ = with_notes()
    assert await driver.plan(ROUTE, CLOSED) == ()
    told = await driver.plan(ROUTE, Split(weight=10.0))
    assert isinstance(told, Missing)
    assert "is no canary" in told.reason


async def test_only_its_own_annotations_are_ever_given_back() -> None:
    driver, cluster = with_notes(**CANARY, **{KEPT: json.dumps({f"{PREFIX}/configuration-snippet": "evil", **MARKS})})
    await go(driver, Split(dyed=True))
    assert notes_of(cluster) == {**CANARY, **MARKS}


@pytest.mark.parametrize("kept", ["", "[]", "{", "{}"])
async def test_marks_that_nobody_kept_cannot_be_opened(kept: str) -> None:
    driver, _ = with_notes(**CANARY, **({KEPT: kept} if kept else {}))
    told = await driver.plan(ROUTE, Split(dyed=True))
    assert isinstance(told, Missing)
    assert told.reason.endswith("has no rule for marked requests that could be opened again")


async def test_a_change_of_somebody_else_at_the_same_moment_is_not_overwritten() -> None:
    driver, cluster = with_notes(**CANARY, **MARKS)
    moves = await driver.plan(ROUTE, EMPTIED)
    assert not isinstance(moves, Missing)
    [ingress] = cluster.objects.values()

    def change() -> None:
        ingress["metadata"]["resourceVersion"] = "99"

    cluster.before_patch = change
    told = await driver.make(ROUTE, moves[0])
    assert isinstance(told, Missing)
    assert "somebody else changed it at the same moment" in told.reason
    assert notes_of(cluster) == {**CANARY, **MARKS}
