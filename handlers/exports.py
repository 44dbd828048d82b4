"""A postmortem to take along: Markdown, one HTML file, PDF, JSON."""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter, Response

from bot.domain.errors import PrintFailed
from bot.engine.ports import Ports
from bot.engine.reporting import as_file, as_json
from handlers.html import Html, shipped
from handlers.lost import without_postmortem
from handlers.postmortems import Flag, Told, told
from handlers.reader import Asks, Reader
from handlers.visible import incident_of

_INERT = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"}


class Printer(Protocol):
    """Prints."""

    async def pdf(self, html: str) -> bytes:
        """Give an HTML file as PDF.

        :raises PrintFailed: says why, and what to do.
        """


def router(ports: Ports, printer: Printer) -> APIRouter:
    """Give the routes."""
    routes = APIRouter(include_in_schema=False)
    Exports(ports, shipped(), printer).route(routes)
    return routes


@dataclass(frozen=True)
class Exports:
    """The routes: each gives the postmortem as its page shows it, to be saved."""

    ports: Ports
    html: Html
    printer: Printer

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/incidents/{incident_id}/postmortem.html", self.file)
        routes.add_api_route("/incidents/{incident_id}/postmortem.pdf", self.pdf)
        routes.add_api_route("/incidents/{incident_id}/postmortem.json", self.json)

    async def file(self, reader: Asks, incident_id: str, now: Flag = 0) -> Response:
        """Give it as one HTML file, its pictures in it."""
        it = await self._told(reader, incident_id, now)
        if it is None:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        return _saved(await self._file(it), it, "html", "text/html; charset=utf-8")

    async def pdf(self, reader: Asks, incident_id: str, now: Flag = 0) -> Response:
        """Give it as PDF, if that can be printed here."""
        it = await self._told(reader, incident_id, now)
        if it is None:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        try:
            printed = await self.printer.pdf((await self._file(it)).decode())
        except PrintFailed as error:
            return self.html.page("not_found.html", reader, 503, heading="No PDF", what=str(error), open_=())
        return _saved(printed, it, "pdf", "application/pdf")

    async def json(self, reader: Asks, incident_id: str, now: Flag = 0) -> Response:
        """Give what it says as JSON."""
        it = await self._told(reader, incident_id, now)
        if it is None:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        return _saved(await asyncio.to_thread(as_json, it.incident, it.entries), it, "json", "application/json")

    async def _told(self, reader: Reader, incident_id: str, now: int) -> Told | None:
        incident, entries = await incident_of(self.ports, incident_id, reader.person)
        return await told(self.ports, incident, entries, anew=bool(now)) if incident is not None else None

    async def _file(self, it: Told) -> bytes:
        return await as_file(self.ports.documents, self.ports.artifacts, it.incident, it.entries, it.text)


def _saved(content: bytes, it: Told, kind: str, media_type: str) -> Response:
    incident = it.incident
    name = f"postmortem-{incident.opened_at:%Y%m%d}-{incident.id.lower()}.{kind}"
    disposition = f'attachment; filename="{name}"'
    return Response(content, media_type=media_type, headers={**_INERT, "Content-Disposition": disposition})
