"""Runs as the API tells of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path

from bot.domain.run import RunStatus
from bot.engine.ports import Ports
from handlers.api.answers import Answer, Person
from handlers.api.problems import Trouble, described, lost
from handlers.reader import Asks
from handlers.visible import visible_run

RunId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_.:-]{1,200}$", description="Its id.", examples=["4f1d09b2c3a7"])]


class PlanTold(Answer):
    """What a run does: a playbook, its params, its steps by name."""

    playbook: str
    params: dict[str, Any]
    steps: list[str]


class SourceTold(Answer):
    """Where a run was asked for."""

    via: str
    channel: str
    channel_name: str


class RunTold(Answer):
    """One execution of a playbook, as it stands. `result` is what it came to: what is in it depends on the playbook."""

    id: str
    plan: PlanTold
    actor: Person
    source: SourceTold
    incident_id: str
    parent_id: str
    status: RunStatus
    created_at: datetime
    wake_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    result: Any
    reason: str


@dataclass(frozen=True)
class Runs:
    """The operation about them."""

    ports: Ports

    def route(self, routes: APIRouter) -> None:
        """Add it."""
        routes.add_api_route("/runs/{run_id}", self.get_run, responses=described(Trouble.NOT_THERE))

    async def get_run(self, reader: Asks, run_id: RunId) -> RunTold:
        """Tell of a run as it stands."""
        run = await self.ports.store.read(lambda tx: visible_run(self.ports, tx, run_id, reader.person))
        if run is None:
            raise lost("run", run_id)
        return RunTold.model_validate(run)
