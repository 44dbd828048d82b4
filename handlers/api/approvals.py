"""Approvals as the API tells of them: plans that wait for a second person, and what came of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from bot.domain.approval import Decision
from bot.domain.timeline import to_us
from bot.engine.ports import Ports
from handlers.api.answers import Answer, Person, Somebody
from handlers.api.problems import Trouble, described, lost
from handlers.reader import Asks
from handlers.waiting import Waiting, plea_of, seen_by, waiting

Asker = Annotated[str, Path(max_length=200, description="The id of the run that waits.", examples=["7e20c5d19b44"])]


class Approval(Answer):
    """A plan that waits for a second person, or what came of it. `plan` is the sha256 of exactly what is to be done.

    `will` names the steps that change something, `measured` what each step before found, by its title.
    """

    run_id: str
    playbook: str
    words: str
    params: dict[str, Any]
    service: str
    will: list[str]
    measured: dict[str, str]
    plan: str
    requester: Person
    asked_at: datetime
    expires_at: datetime
    decided: Decision | None
    decided_by: Somebody
    decided_at: datetime | None
    reason: str


class WaitingTold(Approval):
    """A request as whoever asks sees it: `why_not` says why they cannot approve it, "" when they can.

    `alone`: they may break the glass now, as no second person has come. `incident_id` is "" for what is about none,
    `url` the page where it is decided about.
    """

    incident_id: str
    why_not: str
    alone: bool
    url: str

    @classmethod
    def of(cls, it: Waiting) -> "WaitingTold":
        """Tell of a request."""
        told = {name: getattr(it.asked, name) for name in Approval.model_fields}
        about = it.incident.id if it.incident else ""
        more = {"incident_id": about, "why_not": it.why_not, "alone": it.alone}
        return cls.model_validate({**told, **more, "url": f"/approvals/{it.asked.run_id}"})


class WaitingPage(Answer):
    """A part of what waits. `next` is the `cursor` of the following part, null at the end."""

    items: list[WaitingTold]
    next: str | None


class WaitingAsked(BaseModel):
    """What of it."""

    model_config = ConfigDict(extra="forbid")

    limit: int = Field(50, ge=1, le=500, description="How many to give at most.")
    cursor: str = Field(
        "", pattern=r"^([01]\.[0-9]{1,17}\.[A-Za-z0-9_.:-]{1,200})?$", description="`next` of the page before."
    )
    mine: bool | None = Field(None, description="What whoever asks can approve only, or what they cannot.")
    service: str = Field("", max_length=100, description="About this service.")
    playbook: str = Field("", max_length=100, description="Of this playbook.")

    @property
    def after(self) -> "Place":
        """Where the page before has ended."""
        rank, at_us, run_id = self.cursor.split(".", 2) if self.cursor else ("0", "0", "")
        return int(rank), int(at_us), run_id

    def fits(self, it: Waiting) -> bool:
        """Tell whether a request is wanted."""
        is_meant = self.service in {"", it.asked.service} and self.playbook in {"", it.asked.playbook}
        return is_meant and self.mine in {None, not it.why_not} and place(it) > self.after


Place = tuple[int, int, str]


def place(it: Waiting) -> Place:
    """Give where a request stands among all: after what can be decided now, after what was asked for before."""
    return int(bool(it.why_not)), to_us(it.asked.asked_at), it.asked.run_id


@dataclass(frozen=True)
class Approvals:
    """The operations about them."""

    ports: Ports

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/approvals", self.list_approvals, responses=described(Trouble.NOT_VALID))
        routes.add_api_route("/approvals/{run_id}", self.get_approval, responses=described(Trouble.NOT_THERE))

    async def list_approvals(self, reader: Asks, asked: Annotated[WaitingAsked, Query()]) -> WaitingPage:
        """List what waits for a second person: first what whoever asks can approve, of each the oldest first."""
        found = sorted(filter(asked.fits, await waiting(self.ports, reader.person)), key=place)
        shown = found[: asked.limit]
        more = ".".join(map(str, place(shown[-1]))) if len(found) > asked.limit else None
        return WaitingPage(items=list(map(WaitingTold.of, shown)), next=more)

    async def get_approval(self, reader: Asks, run_id: Asker) -> WaitingTold:
        """Tell of what a run has asked for, and what came of it."""
        ports, person = self.ports, reader.person
        found = await ports.store.read(lambda tx: plea_of(ports, tx, run_id, person))
        if found is None:
            raise lost("request for an approval of run", run_id)
        return WaitingTold.of(await seen_by(ports, found, person))
