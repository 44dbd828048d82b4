"""Asks a target's users' address for the document in which the service says which build it is."""

import asyncio
import time
from collections.abc import Callable
from urllib.parse import urljoin

import httpx

from bot.adapters.targets.access import as_users_do
from bot.adapters.targets.answers import complaint, head
from bot.adapters.targets.network import PinnedTransport, Resolver, locate, resolve_by_system
from bot.domain.access import AccessMissing
from bot.domain.addresses import AddressRefused
from bot.domain.redaction import redact_bytes
from bot.domain.service import Target
from bot.domain.snapshot import Captured, Part, captured, missed

MAX_BYTES = 64 * 1024
_SENT = {"User-Agent": "firstfive", "Accept-Encoding": "identity"}


class HttpVersions:
    """Every request goes to an address that the target's allow-list holds."""

    def __init__(
        self, *, resolver: Resolver = resolve_by_system, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._resolver = resolver
        self._monotonic = monotonic

    async def capture(self, target: Target, part: Part) -> Captured:
        """Capture the document, recorded whatever becomes of it."""
        started = self._monotonic()
        url = urljoin(target.url or target.pprof, target.version)
        try:
            async with asyncio.timeout(part.timeout_s):
                body, wrong = await self._fetch(target, url, part)
        except (AddressRefused, AccessMissing) as refused:
            return missed(target.name, part, f"{target.name}: {refused}")
        except TimeoutError:
            body, wrong = b"", f"{url} gave no answer in {part.timeout_s:g} s"
        except httpx.TransportError as error:
            body, wrong = b"", complaint(part, url, error, 0)
        elapsed_s = self._monotonic() - started
        if wrong:
            return missed(target.name, part, f"{target.name}: {wrong}", elapsed_s)
        return captured(target.name, part, redact_bytes(body), elapsed_s)

    async def _fetch(self, target: Target, url: str, part: Part) -> tuple[bytes, str]:
        """Give the document, and what is wrong with the answer if something is."""
        endpoint = await locate(url, target.allow, self._resolver, part.timeout_s)
        tls = await asyncio.to_thread(as_users_do, target, url)
        transport = PinnedTransport(endpoint, tls, 1, server_name=target.server_name)
        async with (
            httpx.AsyncClient(transport=transport, trust_env=False, headers=_SENT) as client,
            client.stream("GET", url) as response,
        ):
            if response.status_code != httpx.codes.OK:
                return b"", f"{url} answered {response.status_code}: correct `version`"
            body = await head(response.aiter_raw(), MAX_BYTES + 1)
        return body, f"{url} answered more than {MAX_BYTES} bytes: correct `version`" if len(body) > MAX_BYTES else ""
