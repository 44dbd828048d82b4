from bot.adapters.routers.api import Api
from bot.adapters.routers.argocd import KEPT, ArgoCdDriver
from bot.domain.run import Missing
from bot.domain.traffic import CLOSED, Route, Split
from tests.fakes.argocd import NEW, OLD, TOKEN, FakeArgoCd

ROUTE = Route("argocd", {"api": "https://argocd.test", "application": "checkout"})
ON, SUSPENDED = (
    "health Healthy, automatic sync undoes what Git does not say",
    "health Healthy, automatic sync is suspended",
)


def driver_of(argocd: FakeArgoCd, token: str = TOKEN) -> ArgoCdDriver:
    return ArgoCdDriver(Api(token, transport=argocd.transport))


async def go(driver: ArgoCdDriver, wanted: Split) -> list[str]:
    moves = await driver.plan(ROUTE, wanted)
    assert not isinstance(moves, Missing)
    for move in moves:
        assert await driver.make(ROUTE, move) is None
        assert await driver.make(ROUTE, move) is None
    return [move.command for move in moves]


async def test_automatic_sync_is_suspended_before_and_resumed_when_the_rollback_is_undone() -> None:
    argocd = FakeArgoCd()
    driver, policy = driver_of(argocd), dict(argocd.app["spec"]["syncPolicy"]["automated"])
    assert await driver.read(ROUTE) == Split(release=NEW, note=ON)
    assert await driver.earlier(ROUTE) == OLD
    assert await go(driver, Split(release=OLD)) == [
        "argocd app set checkout --sync-policy none",
        "argocd app rollback checkout 3",
    ]
    assert await driver.read(ROUTE) == Split(release=OLD, note=SUSPENDED)
    assert await go(driver, Split(release=NEW)) == [
        "argocd app rollback checkout 4",
        "argocd app set checkout --sync-policy automated",
    ]
    assert await driver.read(ROUTE) == Split(release=NEW, note=ON)
    assert argocd.app["spec"]["syncPolicy"]["automated"] == policy
    assert KEPT not in argocd.app["metadata"]["annotations"]


async def test_automatic_sync_is_resumed_although_whoever_went_back_died_before_that() -> None:
    argocd = FakeArgoCd()
    driver = driver_of(argocd)
    await go(driver, Split(release=OLD))
    moves = await driver.plan(ROUTE, Split(release=NEW))
    assert not isinstance(moves, Missing)
    await driver.make(ROUTE, moves[0])
    assert await driver.plan(ROUTE, Split(release=NEW)) == moves[1:]
    assert await go(driver, Split(release=NEW)) == ["argocd app set checkout --sync-policy automated"]
    assert await driver.read(ROUTE) == Split(release=NEW, note=ON)


async def test_no_sync_is_counted_before_it_has_ended_and_none_is_begun_twice() -> None:
    argocd = FakeArgoCd(automated=False)
    argocd.is_quick, driver = False, driver_of(argocd)
    assert await go(driver, Split(release=OLD)) == ["argocd app rollback checkout 3"]
    assert len(argocd.calls) == 1
    read = await driver.read(ROUTE)
    assert isinstance(read, Split)
    assert (read.release, "a sync is under way" in read.note) == ("", True)
    argocd.settle()
    assert await driver.read(ROUTE) == Split(release=OLD, note="health Healthy, automatic sync is off")


async def test_a_sync_of_something_else_is_not_disturbed() -> None:
    argocd = FakeArgoCd(automated=False)
    driver = driver_of(argocd)
    moves = await driver.plan(ROUTE, Split(release=OLD))
    assert not isinstance(moves, Missing)
    argocd.app["operation"] = {"sync": {"revision": NEW}}
    told = await driver.make(ROUTE, moves[0])
    assert told == Missing("application checkout is being synced; wait for its end, or terminate it")
    assert argocd.calls == []


async def test_it_shares_no_traffic_and_knows_only_its_history() -> None:
    driver = driver_of(FakeArgoCd())
    assert await driver.plan(ROUTE, CLOSED) == ()
    assert await driver.plan(ROUTE, Split(release=NEW)) == ()
    assert await driver.plan(ROUTE, Split(release="c" * 40)) == Missing(
        f"application checkout has no sync of {'c' * 40} in its history any more"
    )


async def test_a_refusal_says_what_to_change() -> None:
    told = await driver_of(FakeArgoCd(), "wrong").read(ROUTE)
    assert isinstance(told, Missing)
    assert told.reason.startswith("application checkout: argocd.test answered 401: its token is not taken")
    told = await driver_of(FakeArgoCd()).read(Route("argocd", {**ROUTE.settings, "application": "payment"}))
    assert isinstance(told, Missing)
    assert "its token may not do this" in told.reason
