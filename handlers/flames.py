"""The page of a flame graph: three ways to look at it, what it is compared with, and what costs most in tables."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from markupsafe import Markup
from starlette.responses import StreamingResponse

from bot.domain import flame_drawing
from bot.domain.examination import examine
from bot.domain.flame import Flame, Focus
from bot.domain.lenses import LENSES
from bot.domain.proof import blamed_in
from bot.domain.snapshot import Captured
from bot.engine.ports import Ports
from handlers import readings
from handlers.graphs import Base, Graphs, Source
from handlers.html import Html
from handlers.reader import Asks, Reader
from handlers.readings import Reading

BASELINE = "baseline"
"""What `against` says to compare with the target's own healthy time; every other word there is a target's name."""
_LOST = "There is no such profile in a snapshot of this run, or it cannot be read."
_LATER = Markup("<!-- what costs most -->")
_SVG_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


class Look(StrEnum):
    """Which way a graph is looked at, as an address says it."""

    DOWN = "down"
    UP = "up"
    INVERTED = "inverted"


LOOKS = {
    Look.DOWN: ("Callers on top", "Callers are on top, what they call is below them."),
    Look.UP: ("Callers at the bottom", "Callers are at the bottom, what they call is above them."),
    Look.INVERTED: ("Inverted", "Inverted: on top is what costs by itself, and below each call is who called it."),
}


@dataclass(frozen=True)
class Choice:
    """Another way to see a graph: its label and its address."""

    label: str
    href: str
    is_current: bool


@dataclass(frozen=True)
class Wanted:
    """What of which target is asked for, and how: compared with what, looked at which way."""

    target: str
    view: str
    against: str
    look: Look

    def address(self, here: str) -> str:
        """Give where it is found, beside the other graphs of its target."""
        query = {"against": self.against} if self.against else {}
        query |= {"look": self.look.value} if self.look is not Look.DOWN else {}
        return f"{here}?{urlencode(query)}" if query else here


def wanted(target: str, view: str, against: str = "", look: str = "") -> Wanted:
    """Read how a graph is asked for; a way of looking that nobody knows is the usual one."""
    return Wanted(target, view, against, Look(look) if look in set(Look) else Look.DOWN)


Wants = Annotated[Wanted, Depends(wanted)]


@dataclass(frozen=True)
class Shown:
    """A flame graph and what it is of in words; what it was made of, and under which name that is kept."""

    flame: Flame
    said: str
    source: Source
    name: str

    @property
    def against(self) -> str:
        """What it is compared with."""
        return self.source.base.words if self.source.base else ""


class Flames:
    """The routes of the flame graphs of a target."""

    def __init__(
        self, ports: Ports, html: Html, lost: Callable[[Reader, str], Awaitable[Response]], busy: asyncio.Semaphore
    ) -> None:
        self._ports = ports
        self._html = html
        self._lost = lost
        self._busy = busy
        self._graphs = Graphs()

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/runs/{run_id}/targets/{target}/flames/{view}.svg", self.svg)
        routes.add_api_route("/runs/{run_id}/targets/{target}/flames/{view}", self.page)

    async def page(self, reader: Asks, run_id: str, wanted: Wants) -> Response:
        """Show a flame graph to be zoomed and searched, and what costs most in a table, which may come later."""
        target, view = wanted.target, wanted.view
        reading = await readings.of_target(self._ports, run_id, target, reader.person)
        shown = await self._shown(reading, wanted) if reading else None
        if reading is None or shown is None:
            return await self._lost(reader, _LOST)
        before = await readings.baseline(self._ports, reading.service, target)
        text = self._html.text(
            "flame.html",
            reader,
            run_id=run_id,
            reading=reading,
            target=target,
            view=view,
            title=LENSES[view].title,
            said=shown.said,
            shown=shown,
            looks=[_look(wanted, each) for each in Look],
            way=LOOKS[wanted.look][1],
            choices=_choices(reading, wanted, has_baseline=before is not None and view in before.profiles),
            drawing=wanted.address(f"{view}.svg"),
            picture=Markup(_drawn(shown, wanted)),  # noqa: S704 - it escapes its words
            kinds=[kind.value for kind, _ in flame_drawing.KEY],
            key=[words for _, words in flame_drawing.KEY],
            parts=[each for each in reading.of(target) if each.part in LENSES[view].names and each.sha256],
            later=_LATER,
        )
        return StreamingResponse(self._pieces(text, reader, shown), media_type="text/html")

    async def svg(self, reader: Asks, run_id: str, wanted: Wants) -> Response:
        """Give a flame graph as a file: SVG without scripts."""
        reading = await readings.of_target(self._ports, run_id, wanted.target, reader.person)
        shown = await self._shown(reading, wanted) if reading else None
        if shown is None:
            return await self._lost(reader, _LOST)
        return Response(_drawn(shown, wanted, alone=True), media_type="image/svg+xml", headers=_SVG_HEADERS)

    async def _pieces(self, text: str, reader: Reader, shown: Shown) -> AsyncIterator[str]:
        """Send the graph, and the tables when they are added up: a person looks at it meanwhile."""
        first, _, last = text.partition(_LATER)
        yield first
        async with self._busy:
            below = await asyncio.to_thread(self._graphs.tables, shown.name, shown.source)
        is_compared = shown.source.base is not None
        yield self._html.text("costs.html", reader, below=below, is_compared=is_compared)
        yield last

    async def _shown(self, reading: Reading, wanted: Wanted) -> Shown | None:
        """Read the profile and what it is compared with; None when it is not there, or what to compare with is not."""
        if wanted.view not in LENSES:
            return None
        of_target = reading.of(wanted.target)
        async with self._busy:
            base = await self._base(reading, wanted)
            if wanted.against and base is None:
                return None
            parts = await self._contents(of_target, LENSES[wanted.view].names)
            module = examine((await self._contents(of_target, {"build"})).values()).build.module
            focus = Focus(module, blamed_at(reading, wanted.target), inverted=wanted.look is Look.INVERTED)
            source = Source(wanted.view, wanted.target, parts, base, focus)
            name = f"{reading.run.id} {wanted}"
            graph = await asyncio.to_thread(self._graphs.graph, name, source)
        return Shown(graph.flame, graph.said, source, name) if graph else None

    async def _base(self, reading: Reading, wanted: Wanted) -> Base | None:
        if wanted.against in reading.targets:
            theirs = await self._contents(reading.of(wanted.against), LENSES[wanted.view].names)
            return Base(wanted.against, wanted.against, theirs)
        known = await readings.baseline(self._ports, reading.service, wanted.target)
        digest = known.profiles.get(wanted.view) if known and wanted.against == BASELINE else None
        if known is None or digest is None:
            return None
        name, status = LENSES[wanted.view].parts[0], reading.parts[0].status
        kept = await self._contents([Captured(wanted.target, name, status, "", sha256=digest)], {name})
        return Base(BASELINE, f"its baseline of {known.taken_at:%Y-%m-%d %H:%M} UTC", kept)

    async def _contents(self, parts: Sequence[Captured], names: AbstractSet[str]) -> dict[str, Captured]:
        return await readings.contents(self._ports, [each for each in parts if each.part in names and each.sha256])


def blamed_at(reading: Reading, target: str) -> frozenset[str]:
    """Give the functions that the findings of a target name."""
    named = [blamed_in(each.claim, each.fix) for each in reading.found_at(target)]
    return frozenset().union(*named)


def _drawn(shown: Shown, wanted: Wanted, *, alone: bool = False) -> str:
    said = f"{shown.said}, of {wanted.target}. {LOOKS[wanted.look][1]}"
    return flame_drawing.svg(shown.flame, said, alone=alone, upwards=wanted.look is Look.UP)


def _look(wanted: Wanted, look: Look) -> Choice:
    return Choice(LOOKS[look][0], replace(wanted, look=look).address(wanted.view), look is wanted.look)


def _choices(reading: Reading, wanted: Wanted, *, has_baseline: bool) -> list[Choice]:
    """Give what a profile can be compared with; nothing when it is nothing but itself."""
    have = [each.target for each in reading.parts if each.part in LENSES[wanted.view].names and each.sha256]
    others = [(name, f"Against {name}") for name in dict.fromkeys(have) if name != wanted.target]
    known = [*([(BASELINE, "Against its baseline")] if has_baseline else []), *others]
    return [
        Choice(label, replace(wanted, against=word).address(wanted.view), word == wanted.against)
        for word, label in ([("", "By itself"), *known] if known else [])
    ]
