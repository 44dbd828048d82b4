import json

import pytest

from bot.adapters.routers.api import kubernetes
from bot.adapters.routers.rollouts import STEPS, WORDS, RolloutsDriver
from bot.domain.run import Missing
from bot.domain.traffic import EMPTIED, Route, Split
from tests.fakes.cluster import NAMESPACE, TOKEN, FakeCluster, Json, template

ROUTE = Route("rollouts", {"api": "https://cluster.test", "namespace": NAMESPACE, "name": "checkout"})
GOOD, BAD = "5d4f8c7b9", "79c8d6f5b"
OWN_STEPS = [{"setWeight": 10}, {"pause": {}}, {"setWeight": 50}]


@pytest.fixture
def cluster() -> FakeCluster:
    found = FakeCluster()
    spec = {
        "selector": {"matchLabels": {"app": "checkout"}},
        "strategy": {"canary": {"steps": OWN_STEPS}},
        "template": template("checkout:1"),
    }
    rollout = found.add(WORDS.path, "checkout", spec)
    found.release(rollout, WORDS, GOOD, "checkout:1", 7)
    found.settle()
    found.release(rollout, WORDS, BAD, "checkout:2", 8)
    rollout["spec"]["template"] = template("checkout:2")
    rollout["metadata"]["generation"] += 1
    found.settle()
    return found


@pytest.fixture
def driver(cluster: FakeCluster) -> RolloutsDriver:
    return RolloutsDriver(kubernetes(TOKEN, cluster.transport))


def rollout_of(cluster: FakeCluster) -> Json:
    [rollout] = cluster.objects.values()
    return rollout


async def go(driver: RolloutsDriver, wanted: Split) -> list[str]:
    """Make what is planned; give the commands."""
    moves = await driver.plan(ROUTE, wanted)
    assert not isinstance(moves, Missing)
    for move in moves:
        assert await driver.make(ROUTE, move) is None
        assert await driver.make(ROUTE, move) is None
    return [move.command for move in moves]


async def test_an_abort_sends_all_to_the_stable_release(driver: RolloutsDriver, cluster: FakeCluster) -> None:
    assert await driver.read(ROUTE) == Split(weight=10.0, release=BAD, note="Paused")
    assert await driver.earlier(ROUTE) == GOOD
    assert await go(driver, EMPTIED) == ["kubectl argo rollouts -n shop abort checkout"]
    assert await driver.read(ROUTE) == Split(weight=0.0, release=BAD, note="Degraded, aborted")
    assert await go(driver, EMPTIED) == []
    assert [path.rsplit("/", 1)[1] for _, path, _ in cluster.calls] == ["status"]


async def test_a_full_rollback_aborts_first_and_then_wants_the_good_release(driver: RolloutsDriver) -> None:
    assert await go(driver, Split(weight=0.0, dyed=False, release=GOOD)) == [
        "kubectl argo rollouts -n shop abort checkout",
        "kubectl argo rollouts -n shop undo checkout --to-revision=7",
    ]
    assert await driver.read(ROUTE) == Split(weight=0.0, release=GOOD, note="Healthy")
    assert await driver.earlier(ROUTE) == BAD


async def test_a_weight_holds_it_there_and_keeps_its_own_steps(driver: RolloutsDriver, cluster: FakeCluster) -> None:
    await go(driver, EMPTIED)
    [command] = await go(driver, Split(weight=25.0))
    assert command.startswith("kubectl -n shop patch rollout checkout --type merge -p ")
    assert (await driver.read(ROUTE)) == Split(weight=25.0, release=BAD, note="Paused")
    assert json.loads(rollout_of(cluster)["metadata"]["annotations"][STEPS]) == OWN_STEPS
    await go(driver, Split(weight=30.0))
    assert json.loads(rollout_of(cluster)["metadata"]["annotations"][STEPS]) == OWN_STEPS


async def test_without_a_traffic_router_the_step_it_stands_at_is_its_weight(
    driver: RolloutsDriver, cluster: FakeCluster
) -> None:
    rollout_of(cluster)["status"].update(canary={}, currentStepIndex=1)
    read = await driver.read(ROUTE)
    assert isinstance(read, Split)
    assert read.weight == 10.0


async def test_a_change_that_the_controller_has_not_seen_says_nothing(
    driver: RolloutsDriver, cluster: FakeCluster
) -> None:
    rollout_of(cluster)["metadata"]["generation"] += 1
    assert await driver.read(ROUTE) == Split(note="the controller has not taken up the last change yet")


async def test_what_it_cannot_do_is_said(driver: RolloutsDriver, cluster: FakeCluster) -> None:
    rollout = rollout_of(cluster)
    assert await driver.plan(ROUTE, Split(release="gone")) == Missing("rollout checkout has no release gone any more")
    rollout["spec"]["workloadRef"] = {"kind": "Deployment", "name": "checkout"}
    told = await driver.plan(ROUTE, Split(release=GOOD))
    assert isinstance(told, Missing)
    assert "workloadRef" in told.reason
    rollout["spec"]["strategy"] = {"blueGreen": {}}
    assert await driver.plan(ROUTE, EMPTIED) == Missing("rollout checkout has no canary strategy")


async def test_a_change_of_somebody_else_at_the_same_moment_is_not_overwritten(
    driver: RolloutsDriver, cluster: FakeCluster
) -> None:
    moves = await driver.plan(ROUTE, Split(release=GOOD))
    assert not isinstance(moves, Missing)

    def change() -> None:
        rollout_of(cluster)["metadata"]["generation"] += 1

    cluster.before_patch = change
    assert isinstance(await driver.make(ROUTE, moves[0]), Missing)
    assert rollout_of(cluster)["spec"]["template"] == template("checkout:2")
