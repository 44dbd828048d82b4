"""The table of a service: what is watched, and how its traffic is shared."""

from typing import Self

from pydantic import Field, model_validator

from bot.domain.dyeing import Front
from bot.domain.service import Edge, Link, Service
from bot.settings.bisect import RegressionTable
from bot.settings.canary import CanaryTable, canary_plan
from bot.settings.configured_actions import ActionTable, configured_action
from bot.settings.discovery import DiscoveryTable, discovery_plan
from bot.settings.gate import GateTable, gate_policy
from bot.settings.guard import GuardTable
from bot.settings.people import PeopleTable, people
from bot.settings.pods import PodsTable, pods_plan
from bot.settings.routers import RouterTable, route
from bot.settings.tables import Address, EdgeTable, FrontTable, LinkTable, Name, Table
from bot.settings.targets import TargetTable, target


class ServiceTable(Table):
    """A service: its targets, its git repository, its metrics, its links."""

    name: Name
    rota: str = ""
    repository: str | None = None
    prometheus: Address | None = None
    error_query: str = ""
    latency_query: str = ""
    latency_slo_s: float | None = Field(None, gt=0, le=3_600)
    hops: tuple[Name, ...] = ()
    edges: tuple[EdgeTable, ...] = ()
    links: tuple[LinkTable, ...] = ()
    targets: tuple[TargetTable, ...] = ()
    discovery: DiscoveryTable | None = None
    front: FrontTable | None = None
    gate: GateTable | None = None
    actions: tuple[ActionTable, ...] = ()
    router: RouterTable | None = Field(None, discriminator="kind")
    pods: PodsTable | None = None
    people: PeopleTable = PeopleTable()
    canary: CanaryTable | None = None
    bisect: RegressionTable | None = None
    guard: GuardTable | None = None
    lab: bool = False
    lab_switches: Address | None = None

    @model_validator(mode="after")
    def _may_be_made_sick(self) -> Self:
        if self.lab_switches and not self.lab:
            raise ValueError("`lab_switches` are those of a lab: it needs `lab = true`")
        return self

    @model_validator(mode="after")
    def _is_measured(self) -> Self:
        if self.canary and not self.canary.exposition and not self.prometheus:
            raise ValueError("a canary needs the service's prometheus, or canary.exposition")
        return self

    @model_validator(mode="after")
    def _can_be_bisected(self) -> Self:
        if self.bisect and not self.repository:
            raise ValueError("`bisect` is of the service's repository: it needs `repository`")
        return self

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if self.discovery and self.discovery.kind == "prometheus" and not self.prometheus:
            raise ValueError("a discovery of the kind prometheus needs the service's `prometheus`")
        return self


def watched(table: ServiceTable) -> Service:
    """Give a service as the domain knows it."""
    pods = pods_plan(table.pods, table.router)
    return Service(
        name=table.name,
        targets=tuple(target(each, table.name, pods) for each in table.targets),
        repository=table.repository,
        prometheus=table.prometheus,
        error_query=table.error_query,
        latency_query=table.latency_query,
        latency_slo_s=table.latency_slo_s,
        hops=table.hops,
        edges=tuple(Edge(**dict(edge)) for edge in table.edges),
        links=tuple(Link(link.title, link.url) for link in table.links),
        route=route(table.router),
        people=people(table.people),
        canary=canary_plan(table.canary, table.name),
        actions=tuple(configured_action(each) for each in table.actions),
        discovery=discovery_plan(table.discovery, pods),
        gate=gate_policy(table.gate),
        front=Front(**dict(table.front)) if table.front else None,
        regression=table.bisect.regression() if table.bisect else None,
        guard=table.guard.plan() if table.guard else None,
        lab=table.lab,
        lab_switches=table.lab_switches,
    )
