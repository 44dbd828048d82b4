"""A postmortem to take along: Markdown, one HTML file, PDF, JSON."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from fastapi import APIRouter, Response

from bot.domain.errors import PrintFailed
from bot.domain.incident import fold
from bot.domain.timeline import Entry
from bot.engine.ports import Ports
from bot.engine.reporting import as_file, as_json
from handlers.html import Html, shipped
from handlers.lost import without_postmortem
from handlers.reader import Asks
from handlers.visible import timeline_of

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
    """The routes: each gives the postmortem as it would be written now, to be saved."""

    ports: Ports
    html: Html
    printer: Printer

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/incidents/{incident_id}/postmortem.html", self.file)
        routes.add_api_route("/incidents/{incident_id}/postmortem.pdf", self.pdf)
        routes.add_api_route("/incidents/{incident_id}/postmortem.json", self.json)

    async def file(self, reader: Asks, incident_id: str) -> Response:
        """Give it as one HTML file, its pictures in it."""
        entries = await timeline_of(self.ports, incident_id, reader.person)
        if not entries:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        return _saved(await self._file(entries), entries, "html", "text/html; charset=utf-8")

    async def pdf(self, reader: Asks, incident_id: str) -> Response:
        """Give it as PDF, if that can be printed here."""
        entries = await timeline_of(self.ports, incident_id, reader.person)
        if not entries:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        try:
            printed = await self.printer.pdf((await self._file(entries)).decode())
        except PrintFailed as error:
            return self.html.page("not_found.html", reader, 503, heading="No PDF", what=str(error), open_=())
        return _saved(printed, entries, "pdf", "application/pdf")

    async def json(self, reader: Asks, incident_id: str) -> Response:
        """Give what it says as JSON."""
        entries = await timeline_of(self.ports, incident_id, reader.person)
        if not entries:
            return await without_postmortem(self.ports, self.html, reader, incident_id)
        said = await asyncio.to_thread(as_json, fold(entries), entries)
        return _saved(said, entries, "json", "application/json")

    async def _file(self, entries: Sequence[Entry]) -> bytes:
        return await as_file(self.ports.documents, self.ports.artifacts, fold(entries), entries)


def _saved(content: bytes, entries: Sequence[Entry], kind: str, media_type: str) -> Response:
    incident = fold(entries[:1])
    name = f"postmortem-{incident.opened_at:%Y%m%d}-{incident.id.lower()}.{kind}"
    disposition = f'attachment; filename="{name}"'
    return Response(content, media_type=media_type, headers={**_INERT, "Content-Disposition": disposition})
