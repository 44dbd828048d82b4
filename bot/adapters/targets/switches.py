"""Switches the faults of a lab's targets, over connections to vetted addresses only."""

import asyncio
import json
from urllib.parse import quote

import httpx

from bot.adapters.targets.access import Keyring
from bot.adapters.targets.answers import head, one_line
from bot.adapters.targets.network import Resolver, locate, resolve_by_system
from bot.domain.access import AccessMissing
from bot.domain.addresses import AddressRefused
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
        self._resolver = resolver
        self._timeout_s = timeout_s
        self._keyring = Keyring()

    async def read(self, target: Target) -> tuple[Switch, ...] | Missing:
        """Give what a target can be switched to; Missing says why it is not known."""
        said = await self._ask(target, "")
        if isinstance(said, Missing):
            return said
        try:
            return read_switches(said)
        except ValueError as error:
            return Missing(f"{target.name} does not list its faults as a lab does: {one_line(str(error), 100)}")

    async def turn(self, target: Target, name: str, size: Size | None) -> Missing | None:
        """Switch a fault on at a size, or off without one; Missing says why that was not done."""
        said = await self._ask(target, f"/{quote(name, safe='')}", {"on": size is not None, "size": size or ""})
        return said if isinstance(said, Missing) else None

    async def _ask(self, target: Target, path: str, send: dict[str, object] | None = None) -> bytes | Missing:
        url = f"{target.pprof.rstrip('/')}/debug/faults{path}"
        timeout_s = self._timeout_s * (TURNING if send else 1.0)
        try:
            endpoint = await locate(url, target.allow, self._resolver, timeout_s)
            transport = await self._keyring.transport(target.access, url, endpoint, 1)
            async with (
                asyncio.timeout(timeout_s),
                httpx.AsyncClient(transport=transport, timeout=timeout_s) as client,
                client.stream("POST" if send else "GET", url, json=send) as response,
            ):
                content = await head(response.aiter_raw(), _LIST_BYTES)
        except (AddressRefused, AccessMissing) as refused:
            return Missing(f"{target.name}: {refused}")
        except (TimeoutError, httpx.TimeoutException):
            return Missing(f"{target.name} did not answer at {url} within {timeout_s:g} s")
        except httpx.HTTPError as error:
            why = one_line(str(error), 100) or type(error).__name__
            return Missing(f"{target.name} does not answer at {url}: {why}")
        if response.status_code != httpx.codes.OK:
            return Missing(_refusal(f"{url} answered {response.status_code}", content, target))
        return content


def _refusal(answered: str, content: bytes, target: Target) -> str:
    """Say what the lab says of it; what says nothing is no lab."""
    try:
        return f"{answered}: {one_line(str(json.loads(content)['error']), 200)}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return f"{answered}: is {target.name} a target of the lab?"
