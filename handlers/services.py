"""The services: how each is now, what was seen of it in better times, what is kept of it, what happened to it last."""

from fastapi import APIRouter, Request, Response

from bot.domain.timeline import Person
from bot.engine.ports import Ports
from bot.ports import LISTING, Selection, Tx
from handlers.html import Html
from handlers.live import Streams, mark
from handlers.reader import Asks
from handlers.survey import LATEST, Survey
from handlers.visible import found

_ASKED_EVERY_S = 10


class Services:
    """The routes of the services."""

    def __init__(self, ports: Ports, html: Html, streams: Streams, survey: Survey) -> None:
        self._ports = ports
        self._html = html
        self._streams = streams
        self._survey = survey

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/services", self.list_)
        routes.add_api_route("/services/{name}", self.page)
        routes.add_api_route("/services/{name}/live", self.live)

    async def list_(self, reader: Asks) -> Response:
        """Show every service in a row."""
        seen = await self._ports.store.read(lambda tx: self._state(tx, reader.person))
        views = await self._survey.each(self._ports.catalog.services, reader.person)
        return self._html.page("services.html", reader, views=views, now=self._ports.clock.now(), seen=seen)

    async def page(self, reader: Asks, name: str) -> Response:
        """Show one service."""
        service = self._ports.catalog.service(name)
        if service is None:
            what = f"There is no service {name[:63]}: the configuration names them."
            return self._html.page("not_found.html", reader, 404, what=what, open_=())
        seen = await self._ports.store.read(lambda tx: self._state(tx, reader.person))
        it = await self._survey.closely(service, reader.person)
        return self._html.page("service.html", reader, it=it, now=self._ports.clock.now(), seen=seen)

    async def live(self, request: Request, reader: Asks) -> Response:
        """Stream that it is time to ask again, or that incidents have changed; to the page of all services, too."""
        return self._streams.answer(request, LISTING, lambda tx: self._state(tx, reader.person))

    def _state(self, tx: Tx, person: Person) -> str:
        incidents = found(self._ports, tx, person, Selection(limit=LATEST))
        return mark((self._ports.clock.now().timestamp() // _ASKED_EVERY_S, incidents))
