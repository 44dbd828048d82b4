"""Switches the faults of a lab's targets, over connections to vetted addresses only."""

import json
from datetime import timedelta
from urllib.parse import quote

import httpx

from bot.adapters.targets.answers import one_line
from bot.adapters.targets.asking import Asking
from bot.adapters.targets.network import Resolver, resolve_by_system
from bot.domain.drills import Size, Switch, read_switches
from bot.domain.run import Missing
from bot.domain.service import Target

TIMEOUT_S = 20.0
TURNING = 3.0
"""Switching may take the lab so many times as long: a large heap is built, or another program."""
_LIST_BYTES = 65_536


class HttpSwitches:
    """The Switches port: `/debug/faults` beside a target's `/debug/pprof/`."""

    def __init__(self, resolver: Resolver = resolve_by_system, timeout_s: float = TIMEOUT_S) -> None:
        self._asking = Asking(resolver)
        self._timeout_s = timeout_s

    async def read(self, target: Target) -> tuple[Switch, ...] | Missing:
        """Give what a target can be switched to; Missing says why it is not known."""
        said = await self._ask(target, "")
        if isinstance(said, Missing):
            return said
        try:
            return read_switches(said)
        except ValueError as error:
            return Missing(f"{target.name} does not list its faults as a lab does: {one_line(str(error), 100)}")

    async def turn(
        self, target: Target, name: str, size: Size | None, lasts: timedelta | None = None
    ) -> Missing | None:
        """Switch a fault on at a size, or off without one; Missing says why that was not done.

        `lasts`: after that the lab itself ends it, should nobody come back (None: when the lab thinks best).
        """
        wanted: dict[str, object] = {"on": size is not None, "size": size or ""}
        if lasts is not None:
            wanted["for_s"] = int(lasts.total_seconds())
        said = await self._ask(target, f"/{quote(name, safe='')}", wanted)
        return said if isinstance(said, Missing) else None

    async def _ask(self, target: Target, path: str, send: dict[str, object] | None = None) -> bytes | Missing:
        url = f"{target.pprof.rstrip('/')}/debug/faults{path}"
        timeout_s = self._timeout_s * (TURNING if send else 1.0)
        answered = await self._asking.ask(target, url, _LIST_BYTES, timeout_s, send)
        if isinstance(answered, Missing):
            return answered
        status, content = answered
        return content if status == httpx.codes.OK else Missing(_refusal(f"{url} answered {status}", content, target))


def _refusal(answered: str, content: bytes, target: Target) -> str:
    """Say what the lab says of it; what says nothing is no lab."""
    try:
        return f"{answered}: {one_line(str(json.loads(content)['error']), 200)}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"{answered}: is {target.name} a target of the lab?"
