"""The page of what was captured of one target: its goroutines, sockets, logs, and what is missing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from fastapi import APIRouter, Response

from bot.domain.examination import examine
from bot.domain.facts import Facts
from bot.domain.flame_drawing import place
from bot.domain.goroutine_parts import best
from bot.domain.goroutines import Goroutines, Group
from bot.domain.lenses import LENSES, costs_of
from bot.domain.proof import headline
from bot.domain.snapshot import SECOND, Captured
from bot.domain.stacks import own_frame
from bot.engine.ports import Ports
from handlers import readings
from handlers.flames import Flames, blamed_at
from handlers.html import Html
from handlers.reader import Asks, Reader

_AT_ONCE = 2
_MOST_GROUPS = 50
_LOG_BYTES = 64 * 1024


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


class Diagnoses:
    """The routes below a run: its targets."""

    def __init__(self, ports: Ports, html: Html, lost: Callable[[Reader, str], Awaitable[Response]]) -> None:
        self._ports = ports
        self._html = html
        self._lost = lost
        self._busy = asyncio.Semaphore(_AT_ONCE)

    def route(self, routes: APIRouter) -> None:
        """Add them."""
        routes.add_api_route("/runs/{run_id}/targets/{target}", self.target)
        Flames(self._ports, self._html, self._lost, self._busy).route(routes)

    async def target(self, reader: Asks, run_id: str, target: str) -> Response:
        """Show all that was captured of one target."""
        reading = await readings.of_target(self._ports, run_id, target, reader.person)
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
            found=reading.found_at(target),
            goroutines=goroutines,
            groups=_groups(goroutines, facts, blamed_at(reading, target)),
            views=views,
            missing=_missing(facts, parts),
            parts_=[parts[name] for name in sorted(parts)],
            log=_log(parts.get("log")),
        )


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


def _views(parts: Mapping[str, Captured]) -> tuple[ViewRow, ...]:
    """Give the flame graphs that have something to show."""
    rows = []
    for name, view in LENSES.items():
        costs = costs_of(name, parts)
        if costs is not None and costs.total:
            rows.append(ViewRow(name, view.title, headline(name, costs).partition(": ")[2]))
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


def _log(part: Captured | None) -> str:
    """Give the end of a log as text, "" when there is none."""
    return part.content[-_LOG_BYTES:].decode("utf-8", "replace") if part is not None and part.usable else ""
