"""Asks what a target serves beside its pprof, over a connection to a vetted address only; bounded in time and bytes."""

import asyncio
from collections.abc import Mapping

import httpx

from bot.adapters.targets.access import Keyring
from bot.adapters.targets.answers import head, one_line
from bot.adapters.targets.network import Resolver, locate, resolve_by_system
from bot.domain.access import AccessMissing
from bot.domain.addresses import AddressRefused
from bot.domain.run import Missing
from bot.domain.service import Target


class Asking:
    """Gives status and body of an answer, or a sentence why there is none; never raises for what a target does."""

    def __init__(self, resolver: Resolver = resolve_by_system, accept: str = "*/*") -> None:
        self._resolver = resolver
        self._keyring = Keyring()
        self._sent = {"Accept": accept, "Accept-Encoding": "identity"}

    async def ask(
        self, target: Target, url: str, most: int, timeout_s: float, send: Mapping[str, object] | None = None
    ) -> tuple[int, bytes] | Missing:
        """Ask an address of a target for at most so many bytes; what is to be sent is posted as JSON."""
        try:
            endpoint = await locate(url, target.allow, self._resolver, timeout_s)
            transport = await self._keyring.transport(target.access, url, endpoint, 1)
            async with (
                asyncio.timeout(timeout_s),
                httpx.AsyncClient(transport=transport, timeout=timeout_s, headers=self._sent) as client,
                client.stream("POST" if send else "GET", url, json=send) as response,
            ):
                return response.status_code, await head(response.aiter_raw(), most)
        except (AddressRefused, AccessMissing) as refused:
            return Missing(f"{target.name}: {refused}")
        except (TimeoutError, httpx.TimeoutException):
            return Missing(f"{target.name} did not answer at {url} within {timeout_s:g} s")
        except httpx.HTTPError as error:
            why = one_line(str(error), 100) or type(error).__name__
            return Missing(f"{target.name} does not answer at {url}: {why}")
