"""The services: how each is now, what was seen of it in better times, what is kept of it, what happened to it last."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from fastapi import APIRouter, Request, Response
from pydantic import TypeAdapter, ValidationError

from bot.domain.baseline import Baselines
from bot.domain.deploys import Deploy, deploys_key
from bot.domain.fronts import EdgeAnswer
from bot.domain.incident import ONGOING
from bot.domain.service import Service, Target
from bot.domain.sightings import Discovered
from bot.domain.timeline import Person
from bot.engine.authority import kept_freeze, kept_standing
from bot.engine.ports import Ports
from bot.ports import LISTING, Selection, Tx
from handlers import readings
from handlers.html import Html
from handlers.live import Streams, mark
from handlers.lookout import Lookout, Seen
from handlers.reader import Asks
from handlers.service_views import Kept, Now, ServiceView, edge_row, target_row
from handlers.visible import found

_DEPLOYS: TypeAdapter[tuple[Deploy, ...]] = TypeAdapter(tuple[Deploy, ...])
_BEING_FOUND = "Which other targets it has is being asked."
_MOST_OPEN = 500
_LISTED = 10
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
        services = self._ports.catalog.services
        seen = await self._ports.store.read(lambda tx: self._state(tx, reader.person))
        asked, kept = await asyncio.gather(
            self._asked(services), self._ports.store.read(lambda tx: _kept(self._ports, tx, services, reader.person))
        )
        views = [self._view(each, kept[each.name], asked, Baselines()) for each in services]
        return self._html.page("services.html", reader, views=views, now=self._ports.clock.now(), seen=seen)

    async def page(self, reader: Asks, name: str) -> Response:
        """Show one service."""
        service = self._ports.catalog.service(name)
        if service is None:
            what = f"There is no service {name[:63]}: the configuration names them."
            return self._html.page("not_found.html", reader, 404, what=what, open_=())
        seen = await self._ports.store.read(lambda tx: self._state(tx, reader.person))
        asked, kept, baselines = await asyncio.gather(
            self._asked([service]),
            self._ports.store.read(lambda tx: _closely(self._ports, tx, service, reader.person)),
            readings.baselines(self._ports, name),
        )
        it = self._view(service, kept, asked, baselines)
        return self._html.page("service.html", reader, it=it, now=self._ports.clock.now(), seen=seen)

    async def live(self, request: Request, reader: Asks) -> Response:
        """Stream that it is time to ask again, or that incidents have changed; to the page of all services, too."""
        return self._streams.answer(request, LISTING, lambda tx: self._state(tx, reader.person))

    def _state(self, tx: Tx, person: Person) -> str:
        incidents = found(self._ports, tx, person, Selection(limit=_LISTED))
        return mark((self._ports.clock.now().timestamp() // _ASKED_EVERY_S, incidents))

    async def _asked(self, services: Sequence[Service]) -> "_Asked":
        """Ask all targets and edges at once."""
        ports = self._ports
        found = await self._found.look({each.name: partial(ports.discovery.targets, each) for each in services})
        targets = [target for each in services for target in _targets(each, found)]
        now, edges = await asyncio.gather(
            self._now.look({target.name: partial(self._ask, target) for target in targets if target.url}),
            self._edges.look({edge.url: partial(ports.fronts.edge, edge) for each in services for edge in each.edges}),
        )
        return _Asked(found, now, edges)

    async def _ask(self, target: Target) -> Now:
        both = self._ports.targets.probe(target, 1), self._ports.fronts.certificate(target)
        return Now(*await asyncio.gather(*both))

    def _view(self, service: Service, kept: Kept, asked: "_Asked", baselines: Baselines) -> ServiceView:
        now, found = self._ports.clock.now(), asked.found.get(service.name)
        targets = [
            target_row(target, asked.now.get(target.name), baselines.of(target.name), kept.deploy, now)
            for target in _targets(service, asked.found)
        ]
        edges = [edge_row(edge, asked.edges.get(edge.url)) for edge in service.edges]
        return ServiceView(service, kept, targets, edges, found.what.losses if found else (_BEING_FOUND,))


@dataclass(frozen=True)
class _Asked:
    """What was asked of some services at once, by names and addresses."""

    found: Mapping[str, Seen[Discovered]]
    now: Mapping[str, Seen[Now]]
    edges: Mapping[str, Seen[tuple[EdgeAnswer, ...]]]


def _targets(service: Service, found: Mapping[str, Seen[Discovered]]) -> Sequence[Target]:
    """Give those that were found and those that are named; these alone while nobody has told the others."""
    return found[service.name].what.targets if service.name in found else service.targets


def _kept(ports: Ports, tx: Tx, services: Sequence[Service], person: Person) -> Mapping[str, Kept]:
    """Read what is kept of some services, and which of their incidents are open."""
    rows = found(ports, tx, person, Selection(statuses=ONGOING, drill=False, limit=_MOST_OPEN))
    kept = {}
    for each in services:
        notes = []
        try:
            freeze = kept_freeze(ports, tx, each.name)
        except ValidationError:
            freeze = None
            notes.append("Whether it is frozen cannot be read: nothing will be done to it.")
        standing, deploys = kept_standing(ports, tx, each.name), _deploys(ports, tx, each.name)
        kept[each.name] = Kept(freeze, standing, deploys, [row for row in rows if row.service == each.name], notes)
    return kept


def _closely(ports: Ports, tx: Tx, service: Service, person: Person) -> Kept:
    """Read what is kept of a service, its latest incidents too."""
    latest = found(ports, tx, person, Selection(service=service.name, limit=_LISTED))
    return replace(_kept(ports, tx, [service], person)[service.name], latest=latest)


def _deploys(ports: Ports, tx: Tx, service: str) -> tuple[Deploy, ...]:
    """Give the deploys of a service, the latest first; none where they cannot be read."""
    text = ports.marks.get(tx, deploys_key(service))
    try:
        return _DEPLOYS.validate_json(text)[::-1] if text else ()
    except ValidationError:
        return ()
