"""The pages: one incident live, its artifacts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse
from markupsafe import Markup

from bot.domain.errors import StoreUnusable
from bot.domain.picture import svg
from bot.engine.playbook import Registry
from bot.engine.ports import Ports
from bot.ports import Tx
from handlers import readings
from handlers.action_items import items
from handlers.audits import AuditLog
from handlers.diagnoses import Diagnoses
from handlers.drills import Drills
from handlers.html import Html, shipped
from handlers.incidents import Incidents
from handlers.live import Streams
from handlers.lost import lost
from handlers.measures import Measures
from handlers.offered import Counter
from handlers.postmortems import PageDocuments, Postmortems
from handlers.reader import Asks, Reader
from handlers.services import Services
from handlers.survey import Survey
from handlers.traces import Traces
from handlers.views import Look, view
from handlers.visible import incident_of, is_visible, timeline_of, visible_artifact

_INLINE_MAX = 2_000_000
_INCIDENT = re.compile(r"INC-\d{1,9}", re.IGNORECASE | re.ASCII)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NOT_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")
_FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}
_IMAGES = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}
_INERT = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}

Flag = Annotated[int, Query(ge=0, le=1)]


def router(
    ports: Ports,
    documents: PageDocuments,
    registry: Registry,
    stopping: Callable[[], bool] = lambda: False,
    survey: Survey | None = None,
) -> APIRouter:
    """Give the routes of the pages; `stopping` ends live streams when the process is told to stop.

    `survey` is what the API looks at services with; None: the pages have one of their own.
    """
    pages = _Pages(ports, registry, stopping, shipped())
    routes = APIRouter(include_in_schema=False)
    routes.add_api_route("/incidents/{incident_id}", pages.incident)
    routes.add_api_route("/incidents/{incident_id}/live", pages.live)
    Postmortems(ports, documents, pages.html).route(routes)
    routes.add_api_route("/artifacts/{sha256}", pages.artifact)
    pages.diagnoses.route(routes)
    Traces(ports, pages.html).route(routes)
    Incidents(ports, pages.html, pages.streams).route(routes)
    Measures(ports, pages.html).route(routes)
    AuditLog(ports, pages.html, pages.streams).route(routes)
    Drills(ports, pages.html, pages.streams).route(routes)
    Services(ports, pages.html, pages.streams, survey or Survey(ports)).route(routes)
    routes.add_api_route("/static/{name}", pages.asset)
    routes.add_api_route("/favicon.ico", pages.icon)
    return routes


@dataclass
class _Pages:
    """The routes' functions, and what they share."""

    ports: Ports
    registry: Registry
    stopping: Callable[[], bool]
    html: Html

    def __post_init__(self) -> None:
        self.streams = Streams(self.ports, self.stopping)
        self.diagnoses = Diagnoses(self.ports, self.html, self._lost)

    async def incident(self, reader: Asks, incident_id: str, look: Annotated[Look, Depends()]) -> Response:
        """Show an incident."""
        incident, entries = await incident_of(self.ports, incident_id, reader.person)
        if incident is None:
            return await self._lost(reader, f"There is no incident {incident_id[:20]}.")
        it = view(incident, entries, self.ports.clock.now(), self.registry, look)
        drawn = it.canary is not None and it.canary.trend.panels
        trend = Markup(svg(it.canary.trend)) if it.canary and drawn else ""  # noqa: S704 - as above
        seen = readings.of_incident(entries)
        diagnosis = await readings.with_targets(self.ports, *seen) if seen else None
        offered = Counter(self.registry, self.ports.catalog).offered(it.incident, reader.person)
        once = self.ports.chance.nonce()
        shown: dict[str, Any] = {"trend": trend, "diagnosis": diagnosis, "offered": offered, "once": once}
        shown["items"] = items(it.incident, it.now.date())
        return self.html.page("incident.html", reader, it=it, **shown)

    async def live(self, request: Request, reader: Asks, incident_id: str) -> Response:
        """Stream that an incident's timeline has grown."""
        if not await timeline_of(self.ports, incident_id, reader.person):
            return PlainTextResponse("There is no such incident.\n", 404)
        chain, timeline = incident_id.upper(), self.ports.timeline

        def look(tx: Tx) -> str | None:
            is_theirs = is_visible(self.ports, tx, chain, reader.person)
            return str(timeline.heads(tx, chain)[chain].seq) if is_theirs else None

        return self.streams.answer(request, f"incident:{chain}", look)

    async def artifact(self, reader: Asks, sha256: str, name: str = "", inline: Flag = 0) -> Response:
        """Give the bytes of an artifact to be saved; to be shown, if they are plain text or a harmless picture."""
        ports, who = self.ports, reader.person
        there = _SHA256.fullmatch(sha256) is not None and await ports.store.read(
            lambda tx: visible_artifact(ports, tx, sha256, who)
        )
        try:
            content = await ports.artifacts.get(sha256) if there else None
        except StoreUnusable as error:
            return self.html.page("not_found.html", reader, 500, what=str(error), open_=())
        if content is None:
            return await self._lost(reader, "There is no such artifact; its bytes may have been removed by retention.")
        if inline and _is_text(content):
            return Response(content, media_type="text/plain; charset=utf-8", headers=_INERT)
        if inline and (image := _image_type(content)):
            return Response(content, media_type=image, headers=_INERT)
        disposition = f'attachment; filename="{_file_name(name, sha256)}"'
        headers = {**_INERT, "Content-Disposition": disposition}
        return Response(content, media_type="application/octet-stream", headers=headers)

    async def asset(self, name: str) -> Response:
        """Give a file that pages load."""
        asset = self.html.static.get(name)
        if asset is None:
            return PlainTextResponse("There is no such file.\n", 404)
        return Response(asset.content, media_type=asset.media_type, headers=_FOREVER)

    async def icon(self) -> Response:
        """Give the icon to browsers that look for it by themselves."""
        return await self.asset("icon.svg")

    async def _lost(self, reader: Reader, what: str) -> Response:
        return await lost(self.ports, self.html, reader, what)


def _is_text(content: bytes) -> bool:
    """Tell whether bytes may be shown as text: short enough, UTF-8, no NUL."""
    if len(content) > _INLINE_MAX or b"\0" in content:
        return False
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _image_type(content: bytes) -> str:
    """Tell what kind of picture bytes are, by how they begin; "" for all others, SVG too: it can carry scripts."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _IMAGES.items() if content.startswith(start)), "")


def _file_name(name: str, sha256: str) -> str:
    """Give a name to save an artifact under: harmless characters only, never hidden."""
    return _NOT_A_NAME.sub("-", name).strip("-.")[:120] or f"{sha256[:12]}.bin"
