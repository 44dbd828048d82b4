"""A controller takes minutes to bring a release back; that is waited for, and is nobody else's change."""

from dataclasses import replace

from bot.adapters.routers.api import kubernetes
from bot.adapters.routers.deployment import WORDS, DeploymentDriver
from bot.adapters.routers.drivers import Drivers
from bot.domain.run import Missing, Run, RunStatus, Source
from bot.domain.service import Catalog, Service
from bot.domain.traffic import Route, Split
from bot.engine.admission import Command
from tests.fakes.cluster import NAMESPACE, TOKEN, FakeCluster, template
from tests.unit.playbooks.desk import ADA, BEN, CATALOG, Desk, desk

ROUTE = Route("deployment", {"api": "https://cluster.test", "namespace": NAMESPACE, "name": "checkout"})
GOOD, BAD = "5d4f8c7b9", "79c8d6f5b"


class Slow(Drivers):
    """A cluster whose controller takes a change up after so many looks."""

    def __init__(self, cluster: FakeCluster, looks: int) -> None:
        super().__init__({"deployment": DeploymentDriver(kubernetes(TOKEN, cluster.transport))})
        self._cluster, self._looks = cluster, looks

    async def read(self, service: Service) -> Split | Missing:
        if self._cluster.calls:
            self._looks -= 1
        if self._looks == 0:
            self._cluster.settle()
        return await super().read(service)


def cluster_of_two_releases() -> FakeCluster:
    found = FakeCluster()
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "checkout"}}, "template": template("checkout:2")}
    deployment = found.add("apps/v1/deployments", "checkout", spec)
    found.release(deployment, WORDS, GOOD, "checkout:1", 7)
    found.release(deployment, WORDS, BAD, "checkout:2", 8)
    found.settle()
    found.is_quick = False
    return found


async def rolled_back(cluster: FakeCluster, looks: int, later_s: float = 0) -> tuple[Desk, Run]:
    """Roll back; once the change was asked for, `later_s` pass without a look."""
    checkout = replace(CATALOG.services[0], route=ROUTE)
    house = desk(router=Slow(cluster, looks), catalog=replace(CATALOG, services=(checkout,)))
    await house.say("start sev3 checkout slow")
    command = Command("rollback", {"service": "checkout", "reason": "it fails"}, ADA, Source(via="test"))
    run_id = (await house.admission.admit(command)).run_id
    await house.work(lambda: bool(house.incident().waiting))
    await house.say("approve incident=INC-1", by=BEN)
    ahead = [later_s]

    def has_ended() -> bool:
        if cluster.calls and ahead:
            house.later(ahead.pop())
        return bool(house.state.runs[run_id].status.ended)

    await house.work(has_ended)
    return house, house.state.runs[run_id]


async def test_a_roll_out_is_waited_for_and_begun_once() -> None:
    cluster = cluster_of_two_releases()
    _, run = await rolled_back(cluster, looks=60)
    assert (run.status, run.reason) == (RunStatus.DONE, "")
    assert len(cluster.calls) == 1
    [deployment] = cluster.objects.values()
    assert deployment["spec"]["template"] == template("checkout:1")
    assert "release 5d4f8c7b9" in run.result["summary"]


async def test_one_that_never_ends_is_told_after_ten_minutes() -> None:
    cluster = cluster_of_two_releases()
    _, run = await rolled_back(cluster, looks=-1, later_s=590)
    assert run.status is RunStatus.FAILED
    assert run.reason.startswith("The router of checkout is not there after 10 min")
    assert "the controller has not taken up the last change yet" in run.reason
    assert len(cluster.calls) == 1


async def test_a_catalog_without_a_router_says_so() -> None:
    house = desk(router=Drivers({}), catalog=Catalog((CATALOG.services[0],)))
    await house.say("start sev3 checkout slow")
    assert "no router is configured for checkout" in await house.text("rollback checkout it fails")
