"""A desk whose checkout has a router and a canary that is counted."""

from dataclasses import dataclass, replace
from typing import Any

from bot.domain.canary import CanaryPlan
from bot.domain.service import Catalog, Service
from bot.domain.timeline import Entry, Kind
from bot.domain.traffic import Route, Split
from tests.fakes import FakeCounters, FakeRouter, fake_ports
from tests.unit.playbooks.desk import PEOPLE, TARGETS, Desk

PLAN = CanaryPlan("rq", "t", exposition="http://127.0.0.1:9901/stats/prometheus")
ROUTE = Route("envoy", {"admin": "http://127.0.0.1:9901"})
SERVICE = Service("checkout", TARGETS, route=ROUTE, canary=PLAN, people=PEOPLE)
SHARED = Split(10.0, dyed=True)


@dataclass
class WatchedDesk(Desk):
    """What the router does and what the tracks have counted can be changed while verbs are at work."""

    router: FakeRouter
    counters: FakeCounters

    def entries(self, kind: Kind, chain: str = "INC-1") -> list[Entry]:
        return [entry for entry in self.chain(chain) if entry.kind == kind]

    @property
    def waits(self) -> bool:
        return bool("INC-1" in self.state.chains and self.incident().waiting)


def watched_desk(router: FakeRouter | None = None, service: Service = SERVICE, **counters: Any) -> WatchedDesk:
    """Give a desk; `counters` say how the canary fares."""
    catalog = Catalog((service, Service("payment", ())), on_call=("@ben",))
    ports, router = fake_ports(catalog), router or FakeRouter(SHARED)
    made = FakeCounters(ports.clock, router, **counters)
    return WatchedDesk(replace(ports, router=router, metrics=made), router, made)
