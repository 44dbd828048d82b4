import httpx
import pytest

from bot.adapters.routers.api import Api, kubernetes
from bot.adapters.routers.deployment import WORDS, DeploymentDriver
from bot.domain.run import Missing
from bot.domain.traffic import Route, Split
from tests.fakes.cluster import NAMESPACE, TOKEN, FakeCluster, template

ROUTE = Route("deployment", {"api": "https://cluster.test", "namespace": NAMESPACE, "name": "checkout"})
GOOD, BAD = "5d4f8c7b9", "79c8d6f5b"


@pytest.fixture
def cluster() -> FakeCluster:
    found = FakeCluster()
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "checkout"}}, "template": template("checkout:2")}
    deployment = found.add("apps/v1/deployments", "checkout", spec)
    found.release(deployment, WORDS, GOOD, "checkout:1", 7)
    found.release(deployment, WORDS, BAD, "checkout:2", 8)
    found.settle()
    return found


@pytest.fixture
def driver(cluster: FakeCluster) -> DeploymentDriver:
    return DeploymentDriver(kubernetes(TOKEN, cluster.transport))


async def undo(driver: DeploymentDriver) -> Missing | None:
    moves = await driver.plan(ROUTE, Split(release=GOOD))
    assert not isinstance(moves, Missing)
    [move] = moves
    return await driver.make(ROUTE, move)


async def test_a_release_is_named_by_what_stays_the_same_when_it_comes_back(
    driver: DeploymentDriver, cluster: FakeCluster
) -> None:
    assert await driver.read(ROUTE) == Split(release=BAD, note="revision 8 (checkout:2)")
    assert await driver.earlier(ROUTE) == GOOD
    assert await undo(driver) is None
    assert await driver.read(ROUTE) == Split(release=GOOD, note="revision 9 (checkout:1)")
    assert await driver.earlier(ROUTE) == BAD
    assert (
        "pod-template-hash"
        not in cluster.objects[next(iter(cluster.objects))]["spec"]["template"]["metadata"]["labels"]
    )


async def test_the_command_is_what_a_person_would_type(driver: DeploymentDriver) -> None:
    moves = await driver.plan(ROUTE, Split(release=GOOD))
    assert not isinstance(moves, Missing)
    assert moves[0].command == "kubectl -n shop rollout undo deployment/checkout --to-revision=7"
    assert moves[0].words == "bring back revision 7 (checkout:1) of deployment checkout"
    assert await driver.plan(ROUTE, Split(weight=0.0, dyed=False)) == ()


async def test_it_does_not_run_before_every_replica_is_there(driver: DeploymentDriver, cluster: FakeCluster) -> None:
    cluster.is_quick = False
    assert await undo(driver) is None
    assert await driver.read(ROUTE) == Split(note="the controller has not taken up the last change yet")
    cluster.settle()
    [deployment] = cluster.objects.values()
    deployment["status"].update(updatedReplicas=1, availableReplicas=3, replicas=4)
    assert await driver.read(ROUTE) == Split(note="revision 9 (checkout:1): 1 of 3 replicas are of it")
    deployment["status"].update(updatedReplicas=3)
    assert await driver.read(ROUTE) == Split(note="revision 9 (checkout:1): 1 older replicas still end")
    deployment["status"].update(replicas=3, availableReplicas=2)
    assert await driver.read(ROUTE) == Split(note="revision 9 (checkout:1): 2 of 3 replicas are available")


async def test_a_move_that_is_made_is_not_made_again(driver: DeploymentDriver, cluster: FakeCluster) -> None:
    moves = await driver.plan(ROUTE, Split(release=GOOD))
    assert not isinstance(moves, Missing)
    for _ in range(2):
        assert await driver.make(ROUTE, moves[0]) is None
    assert len(cluster.calls) == 1


async def test_a_change_of_somebody_else_at_the_same_moment_is_not_overwritten(
    driver: DeploymentDriver, cluster: FakeCluster
) -> None:
    [deployment] = cluster.objects.values()

    def change() -> None:
        deployment["metadata"]["generation"] += 1

    cluster.before_patch = change
    told = await undo(driver)
    assert isinstance(told, Missing)
    assert deployment["spec"]["template"] == template("checkout:2")


async def test_what_it_cannot_do_is_said(driver: DeploymentDriver, cluster: FakeCluster) -> None:
    [deployment] = cluster.objects.values()
    assert await driver.plan(ROUTE, Split(release="gone")) == Missing(
        "deployment checkout has no release gone any more"
    )
    deployment["spec"]["paused"] = True
    assert await driver.plan(ROUTE, Split(release=GOOD)) == Missing(
        "deployment checkout is paused; resume it first, or nothing happens"
    )


async def test_a_refusal_says_what_to_change(cluster: FakeCluster) -> None:
    driver = DeploymentDriver(kubernetes("wrong", cluster.transport))
    told = await driver.read(ROUTE)
    assert isinstance(told, Missing)
    assert told.reason.startswith("deployment shop/checkout: cluster.test answered 401: its token is not taken")
    other = Route("deployment", {**ROUTE.settings, "name": "payment"})
    told = await DeploymentDriver(kubernetes(TOKEN, cluster.transport)).read(other)
    assert isinstance(told, Missing)
    assert "answered 404: there is nothing of this name" in told.reason


@pytest.mark.parametrize("content", [b"", b"[]", b"<html>", b'{"spec": 1}', b'{"items": []}', b'"' + b"x" * 9_000_000])
async def test_garbage_is_no_release(content: bytes) -> None:
    api = Api(TOKEN, transport=httpx.MockTransport(lambda _: httpx.Response(200, content=content)))
    told = await DeploymentDriver(api).read(ROUTE)
    assert isinstance(told, Missing)
    assert told.reason.startswith("deployment ")
