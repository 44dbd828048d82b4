"""The forms of a postmortem: to write in it beside somebody else who does, to review and to publish it."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from bot.domain.incident import Incident
from bot.domain.run import VIA_PAGE, Run, RunStatus, Source
from bot.domain.sections import LONGEST, TITLES, SectionId, Text, latest, texts
from bot.engine.admission import Admission, Command, answering
from bot.engine.ports import Ports
from handlers.commands import ended
from handlers.forms import filled
from handlers.html import Html, shipped, went
from handlers.lost import without_postmortem
from handlers.postmortems import home
from handlers.reader import Asks, Reader
from handlers.visible import incident_of, timeline_of

_PATIENCE_S = 10.0
"""What somebody has written comes back to them with what stands there now, even from a busy machine."""
_CONFLICT = 409

Seq = Annotated[int, Query(ge=0, le=999_999_999)]


def router(admission: Admission, ports: Ports) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(include_in_schema=False)
    PostmortemForms(admission, ports, shipped()).route(routes)
    return routes


@dataclass(frozen=True)
class PostmortemForms:
    """The routes by which it is written."""

    admission: Admission
    ports: Ports
    html: Html

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        at = "/incidents/{incident_id}/postmortem"
        routes.add_api_route(f"{at}/edit/{{section}}", self.form)
        routes.add_api_route(f"{at}/edit/{{section}}", self.edit, methods=["POST"])
        routes.add_api_route(f"{at}/review", self.review, methods=["POST"])
        routes.add_api_route(f"{at}/publish", self.publish, methods=["POST"])

    async def form(self, reader: Asks, incident_id: str, section: str, version: Seq = 0) -> Response:
        """Show the form of a section, filled with what stands there, or with an earlier version of it."""
        incident, entries = await incident_of(self.ports, incident_id, reader.person)
        if incident is None or section not in TITLES:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        last = latest(entries, SectionId(section))
        earlier = next((e for e in texts(entries) if e.seq == version and e.section == section), last)
        return self._form(reader, incident, SectionId(section), last, earlier.text if earlier else "")

    async def edit(self, request: Request, reader: Asks, incident_id: str, section: str) -> Response:
        """Write a section, or show what somebody else has written there meanwhile."""
        fields = await filled(request, reader)
        incident, _ = await incident_of(self.ports, incident_id, reader.person)
        if incident is None or section not in TITLES:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        text, was = fields.get("text", ""), fields.get("was", "0")
        params = {"do": "edit", "section": section, "text": text, "was": was}
        run = await self._run(reader, incident, params, f"{section}:{was}:{sha256(text.encode()).hexdigest()}")
        if isinstance(run, str) or run.status is RunStatus.DONE:
            return went(f"/runs/{run}" if isinstance(run, str) else f"{home(incident)}?now=1#{section}")
        entries = await timeline_of(self.ports, incident_id, reader.person)
        last = latest(entries, SectionId(section))
        return self._form(reader, incident, SectionId(section), last, text, wrong=run.reason, was=was)

    async def review(self, request: Request, reader: Asks, incident_id: str) -> Response:
        """Note that the reader has read it all."""
        return await self._sign(request, reader, incident_id, "review")

    async def publish(self, request: Request, reader: Asks, incident_id: str) -> Response:
        """Publish it as it is now."""
        return await self._sign(request, reader, incident_id, "publish")

    async def _sign(self, request: Request, reader: Reader, incident_id: str, do: str) -> Response:
        await filled(request, reader)
        incident, entries = await incident_of(self.ports, incident_id, reader.person)
        if incident is None:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        run = await self._run(reader, incident, {"do": do}, f"{do}:{entries[-1].seq}")
        done = not isinstance(run, str) and run.status is RunStatus.DONE
        return went(home(incident) if done else f"/runs/{run if isinstance(run, str) else run.id}")

    async def _run(self, reader: Reader, incident: Incident, params: Mapping[str, str], once: str) -> Run | str:
        """Let it be done, once however often the form is sent; give the run as it ended, or its id while it goes on."""
        slot = f"page:postmortem:{incident.id}:{reader.person.id}:{once}"
        source = Source(via=VIA_PAGE, team=incident.team)
        command = Command("postmortem", params, reader.person, source, slot, incident.id)
        async with answering(command.playbook):
            run_id = (await self.admission.admit(command)).run_id
        return await ended(self.ports, run_id, _PATIENCE_S) or run_id

    def _form(  # noqa: PLR0913 - all of it is shown
        self,
        reader: Reader,
        incident: Incident,
        section: SectionId,
        last: Text | None,
        text: str,
        *,
        wrong: str = "",
        was: str = "",
    ) -> Response:
        seq = last.seq if last else 0
        return self.html.page(
            "postmortem_edit.html",
            reader,
            _CONFLICT if wrong else 200,
            incident=incident,
            section=section,
            title=TITLES[section],
            last=last,
            newer=bool(wrong) and was != str(seq),
            text=text,
            wrong=wrong,
            seq=seq,
            longest=LONGEST,
        )
