"""Looks at what stands before a service: its targets' certificates, and the answers of its edges."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import httpx

from bot.adapters.targets.answers import one_line
from bot.adapters.targets.dyeing import CONNECTIONS, land
from bot.adapters.targets.handshake import TlsHandshakes
from bot.adapters.targets.network import PinnedTransport, Resolver, locate, resolve_by_system
from bot.domain.access import AccessMissing
from bot.domain.addresses import AddressRefused, Endpoint, host_and_port
from bot.domain.dyeing import Front, Landed, Request
from bot.domain.fronts import Certificate, EdgeAnswer, read_answer
from bot.domain.service import Edge, Target

_TIMEOUT_S = 3.0


class HttpFronts:
    """The Fronts port. Addresses are resolved once and must lie in the allow-list."""

    def __init__(
        self,
        resolver: Resolver = resolve_by_system,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._resolver = resolver
        self._now = now
        self._timeout_s = timeout_s

    async def certificate(self, target: Target) -> Certificate | None:
        """Read until when the first certificate of a target to end is valid; None when it does not serve HTTPS."""
        if target.secure_url is None:
            return None
        try:
            found = await TlsHandshakes(self._resolver, self._now, self._timeout_s).look(target)
        except (AddressRefused, AccessMissing) as refused:
            return Certificate(target.name, error=str(refused))
        ends = [each.chain[0].ends_at for each in found.addresses if each.chain and each.chain[0].ends_at]
        if ends:
            return Certificate(target.name, datetime.fromisoformat(min(ends)))
        errors = (each.error for each in found.addresses if each.error)
        return Certificate(target.name, error=next(errors, "its certificate cannot be read"))

    async def edge(self, edge: Edge) -> tuple[EdgeAnswer, ...]:
        """Ask every address of an edge for its path; what goes wrong is in the answer."""
        try:
            host, port = host_and_port(edge.url)
            found = edge.addresses or (await self._locate(edge, edge.url)).addresses
        except AddressRefused as refused:
            return (EdgeAnswer(edge.url, error=str(refused)),)
        return tuple(await asyncio.gather(*(self._ask(edge, Endpoint(host, port, (at,))) for at in found)))

    async def send(self, front: Front, requests: Sequence[Request]) -> tuple[Landed, ...]:
        """Send requests as users do; what goes wrong is in the answer."""
        try:
            endpoint = await locate(front.url, front.allow, self._resolver, self._timeout_s)
        except AddressRefused as refused:
            return tuple(Landed(request, error=str(refused)) for request in requests)
        transport = PinnedTransport(endpoint, ssl.create_default_context(), CONNECTIONS)
        async with httpx.AsyncClient(transport=transport, timeout=self._timeout_s) as client:
            return tuple(await asyncio.gather(*(land(client, front, each, self._timeout_s) for each in requests)))

    async def _locate(self, edge: Edge, url: str) -> Endpoint:
        return await locate(url, edge.allow, self._resolver, self._timeout_s)

    async def _ask(self, edge: Edge, at: Endpoint) -> EdgeAnswer:
        """Ask one address; Host and SNI stay the name's."""
        (address,) = at.addresses
        named = f"http://[{address}]" if ":" in address else f"http://{address}"
        try:
            endpoint = Endpoint(at.host, at.port, (await self._locate(edge, named)).addresses)
            transport = PinnedTransport(endpoint, ssl.create_default_context(), 1)
            async with (
                asyncio.timeout(self._timeout_s),
                httpx.AsyncClient(transport=transport, timeout=self._timeout_s) as client,
                client.stream("GET", edge.url, headers={"Accept-Encoding": "identity"}) as response,
            ):
                return read_answer(address, response.status_code, dict(response.headers), self._now())
        except AddressRefused as refused:
            return EdgeAnswer(address, error=str(refused))
        except (TimeoutError, httpx.TimeoutException):
            return EdgeAnswer(address, error=f"nothing within {self._timeout_s:g} s")
        except httpx.HTTPError as error:
            return EdgeAnswer(address, error=one_line(str(error), 100) or type(error).__name__)
