"""HAProxy, by its runtime socket: weights share the requests, a server in maintenance gets no marked ones.

Both are lost at a reload, unless HAProxy finds them in its server-state-file; that is written after every change.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.adapters.routers.files import put, text_of
from bot.adapters.routers.servers import Roles, Server, Servers, counts, goal, parse, reweigh, split, take
from bot.adapters.routers.words import UNMARKED, change, short
from bot.domain.backends import Backend
from bot.domain.run import Missing
from bot.domain.traffic import Move, Route, Split

_TIMEOUT_S = 2.0
_MOST_BYTES = 4_000_000
_SHOW = "show servers state"
_COUNTS = "show stat -1 4 -1"
"""Of servers only."""


class HaproxyDriver:
    """Sends the weights in one line, and who is taken out in another."""

    def __init__(self, timeout_s: float = _TIMEOUT_S) -> None:
        self._timeout_s = timeout_s

    async def read(self, route: Route) -> Split | Missing:
        """Read what the weights make, and say what is wrong with a server."""
        servers = await self._servers(route)
        if isinstance(servers, Missing):
            return servers
        notes = [f"{name} is down" for name, server in servers.items() if server.is_down]
        notes += [] if route.text("dyed") else [UNMARKED]
        notes += ["a reload of HAProxy would undo it"] if await _is_forgotten(route, servers) else []
        return replace(split(_roles(route), servers), note=", ".join(notes))

    async def backends(self, route: Route) -> tuple[Backend, ...] | Missing:
        """Read the counters of our servers; a session whose every try failed is a refused connection."""
        said = await self._ask(route, _COUNTS)
        if isinstance(said, Missing):
            return said
        found = counts(said, _roles(route).names)
        return found or Missing(f"{route.text('socket')} answered what is no `show stat` ({short(said) or 'nothing'})")

    async def earlier(self, route: Route) -> str | Missing:  # noqa: ARG002 - the same for every route
        """Name no release: HAProxy knows of none."""
        return ""

    async def plan(self, route: Route, wanted: Split) -> tuple[Move, ...] | Missing:
        """Plan a line for weights and one for marked requests, as far as they are to change; or to keep what is."""
        servers, roles = await self._servers(route), _roles(route)
        if isinstance(servers, Missing):
            return servers
        after = goal(roles, servers, wanted)
        if isinstance(after, Missing):
            return after
        was, will = split(roles, servers), split(roles, after)
        lines = (
            (change(was, replace(will, dyed=None)) or "set the weights", reweigh(servers, after)),
            (change(was, replace(will, weight=None)) or "make the canary ready", take(servers, after)),
        )
        moves = tuple(_move(route, words, commands) for words, commands in lines if commands)
        is_kept = moves or not await _is_forgotten(route, servers)
        return moves if is_kept else (_move(route, "keep it as it is over a reload of HAProxy", []),)

    async def make(self, route: Route, move: Move) -> Missing | None:
        """Send the line, and keep the state that it ends with."""
        said = await self._ask(route, move.body["line"])
        if isinstance(said, Missing):
            return said
        refused, table = _parted(said)
        if refused or parse(table) is None:
            hint = "; the socket needs `level admin`" if "Permission denied" in refused else ""
            return Missing(f"HAProxy did not do it: {short(refused or said) or 'no answer'}{hint}")
        state_file = route.text("state_file")
        if state_file and (flaw := await asyncio.to_thread(put, Path(state_file), table)):
            return Missing(f"it is done, but a reload of HAProxy would undo it: {flaw}")
        return None

    async def _servers(self, route: Route) -> Servers | Missing:
        """Read the state of the servers that are ours."""
        said = await self._ask(route, _SHOW)
        if isinstance(said, Missing):
            return said
        found = parse(said)
        if found is None:
            what = f"{route.text('socket')} answered what is no state of servers ({short(said) or 'nothing'})"
            return Missing(f"{what}: `socket` must be HAProxy's stats socket")
        names = _roles(route).names
        strangers = [name for name in names if name not in found]
        if strangers:
            return Missing(f"HAProxy has no server {strangers[0]}; it has {short(', '.join(found)) or 'none'}")
        return {name: found[name] for name in names}

    async def _ask(self, route: Route, line: str) -> str | Missing:
        """Give what the socket answers to a line, or say why there is no answer."""
        place = route.text("socket")
        try:
            async with asyncio.timeout(self._timeout_s):
                return await _answer(place, line)
        except TimeoutError:
            return Missing(f"{place} gave no answer within {self._timeout_s:g} s; look whether HAProxy is overloaded")
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno else type(error).__name__
            return Missing(f"{place} cannot be asked ({reason}): start HAProxy, or correct `socket` and who may use it")


def _move(route: Route, words: str, commands: Sequence[str]) -> Move:
    """Give the move of one line, after which the state is shown, and kept."""
    line, state_file = "; ".join([*commands, _SHOW]), route.text("state_file")
    return Move(words, f"{line} > {state_file}" if state_file else line, {"line": line})


def _roles(route: Route) -> Roles:
    return Roles(route.text("canary"), route.words("baseline"), route.text("dyed"))


def _parted(said: str) -> tuple[str, str]:
    """Part what commands were answered, which is nothing when they are done, from the state that follows."""
    refused, begin, table = said.partition("1\n# be_id")
    return refused.strip(), f"{begin}{table}"


async def _answer(place: str, line: str) -> str:
    host, _, port = place.rpartition(":")
    opened = asyncio.open_unix_connection(place) if place.startswith("/") else asyncio.open_connection(host, int(port))
    reader, writer = await opened
    try:
        writer.write(f"{line}\n".encode())
        read = bytearray()
        while (piece := await reader.read(65_536)) and len(read) < _MOST_BYTES:
            read += piece
        return read.decode(errors="replace")
    finally:
        writer.close()


async def _is_forgotten(route: Route, servers: Servers) -> bool:
    """Tell whether a reload would bring other weights: those of the state file, without one those of haproxy.cfg."""
    if not (state_file := route.text("state_file")):
        return False
    known = parse(await asyncio.to_thread(text_of, Path(state_file))) or {}
    return any(
        (server.weight, server.is_out) != ((then := known.get(name, Server(server.initial, 0))).weight, then.is_out)
        for name, server in servers.items()
    )
