"""The drills, as a page and as JSON: the league of classes, what is on now, how each drill went."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response

from bot.domain.league import Place, league
from bot.domain.scores import SEED_S, Score, read
from bot.domain.timeline import Entry, Kind, Person, from_us
from bot.engine.ports import Ports
from bot.ports import LISTING, Listed, Tx
from handlers.html import Html
from handlers.live import Streams, mark
from handlers.reader import Asks
from handlers.visible import visible_entries, visible_incidents

_OPEN_MAX = 500
_SHOWN = 50


@dataclass(frozen=True)
class Running:
    """A drill that is on; `fault` is "" while it is blind."""

    incident_id: str
    service: str
    fault: str
    began_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class DrillsView:
    """The page: the latest drills first."""

    now: datetime
    running: Sequence[Running]
    places: Sequence[Place]
    drills: Sequence[Score]
    seed_s: float = SEED_S


@dataclass(frozen=True)
class Drills:
    """The page's route."""

    ports: Ports
    html: Html
    streams: Streams

    def route(self, routes: APIRouter) -> None:
        """Add it."""
        routes.add_api_route("/drills", self.page)
        routes.add_api_route("/drills/live", self.live)

    async def page(self, reader: Asks) -> Response:
        """Show the league, and every drill."""
        it = await view(self.ports, reader.person)
        return self.html.page("drills.html", reader, it=it, seen=mark((tuple(it.drills), it.running)))

    async def live(self, request: Request, reader: Asks) -> Response:
        """Stream that a drill has begun or ended."""

        def look(tx: Tx) -> str:
            scores, running = _read(self.ports, tx, reader.person)
            return mark((scores[::-1][:_SHOWN], running))

        return self.streams.answer(request, LISTING, look)


async def view(ports: Ports, person: Person) -> DrillsView:
    """Read how all drills went, and which are on."""
    scores, running = await ports.store.read(lambda tx: _read(ports, tx, person))
    return DrillsView(ports.clock.now(), running, league(scores), scores[::-1][:_SHOWN])


def _read(ports: Ports, tx: Tx, person: Person) -> tuple[tuple[Score, ...], list[Running]]:
    open_ = [row for row in visible_incidents(ports, tx, person, limit=_OPEN_MAX) if row.drill]
    running = [on for row in open_ if (on := _running(row, visible_entries(ports, tx, row.id, person)))]
    return read(ports.timeline.drills(tx)), running


def as_json(it: DrillsView) -> Mapping[str, Any]:
    """Give what the page shows as JSON."""
    return {
        "seed_s": it.seed_s,
        "running": [asdict(each) for each in it.running],
        "league": [asdict(each) for each in it.places],
        "drills": [asdict(each) for each in it.drills],
    }


def _running(row: Listed, entries: Iterable[Entry]) -> Running | None:
    """Give the drill of an incident unless it is over."""
    found: Running | None = None
    for entry in entries:
        facts = entry.facts if entry.kind == Kind.DRILL_STARTED else {}
        if facts:
            found = Running(row.id, facts["service"], facts["class"], entry.at, from_us(int(facts["ends_at"])))
        elif entry.kind == Kind.DRILL_ENDED:
            return None
    return found
