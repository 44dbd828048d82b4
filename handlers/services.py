"""The services: how each is now, what was seen of it in better times, what is kept of it, what happened to it last."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter, ValidationError

from bot.domain.deploys import Deploy, deploys_key
from bot.domain.expected import standing as standing_deploy
from bot.domain.fronts import EdgeAnswer
from bot.domain.service import Service, Target
from bot.domain.sightings import Discovered
from bot.domain.timeline import Entry, Kind, Person
from bot.engine.authority import frozen, standing
from bot.engine.ports import Ports
from bot.ports import LISTING, Listed, Tx
from handlers import readings
from handlers.html import Html
from handlers.live import Streams, mark
from handlers.lookout import Lookout, Seen
from handlers.reader import Asks
from handlers.service_views import Now, ServiceView, edge_row, target_row
from handlers.visible import visible_entries, visible_incidents

_DEPLOYS: TypeAdapter[tuple[Deploy, ...]] = TypeAdapter(tuple[Deploy, ...])
_BEING_FOUND = "Which other targets it has is being asked."
_LATEST = 500
_LISTED = 10
_READ = 3
_ASKED_EVERY_S = 10


class Services:
    """The routes of the services, and what was last seen of their targets and edges."""

    def __init__(self, ports: Ports, html: Html, streams: Streams) -> None:
        self._ports = ports
        self._html = html
        self._streams = streams
        self._found: Lookout[Discovered] = Lookout(ports.clock)
        self._now: Lookout[Now] = Lookout(ports.clock)
        self._edges: Lookout[tuple[EdgeAnswer, ...]] = Lookout(ports.clock)

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/services", self.list_)
        routes.add_api_route("/services/{name}", self.page)
        routes.add_api_route("/services/{name}/live", self.live)

    async def list_(self, reader: Asks) -> Response:
        """Show every service in a row."""
        seen = await self._ports.store.read(lambda tx: self._state(tx, reader.person))
        views = await self._views(self._ports.catalog.services, reader.person)
        return self._html.page("services.html", reader, views=views, now=self._ports.clock.now(), seen=seen)

    async def page(self, reader: Asks, name: str) -> Response:
        """Show one service."""
        service = self._ports.catalog.service(name)
        if service is None:
            what = f"There is no service {name[:63]}: the configuration names them."
            return self._html.page("not_found.html", reader, 404, what=what, open_=())
        seen = await self._ports.store.read(lambda tx: self._state(tx, reader.person))
        (it,) = await self._views([service], reader.person)
        recent = [row.id for row in it.incidents[:_READ]]
        it = replace(it, diagnosed=await self._ports.store.read(lambda tx: self._diagnosed(tx, recent, reader.person)))
        return self._html.page("service.html", reader, it=it, now=self._ports.clock.now(), listed=_LISTED, seen=seen)

    async def live(self, request: Request, reader: Asks) -> Response:
        """Stream that it is time to ask again, or that incidents have changed; to the page of all services, too."""
        return self._streams.answer(request, LISTING, lambda tx: self._state(tx, reader.person))

    def _state(self, tx: Tx, person: Person) -> str:
        incidents = visible_incidents(self._ports, tx, person, ended=True, limit=_LISTED)
        return mark((self._ports.clock.now().timestamp() // _ASKED_EVERY_S, incidents))

    async def _views(self, services: Sequence[Service], person: Person) -> list[ServiceView]:
        """Ask all targets and edges at once, and read what is kept meanwhile."""
        ports = self._ports
        found = await self._found.look({each.name: partial(ports.discovery.targets, each) for each in services})
        targets = [target for each in services for target in _targets(each, found)]
        now, edges, incidents = await asyncio.gather(
            self._now.look({target.name: partial(self._ask, target) for target in targets if target.url}),
            self._edges.look({edge.url: partial(ports.fronts.edge, edge) for each in services for edge in each.edges}),
            ports.store.read(lambda tx: visible_incidents(ports, tx, person, ended=True, limit=_LATEST)),
        )
        asked = _Asked(found, now, edges, incidents)
        return [await self._view(each, asked) for each in services]

    async def _ask(self, target: Target) -> Now:
        both = self._ports.targets.probe(target, 1), self._ports.fronts.certificate(target)
        return Now(*await asyncio.gather(*both))

    async def _view(self, service: Service, asked: "_Asked") -> ServiceView:
        """Put together what was asked and what is kept of a service."""
        ports, name = self._ports, service.name
        notes = list(asked.found[name].what.losses) if name in asked.found else [_BEING_FOUND]
        deploys = await self._deploys(name)
        baselines = await readings.baselines(ports, name)
        try:
            freeze = await frozen(ports, name)
        except ValidationError:
            freeze = None
            notes.append("Whether it is frozen cannot be read: nothing will be done to it.")
        deploy, now = standing_deploy(deploys), ports.clock.now()
        return ServiceView(
            service=service,
            targets=[
                target_row(target, asked.now.get(target.name), baselines.of(target.name), deploy, now)
                for target in _targets(service, asked.found)
            ],
            edges=[edge_row(edge, asked.edges.get(edge.url)) for edge in service.edges],
            frozen=freeze,
            standing=await standing(ports, name),
            deploys=deploys[::-1],
            incidents=[row for row in asked.incidents if row.service == name],
            notes=notes,
        )

    def _diagnosed(self, tx: Tx, incidents: Sequence[str], person: Person) -> Entry | None:
        entries = (entry for each in incidents for entry in reversed(visible_entries(self._ports, tx, each, person)))
        return next((entry for entry in entries if entry.kind == Kind.VERDICT), None)

    async def _deploys(self, service: str) -> tuple[Deploy, ...]:
        text = await self._ports.store.read(lambda tx: self._ports.marks.get(tx, deploys_key(service)))
        try:
            return _DEPLOYS.validate_json(text) if text else ()
        except ValidationError:
            return ()


@dataclass(frozen=True)
class _Asked:
    """What was asked for some services at once, by names and addresses."""

    found: Mapping[str, Seen[Discovered]]
    now: Mapping[str, Seen[Now]]
    edges: Mapping[str, Seen[tuple[EdgeAnswer, ...]]]
    incidents: Sequence[Listed]


def _targets(service: Service, found: Mapping[str, Seen[Discovered]]) -> Sequence[Target]:
    """Give those that were found and those that are named; these alone while nobody has told the others."""
    return found[service.name].what.targets if service.name in found else service.targets
