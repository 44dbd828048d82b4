"""The pages of what was captured of one target: its goroutines, flame graphs, sockets, logs, and what is missing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from fastapi import APIRouter, Response
from markupsafe import Markup

from bot.domain import flame_drawing
from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.flame import Changed, Flame, Focus, Kind, changes, draw, kind_of
from bot.domain.flame_drawing import amount, part, place
from bot.domain.goroutine_parts import best
from bot.domain.goroutines import Goroutines, Group
from bot.domain.lenses import LENSES, profile_of
from bot.domain.profile import Cost, Profile
from bot.domain.proof import blamed_in, headline
from bot.domain.snapshot import SECOND, Captured
from bot.domain.stacks import own_frame
from bot.engine.ports import Ports
from handlers import readings
from handlers.html import Html
from handlers.reader import Asks, Reader
from handlers.readings import Reading

BASELINE = "baseline"
"""What `against` says to compare with the target's own healthy time; every other word there is a target's name."""
_AT_ONCE = 2
_MOST_GROUPS = 50
_MOST_LINES = 20
_NEAR = frozenset({Kind.OWN, Kind.LIBRARY})
_LOG_BYTES = 64 * 1024
_SVG_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True)
class GroupRow:
    """A group of goroutines: the service's own line it is at, and its whole stack, one call a line."""

    group: Group
    where: str
    is_own: bool
    is_blamed: bool
    stack: str


@dataclass(frozen=True)
class ViewRow:
    """A flame graph that can be looked at: its name in the address, its title, what it is of."""

    name: str
    title: str
    said: str


@dataclass(frozen=True)
class CostRow:
    """A function in numbers, each with its part of the whole: by itself, with what it calls; or compared, without."""

    where: str
    is_blamed: bool
    cells: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Shown:
    """What is needed to draw a flame graph, and what it is compared with, in words."""

    view: str
    profile: Profile
    flame: Flame
    base: Profile | None
    against: str
    module: str
    blamed: frozenset[str]


class Diagnoses:
    """The routes below a run: its targets, and their flame graphs."""

    def __init__(self, ports: Ports, html: Html, lost: Callable[[Reader, str], Awaitable[Response]]) -> None:
        self._ports = ports
        self._html = html
        self._lost = lost
        self._busy = asyncio.Semaphore(_AT_ONCE)

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/runs/{run_id}/targets/{target}", self.target)
        routes.add_api_route("/runs/{run_id}/targets/{target}/flames/{view}.svg", self.svg)
        routes.add_api_route("/runs/{run_id}/targets/{target}/flames/{view}", self.flame)

    async def target(self, reader: Asks, run_id: str, target: str) -> Response:
        """Show all that was captured of one target."""
        reading = await self._reading(reader, run_id, target)
        if reading is None:
            return await self._lost(reader, "There is no such target in a snapshot of this run.")
        async with self._busy:
            parts = await readings.contents(self._ports, reading.of(target))
            probe = next((each for each in reading.probes if each.target == target), None)
            facts = await asyncio.to_thread(examine, _filled(parts), probe)
            goroutines = await asyncio.to_thread(best, parts)
            views = await asyncio.to_thread(_views, parts)
        return self._html.page(
            "target.html",
            reader,
            run_id=run_id,
            reading=reading,
            target=target,
            facts=facts,
            found=[each for each in reading.findings if each.target == target],
            goroutines=goroutines,
            groups=_groups(goroutines, facts, _blamed(reading, target)),
            views=views,
            missing=_missing(facts, parts),
            parts_=[parts[name] for name in sorted(parts)],
            log=_log(parts.get("log")),
        )

    async def flame(self, reader: Asks, run_id: str, target: str, view: str, against: str = "") -> Response:
        """Show a flame graph to be zoomed and searched, and what costs most in a table."""
        reading = await self._reading(reader, run_id, target)
        shown = await self._shown(reading, target, view, against) if reading else None
        if reading is None or shown is None:
            return await self._lost(reader, "There is no such profile in a snapshot of this run, or it cannot be read.")
        said = headline(view, shown.flame, shown.profile)
        names, tables = await asyncio.to_thread(_tables, shown, target, against)
        before = await readings.baseline(self._ports, reading.service, target)
        return self._html.page(
            "flame.html",
            reader,
            run_id=run_id,
            reading=reading,
            target=target,
            view=view,
            title=LENSES[view].title,
            said=said,
            shown=shown,
            against=against,
            choices=_choices(reading, target, view, has_baseline=before is not None and view in before.profiles),
            picture=Markup(flame_drawing.svg(shown.flame, f"{said}, of {target}")),  # noqa: S704 - it escapes its words
            names=names,
            tables=tables,
            kinds=[kind.value for kind, _ in flame_drawing.KEY],
            key=[words for _, words in flame_drawing.KEY],
            parts=[each for each in reading.of(target) if each.part in LENSES[view].names and each.sha256],
        )

    async def svg(self, reader: Asks, run_id: str, target: str, view: str, against: str = "") -> Response:
        """Give a flame graph as a file: SVG without scripts."""
        reading = await self._reading(reader, run_id, target)
        shown = await self._shown(reading, target, view, against) if reading else None
        if shown is None:
            return await self._lost(reader, "There is no such profile in a snapshot of this run, or it cannot be read.")
        said = f"{headline(view, shown.flame, shown.profile)}, of {target}"
        drawn = flame_drawing.svg(shown.flame, said, alone=True)
        return Response(drawn, media_type="image/svg+xml", headers=_SVG_HEADERS)

    async def _reading(self, reader: Reader, run_id: str, target: str) -> Reading | None:
        reading = await self._ports.store.read(lambda tx: readings.read(self._ports, tx, run_id[:200], reader.person))
        return reading if reading and target in reading.targets else None

    async def _shown(self, reading: Reading, target: str, view: str, against: str) -> Shown | None:
        """Read the profile and what it is compared with; None when it is not there, or what to compare with is not."""
        if view not in LENSES:
            return None
        async with self._busy:
            profile = await readings.profile(self._ports, reading.of(target), view)
            base, words = await self._base(reading, target, view, against)
            if profile is None or (against and base is None):
                return None
            build = await readings.contents(self._ports, [each for each in reading.of(target) if each.part == "build"])
            focus = Focus(examine(build.values()).build.module, _blamed(reading, target))
            flame = await asyncio.to_thread(draw, profile, LENSES[view].value, focus, base)
        return Shown(view, profile, flame, base, words, focus.module, focus.blamed)

    async def _base(self, reading: Reading, target: str, view: str, against: str) -> tuple[Profile | None, str]:
        if against == BASELINE:
            known = await readings.baseline(self._ports, reading.service, target)
            digest = known.profiles.get(view) if known else None
            content = await self._ports.artifacts.get(digest) if digest else None
            if known is None or content is None:
                return None, ""
            whole = Captured(target, LENSES[view].parts[0], reading.parts[0].status, "", content=content)
            base = await asyncio.to_thread(profile_of, view, {whole.part: whole})
            return base, f"its baseline of {known.taken_at:%Y-%m-%d %H:%M} UTC"
        if against in reading.targets:
            return await readings.profile(self._ports, reading.of(against), view), against
        return None, ""


