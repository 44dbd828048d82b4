"""What an incident's timeline holds, as the API tells of it: entries, runs, files, approvals, the postmortem."""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import Field

from bot.domain import exhibits
from bot.domain.approval import requests
from bot.domain.narrative import tell, who
from bot.domain.timeline import Entry
from bot.engine.ports import Ports
from handlers.api.answers import Answer, Asked, Page, Paged, numbered, page
from handlers.api.approvals import Approval
from handlers.api.incidents import ONE, IncidentId, read, timeline
from handlers.api.problems import Trouble, described
from handlers.reader import Asks
from handlers.views import runs


class EntryTold(Answer):
    """An entry of a timeline, and what it says in words. `body` is null where it was blanked."""

    incident_id: str
    seq: int
    at: datetime
    at_us: int
    kind: str
    actor: str
    actor_name: str
    run_id: str
    step: str
    who: str
    what: str
    body: dict[str, Any] | None
    body_sha256: str
    prev: str
    hash: str

    @classmethod
    def of(cls, entry: Entry) -> "EntryTold":
        """Tell of an entry."""
        told = {**vars(entry), "at": entry.at, "who": who(entry), "what": tell(entry)}
        return cls.model_validate({**told, "body": None if entry.body is None else entry.facts})


class ArtifactTold(Answer):
    """A file that is kept; its bytes are at /artifacts/SHA256, and null says that their number is not known."""

    name: str
    sha256: str
    bytes: int | None
    what: str


class RunRow(Answer):
    """A run as the timeline names it; `depth` is how many runs it is within, `took` how long in words."""

    id: str
    playbook: str
    who: str
    status: str
    took: str
    depth: int


class PostmortemTold(Answer):
    """A postmortem as it would be written now, from so many `entries`; the other addresses give it as a file.

    Without `now=1` they give what was published, where something was.
    """

    incident_id: str
    entries: int
    markdown: str
    html_url: str
    pdf_url: str
    json_url: str


class EntriesAsked(Asked):
    """Which entries."""

    kind: str = Field("", max_length=40, description="Of this kind only, as in `milestone`.")


@dataclass(frozen=True)
class Timelines:
    """The operations about them."""

    ports: Ports

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        paged = described(Trouble.NOT_THERE, Trouble.NOT_VALID)
        routes.add_api_route(f"{ONE}/entries", self.list_entries, responses=paged)
        routes.add_api_route(f"{ONE}/runs", self.list_runs, responses=paged)
        routes.add_api_route(f"{ONE}/artifacts", self.list_artifacts, responses=paged)
        routes.add_api_route(f"{ONE}/approvals", self.list_incident_approvals, responses=paged)
        routes.add_api_route(f"{ONE}/postmortem", self.get_postmortem, responses=described(Trouble.NOT_THERE))

    async def list_entries(
        self, reader: Asks, incident_id: IncidentId, asked: Annotated[EntriesAsked, Query()]
    ) -> Page[EntryTold]:
        """Give the timeline of an incident, in the order it was written."""
        entries = await timeline(self.ports, reader, incident_id)
        wanted = [each for each in entries if each.seq > asked.cursor and asked.kind in {"", each.kind}]
        items, next_ = page(wanted[: asked.limit + 1], asked.limit, lambda entry: entry.seq)
        return Page(items=list(map(EntryTold.of, items)), next=next_)

    async def list_runs(self, reader: Asks, incident_id: IncidentId, asked: Paged) -> Page[RunRow]:
        """List the runs that an incident's timeline names, in the order they began."""
        return numbered(RunRow, runs(await timeline(self.ports, reader, incident_id)), asked)

    async def list_artifacts(self, reader: Asks, incident_id: IncidentId, asked: Paged) -> Page[ArtifactTold]:
        """List the files that an incident's timeline names, each once, in that order."""
        return numbered(ArtifactTold, exhibits.kept(await timeline(self.ports, reader, incident_id)), asked)

    async def list_incident_approvals(self, reader: Asks, incident_id: IncidentId, asked: Paged) -> Page[Approval]:
        """List what was to be approved in an incident, oldest first, and what came of it."""
        return numbered(Approval, requests(await timeline(self.ports, reader, incident_id)), asked)

    async def get_postmortem(self, reader: Asks, incident_id: IncidentId) -> PostmortemTold:
        """Give the postmortem of an incident as it would be written now, in Markdown."""
        incident, entries = await read(self.ports, reader, incident_id)
        markdown = await asyncio.to_thread(self.ports.documents.postmortem, incident, entries)
        at = f"/incidents/{incident.id}/postmortem"
        return PostmortemTold(
            incident_id=incident.id,
            entries=len(entries),
            markdown=markdown,
            html_url=f"{at}.html?now=1",
            pdf_url=f"{at}.pdf?now=1",
            json_url=f"{at}.json?now=1",
        )
