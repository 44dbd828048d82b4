"""A small JSON API: read what the pages show, and give the commands that one can type."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import Enum
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bot.domain.errors import CommandRejected, IncidentNotFound, StoreUnusable
from bot.domain.exhibits import Found, found
from bot.domain.incident import Incident, fold
from bot.domain.narrative import tell, who
from bot.domain.run import Run, Source
from bot.domain.timeline import Entry
from bot.engine.admission import Admission, Command, answering
from bot.engine.grammar import parse
from bot.engine.playbook import Registry
from bot.engine.ports import Ports
from handlers import drills
from handlers.reader import Asks, Reader
from handlers.visible import timeline_of, visible_incidents, visible_run

_RUN = re.compile(r"[\w.:-]{1,200}", re.ASCII)
_BODY_MAX = 64_000
_LISTED_MAX = 100
_REFUSALS = {CommandRejected: 422, IncidentNotFound: 404, StoreUnusable: 503}


class Words(BaseModel):
    """The body of POST /api/commands. `key` makes it safe to send again."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=8_000)
    incident: str = ""
    key: str = Field("", max_length=200)


class Json(Response):
    """JSON in ASCII, so that no text can keep it from being sent."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Give the bytes of a value."""
        return json.dumps(content, default=_plain).encode("ascii")


def router(admission: Admission, ports: Ports, registry: Registry) -> APIRouter:
    """Give the routes of the API; its commands are recorded as whoever asks."""
    api = _Api(admission, ports, registry)
    routes = APIRouter(prefix="/api")
    routes.add_api_route("/incidents", api.incidents, response_model=None)
    routes.add_api_route("/incidents/{incident_id}", api.incident, response_model=None)
    routes.add_api_route("/incidents/{incident_id}/entries", api.entries, response_model=None)
    routes.add_api_route("/runs/{run_id}", api.run, response_model=None)
    routes.add_api_route("/drills", api.drills, response_model=None)
    routes.add_api_route("/commands", api.command, methods=["POST"], response_model=None, status_code=202)
    return routes


@dataclass
class _Api:
    """The routes' functions, and what they share."""

    admission: Admission
    ports: Ports
    registry: Registry

    async def incidents(self, reader: Asks, *, ended: bool = False) -> Response:
        """List the latest incidents; those that ended only if asked."""
        ports, who = self.ports, reader.person
        rows = await ports.store.read(lambda tx: visible_incidents(ports, tx, who, ended=ended, limit=_LISTED_MAX))
        return Json([asdict(row) for row in rows])

    async def incident(self, reader: Asks, incident_id: str) -> Response:
        """Give an incident: what its timeline says it is, its measures, its findings."""
        entries = await self._timeline(reader, incident_id)
        return Json(_incident(fold(entries), found(entries))) if entries else _lost(incident_id)

    async def entries(self, reader: Asks, incident_id: str) -> Response:
        """Give the timeline of an incident; `body` is null where it was blanked."""
        entries = await self._timeline(reader, incident_id)
        return Json([_entry(entry) for entry in entries]) if entries else _lost(incident_id)

    async def run(self, reader: Asks, run_id: str) -> Response:
        """Give a run as it stands."""
        row = None
        if _RUN.fullmatch(run_id):
            row = await self.ports.store.read(lambda tx: visible_run(self.ports, tx, run_id, reader.person))
        return Json(_run(row)) if row else Json({"error": "There is no such run."}, 404)

    async def drills(self, reader: Asks) -> Response:
        """Give the league of classes, the drills that are on, and how each went."""
        return Json(drills.as_json(await drills.view(self.ports, reader.person)))

    async def command(self, request: Request, reader: Asks) -> Response:
        """Take the words one would type after /incident; 202 with the run that answers them."""
        content = await limited_json(request)
        if isinstance(content, Response):
            return content
        try:
            words = Words.model_validate_json(content)
            return await self._admit(reader, words)
        except ValidationError as error:
            return Json({"error": where_wrong(error)}, 422)
        except (CommandRejected, IncidentNotFound, StoreUnusable) as error:
            status = next(status for kind, status in _REFUSALS.items() if isinstance(error, kind))
            return Json({"error": str(error)}, status)

    async def _admit(self, reader: Reader, words: Words) -> Response:
        parsed = parse(self.registry, words.text, self.ports.catalog)
        named, given = parsed.incident_id.upper(), words.incident.strip().upper()
        if named and given and named != given:
            raise CommandRejected(f"The text names {named} and `incident` names {given}. Name one of them.")
        incident_id = named or given
        slot = f"api:{words.key}" if words.key else ""
        source = Source(via="api")
        command = Command(parsed.playbook, parsed.params, reader.person, source, slot=slot, incident_id=incident_id)
        async with answering(command.playbook):
            if incident_id and not await self._timeline(reader, incident_id):
                raise IncidentNotFound(f"There is no {incident_id[:20]}. GET /api/incidents lists the open ones.")
            admitted = await self.admission.admit(command)
        return Json({"run": admitted.run_id, "fresh": admitted.fresh, "url": f"/api/runs/{admitted.run_id}"}, 202)

    async def _timeline(self, reader: Reader, incident_id: str) -> list[Entry]:
        return await timeline_of(self.ports, incident_id, reader.person)


async def limited_json(request: Request) -> bytes | Response:
    """Read a body that says that it is JSON: a page in somebody's browser cannot send that here unasked."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return Json({"error": "Send it as application/json."}, 415)
    return await limited(request)


async def limited(request: Request) -> bytes | Response:
    """Read a body of bounded length, or give the answer to one that is longer."""
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > _BODY_MAX:
            return Json({"error": f"The body is longer than {_BODY_MAX} bytes."}, 413)
    return bytes(content)


def where_wrong(error: ValidationError) -> str:
    """Say where in a body the first thing is wrong, and what."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the body'}: {first['msg']}."


def _lost(incident_id: str) -> Response:
    return Json({"error": f"There is no incident {incident_id[:20]}. GET /api/incidents lists the open ones."}, 404)


def _incident(incident: Incident, findings: tuple[Found, ...]) -> Mapping[str, Any]:
    return {
        **asdict(incident),
        "deadline_at": incident.deadline_at,
        "measures": [
            {
                "name": each.name,
                "since": each.since,
                "until": each.until,
                "seconds": None if each.value is None else each.value.total_seconds(),
                "text": each.text,
            }
            for each in incident.measures
        ],
        "findings": [asdict(finding) for finding in findings],
    }


def _entry(entry: Entry) -> Mapping[str, Any]:
    body = None if entry.body is None else entry.facts
    return {**asdict(entry), "body": body, "at": entry.at, "who": who(entry), "what": tell(entry)}


def _run(run: Run) -> Mapping[str, Any]:
    """Give what may be told of a run; where its answer goes is a secret of Slack's."""
    source = {"via": run.source.via, "channel": run.source.channel, "channel_name": run.source.channel_name}
    return {**asdict(run), "source": source, "url": f"/runs/{run.id}"}


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return str(value.value)
    raise TypeError(type(value).__name__)
