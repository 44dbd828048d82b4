"""How incidents go: medians by service, severity and week, what they were, and the same as CSV for a spreadsheet."""

import asyncio
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Response
from markupsafe import Markup

from bot.domain import outcomes as past
from bot.domain.incident import Severity
from bot.domain.measures import MEASURES, Milestone
from bot.domain.narrative import legible
from bot.domain.outcomes import Group, Outcome, Share
from bot.domain.picture import svg
from bot.domain.timeline import from_us, storable
from bot.domain.trend import Trend
from bot.engine.made import Latest
from bot.engine.ports import Ports
from bot.ports import Listed, Selection
from handlers.html import Html
from handlers.reader import Asks, Reader
from handlers.visible import found, outcomes

_PERIODS: Mapping[str, int] = {"4 weeks": 4, "13 weeks": 13, "52 weeks": 52, "all": 0}
_WEEKS = 13
_CSV_MAX = 100_000
_KEPT = 8
"""Selections whose medians are kept as they were worked out last."""
# A spreadsheet takes what begins like this for a formula, and runs it (OWASP, CSV injection).
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

Weeks = Annotated[int, Query(ge=0, le=5_000)]
Word = Annotated[str, Query(max_length=200)]


@dataclass(frozen=True)
class Period:
    """Which incidents are measured, as the address says it: of so many weeks (0: all), a service, a severity."""

    weeks: Weeks = _WEEKS
    service: Word = ""
    severity: Word = ""

    def selection(self, now: datetime) -> Selection:
        """Give which of the list that is; drills are in no count."""
        return Selection(
            severities=[each for each in Severity if each.value == self.severity.upper()],
            service=storable(self.service),
            drill=False,
            since=self.since(now),
            limit=_CSV_MAX,
        )

    def since(self, now: datetime) -> datetime | None:
        """Give the Monday on which the first of so many weeks began, this one the last; None for all there are."""
        if not self.weeks:
            return None
        today = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return today - timedelta(days=today.weekday(), weeks=self.weeks - 1)

    @property
    def query(self) -> str:
        """Give what an address says of it."""
        return urlencode(vars(self))


Asked = Annotated[Period, Depends()]


@dataclass(frozen=True)
class MeasuresView:
    """The page; `trend` is its picture, "" where there is too little to draw."""

    total: Group
    by_service: Sequence[Group]
    by_severity: Sequence[Group]
    by_week: Sequence[Group]
    shares: Sequence[Share]
    worst: Sequence[Share]
    trend: str


@dataclass(frozen=True)
class Measures:
    """The routes of the measures."""

    ports: Ports
    html: Html
    seen: "Latest[MeasuresView]" = field(default_factory=lambda: Latest(_KEPT, lambda _: 1))

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/measures", self.page)
        routes.add_api_route("/measures.csv", self.table)

    async def page(self, reader: Asks, period: Asked) -> Response:
        """Show how incidents went."""
        now = self.ports.clock.now()
        told = await self.ports.store.read(lambda tx: outcomes(self.ports, tx, reader.person, period.selection(now)))
        # Apart from the event loop: nobody else waits for many years' medians.
        version = told, now.date()
        it = await asyncio.to_thread(self.seen.of, period, version, lambda: view(told, now, period))
        services = tuple(dict.fromkeys((*self.ports.catalog.names, *filter(None, [period.service]))))
        return self.html.page(
            "measures.html",
            reader,
            it=it,
            period=period,
            periods=_PERIODS,
            services=services,
            severities=[severity.value for severity in Severity],
            names=past.NAMES,
            now=now,
        )

    async def table(self, reader: Asks, period: Asked) -> Response:
        """Give each incident that was measured as a row of CSV."""
        # Apart from the event loop, as the page is.
        text = await asyncio.to_thread(_written, await self._rows(reader, period))
        headers = {
            "Content-Disposition": 'attachment; filename="measures.csv"',
            "X-Content-Type-Options": "nosniff",
        }
        return Response(text, media_type="text/csv; charset=utf-8", headers=headers)

    async def _rows(self, reader: Reader, period: Period) -> list[Listed]:
        selection = period.selection(self.ports.clock.now())
        return await self.ports.store.read(lambda tx: found(self.ports, tx, reader.person, selection))


def view(told: Sequence[Outcome], now: datetime, period: Period) -> MeasuresView:
    """Work out the page of incidents, the oldest first."""
    first = period.since(now) or (from_us(told[0].opened_at_us) if told else now)
    services = past.groups(told, attrgetter("service"))
    severities = past.groups(told, attrgetter("severity"))
    by_service = [past.together(name, of) for name, of in services.items()]
    by_week = past.weeks(told, first.date(), now.date())
    panels = past.panels(by_week)
    return MeasuresView(
        total=past.together("", told),
        by_service=sorted(by_service, key=lambda group: (-group.count, group.name)),
        by_severity=[
            past.together(each.value, severities[each.value]) for each in Severity if each.value in severities
        ],
        by_week=by_week,
        shares=past.shares(told),
        worst=past.shares(severities.get(Severity.SEV1.value, [])),
        trend=Markup(svg(Trend(panels))) if panels else "",  # noqa: S704 - it escapes its words itself
    )


_HEAD = [
    *("id", "title", "service", "severity", "status", "verdict", "commander", "opened_at"),
    *(f"{each.value}_at" for each in Milestone),
    *(f"{name.lower().replace(' ', '_')}_s" for name, _, _ in MEASURES),
]


def _written(rows: Sequence[Listed]) -> str:
    """Write incidents, given the latest first, as CSV: a line each, the oldest first."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([_HEAD, *(list(_cells(row)) for row in reversed(rows) if row.counts)])
    return text.getvalue()


def _cells(row: Listed) -> Iterator[str]:
    """Give a row's cells; a measure that was not recorded is empty."""
    commander = row.commander.name if row.commander else ""
    yield from map(cell, (row.id, row.title, row.service, row.severity.value, row.status.value, row.verdict, commander))
    yield _time(row.opened_at)
    for each in Milestone:
        at = row.milestones.get(each)
        yield _time(at) if at else ""
    for measure in row.measures:
        yield "" if measure.value is None else f"{measure.value.total_seconds():.3f}"


def cell(text: str) -> str:
    """Give text as a cell that no spreadsheet takes for a formula."""
    text = legible(text)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULAS) else text


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
