"""Drills as the API tells of them: what is on, the league of classes, how each went."""

from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter

from bot.engine.ports import Ports
from handlers import drills
from handlers.api.answers import Answer
from handlers.api.problems import described
from handlers.reader import Asks


class RunningTold(Answer):
    """A drill that is on; `fault` is empty while it is blind."""

    incident_id: str
    service: str
    fault: str
    began_at: datetime
    ends_at: datetime


class ScoreTold(Answer):
    """How one drill went. Seconds since the fault was on, null for what never came; names of who was first."""

    incident_id: str
    fault: str
    target: str
    size: str
    service: str
    blind: bool
    began_at: datetime
    how: str
    ack_s: float | None
    snapshot_s: float | None
    verdict_s: float | None
    people_s: float | None
    mitigated_s: float | None
    verified_s: float | None
    wrong: str
    acked_by: str
    found_by: str
    mitigated_by: str


class PlaceTold(Answer):
    """What all drills of a class come to: medians in seconds; `right` of them named it."""

    fault: str
    drills: int
    right: int
    machine_s: float | None
    people_s: float | None
    mitigated_s: float | None
    last: ScoreTold


class DrillsTold(Answer):
    """The drills; `seed_s` is the time to locate that each is held beside."""

    seed_s: float
    running: list[RunningTold]
    league: list[PlaceTold]
    drills: list[ScoreTold]


@dataclass(frozen=True)
class Drills:
    """The operation about them."""

    ports: Ports

    def route(self, routes: APIRouter) -> None:
        """Add it."""
        routes.add_api_route("/drills", self.get_drills, responses=described())

    async def get_drills(self, reader: Asks) -> DrillsTold:
        """Tell the league of classes, the drills that are on, and how the latest went."""
        it = await drills.view(self.ports, reader.person)
        return DrillsTold.model_validate(
            {"seed_s": it.seed_s, "running": it.running, "league": it.places, "drills": it.drills}
        )
