"""The audit log: who allowed, refused, opened and took away what, in every incident and in none."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from bot.domain.audit_log import SUBJECTS, Place, Question, place
from bot.domain.narrative import tell, who
from bot.domain.timeline import HOUSE, Entry, storable
from bot.engine.ports import Ports
from bot.ports import Tx
from handlers.html import Html
from handlers.live import Streams
from handlers.reader import Asks
from handlers.visible import audited

_ON_A_PAGE = 100
_PLACE = re.compile(r"(\d{1,17})\.([A-Za-z0-9-]{1,20})\.(\d{1,9})", re.ASCII)

Word = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True)
class Audit:
    """What of the log is asked for, as the address says it."""

    about: Word = ""
    who: Word = ""
    incident: Word = ""
    before: Word = ""

    @property
    def is_narrow(self) -> bool:
        """Tell whether anything is asked for but everything."""
        return bool(self.about or self.who or self.incident)

    @property
    def question(self) -> Question:
        """Give what is asked of the log: one more than a page shows, to know whether another page follows."""
        return Question(
            kinds=SUBJECTS.get(self.about, ()),
            who=storable(self.who.strip()),
            incident_id=storable(self.incident.strip().upper()),
            before=_place(self.before),
            limit=_ON_A_PAGE + 1,
        )

    def older(self, last: Entry) -> str:
        """Give the address of the page that follows an entry."""
        before = ".".join(map(str, place(last)))
        given = {name: value for name, value in vars(self).items() if value}
        return f"/audit?{urlencode({**given, 'before': before})}"


def _place(text: str) -> Place | None:
    found = _PLACE.fullmatch(text)
    return (int(found[1]), found[2], int(found[3])) if found else None


Asked = Annotated[Audit, Depends()]


@dataclass(frozen=True)
class Row:
    """A line of the log; `incident_id` is "" for what belongs to none."""

    at: datetime
    who: str
    kind: str
    what: str
    incident_id: str
    run_id: str


@dataclass(frozen=True)
class AuditLog:
    """The route of the log."""

    ports: Ports
    html: Html
    streams: Streams

    def route(self, routes: APIRouter) -> None:
        """Add it."""
        routes.add_api_route("/audit", self.page)
        routes.add_api_route("/audit/live", self.live)

    async def page(self, reader: Asks, audit: Asked) -> Response:
        """Show the log, the latest first."""
        entries = await self.ports.store.read(lambda tx: audited(self.ports, tx, reader.person, audit.question))
        shown = entries[:_ON_A_PAGE]
        return self.html.page(
            "audit.html",
            reader,
            audit=audit,
            rows=_rows(shown),
            older=audit.older(shown[-1]) if len(entries) > _ON_A_PAGE else "",
            subjects=tuple(SUBJECTS),
            now=self.ports.clock.now(),
            seen=_seen(entries),
        )

    async def live(self, request: Request, reader: Asks) -> Response:
        """Stream that the log has grown, to who looks at the whole of it."""

        def look(tx: Tx) -> str:
            return _seen(audited(self.ports, tx, reader.person, Question(limit=1)))

        return self.streams.answer(request, f"incident:{HOUSE}", look)


def _seen(entries: Sequence[Entry]) -> str:
    return ".".join(map(str, place(entries[0]))) if entries else ""


def _rows(entries: Sequence[Entry]) -> list[Row]:
    """Give the lines of a page; what is recorded again there without its words is one line, not two."""
    again = {(entry.incident_id, entry.facts.get("again")) for entry in entries}
    shown = (entry for entry in entries if (entry.incident_id, entry.seq) not in again)
    return [Row(entry.at, who(entry), entry.kind, tell(entry), _incident(entry), entry.run_id) for entry in shown]


def _incident(entry: Entry) -> str:
    return "" if entry.incident_id == HOUSE else entry.incident_id
