"""A lab on fakes, whose targets leak for as long as they are switched to."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.domain.run import Source
from bot.domain.service import Catalog, Service, Target
from bot.domain.snapshot import Captured, Part
from bot.domain.timeline import Kind
from bot.ports import Keep, as_it_is
from tests.fakes import FakeSwitches, FakeTargets, fake_ports
from tests.faults.killing.situation import capture
from tests.unit.playbooks.desk import TARGETS, Desk

LAB = Service("checkout", TARGETS, lab=True)
LEAK = ("checkout-3", "goroutine-leak")
SOURCE = Source(via="test")


class SickTargets(FakeTargets):
    """Targets that leak goroutines for as long as their switch is on."""

    def __init__(self, switches: FakeSwitches) -> None:
        super().__init__()
        self.switches = switches

    async def capture(self, target: Target, parts: Sequence[Part], keep: Keep = as_it_is) -> tuple[Captured, ...]:
        sick = "checkout-2" if (target.name, "goroutine-leak") in self.switches.on else target.name.replace("-2", "-4")
        found = [replace(capture(sick, part), target=target.name) for part in parts[:3]]
        return tuple([await keep(each) for each in found])


def at_lab(switches: FakeSwitches, *more: Service, minutes: int = 30, **parts: Any) -> Desk:
    parts = {"switches": switches, "targets": SickTargets(switches), **parts}
    return Desk(replace(fake_ports(Catalog((LAB, *more), drill_min=minutes)), **parts))


def told(house: Desk, kind: Kind, incident_id: str = "INC-1") -> list[dict[str, Any]]:
    return [entry.facts for entry in house.chain(incident_id) if entry.kind == kind]


async def over(house: Desk, incident_id: str = "INC-1") -> dict[str, Any]:
    """Work until a drill is over; give the entry that ended it."""
    await house.work(lambda: bool(told(house, Kind.DRILL_ENDED, incident_id)) and _idle(house))
    (ended,) = told(house, Kind.DRILL_ENDED, incident_id)
    return ended


def _idle(house: Desk) -> bool:
    return all(run.status.ended for run in house.state.runs.values() if run.plan.playbook in {"drill", "drilling"})