def _filled(parts: Mapping[str, Captured]) -> list[Captured]:
    """Give all parts, with the second reading of one in place of a first that failed."""
    seconds = {each.part.removesuffix(SECOND): each for each in parts.values() if each.part.endswith(SECOND)}
    return [
        replace(seconds[each.part], part=each.part) if not each.usable and each.part in seconds else each
        for each in parts.values()
    ]


def _missing(facts: Facts, parts: Mapping[str, Captured]) -> list[tuple[str, str]]:
    """Give each part that is not there or cannot be read, and why."""
    unread = {loss.part: loss.reason or loss.status for loss in facts.losses}
    absent = {each.part: each.error or each.status.value for each in parts.values() if not each.usable}
    return sorted((unread | absent).items())


def _blamed(reading: Reading, target: str) -> frozenset[str]:
    """Give the functions that the findings of a target name."""
    named = [blamed_in(each.claim, each.fix) for each in reading.findings if each.target == target]
    return frozenset().union(*named)


def _choices(reading: Reading, target: str, view: str, *, has_baseline: bool) -> tuple[tuple[str, str], ...]:
    """Give what a profile can be compared with: the word in the address, and its label."""
    have = [each.target for each in reading.parts if each.part in LENSES[view].names and each.sha256]
    others = [(name, name) for name in dict.fromkeys(have) if name != target]
    return (*([(BASELINE, "its baseline")] if has_baseline else []), *others)


def _views(parts: Mapping[str, Captured]) -> tuple[ViewRow, ...]:
    """Give the flame graphs that have something to show."""
    rows = []
    for name, view in LENSES.items():
        profile = profile_of(name, parts)
        if profile is not None and profile.total(view.value) > 0:
            flame = draw(profile, view.value, Focus(short=True))
            rows.append(ViewRow(name, view.title, headline(name, flame, profile).partition(": ")[2]))
    return tuple(rows)


def _groups(goroutines: Goroutines | None, facts: Facts, blamed: frozenset[str]) -> tuple[GroupRow, ...]:
    groups = goroutines.groups[:_MOST_GROUPS] if goroutines else ()
    return tuple(_group(each, facts.build.module, blamed) for each in groups)


def _group(group: Group, module: str, blamed: frozenset[str]) -> GroupRow:
    own = own_frame(group.stack, module)
    frame = own or next(reversed(group.stack), None)
    stack = "\n".join(f"{place(each)}" for each in group.stack)
    started = f"\ncreated by {group.created_by[:200]}" if group.created_by else ""
    is_blamed = own is not None and own.function in blamed
    return GroupRow(group, place(frame) if frame else "an unknown place", own is not None, is_blamed, stack + started)


def _tables(shown: Shown, target: str, against: str) -> tuple[tuple[str, ...], list[tuple[str, list[CostRow]]]]:
    """Give the columns and the tables below a graph: what changed most, or what costs most, own code first."""
    if shown.base is not None:
        value = LENSES[shown.view].value
        found = changes(shown.profile, shown.base, value, lambda cost: cost.cumulative)
        inside = [each for each in found if kind_of(each.frame.function, shown.module) in _NEAR]
        itself = changes(shown.profile, shown.base, value, lambda cost: cost.flat)
        both = [("In its own code, with its calls", inside), ("What differs most by itself", itself)]
        differing = [(title, [_changed(each, shown) for each in rows[:_MOST_LINES]]) for title, rows in both if rows]
        return ("Difference", target, against), differing
    ranked = shown.profile.top(LENSES[shown.view].value)
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


def _log(part: Captured | None) -> str:
    """Give the end of a log as text, "" when there is none."""
    return part.content[-_LOG_BYTES:].decode("utf-8", "replace") if part is not None and part.usable else ""
