"""A playbook that changes a service, and the people who may let it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.domain.authority import People
from bot.domain.run import Reply
from bot.domain.service import Catalog, Service
from bot.domain.timeline import Person
from bot.domain.traffic import Route
from bot.engine.playbook import Danger, Params, Playbook
from bot.engine.tools import Tools
from playbooks import approve, break_glass, page, refuse
from tests.fakes import FakeGroups, FakePager, FakeRota
from tests.unit.engine.house import House
from tests.unit.engine.waiting import BEN

CY, DAN, EVE = Person("U3", "Cy"), Person("U4", "Dan"), Person("U5", "Eve")
OPERATOR = Person("cli:root", "root")
PEOPLE = People(approve=("U1", "U2", "S1"), break_glass=("U1", "S2"))
CHECKOUT = Service("checkout", (), route=Route("haproxy", {"socket": "/run/haproxy.sock"}), people=PEOPLE)
CATALOG = Catalog((CHECKOUT, Service("payment", ())))


class Tend(Params):
    service: str = ""
    rollback: bool = False
    reason: str = ""


def tending(house: House, **options: Any) -> Playbook:
    """Declare `tend`, which looks at a service and then changes it; Cy may approve by a group, Dan may nothing."""

    async def look(tools: Tools, params: Tend) -> str:
        del tools
        house.done.append("look")
        return params.service

    async def act(tools: Tools, params: Tend, seen: str) -> Reply:
        assert tools.approved_by is not None
        house.done.append("act")
        return Reply(f"tended {seen or params.service} by {tools.approved_by.name}")

    demo = Playbook("tend", "Tend it.", Tend, approvals=1, **{"break_glass": "rollback", **options})
    demo.step("Look")(look)
    demo.step("Change it", danger=Danger.MUTATING)(act)
    both = [demo, *(each.playbook for each in (approve, refuse, break_glass, page))]
    house.registry |= {each.name: each for each in both}
    return demo


def served(service: Service = CHECKOUT, groups: Mapping[str, list[str]] | None = None) -> House:
    """Give a house that knows the service; Eve is on call."""
    known = {"S1": ["U3"], "S2": ["U3"]} if groups is None else groups
    house = House(catalog=replace(CATALOG, services=(service, *CATALOG.services[1:])))
    house.use(groups=FakeGroups(known), rota=FakeRota(EVE, BEN), pager=FakePager())
    return house
