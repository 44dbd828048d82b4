"""The list of incidents: those that are on and the latest that ended, or a search through all of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from markupsafe import Markup

from bot.domain.incident import ENDED, ONGOING, Severity, Status
from bot.domain.picture import svg
from bot.domain.timeline import Person, from_us, storable
from bot.domain.trend import DAYS, Trend, incidents_per_day
from bot.engine.ports import Ports
from bot.ports import LISTING, Listed, Selection, Tx
from handlers.html import Html
from handlers.live import Streams, mark
from handlers.reader import Asks
from handlers.visible import counted, found, outcomes

_ON_A_PAGE = 50
_OPEN_MAX = 100
_WORDS_MAX = 10
_STATUSES: Mapping[str, Sequence[Status]] = {
    "ongoing": ONGOING,
    "ended": ENDED,
    **{status.value: (status,) for status in Status},
}
_DRILLS = {"no": False, "only": True}

Number = Annotated[int, Query(ge=0, le=999_999_999)]
Word = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True)
class Search:
    """What somebody looks for, as the address says it; a filter that is none of those there are is none."""

    q: Word = ""
    status: Word = ""
    severity: Word = ""
    service: Word = ""
    drills: Word = ""
    before: Number = 0
    after: Number = 0

    @property
    def is_narrow(self) -> bool:
        """Tell whether anything is looked for; else the page shows what is on, and what ended last."""
        return self != Search()

    @property
    def selection(self) -> Selection:
        """What is asked of the list: one more than a page shows, to know whether another page follows."""
        return Selection(
            words=storable(self.q).split()[:_WORDS_MAX],
            statuses=_STATUSES.get(self.status, ()),
            severities=[each for each in Severity if each.value == self.severity.upper()],
            service=storable(self.service),
            drill=_DRILLS.get(self.drills),
            before=self.before,
            after=self.after,
            limit=_ON_A_PAGE + 1,
        )

    @property
    def query(self) -> str:
        """Give what an address says of it."""
        return urlencode({name: value for name, value in vars(self).items() if value})

    def page(self, *, before: int = 0, after: int = 0) -> str:
        """Give the address of another page of it."""
        return f"/?{replace(self, before=before, after=after).query}"


Sought = Annotated[Search, Depends()]


@dataclass(frozen=True)
class Found:
    """What a page shows: what is on, or everything that was found; addresses of the pages beside it, or ""."""

    open_: Sequence[Listed] = ()
    rows: Sequence[Listed] = ()
    count: int = 0
    newer: str = ""
    older: str = ""


@dataclass(frozen=True)
class Incidents:
    """The routes of the list."""

    ports: Ports
    html: Html
    streams: Streams

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/", self.page)
        routes.add_api_route("/live", self.live)

    async def page(self, reader: Asks, search: Sought) -> Response:
        """Show the incidents that are on and the latest that ended, or what was looked for."""
        it = await self.ports.store.read(lambda tx: self._look(tx, reader.person, search))
        trend = "" if search.is_narrow else await self._trend(reader.person)
        return self.html.page(
            "incidents.html",
            reader,
            it=it,
            search=search,
            trend=trend,
            now=self.ports.clock.now(),
            seen=mark(it),
            services=tuple(dict.fromkeys((*self.ports.catalog.names, *filter(None, [search.service])))),
            statuses=tuple(_STATUSES),
            severities=[severity.value for severity in Severity],
        )

    async def live(self, request: Request, reader: Asks, search: Sought) -> Response:
        """Stream that the list has changed, as far as its reader may know."""
        return self.streams.answer(request, LISTING, lambda tx: mark(self._look(tx, reader.person, search)))

    def _look(self, tx: Tx, person: Person, search: Search) -> Found:
        if search.is_narrow:
            return self._found(tx, person, search)
        open_ = found(self.ports, tx, person, Selection(statuses=ONGOING, limit=_OPEN_MAX))
        return replace(self._found(tx, person, Search(status="ended")), open_=open_)

    def _found(self, tx: Tx, person: Person, search: Search) -> Found:
        """Give a page of what is looked for, and where its neighbours are."""
        rows = found(self.ports, tx, person, search.selection)
        count = counted(self.ports, tx, person, search.selection)
        is_more = len(rows) > _ON_A_PAGE
        rows = rows[is_more:] if search.after else rows[:_ON_A_PAGE]
        if not rows:
            return Found(rows=rows, count=count)
        is_newer = is_more if search.after else bool(search.before)
        is_older = True if search.after else is_more
        newer = search.page(after=rows[0].number) if is_newer else ""
        older = search.page(before=rows[-1].number) if is_older else ""
        return Found(rows=rows, count=count, newer=newer, older=older)

    async def _trend(self, person: Person) -> str:
        """Draw how many incidents there were on each of the last days; drills are in no count."""
        now = self.ports.clock.now()
        lately = Selection(drill=False, since=now - timedelta(days=DAYS))
        told = await self.ports.store.read(lambda tx: outcomes(self.ports, tx, person, lately))
        panel = incidents_per_day([from_us(each.opened_at_us).date() for each in told], now.date())
        return Markup(svg(Trend((panel,)))) if panel else ""  # noqa: S704 - it escapes its words itself
