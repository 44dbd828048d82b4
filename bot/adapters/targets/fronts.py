"""Looks at what stands before a service: its targets' certificates, and the answers of its edges."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

import httpx
from cryptography import x509

from bot.adapters.targets.answers import one_line
from bot.adapters.targets.dyeing import CONNECTIONS, land
from bot.adapters.targets.network import PinnedTransport, Resolver, locate, resolve_by_system
from bot.domain.addresses import AddressRefused, Endpoint, host_and_port
from bot.domain.dyeing import Front, Landed, Request
from bot.domain.fronts import Certificate, EdgeAnswer, read_answer
from bot.domain.service import Edge, Target

_TIMEOUT_S = 3.0
_CLOSE_S = 0.5


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
        """Read until when the certificate of a target's `url` is valid; None when it does not serve HTTPS."""
        if target.url is None or not target.url.startswith("https://"):
            return None
        try:
            endpoint = await locate(target.url, target.allow, self._resolver, self._timeout_s)
            async with asyncio.timeout(self._timeout_s):
                served = await _served_certificate(endpoint)
            expires_at = x509.load_der_x509_certificate(served).not_valid_after_utc
        except AddressRefused as refused:
            return Certificate(target.name, error=str(refused))
        except TimeoutError:
            return Certificate(target.name, error=f"no TLS handshake within {self._timeout_s:g} s")
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            return Certificate(target.name, error=f"its certificate cannot be read: {one_line(str(error), 100)}")
        return Certificate(target.name, expires_at)

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


async def _served_certificate(endpoint: Endpoint) -> bytes:
    """Shake hands and give the certificate (DER), whoever signed it: an expired one must be read too."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    async with _connected(endpoint, context) as writer:
        return writer.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""


@asynccontextmanager
async def _connected(endpoint: Endpoint, context: ssl.SSLContext) -> AsyncIterator[asyncio.StreamWriter]:
    address = endpoint.addresses[0]
    _, writer = await asyncio.open_connection(address, endpoint.port, ssl=context, server_hostname=endpoint.host)
    try:
        yield writer
    finally:
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await writer.wait_closed()
