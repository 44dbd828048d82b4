"""The page of a flame graph: three ways to look at it, what it is compared with, and what costs most in tables."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Response
from markupsafe import Markup
from starlette.responses import StreamingResponse

from bot.domain import flame_drawing
from bot.domain.costs import Cost, Costs, ProfileMalformed
from bot.domain.examination import examine
from bot.domain.flame import Changed, Flame, Focus, Kind, changes, draw, kind_of
from bot.domain.flame_drawing import amount, part, place
from bot.domain.lenses import LENSES, costs_of
from bot.domain.proof import blamed_in, headline
from bot.domain.snapshot import Captured
from bot.engine.ports import Ports
from handlers import readings
from handlers.html import Html
from handlers.reader import Asks, Reader
from handlers.readings import Reading

BASELINE = "baseline"
"""What `against` says to compare with the target's own healthy time; every other word there is a target's name."""
_LOST = "There is no such profile in a snapshot of this run, or it cannot be read."
_MOST_LINES = 20
_NEAR = frozenset({Kind.OWN, Kind.LIBRARY})
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
class CostRow:
    """A function in numbers, each with its part of the whole: by itself, with what it calls; or compared, without."""

    where: str
    is_blamed: bool
    cells: tuple[tuple[str, str], ...]


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
    """A flame graph, what it is of, and what it is compared with, in words."""

    costs: Costs
    flame: Flame
    base: Costs | None
    against: str
    module: str
    blamed: frozenset[str]


class Flames:
    """The routes of the flame graphs of a target."""

    def __init__(
        self, ports: Ports, html: Html, lost: Callable[[Reader, str], Awaitable[Response]], busy: asyncio.Semaphore
    ) -> None:
        self._ports = ports
        self._html = html
        self._lost = lost
        self._busy = busy

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
        said = headline(view, shown.costs)
        before = await readings.baseline(self._ports, reading.service, target)
        text = self._html.text(
            "flame.html",
            reader,
            run_id=run_id,
            reading=reading,
            target=target,
            view=view,
            title=LENSES[view].title,
            said=said,
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
        return StreamingResponse(self._pieces(text, reader, shown, wanted), media_type="text/html")

    async def svg(self, reader: Asks, run_id: str, wanted: Wants) -> Response:
        """Give a flame graph as a file: SVG without scripts."""
        reading = await readings.of_target(self._ports, run_id, wanted.target, reader.person)
        shown = await self._shown(reading, wanted) if reading else None
        if shown is None:
            return await self._lost(reader, _LOST)
        return Response(_drawn(shown, wanted, alone=True), media_type="image/svg+xml", headers=_SVG_HEADERS)

    async def _pieces(self, text: str, reader: Reader, shown: Shown, wanted: Wanted) -> AsyncIterator[str]:
        """Send the graph, and the tables when they are added up: a person looks at it meanwhile."""
        first, _, last = text.partition(_LATER)
        yield first
        names: tuple[str, ...] = ()
        tables: list[tuple[str, list[CostRow]]] = []
        why = ""
        async with self._busy:
            try:
                names, tables = await asyncio.to_thread(_tables, shown, wanted)
            except ProfileMalformed as error:
                why = str(error)
        is_compared = shown.base is not None
        yield self._html.text("costs.html", reader, names=names, tables=tables, is_compared=is_compared, why=why)
        yield last

    async def _shown(self, reading: Reading, wanted: Wanted) -> Shown | None:
        """Read the profile and what it is compared with; None when it is not there, or what to compare with is not."""
        if wanted.view not in LENSES:
            return None
        of_target = reading.of(wanted.target)
        async with self._busy:
            costs = await readings.costs(self._ports, of_target, wanted.view)
            base, words = await self._base(reading, wanted)
            if costs is None or (wanted.against and base is None):
                return None
            build = await readings.contents(self._ports, [each for each in of_target if each.part == "build"])
            module, blamed = examine(build.values()).build.module, blamed_at(reading, wanted.target)
            focus = Focus(module, blamed, inverted=wanted.look is Look.INVERTED)
            try:
                flame = await asyncio.to_thread(draw, costs, focus, base)
            except ProfileMalformed:
                return None
        return Shown(costs, flame, base, words, module, blamed)

    async def _base(self, reading: Reading, wanted: Wanted) -> tuple[Costs | None, str]:
        if wanted.against == BASELINE:
            known = await readings.baseline(self._ports, reading.service, wanted.target)
            digest = known.profiles.get(wanted.view) if known else None
            content = await self._ports.artifacts.get(digest) if digest else None
            if known is None or content is None:
                return None, ""
            part_name = LENSES[wanted.view].parts[0]
            whole = Captured(wanted.target, part_name, reading.parts[0].status, "", content=content)
            base = await asyncio.to_thread(costs_of, wanted.view, {part_name: whole})
            return base, f"its baseline of {known.taken_at:%Y-%m-%d %H:%M} UTC"
        if wanted.against in reading.targets:
            return await readings.costs(self._ports, reading.of(wanted.against), wanted.view), wanted.against
        return None, ""


def blamed_at(reading: Reading, target: str) -> frozenset[str]:
    """Give the functions that the findings of a target name."""
    named = [blamed_in(each.claim, each.fix) for each in reading.found_at(target)]
    return frozenset().union(*named)


def _drawn(shown: Shown, wanted: Wanted, *, alone: bool = False) -> str:
    said = f"{headline(wanted.view, shown.costs)}, of {wanted.target}. {LOOKS[wanted.look][1]}"
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


def _tables(shown: Shown, wanted: Wanted) -> tuple[tuple[str, ...], list[tuple[str, list[CostRow]]]]:
    """Give the columns and the tables below a graph: what changed most, or what costs most, own code first."""
    if shown.base is not None:
        found = changes(shown.costs, shown.base, lambda cost: cost.cumulative)
        inside = [each for each in found if kind_of(each.frame.function, shown.module) in _NEAR]
        itself = changes(shown.costs, shown.base, lambda cost: cost.flat)
        both = [("In its own code, with its calls", inside), ("What differs most by itself", itself)]
        differing = [(title, [_changed(each, shown) for each in rows[:_MOST_LINES]]) for title, rows in both if rows]
        return ("Difference", wanted.target, wanted.against), differing
    ranked = shown.costs.top()
    own = [each for each in ranked if kind_of(each.frame.function, shown.module) in _NEAR]
    own.sort(key=lambda each: -each.cumulative)
    tables = [("In its own code", own), ("What costs most by itself", [each for each in ranked if each.flat])]
    rows = [(title, [_cost(each, shown) for each in costs[:_MOST_LINES]]) for title, costs in tables if costs]
    return ("By itself", "With its calls"), rows


def _cost(cost: Cost, shown: Shown) -> CostRow:
    total, unit = max(shown.flame.total, 1), shown.flame.unit
    cells = tuple((amount(value, unit), part(value / total)) for value in (cost.flat, cost.cumulative))
    return CostRow(place(cost.frame), cost.frame.function in shown.blamed, cells)


def _changed(each: Changed, shown: Shown) -> CostRow:
    more, unit = each.now - each.before, shown.flame.unit
    sign = "+" if more >= 0 else "\u2212"
    cells = (f"{sign}{amount(abs(more), unit)}", amount(each.now, unit), amount(each.before, unit))
    return CostRow(place(each.frame), each.frame.function in shown.blamed, tuple((cell, "") for cell in cells))
